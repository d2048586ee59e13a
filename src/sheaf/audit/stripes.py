"""Arrays of a round, a stripe of columns at a time: no array is ever held whole.

Each is read to its end once, to know what its chunks hash to; after that a stripe reads its own
columns, and checks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.learning import lattice
from sheaf.learning.lattice import FracBits
from sheaf.learning.layout import Layout
from sheaf.nodes.aggregation import Vector, wanted_vector
from sheaf.nodes.hashed import Hashed
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

STRIPE_BYTES = 2**25
"""What the columns of one stripe may take."""


@dataclass(frozen=True)
class Stripe:
    """Columns `place` of some vectors: int32, a row each, in the order they were asked for."""

    place: slice
    rows: tuple[Vector, ...]


def stripes(
    task: Task, store: Store, roots: Sequence[bytes], stripe_bytes: int = STRIPE_BYTES
) -> Iterator[Stripe]:
    """The vectors under `roots`, from the first column to the last.

    Raises `BlobMissing`, `BlobCorrupt` or `InvalidModel` for one that is not to be had whole.
    """
    coordinates, chunk = task.model.coordinates, task.model.chunk_bytes
    arrays = [Hashed.of(store, wanted_vector(task, root), chunk) for root in roots]
    columns = max(1, stripe_bytes // (ELEMENT_BYTES * len(roots)))
    for start in range(0, coordinates, columns):
        place = slice(start, min(coordinates, start + columns))
        width = place.stop - place.start
        yield Stripe(place, tuple(lattice.from_bytes(each.read(place), width) for each in arrays))


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
        exponents = np.asarray(self.bits(place), np.int32)
        return np.ldexp(integers.astype(np.float64), np.negative(exponents))

    def bits(self, place: slice) -> FracBits:
        """The fraction bits of columns `place`."""
        bits = self.layout.bits
        return bits if isinstance(bits, int) else bits[place]

    def parts(self, place: slice) -> Iterator[tuple[int, slice]]:
        """The tensors that columns `place` are of: their index, and where in the stripe."""
        stop = 0
        for index, tensor in enumerate(self.layout.entries):
            start, stop = stop, stop + tensor.size
            first, last = max(start, place.start), min(stop, place.stop)
            if first < last:
                yield index, slice(first - place.start, last - place.start)


def first_values(task: Task, vector: Vector) -> list[float]:
    """The numbers that the first integers of a vector stand for."""
    return [float(v) for v in Units.of(task).floats(vector, slice(0, len(vector)))]
