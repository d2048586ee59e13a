"""Openings: one chunk of a committed array, and the siblings that lead it to the tree's root.

A bare tree root binds bytes, not their number: what an array's shape is comes from the task's
terms, and with it how many leaves a path must account for and how long the chunk must be.
"""

from __future__ import annotations

from dataclasses import dataclass

from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.merkle import leaf_count, leaf_hash, verify_inclusion


@dataclass(frozen=True)
class Opening:
    """One chunk of a committed array, and its path to the root (32 bytes each, RFC 9162)."""

    chunk: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Shape:
    """So many elements of so many bytes each, cut into chunks of `chunk_bytes`."""

    element_bytes: int
    elements: int
    chunk_bytes: int

    @property
    def leaves(self) -> int:
        """Chunks of the array."""
        return leaf_count(self.element_bytes * self.elements, self.chunk_bytes)

    @property
    def per_chunk(self) -> int:
        """Elements in a full chunk."""
        return self.chunk_bytes // self.element_bytes

    def chunk_size(self, index: int) -> int:
        """Bytes of a chunk: the last one is short."""
        return min(self.chunk_bytes, self.element_bytes * self.elements - index * self.chunk_bytes)

    def proves(self, opening: Opening, index: int, root: bytes) -> bool:
        """Whether `opening` is chunk `index` of the array under `root`."""
        if not 0 <= index < self.leaves or len(opening.chunk) != self.chunk_size(index):
            return False
        return verify_inclusion(leaf_hash(opening.chunk), index, self.leaves, opening.path, root)

    def element(self, opening: Opening, index: int, root: bytes) -> bytes | None:
        """The bytes that `opening` proves for element `index` under `root`; None if it proves
        none."""
        if not 0 <= index < self.elements:
            return None
        chunk, place = divmod(index, self.per_chunk)
        if not self.proves(opening, chunk, root):
            return None
        return opening.chunk[place * self.element_bytes : (place + 1) * self.element_bytes]


def integer(element: bytes) -> int:
    """A committed integer: little-endian, two's complement."""
    return int.from_bytes(element, "little", signed=True)


def lattice_entry(element: bytes) -> int:
    """A committed lattice integer as it is read: -2^31 is -(2^31 - 1)."""
    return max(-LIMIT, integer(element))
