"""Draws by a keyed permutation: exactly k members, constant-time membership.

An alternating Feistel network over SHA-256 permutes the smallest power of two that holds all
indices; cycle-walking brings it back into range (Black and Rogaway, "Ciphers with Arbitrary Finite
Domains", CT-RSA 2002, method 3). Position 0..k-1 of the permutation is the cohort, or the
committee's seats; `position_of` is the inverse, so anybody's membership costs the same at any n.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

from sheaf.protocol.hashing import digest

PARTS_PER_BILLION = 10**9


def feistel_rounds(width: int) -> int:
    """Rounds that make pairs of positions uniform: tiny domains mix slowly. Eight rounds failed a
    chi-square test over ordered pairs at 3 bits, sixteen pass it; eight pass from 5 bits
    (docs/adr/0008)."""
    return 16 if width < 5 else 8


def _feistel(key: bytes, width: int, value: int, inverse: bool) -> int:
    """One pass over `width` bits: even rounds change the high half, odd rounds the low half."""
    low_bits = (width + 1) // 2
    low_mask, high_mask = (1 << low_bits) - 1, (1 << (width - low_bits)) - 1
    high, low = value >> low_bits, value & low_mask
    order = range(feistel_rounds(width))
    for step in reversed(order) if inverse else order:
        half = low if step % 2 == 0 else high
        mixed = int.from_bytes(digest(key, step << 32 | half), "big")
        if step % 2 == 0:
            high ^= mixed & high_mask
        else:
            low ^= mixed & low_mask
    return high << low_bits | low


def _walk(key: bytes, size: int, value: int, inverse: bool) -> int:
    if not 0 <= value < size:
        raise ValueError(f"a value to permute lies in [0, {size}); found {value}")
    width = (size - 1).bit_length()
    if width == 0:
        return 0
    value = _feistel(key, width, value, inverse)
    while value >= size:
        value = _feistel(key, width, value, inverse)
    return value


def permute(key: bytes, size: int, position: int) -> int:
    """The index at `position` of the permutation of `range(size)` under `key`."""
    return _walk(key, size, position, inverse=False)


def position_of(key: bytes, size: int, index: int) -> int:
    """The position of `index`: the inverse of `permute`."""
    return _walk(key, size, index, inverse=True)


def quorum(seats: int) -> int:
    """The least number of equal verdicts that make a claim: `3 * equal >= 2 * seats`."""
    return -(-2 * seats // 3)


def capture_odds(seats: int, pool: int, adversaries: int, openings: int) -> Fraction:
    """An upper bound on the chance that `adversaries` of a `pool` fill a quorum of the `seats`.

    One draw is hypergeometric; whoever controls t openings chooses the best of up to 2^t draws by
    withholding, which the union bound charges in full. Exact, at most 1.
    """
    if not 0 <= adversaries <= pool or not 1 <= seats <= pool:
        raise ValueError(f"cannot draw {seats} of {pool} with {adversaries} adversaries")
    ways = sum(
        comb(adversaries, bad) * comb(pool - adversaries, seats - bad)
        for bad in range(quorum(seats), min(seats, adversaries) + 1)
    )
    return min(Fraction(1), Fraction(ways * 2**openings, comb(pool, seats)))


def capture_ppb(seats: int, pool: int, adversary: tuple[int, int], goal: int) -> int:
    """`capture_odds` in parts per billion, rounded up, where one hand holds the share `adversary`
    of the `pool` and of a cohort of `goal`, whose openings it may withhold."""
    share = Fraction(*adversary)
    odds = capture_odds(seats, pool, int(pool * share), int(goal * share))
    return -int(-odds * PARTS_PER_BILLION // 1)
