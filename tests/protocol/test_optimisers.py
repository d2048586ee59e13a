"""Server optimisers, by hand, against exact rationals, and the state they start from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sheaf.protocol import terms
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind
from tests.optimiser_reference import Column, columns, exact_step
from tests.play import ADAM, MOMENTUM, TERMS, changed

LIMIT = 2**31 - 1
ONE = 2**24


def optimiser_of(c: Column) -> Optimiser:
    constants = Constants(c.mean_divisor, c.square_divisor, c.rate, c.floor)
    return Optimiser(OptimiserKind(c.kind), c.fraction_bits, constants)


def stepped(c: Column) -> tuple[int, int, int]:
    value, (M, V) = optimiser_of(c).step(c.value, c.aggregate, (c.mean, c.square))
    return value, M, V


# 16 fraction bits, so that the aggregate times 256 is D. Kind, constants, value, aggregate, M, V;
# then the next value, M and V.
BY_HAND = [
    # M = 0 + 512/2; 3 + 256 * 2^24 / 2^32 = 3 + 1.
    ((1, 2, 0, ONE, 0), (3, 2, 0, 0), (4, 256, 0)),
    # Half a step rounds away from zero, on both sides: 128 / 256.
    ((1, 4, 0, ONE, 0), (0, 2, 0, 0), (1, 128, 0)),
    ((1, 4, 0, ONE, 0), (0, -2, 0, 0), (-1, -128, 0)),
    # M = 10 + rdiv(256 - 10, 4) = 10 + 62 (61.5 rounded up).
    ((1, 4, 0, ONE, 0), (0, 1, 10, 0), (0, 72, 0)),
    # V = 0 + 256^2, its root 256; 5 + 256 * 2^24 / (1280 * 256) = 5 + 13107.2.
    ((2, 1, 0, ONE, 1024), (5, 1, 0, 0), (13112, 256, 65536)),
    # V = 100 + rdiv(65536 - 100, 100) = 754, its root 27; 256 * 2^24 / (1051 * 256) = 15963.1.
    ((3, 1, 100, ONE, 1024), (0, 1, 0, 100), (15963, 256, 754)),
    # V falls below the aggregate's square by a hundredth of the way.
    ((3, 1, 100, ONE, 1024), (0, 0, 0, 1000), (0, 0, 990)),
    # Yogi: V = 100 + rdiv(65536, 100) = 755; then the square is 0 and V stays.
    ((4, 1, 100, ONE, 1024), (0, 1, 0, 100), (15963, 256, 755)),
    ((4, 1, 100, ONE, 1024), (0, 0, 0, 1000), (0, 0, 1000)),
    # Above the square V falls by the same part of it: 10^6 - 655, its root 999; 2^24 / 2023.
    ((4, 1, 100, ONE, 1024), (0, 1, 0, 10**6), (8293, 256, 999345)),
]


@pytest.mark.parametrize(("constants", "given", "expected"), BY_HAND)
def test_by_hand(
    constants: tuple[int, int, int, int, int],
    given: tuple[int, int, int, int],
    expected: tuple[int, int, int],
) -> None:
    kind, mean_divisor, square_divisor, rate, floor = constants
    value, aggregate, mean, square = given
    shape = (kind, 16, mean_divisor, square_divisor, rate, floor)
    assert stepped(Column(*shape, value, mean, square, aggregate)) == expected


def test_steps_equal_exact_rationals() -> None:
    for column in columns(20_000, seed=1):
        assert stepped(column) == exact_step(column), column


def test_extremes_reach_the_ends_of_every_range() -> None:
    # So that what the columns say of overflows is worth something.
    tried = [(column, exact_step(column)) for column in columns(20_000, seed=1)]
    assert {value for _, (value, _, _) in tried} >= {LIMIT, -LIMIT}
    assert {mean for _, (_, mean, _) in tried} >= {LIMIT, -LIMIT}
    highest = {kind: max(s[2] for c, s in tried if c.kind == kind) for kind in (2, 3, 4)}
    assert highest[2] == 2**62
    assert 2**61 < highest[3] <= 3 * 2**61
    assert 2**62 < highest[4] <= 3 * 2**61


def test_a_square_stays_below_its_limit_and_never_falls_below_zero() -> None:
    for column in columns(20_000, seed=2):
        sound = replace(column, square=max(0, min(column.square, 2**62 - 1)))
        _, _, square = stepped(sound)
        assert 0 <= square < 3 * 2**61


def test_the_plain_step_keeps_nothing() -> None:
    plain = Optimiser(OptimiserKind.PLAIN, 16, Constants(0, 0, 0, 0))
    assert plain.step(LIMIT, 5, (7, 7)) == (LIMIT, (0, 0))
    assert plain.step(-(2**31), -(2**31), (0, 0)) == (-LIMIT, (0, 0))
    assert plain.step(3, -5, (0, 0)) == (-2, (0, 0))


@pytest.mark.parametrize(("value", "aggregate"), [(2**31, 0), (0, 2**31), (0, -(2**31) - 1)])
def test_what_is_no_int32_is_refused(value: int, aggregate: int) -> None:
    with pytest.raises(ValueError, match="int32"):
        optimiser_of(next(columns(1, seed=1))).step(value, aggregate, (0, 0))


# The state before the first round


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 9162 as it is written: split at the largest power of two below the count."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("trainable", [1, 2, 3, 4, 5, 10, 255, 256, 257, 1000])
@pytest.mark.parametrize("chunk_log2", [4, 5, 12])
def test_a_state_starts_at_the_square_of_the_floor(trainable: int, chunk_log2: int) -> None:
    shape = {"coordinates": 1000, "trainable": trainable, "chunk_log2": chunk_log2}
    # The floor is 2^14: its square, 2^28, in little-endian bytes.
    pair = bytes(8) + b"\0\0\0\x10\0\0\0\0"
    for constants, element in ((ADAM, pair), (MOMENTUM, bytes(8))):
        model = changed(TERMS, **shape, **constants).model
        data = element * trainable
        leaves = [leaf(chunk) for chunk in chunks(data, 2**chunk_log2)]
        assert model.initial_state == root(leaves)
        assert model.state_leaves == len(leaves)


def test_the_plain_step_has_no_state() -> None:
    assert TERMS.model.initial_state == bytes(32)
    assert TERMS.model.state_leaves == 0


def test_the_largest_constants_fit_a_state() -> None:
    model = terms.Model(1, 1, 16, 4, 0, 0, 0, 4, 2**24 - 1, 2**24 - 1, LIMIT, LIMIT)
    assert model.server.start == (0, 2**62 - 2**32 + 1)
    assert model.initial_state == leaf(bytes(8) + (2**62 - 2**32 + 1).to_bytes(8, "little"))
