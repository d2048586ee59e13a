"""Column forms, by hand and against exact rationals of the standard library."""

import statistics
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.columns import median, median_trim, trim, trimmed_mean, weighted_mean

LOWEST = -(2**31)
entries = st.integers(LOWEST, LIMIT)
columns = st.lists(entries, min_size=1, max_size=40)


def half_away(value: Fraction) -> int:
    with localcontext() as context:
        context.prec = 80
        decimal = Decimal(value.numerator) / Decimal(value.denominator)
        return int(decimal.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("column", "weights", "expected"),
    [
        ([7], [3], 7),
        ([1, 2], [1, 1], 2),
        ([-1, -2], [1, 1], -2),
        ([-1, 0], [1, 1], -1),
        ([10, 20, 30], [1, 2, 1], 20),
        ([10, -20], [3, 1], 3),  # 10 / 4
        ([-10, 20], [3, 1], -3),
        ([5, 9], [0, 2], 9),
        ([LIMIT] * 3, [65_535] * 3, LIMIT),
        ([LOWEST] * 3, [65_535] * 3, -LIMIT),
    ],
)
def test_weighted_mean_by_hand(column: list[int], weights: list[int], expected: int) -> None:
    assert weighted_mean(column, weights) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([4], 4),
        ([1, 2], 2),
        ([-1, -2], -2),
        ([-1, 2], 1),  # 1 / 2
        ([-2, 1], -1),
        ([9, 1, 5], 5),
        ([5, 5, 5, -9], 5),
        ([LIMIT, LIMIT], LIMIT),
        ([LOWEST, LOWEST], -LIMIT),
        ([LOWEST, LOWEST, LIMIT, LIMIT], 0),
    ],
)
def test_median_by_hand(column: list[int], expected: int) -> None:
    assert median(column) == expected


@pytest.mark.parametrize(
    ("column", "numerator", "denominator", "expected"),
    [
        ([1, 2, 6], 0, 1, 3),
        ([100, 1, 2, -100], 1, 4, 2),  # 3 / 2
        ([100, -1, -2, -100], 1, 4, -2),
        ([1, 2, 3, 4, 1000], 1, 5, 3),
        ([1, 2, 3, 4, 1000], 1, 6, 202),  # floor(5 / 6) = 0 dropped
        ([0] * 29 + [7] * 42 + [1000] * 29, 29, 100, 7),
    ],
)
def test_trimmed_mean_by_hand(
    column: list[int], numerator: int, denominator: int, expected: int
) -> None:
    assert trimmed_mean(column, numerator, denominator) == expected


def test_a_trim_is_an_exact_ratio() -> None:
    assert int(0.29 * 100) == 28  # what a float would drop
    assert trim(100, 29, 100) == 29


@pytest.mark.parametrize(("count", "below"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 2)])
def test_median_trim_leaves_one_or_two(count: int, below: int) -> None:
    assert median_trim(count) == below


@pytest.mark.parametrize("ratio", [(1, 2), (2, 3), (-1, 3), (0, 0), (1, -3)])
def test_a_trim_of_half_or_more_is_refused(ratio: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="less than 1/2"):
        trimmed_mean([1, 2, 3], *ratio)


def test_malformed_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        median([])
    with pytest.raises(ValueError, match="one per entry"):
        weighted_mean([1, 2], [1])
    with pytest.raises(ValueError, match="negative"):
        weighted_mean([1, 2], [2, -1])
    with pytest.raises(ValueError, match="divisor 0"):
        weighted_mean([1, 2], [0, 0])
    with pytest.raises(ValueError, match="int32"):
        median([2**31])


@given(columns)
def test_median_equals_the_standard_library(column: list[int]) -> None:
    read = [Fraction(max(entry, -LIMIT)) for entry in column]
    assert median(column) == half_away(statistics.median(read))


@given(st.lists(st.tuples(entries, st.integers(1, 65_535)), min_size=1, max_size=40))
def test_weighted_mean_equals_exact_rationals(pairs: list[tuple[int, int]]) -> None:
    column, weights = [q for q, _ in pairs], [w for _, w in pairs]
    exact = sum(Fraction(max(q, -LIMIT) * w, sum(weights)) for q, w in pairs)
    assert weighted_mean(column, weights) == half_away(Fraction(exact))


@given(columns, st.permutations(range(5)))
def test_order_of_a_column_does_not_matter(column: list[int], order: list[int]) -> None:
    turned = [column[i] for i in order if i < len(column)] + column[5:]
    assert median(turned) == median(column)
    assert trimmed_mean(turned, 1, 3) == trimmed_mean(column, 1, 3)
