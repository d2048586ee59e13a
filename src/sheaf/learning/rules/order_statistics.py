"""The mean of the middle entries of each column: what median and trimmed mean have in common.

Up to ``NETWORK_ROWS`` updates a network of element-wise minima and maxima finds the middle ranks,
whole rows at a time. Above that, each column is sorted.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sheaf.learning.arrays import (
    Vector,
    blocks,
    by_columns,
    empty,
    lattice_integers,
    namespace,
    round_quotients,
    sort_rows,
)
from sheaf.learning.rules.networks import network
from sheaf.protocol.arithmetic import LIMIT

NETWORK_ROWS = 64
"""Up to this many updates the network is faster than sorting."""

NETWORK_COLUMNS = 32_768
"""Columns that a network works on at once: enough that the work outweighs the calls."""

SORTED_COLUMNS = 2_048
"""Columns turned and sorted at once: of a hundred updates they fit the L2 cache."""

_READ_COLUMNS = 8 * SORTED_COLUMNS
"""Columns read at once to be sorted."""

_PADDING = 16
"""Entries between rows, so that a column's do not lie a power of two apart, in one cache set."""

_FEW = 8
"""Up to this many ranks are summed faster one by one than along the sorted rows."""

Kernel = Callable[[list[Any]], Any]


def middle_mean(updates: Sequence[Vector], dropped: int) -> Vector:
    """Return ``rdiv`` of the sum of what is left by the count of it, at each coordinate.

    ``dropped`` entries go at each end, and at least one of ``updates`` is left.
    """
    # Which entries are in the middle does not depend on how -2**31 reads, so only they are read.
    if len(updates) <= NETWORK_ROWS:
        return by_columns(updates, _by_network(updates, dropped), NETWORK_COLUMNS)
    return by_columns(updates, _by_sorting(updates, dropped), _READ_COLUMNS)


def _by_network(updates: Sequence[Any], dropped: int) -> Kernel:
    module, plan = namespace(updates[0]), network(len(updates), dropped)
    scratch = empty((plan.scratch, NETWORK_COLUMNS), "int32", updates[0])
    sums = empty((2, NETWORK_COLUMNS), "float64", updates[0])
    steps = [
        (
            module.minimum if step.is_minimum else module.maximum,
            step.first,
            step.second,
            step.target,
        )
        for step in plan.steps
    ]

    def kernel(entries: list[Any]) -> Any:
        width = len(entries[0])
        rows = [*entries, *scratch[:, :width]]
        for choose, first, second, target in steps:
            choose(rows[first], rows[second], out=rows[target])
        return _mean([lattice_integers(rows[row]) for row in plan.middle], sums[:, :width])

    return kernel


def _mean(rows: Sequence[Any], sums: Any) -> Any:
    """Return the mean of int32 rows, in one of them or in the float64 ``sums``."""
    if len(rows) == 1:
        return rows[0]
    total, added = sums
    total[:] = rows[0]
    for row in rows[1:]:
        # Widened first: adding an int32 row takes twice as long.
        added[:] = row
        total += added
    round_quotients(total, len(rows))
    return total


def _by_sorting(updates: Sequence[Any], dropped: int) -> Kernel:
    count, like = len(updates), updates[0]
    left = count - 2 * dropped
    rows = empty((count, _READ_COLUMNS + _PADDING), "int32", like)
    columns = empty((SORTED_COLUMNS, count), "int32", like)
    picked = empty((min(left, _FEW), _READ_COLUMNS), "int32", like)
    sums = empty((2, _READ_COLUMNS), "float64", like)

    def kernel(entries: list[Any]) -> Any:
        width = len(entries[0])
        for row, entry in zip(rows, entries, strict=True):
            row[:width] = entry
        for block in blocks(width, SORTED_COLUMNS):
            turned = columns[: block.stop - block.start]
            turned[:] = rows[:, block].T
            middle = sort_rows(turned)[:, dropped : count - dropped]
            if left <= _FEW:
                for rank, row in enumerate(picked):
                    row[block] = middle[:, rank]
            else:
                sums[0, block] = _row_sums(middle)
        if left <= _FEW:
            return _mean([lattice_integers(row) for row in picked[:, :width]], sums[:, :width])
        round_quotients(sums[0, :width], left)
        return sums[0, :width]

    return kernel


def _row_sums(middle: Any) -> Any:
    """The sum of each row of ``middle``, whose entries ascend."""
    count, module = middle.shape[1], namespace(middle)
    lowest, highest = int(middle[:, 0].min()), int(middle[:, count - 1].max())
    # Where they fit, int32 sums take half the time.
    if max(-lowest, highest) * count <= LIMIT:
        return middle.sum(1, dtype=module.int32)
    return lattice_integers(middle).sum(1, dtype=module.int64)
