"""Arithmetic of ``sheaf.protocol.arithmetic``, by hand and against exact rationals."""

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.protocol.arithmetic import LIMIT, isqrt, lattice_integer, rdiv, sat, weights_fit


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0, 1, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (3, 2, 2),
        (-3, 2, -2),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (-4, 3, -1),
        (-5, 3, -2),
        (49, 100, 0),
        (50, 100, 1),
        (-50, 100, -1),
        (-49, 100, 0),
        (2**62, 2**31, 2**31),
        (-(2**62), 2**31, -(2**31)),
    ],
)
def test_rdiv_rounds_to_nearest_and_halves_away_from_zero(a: int, b: int, expected: int) -> None:
    assert rdiv(a, b) == expected


@given(st.integers(-(2**80), 2**80), st.integers(1, 2**64))
def test_rdiv_equals_decimal_half_up(a: int, b: int) -> None:
    with localcontext() as context:
        context.prec = 120
        # Decimal's ROUND_HALF_UP is away from zero for both signs.
        quotient = (Decimal(a) / Decimal(b)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert rdiv(a, b) == int(quotient)


@pytest.mark.parametrize("b", [0, -1])
def test_rdiv_refuses_a_divisor_that_is_not_positive(b: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        rdiv(1, b)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0, 0),
        (LIMIT, LIMIT),
        (LIMIT + 1, LIMIT),
        (-LIMIT, -LIMIT),
        (-LIMIT - 1, -LIMIT),
        (-(2**63), -LIMIT),
    ],
)
def test_sat_moves_to_the_range(x: int, expected: int) -> None:
    assert sat(x) == expected


def test_the_smallest_int32_reads_as_minus_the_limit() -> None:
    assert [lattice_integer(q) for q in (-(2**31), -LIMIT, 0, LIMIT)] == [-LIMIT, -LIMIT, 0, LIMIT]


@pytest.mark.parametrize("q", [2**31, -(2**31) - 1])
def test_a_number_that_is_no_int32_is_refused(q: int) -> None:
    with pytest.raises(ValueError, match="int32"):
        lattice_integer(q)


@pytest.mark.parametrize("root", [0, 1, 2, 2**31 - 1, 2**31, 3_037_000_499])
def test_isqrt_is_the_floor_on_both_sides_of_a_square(root: int) -> None:
    assert isqrt(root * root) == root
    assert isqrt(root * root + 2 * root) == root
    assert isqrt((root + 1) ** 2) == root + 1


def test_isqrt_near_the_top_of_int64() -> None:
    # A rounded float64 root of 2**62 - 1 is 2**31, one too many.
    assert math.sqrt(2**62 - 1) == 2**31
    assert isqrt(2**62 - 1) == 2**31 - 1


def test_isqrt_refuses_a_negative_number() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        isqrt(-1)


@pytest.mark.parametrize(
    ("cohort", "cap", "expected"),
    [
        (1, 1, True),
        (65_537, 65_535, True),  # 2**32 - 1
        (65_536, 65_535, True),
        (65_538, 65_535, False),
        (100, 65_536, False),
        (2**32, 1, False),
        (2**32 - 1, 1, True),
        (0, 1, False),
        (1, 0, False),
    ],
)
def test_weights_fit_below_two_to_the_thirty_two(cohort: int, cap: int, expected: bool) -> None:
    assert weights_fit(cohort, cap) is expected
