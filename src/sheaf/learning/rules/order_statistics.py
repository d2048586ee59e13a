"""The mean of the middle entries of each column: what median and trimmed mean have in common.

Up to ``NETWORK_ROWS`` updates a network of element-wise minima and maxima puts the wanted ranks in
place, whole rows at a time (Batcher, "Sorting networks and their applications", AFIPS 1968; for any
count, Knuth, TAOCP 3, section 5.2.2, algorithm M). Comparators that the wanted ranks do not depend
on are left out. Above that, each column is sorted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sheaf.learning.arrays import (
    COLUMNS,
    Vector,
    by_columns,
    empty,
    namespace,
    rdiv,
    sort_rows,
)

NETWORK_ROWS = 32
"""Up to this many updates the network is faster than sorting."""


@dataclass(frozen=True)
class Comparator:
    """Moves the smaller of two wires to ``low``, the larger to ``high``, each where wanted."""

    low: int
    high: int
    wants_minimum: bool
    wants_maximum: bool


def middle_mean(updates: Sequence[Vector], dropped: int) -> Vector:
    """Return ``rdiv`` of the sum of what is left by the count of it, at each coordinate.

    ``dropped`` entries go at each end, and at least one of ``updates`` is left.
    """
    fill = _by_network if len(updates) <= NETWORK_ROWS else _by_sorting
    kernel = fill(updates, dropped)
    return by_columns(updates, kernel)


@lru_cache(maxsize=256)
def network(count: int, dropped: int) -> tuple[Comparator, ...]:
    """Return comparators after which wires ``dropped`` to ``count - dropped - 1`` hold those ranks.

    They hold them in any order, since only their sum is wanted.
    """
    middle = range(dropped, count - dropped)
    # Per wire, from the end backwards: not wanted, wanted as part of a sum, or wanted as a rank.
    wanted = ["in a sum" if wire in middle else "" for wire in range(count)]
    kept: list[Comparator] = []
    for low, high in reversed(list(_sorting_network(count))):
        if wanted[low] == wanted[high] == "in a sum" or not (wanted[low] or wanted[high]):
            continue
        kept.append(Comparator(low, high, bool(wanted[low]), bool(wanted[high])))
        wanted[low] = wanted[high] = "as a rank"
    return tuple(reversed(kept))


def _sorting_network(count: int) -> Iterator[tuple[int, int]]:
    """Yield the comparators of the odd-even merge sort of ``count`` wires, in order."""
    merged = 1
    while merged < count:
        step = merged
        while step >= 1:
            for start in range(step % merged, count - step, 2 * step):
                for low in range(start, min(start + step, count - step)):
                    if low // (2 * merged) == (low + step) // (2 * merged):
                        yield low, low + step
            step //= 2
        merged *= 2


def _by_network(updates: Sequence[Any], dropped: int) -> Callable[[list[Any]], Any]:
    count = len(updates)
    module = namespace(updates[0])
    # One row more than wires: a comparator writes its minimum there, and the rows trade places.
    scratch = empty((count + 1, COLUMNS), "int32", updates[0])
    sums = empty((COLUMNS,), "int64", updates[0])
    comparators = network(count, dropped)

    def kernel(entries: list[Any]) -> Any:
        width = len(entries[0])
        *wires, spare = scratch[:, :width]
        for wire, entry in zip(wires, entries, strict=True):
            wire[:] = entry
        for comparator in comparators:
            low, high = wires[comparator.low], wires[comparator.high]
            if comparator.wants_minimum:
                module.minimum(low, high, out=spare)
            if comparator.wants_maximum:
                module.maximum(low, high, out=high)
            if comparator.wants_minimum:
                wires[comparator.low], spare = spare, low
        return _mean(wires[dropped : count - dropped], sums[:width])

    return kernel


def _mean(rows: Sequence[Any], total: Any) -> Any:
    if len(rows) == 1:
        return rows[0]
    total[:] = 0
    for row in rows:
        total += row
    return rdiv(total, len(rows))


def _by_sorting(updates: Sequence[Any], dropped: int) -> Callable[[list[Any]], Any]:
    count = len(updates)
    scratch = empty((COLUMNS, count), "int32", updates[0])

    def kernel(entries: list[Any]) -> Any:
        # Transposed, so that what is sorted lies side by side in memory.
        columns = scratch[: len(entries[0])]
        for index, entry in enumerate(entries):
            columns[:, index] = entry
        middle = sort_rows(columns)[:, dropped : count - dropped]
        return rdiv(middle.sum(1, dtype=namespace(middle).int64), count - 2 * dropped)

    return kernel
