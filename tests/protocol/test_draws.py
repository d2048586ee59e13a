"""Draws: a permutation, uniform, equal to an independent one, and the odds it gives a quorum."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.protocol import draws


def key(number: int) -> bytes:
    """The numbered test key."""
    return hashlib.sha256(b"draws %d" % number).digest()


def independent(key: bytes, size: int, value: int) -> int:
    """One image under the permutation, written another way: a list of halves, text for words.

    Words by hand: 32 bytes of key, then the step shifted by 32 bits, or'ed with the half.
    """
    width = (size - 1).bit_length()
    low, high = (width + 1) // 2, width - (width + 1) // 2
    while True:
        halves = [value >> low, value % 2**low]
        for step in range(16 if width < 5 else 8):
            other = halves[1 - step % 2]
            text = key + bytes(24) + step.to_bytes(4, "big") + other.to_bytes(4, "big")
            number = int(hashlib.sha256(text).hexdigest(), 16)
            halves[step % 2] ^= number % 2 ** (low if step % 2 else high)
        value = halves[0] * 2**low + halves[1]
        if value < size:
            return value


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 100, 256, 257])
def test_equals_an_independent_implementation(size: int) -> None:
    expected = [independent(key(size), size, i) for i in range(size)]
    assert [draws.permute(key(size), size, i) for i in range(size)] == expected
    assert sorted(expected) == list(range(size))


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**24 - 1), st.data())
def test_position_is_the_inverse(key: bytes, size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    index = draws.permute(key, size, position)
    assert 0 <= index < size
    assert draws.position_of(key, size, index) == position


def test_golden_draws() -> None:
    # Written down once; a change of any of these is a change of the protocol.
    whole = [3, 0, 9, 5, 8, 1, 4, 2, 7, 6]
    assert [draws.permute(bytes(32), 10, i) for i in range(10)] == whole
    assert [independent(bytes(32), 10, i) for i in range(10)] == whole
    first, ones = [3_535_405, 9_866_231, 8_142_724], b"\xff" * 32
    assert [draws.permute(ones, 2**24 - 1, i) for i in range(3)] == first
    assert [independent(ones, 2**24 - 1, i) for i in range(3)] == first


@pytest.mark.parametrize(("size", "value"), [(1, 1), (5, 5), (5, -1), (0, 0)])
def test_values_out_of_range_are_refused(size: int, value: int) -> None:
    with pytest.raises(ValueError, match="lies in"):
        draws.permute(key(0), size, value)
    with pytest.raises(ValueError, match="lies in"):
        draws.position_of(key(0), size, value)


# Size -> the value a chi-square statistic of size * (size - 1) - 1 degrees of freedom exceeds
# once in a million for uniform pairs. Keys are fixed, so the test cannot flicker, and seven sizes
# at one in a million leave no room for an unlucky choice of them.
TRIALS = 12_000
CRITICAL = {2: 23.93, 3: 35.89, 4: 48.87, 5: 63.68, 6: 80.44, 7: 99.17, 9: 142.63}


@pytest.mark.parametrize("size", CRITICAL)
def test_ordered_pairs_are_uniform(size: int) -> None:
    pairs = list(permutations(range(size), 2))
    seen = Counter(
        (draws.permute(key(n), size, 0), draws.permute(key(n), size, 1)) for n in range(TRIALS)
    )
    mean = TRIALS / len(pairs)
    statistic = sum((seen[pair] - mean) ** 2 / mean for pair in pairs)
    assert statistic < CRITICAL[size]


def test_every_pair_of_places_is_drawn_together_equally_often() -> None:
    # Four of eight: each of the 28 pairs is together in 3/14 of 2,800 draws, 600 times; six
    # standard deviations are 6 * 21.7.
    together: Counter[tuple[int, int]] = Counter()
    for number in range(2800):
        cohort = sorted(draws.permute(key(number), 8, i) for i in range(4))
        together.update(combinations(cohort, 2))
    assert len(together) == 28
    assert all(abs(count - 600) < 130 for count in together.values())


@pytest.mark.parametrize(
    ("seats", "least"), [(1, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (9, 6), (31, 21)]
)
def test_quorum(seats: int, least: int) -> None:
    assert draws.quorum(seats) == least
    assert 3 * least >= 2 * seats > 3 * (least - 1)


@pytest.mark.parametrize("seats", [1, 3, 4, 5])
def test_capture_odds_by_enumeration(seats: int) -> None:
    for pool in range(seats, 8):
        for bad in range(pool + 1):
            committees = list(combinations(range(pool), seats))
            captured = [c for c in committees if 3 * sum(m < bad for m in c) >= 2 * seats]
            odds = Fraction(len(captured), len(committees))
            assert draws.capture_odds(seats, pool, bad, 0) == odds
            for openings in (1, 3):
                best_of = min(Fraction(1), odds * 2**openings)
                assert draws.capture_odds(seats, pool, bad, openings) == best_of


def test_the_union_bound_holds() -> None:
    # The chance that the best of 2^t independent draws is captured never exceeds the bound.
    odds = draws.capture_odds(3, 9, 3, 0)
    for openings in range(6):
        exact = 1 - (1 - odds) ** (2**openings)
        assert exact <= draws.capture_odds(3, 9, 3, openings)


@pytest.mark.parametrize("wrong", [(3, 2, 0, 0), (0, 5, 1, 0), (3, 5, 6, 0), (3, 5, -1, 0)])
def test_impossible_draws_are_refused(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        draws.capture_odds(*wrong)


def test_odds_are_printed_rounded_up() -> None:
    # One adversary of three for one seat, and none in a cohort of two: a third.
    assert draws.capture_ppb(1, 3, (1, 3), 2) == 333_333_334
    assert draws.capture_ppb(1, 4, (1, 4), 3) == 250_000_000
