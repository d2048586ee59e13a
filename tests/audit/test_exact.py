"""Exact tests against scipy and against numbers worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from scipy import stats

from sheaf.audit.exact import gini, holm, two_sided


@pytest.mark.parametrize("odds", [Fraction(1, 2), Fraction(1, 3), Fraction(4, 5), Fraction(7, 100)])
@pytest.mark.parametrize("trials", [1, 2, 7, 40])
def test_the_binomial_test_is_scipys(trials: int, odds: Fraction) -> None:
    for hits in range(trials + 1):
        expected = stats.binomtest(hits, trials, float(odds)).pvalue
        assert float(two_sided(trials, hits, odds)) == pytest.approx(expected, rel=1e-9)


def test_small_cases_by_hand() -> None:
    # Of eight equally likely outcomes of three coins, one shows no head and one three heads.
    assert two_sided(3, 0, Fraction(1, 2)) == Fraction(2, 8)
    assert two_sided(3, 1, Fraction(1, 2)) == 1
    # Two draws at 1/3: no hit 4/9, one 4/9, two 1/9.
    assert [two_sided(2, hits, Fraction(1, 3)) for hits in range(3)] == [1, 1, Fraction(1, 9)]
    assert two_sided(5, 5, Fraction(1)) == 1
    assert two_sided(5, 4, Fraction(1)) == 0


@pytest.mark.parametrize(
    ("trials", "hits", "odds"), [(3, 4, Fraction(1, 2)), (3, 1, Fraction(3, 2))]
)
def test_what_cannot_be_is_refused(trials: int, hits: int, odds: Fraction) -> None:
    with pytest.raises(ValueError, match="hits in 3 trials"):
        two_sided(trials, hits, odds)


def test_holm_by_hand() -> None:
    # 0.01 x 4, then 0.02 x 3 = 0.06, 0.03 x 2 = 0.06, and 0.005 first: in order of size
    # 0.005 x 4 = 0.02, 0.01 x 3 = 0.03, 0.03 x 2 = 0.06, 0.04 x 1 = 0.04 raised to 0.06.
    values = [Fraction(n, 1000) for n in (10, 40, 30, 5)]
    assert holm(values) == [Fraction(n, 1000) for n in (30, 60, 60, 20)]
    assert holm([Fraction(1, 2), Fraction(3, 4)]) == [1, 1]
    assert holm([]) == []


def test_gini_by_hand() -> None:
    # Mean absolute difference of 1, 2, 3 over nine pairs is 8/9; half of it over the mean 2: 2/9.
    assert gini([3, 1, 2]) == Fraction(2, 9)
    assert gini([5, 5, 5]) == 0
    assert gini([0, 0, 0, 7]) == Fraction(3, 4)
    assert gini([0, 0]) is None


def test_gini_is_the_mean_absolute_difference() -> None:
    shares = [13, 0, 7, 7, 101, 4]
    pairs = sum(abs(a - b) for a in shares for b in shares)
    assert gini(shares) == Fraction(pairs, 2 * len(shares) * sum(shares))
