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

from sheaf.learning.arrays import (
    EXACT_QUOTIENTS,
    Vector,
    by_columns,
    empty,
    lattice_integers,
    namespace,
    rdiv,
    round_quotients,
)
from sheaf.learning.rules.rule import Rule, check_round
from sheaf.protocol import columns
from sheaf.protocol.arithmetic import LIMIT

_COLUMNS = 32_768
"""Columns worked on at once: the fewer calls, the better, as long as a group stays in cache."""

_GROUP = 16
"""Updates weighed by one product of floats. It is exact: 16 * 65,535 * 2**31 is below 2**53."""


def weighted_mean() -> Rule:
    """Return the rule."""
    return Rule("weighted_mean", _aggregate, columns.weighted_mean)


def _aggregate(updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
    check_round(updates, weights)
    weight = sum(weights)
    factors = empty((len(weights),), "float64", updates[0])
    for index, factor in enumerate(weights):
        factors[index] = factor
    weigh = namespace(updates[0]).matmul
    floats = empty((_GROUP, _COLUMNS), "float64", updates[0])
    product = empty((_COLUMNS,), "float64", updates[0])
    # Few samples leave every sum small enough to stay in floats, which is faster.
    in_floats = weight * 2**31 <= EXACT_QUOTIENTS
    sums = empty((2, _COLUMNS), "float64" if in_floats else "int64", updates[0])

    def kernel(entries: list[Any]) -> Any:
        total, added = sums[:, : len(entries[0])]
        for start in range(0, len(entries), _GROUP):
            group = entries[start : start + _GROUP]
            rows = floats[: len(group), : len(total)]
            for row, entry in zip(rows, group, strict=True):
                row[:] = entry
                # Looked at second: by now the entries are in cache.
                if entry.min() < -LIMIT:
                    row[:] = lattice_integers(entry)
            weighed = product[: len(total)]
            weigh(rows.T, factors[start : start + _GROUP], out=weighed)
            if start == 0:
                total[:] = weighed
            else:
                added[:] = weighed
                total += added
        if in_floats:
            round_quotients(total, weight)
            return total
        return rdiv(total, weight)

    return by_columns(updates, kernel, _COLUMNS)
