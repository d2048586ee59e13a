"""Coordinate-wise trimmed mean: drop t at each end, ``rdiv`` the sum of the rest by ``n - 2 * t``.

Yin, Chen, Kannan, Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical
Rates", ICML 2018, definition 2, with ``t = floor(n * numerator / denominator)``, an exact ratio.
Unweighted.

Guarantee: with at most t Byzantine of n, every coordinate lies between two honest entries; the
error is of order ``f/n + 1/sqrt(n)`` for sub-exponential gradients (their theorem 4).
Breaking point: t + 1 Byzantine updates move every coordinate at will. Up to t, shifts inside the
honest spread still bias it (Baruch et al., "A Little Is Enough", NeurIPS 2019; Fang et al., USENIX
Security 2020). A ratio that floors to t = 0 is the unweighted mean and protects from nothing.
"""

from collections.abc import Sequence

from sheaf.learning.arrays import Vector
from sheaf.learning.rules.order_statistics import middle_mean
from sheaf.learning.rules.rule import Rule, check_round
from sheaf.protocol import columns


def trimmed_mean(numerator: int, denominator: int) -> Rule:
    """Return the rule that drops ``numerator / denominator`` of the updates at each end.

    Raises ``ValueError`` unless ``0 <= 2 * numerator < denominator``.
    """
    columns.trim(0, numerator, denominator)

    def aggregate(updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
        check_round(updates, weights)
        return middle_mean(updates, columns.trim(len(updates), numerator, denominator))

    def column(column: Sequence[int], weights: Sequence[int]) -> int:
        return columns.trimmed_mean(column, numerator, denominator)

    return Rule("trimmed_mean", aggregate, column)
