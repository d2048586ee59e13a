"""Weighted mean, the rule of FedAvg: ``rdiv(sum of w_i * q_i, sum of w_i)`` at each coordinate.

McMahan, Moore, Ramage, Hampson, Aguera y Arcas, "Communication-Efficient Learning of Deep Networks
from Decentralized Data", AISTATS 2017, algorithm 1, with the capped number of samples as weight.

Guarantee: the aggregate is the exact mean, rounded once; it lies between the smallest and the
largest entry.
Breaking point: 0 Byzantine participants. A single one that knows the others' sum moves the mean
anywhere within its share of the weight times the lattice's range (Blanchard et al., NeurIPS 2017,
lemma 1); the weight cap is what bounds that share.
"""

from collections.abc import Sequence
from typing import Any

from sheaf.learning.arrays import Vector, by_columns, empty, rdiv
from sheaf.learning.rules.rule import Rule, check_round
from sheaf.protocol import columns

_COLUMNS = 32_768
"""Columns worked on at once: the fewer calls, the better, as long as a group stays in cache."""

_GROUP = 16
"""Updates weighed by one product of floats. It is exact: 16 * 65,535 * 2**31 is below 2**53."""


def weighted_mean() -> Rule:
    """Return the rule."""
    return Rule("weighted_mean", _aggregate, columns.weighted_mean)


def _aggregate(updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
    check_round(updates, weights)
    factors = empty((len(weights),), "float64", updates[0])
    for index, weight in enumerate(weights):
        factors[index] = weight
    floats = empty((_GROUP, _COLUMNS), "float64", updates[0])
    sums = empty((2, _COLUMNS), "int64", updates[0])

    def kernel(entries: list[Any]) -> Any:
        width = len(entries[0])
        total, added = sums[:, :width]
        total[:] = 0
        for start in range(0, len(entries), _GROUP):
            group = entries[start : start + _GROUP]
            rows = floats[: len(group), :width]
            for row, entry in zip(rows, group, strict=True):
                row[:] = entry
            added[:] = factors[start : start + _GROUP] @ rows
            total += added
        return rdiv(total, sum(weights))

    return by_columns(updates, kernel, _COLUMNS)
