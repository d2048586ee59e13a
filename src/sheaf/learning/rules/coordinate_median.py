"""Coordinate-wise median: the middle entry or, of an even number, ``rdiv`` of the middle two's sum.

Yin, Chen, Kannan, Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical
Rates", ICML 2018, definition 1. Unweighted: samples do not count, else a self-reported number would
be a vote.

Guarantee: with fewer than half Byzantine, every coordinate lies between two honest entries; the
error is of order ``f/n + 1/sqrt(n)`` for distributions of bounded skewness (their theorem 1).
Breaking point: half of the updates. Below it, small shifts inside the honest spread still bias it
(Baruch et al., "A Little Is Enough", NeurIPS 2019), and honest clients with unlike data are
outvoted coordinate by coordinate.
"""

from collections.abc import Sequence

from sheaf.learning.arrays import Vector
from sheaf.learning.rules.order_statistics import middle_mean
from sheaf.learning.rules.rule import Rule, check_round
from sheaf.protocol import columns


def coordinate_median() -> Rule:
    """Return the rule."""
    return Rule("coordinate_median", _aggregate, _column)


def _aggregate(updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
    check_round(updates, weights)
    return middle_mean(updates, columns.median_trim(len(updates)))


def _column(column: Sequence[int], weights: Sequence[int]) -> int:
    return columns.median(column)
