"""A model's tensors and its flat vector, back and forth (`sheaf.protocol.layout` has the rules)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.learning.lattice import FracBits
from sheaf.protocol.errors import InvalidModel, NotFinite
from sheaf.protocol.layout import Tensor, check_layout


@dataclass(frozen=True)
class Layout:
    """The tensors of a model in the order of its flat vector.

    Raises ``InvalidModel`` unless there is a trainable tensor, trainable tensors come first and
    agree on their fraction bits, and no name occurs twice.
    """

    entries: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        """Refuse an order or a combination that the vector cannot have."""
        check_layout(self.entries)

    @property
    def frac_bits(self) -> int:
        """The fraction bits of every trainable coordinate."""
        return self.entries[0].frac_bits

    @cached_property
    def coordinates(self) -> int:
        """The length of the flat vector."""
        return sum(entry.size for entry in self.entries)

    @cached_property
    def trainable_count(self) -> int:
        """How many leading coordinates are trained."""
        return sum(entry.size for entry in self.entries if entry.kind == "trainable")

    @cached_property
    def bits(self) -> FracBits:
        """The fraction bits as the lattice takes them: one int, or int8 of shape (coordinates,)."""
        bits = [entry.frac_bits for entry in self.entries]
        if len(set(bits)) == 1:
            return bits[0]
        sizes = [entry.size for entry in self.entries]
        return np.repeat(np.array(bits, dtype=np.int8), sizes)

    def flatten(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return the tensors as one float64 vector, which holds every smaller float exactly.

        Raises ``InvalidModel`` for a missing, unexpected or misshapen tensor or one that is not of
        floats, and ``NotFinite`` naming tensor and index of the first NaN or infinity.
        """
        self.refuse_other_names(arrays)
        vector = np.empty(self.coordinates, dtype=np.float64)
        for entry, place in self._places():
            array = arrays[entry.name]
            if array.shape != entry.shape:
                raise InvalidModel(
                    f"{entry.name}: found shape {array.shape}, accepted: {entry.shape}"
                )
            if not np.issubdtype(array.dtype, np.floating):
                raise InvalidModel(f"{entry.name}: found dtype {array.dtype}, accepted: floats")
            _refuse_not_finite(entry.name, array)
            vector[place] = array.reshape(-1)
        return vector

    def unflatten(self, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the tensors in ``vector``, of any dtype, as views in their shapes.

        Raises ``InvalidModel`` when the length is another.
        """
        if vector.shape != (self.coordinates,):
            raise InvalidModel(
                f"found a vector of shape {vector.shape}, accepted: {(self.coordinates,)}"
            )
        return {entry.name: vector[place].reshape(entry.shape) for entry, place in self._places()}

    def name_of(self, coordinate: int) -> str:
        """Return the tensor and index of a coordinate, for a message: ``weight[0, 3]``.

        Raises ``InvalidModel`` when there is no such coordinate.
        """
        for entry, place in self._places():
            if place.start <= coordinate < place.stop:
                return _indexed(entry.name, coordinate - place.start, entry.shape)
        raise InvalidModel(f"found coordinate {coordinate}, accepted: 0 to {self.coordinates - 1}")

    def refuse_other_names(self, names: Iterable[str]) -> None:
        """Raise ``InvalidModel`` unless these are the names of all tensors, in any order."""
        expected = [entry.name for entry in self.entries]
        found = dict.fromkeys(names)
        for name in expected:
            if name not in found:
                raise InvalidModel(f"{name}: found no such tensor, accepted: {', '.join(expected)}")
        for name in found:
            if name not in expected:
                raise InvalidModel(
                    f"{name}: found a tensor the layout does not have, "
                    f"accepted: {', '.join(expected)}"
                )

    def _places(self) -> list[tuple[Tensor, slice]]:
        stops = np.cumsum([entry.size for entry in self.entries]).tolist()
        starts = [0, *stops[:-1]]
        slices = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
        return list(zip(self.entries, slices, strict=True))


def _refuse_not_finite(name: str, array: NDArray[Any]) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        first = int(np.argmin(finite))
        where = _indexed(name, first, array.shape)
        raise NotFinite(f"{where}: found {array.flat[first]}, accepted: finite numbers")


def _indexed(name: str, offset: int, shape: tuple[int, ...]) -> str:
    index = [int(i) for i in np.unravel_index(offset, shape)] if shape else []
    return f"{name}{index}" if index else name
