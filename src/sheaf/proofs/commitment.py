"""Commitments to vectors and optimiser states, and openings of single coordinates.

A vector is laid out as little-endian int32 and cut into chunks (4 KiB: 1,024 coordinates), a state
as one element of int64 moments for each coordinate. The tree root is the array's address in the
store; the header binds kind, element width, coordinates and leaves as well
(`sheaf.protocol.merkle.header`). Hashing reads the array's own memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.content import ContentId, tree_id
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.merkle import (
    CHUNK_BYTES,
    Kind,
    header,
    inclusion_path,
    leaf_hashes,
    root_of,
)
from sheaf.protocol.opening import Opening, Shape, lattice_entry
from sheaf.protocol.withholding import STEP_LEVELS


@dataclass(frozen=True)
class Commitment:
    """What binds a vector: its tree root, its header, and the leaf hashes (one per chunk)."""

    tree_root: bytes
    header: bytes
    leaves: tuple[bytes, ...]
    coordinates: int
    chunk_bytes: int

    @property
    def content_id(self) -> ContentId:
        """Where the store keeps the vector's bytes."""
        return tree_id(self.tree_root, self.chunk_bytes)


def commit(
    vector: NDArray[np.int32], kind: Kind = Kind.UPDATE, chunk_bytes: int = CHUNK_BYTES
) -> Commitment:
    """Commit to a flat int32 `vector` of at least one coordinate.

    Raises InvalidModel for another shape or dtype (nothing is cast in silence) and ValueError for a
    chunk size that is not a power of two of at least one element.
    """
    if chunk_bytes < ELEMENT_BYTES or chunk_bytes & (chunk_bytes - 1):
        raise ValueError(f"chunk_bytes is a power of two of at least 4; found {chunk_bytes}")
    leaves = tuple(leaf_hashes(_bytes_of(vector), chunk_bytes))
    root = root_of(leaves)
    head = header(kind, ELEMENT_BYTES, vector.size, len(leaves), root)
    return Commitment(root, head, leaves, vector.size, chunk_bytes)


def commit_state(state: NDArray[np.int64], chunk_bytes: int = CHUNK_BYTES) -> Commitment:
    """Commit to an optimiser's state, int64 of shape (moments, coordinates): one element for each
    coordinate, its moments in order (16 bytes for two: 256 elements to 4 KiB).

    Raises as `commit` does.
    """
    if state.dtype != np.int64 or state.ndim != 2 or state.size == 0:
        raise InvalidModel(
            f"found {state.dtype} of shape {state.shape}; int64 of (moments, coordinates), of at "
            "least one each, is committed to"
        )
    element = state.shape[0] * state.itemsize
    if chunk_bytes < element or chunk_bytes & (chunk_bytes - 1):
        raise ValueError(
            f"chunk_bytes is a power of two of at least {element}; found {chunk_bytes}"
        )
    leaves = tuple(leaf_hashes(_state_bytes(state), chunk_bytes))
    root = root_of(leaves)
    head = header(Kind.OPTIMISER_STATE, element, state.shape[1], len(leaves), root)
    return Commitment(root, head, leaves, state.shape[1], chunk_bytes)


def open_at(
    vector: NDArray[np.int32], coordinate: int, commitment: Commitment | None = None
) -> Opening:
    """Open `coordinate` of `vector`, committed to by `commitment` (made anew, 4 KiB, if None).

    Raises IndexError for a coordinate outside the vector, InvalidModel for a vector of another
    length than the committed one.
    """
    made = commit(vector) if commitment is None else commitment
    return _open(_bytes_of(vector), vector.size, coordinate, made)


def open_state_at(
    state: NDArray[np.int64], coordinate: int, commitment: Commitment | None = None
) -> Opening:
    """Open the element of `coordinate` of an optimiser's `state` (moments, coordinates), committed
    to by `commitment` (made anew, 4 KiB, if None). Raises as `open_at` does."""
    made = commit_state(state) if commitment is None else commitment
    return _open(_state_bytes(state), state.shape[1], coordinate, made)


def opened_value(
    opening: Opening,
    coordinate: int,
    tree_root: bytes,
    coordinates: int,
    chunk_bytes: int = CHUNK_BYTES,
) -> int | None:
    """The value that `opening` proves at `coordinate` under `tree_root`; None if it proves none.

    `coordinates` is the task's: a bare tree root does not bind a length, only the header does. An
    entry of -2^31 reads as -(2^31 - 1).
    """
    shape = Shape(ELEMENT_BYTES, coordinates, chunk_bytes)
    element = shape.element(opening, coordinate, tree_root)
    return None if element is None else lattice_entry(element)


def chunk_of(data: bytes | memoryview, index: int, chunk_bytes: int) -> bytes:
    """Chunk `index` of an array's bytes; the last one is short, and beyond it is nothing."""
    return bytes(data[index * chunk_bytes : (index + 1) * chunk_bytes])


def open_chunk(
    data: bytes | memoryview, index: int, chunk_bytes: int, leaves: Sequence[bytes] | None = None
) -> Opening:
    """Open chunk `index` of an array's bytes, whose chunks hash to `leaves` (hashed anew if None).

    Raises IndexError for a chunk outside the array.
    """
    known = leaf_hashes(data, chunk_bytes) if leaves is None else leaves
    return Opening(chunk_of(data, index, chunk_bytes), tuple(inclusion_path(known, index)))


def nodes_below(leaves: Sequence[bytes], level: int, index: int) -> tuple[bytes, ...]:
    """The hashes below node `index` at `level` of the tree over `leaves`, six levels down or at the
    leaves: what an `Unfold` posts. Raises IndexError where there is no such node."""
    below = max(level - STEP_LEVELS, 0)
    first, end = index << level - below, index + 1 << level - below
    there = -(-len(leaves) >> below)
    if index < 0 or first >= there:
        raise IndexError(f"node {index} at level {level} of a tree with {len(leaves)} leaves")
    # A subtree over a whole power of two of leaves, or over the ragged rest, is a tree by itself.
    return tuple(
        root_of(leaves[place << below : place + 1 << below])
        for place in range(first, min(end, there))
    )


def _open(data: memoryview, elements: int, coordinate: int, made: Commitment) -> Opening:
    if elements != made.coordinates:
        raise InvalidModel(f"found {elements} coordinates; the commitment has {made.coordinates}")
    if not 0 <= coordinate < elements:
        raise IndexError(f"coordinate {coordinate} of a vector with {elements}")
    per_chunk = made.chunk_bytes // (len(data) // elements)
    return open_chunk(data, coordinate // per_chunk, made.chunk_bytes, made.leaves)


def _bytes_of(vector: NDArray[np.int32]) -> memoryview:
    """The vector's memory as little-endian bytes; copied only if it is strided or big-endian."""
    if vector.dtype.kind != "i" or vector.dtype.itemsize != ELEMENT_BYTES or vector.ndim != 1:
        raise InvalidModel(
            f"found {vector.dtype} of shape {vector.shape}; a flat int32 vector is committed to"
        )
    if vector.size == 0:
        raise InvalidModel("found no coordinates; a vector of at least one is committed to")
    return np.ascontiguousarray(vector, dtype="<i4").data.cast("B")


def _state_bytes(state: NDArray[np.int64]) -> memoryview:
    """A state's canonical bytes: the moments of one coordinate after the other."""
    return np.ascontiguousarray(state.T, dtype="<i8").data.cast("B")
