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

from sheaf.learning.arrays import COLUMNS, Vector, by_columns, empty, rdiv
from sheaf.learning.rules.rule import Rule, check_round
from sheaf.protocol import columns

_GROUP = 64
"""Updates summed in float64, twice as fast as int64 and exact: 64 * 65,535 * 2**31 < 2**53."""


def weighted_mean() -> Rule:
    """Return the rule."""
    return Rule("weighted_mean", _aggregate, columns.weighted_mean)


def _aggregate(updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
    check_round(updates, weights)
    total = sum(weights)
    sums = empty((2, COLUMNS), "int64", updates[0])
    floats = empty((2, COLUMNS), "float64", updates[0])

    def kernel(entries: list[Any]) -> Any:
        width = len(entries[0])
        summed, group_integers = sums[:, :width]
        group_sum, product = floats[:, :width]
        summed[:] = 0
        for start in range(0, len(entries), _GROUP):
            group = slice(start, start + _GROUP)
            group_sum[:] = 0
            for entry, weight in zip(entries[group], weights[group], strict=True):
                product[:] = entry
                product *= weight
                group_sum += product
            group_integers[:] = group_sum
            summed += group_integers
        return rdiv(summed, total)

    return by_columns(updates, kernel)
