"""Arrays of a round, a stripe of columns at a time: a hundred updates never lie in memory at once.

Each pass reads every array whole, checked, and keeps only its own columns of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.learning.layout import Layout
from sheaf.nodes.aggregation import Vector, read_vector
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

PASS_BYTES = 2**27
"""What the kept columns of one pass may take."""


@dataclass(frozen=True)
class Stripe:
    """Columns `place` of some vectors: int32, a row each, in the order they were asked for."""

    place: slice
    rows: tuple[Vector, ...]


def stripes(
    task: Task, store: Store, roots: Sequence[bytes], pass_bytes: int = PASS_BYTES
) -> Iterator[Stripe]:
    """The vectors under `roots`, from the first column to the last.

    Raises `BlobMissing`, `BlobCorrupt` or `InvalidModel` for one that is not to be had whole.
    """
    coordinates = task.model.coordinates
    columns = max(1, pass_bytes // (4 * len(roots)))
    for start in range(0, coordinates, columns):
        place = slice(start, min(coordinates, start + columns))
        # A copy, so that the whole array can go before the next one comes.
        rows = tuple(read_vector(task, store, root)[place].copy() for root in roots)
        yield Stripe(place, rows)


@dataclass(frozen=True)
class Units:
    """How lattice integers of a task become floats, tensor by tensor."""

    layout: Layout

    @classmethod
    def of(cls, task: Task) -> Units:
        """Those of a task's layout."""
        return cls(Layout(task.model.layout))

    def floats(self, integers: NDArray[np.integer], place: slice) -> NDArray[np.float64]:
        """The numbers that columns `place` stand for, exactly where float64 can."""
        bits = self.layout.bits
        exponents = bits if isinstance(bits, int) else bits[place].astype(np.int32)
        return np.ldexp(integers.astype(np.float64), np.negative(exponents))

    def parts(self, place: slice) -> Iterator[tuple[int, slice]]:
        """The tensors that columns `place` are of: their index, and where in the stripe."""
        stop = 0
        for index, tensor in enumerate(self.layout.entries):
            start, stop = stop, stop + tensor.size
            first, last = max(start, place.start), min(stop, place.stop)
            if first < last:
                yield index, slice(first - place.start, last - place.start)


def first_values(task: Task, vector: Vector, count: int = 6) -> list[float]:
    """The first numbers of a vector."""
    shown = vector[:count]
    return [float(v) for v in Units.of(task).floats(shown, slice(0, len(shown)))]
