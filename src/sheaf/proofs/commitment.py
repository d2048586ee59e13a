"""Commitments to int32 vectors, and openings of single coordinates.

A vector is laid out as little-endian int32 and cut into chunks (4 KiB: 1,024 coordinates). The
tree root is the vector's address in the store; the header binds kind, element width, coordinates
and leaves as well (`sheaf.protocol.merkle.header`). Hashing reads the array's own memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.protocol.arithmetic import ELEMENT_BYTES, LIMIT
from sheaf.protocol.content import ContentId, tree_id
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.merkle import (
    CHUNK_BYTES,
    Kind,
    header,
    inclusion_path,
    leaf_count,
    leaf_hash,
    leaf_hashes,
    root_of,
    verify_inclusion,
)


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


@dataclass(frozen=True)
class Opening:
    """One chunk of a committed vector, its leaf index, and the siblings up to the tree root."""

    chunk: bytes
    index: int
    path: tuple[bytes, ...]


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
    data = np.ascontiguousarray(state.T, dtype="<i8").data.cast("B")
    leaves = tuple(leaf_hashes(data, chunk_bytes))
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
    if vector.size != made.coordinates:
        raise InvalidModel(
            f"found {vector.size} coordinates; the commitment has {made.coordinates}"
        )
    if not 0 <= coordinate < made.coordinates:
        raise IndexError(f"coordinate {coordinate} of a vector with {made.coordinates}")
    index = coordinate * ELEMENT_BYTES // made.chunk_bytes
    start = index * made.chunk_bytes
    chunk = bytes(_bytes_of(vector)[start : start + made.chunk_bytes])
    return Opening(chunk, index, tuple(inclusion_path(made.leaves, index)))


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
    size_bytes = coordinates * ELEMENT_BYTES
    start = opening.index * chunk_bytes
    expected_bytes = min(chunk_bytes, size_bytes - start)
    offset = coordinate * ELEMENT_BYTES - start
    if not 0 <= offset < expected_bytes:
        return None
    leaf, leaves = leaf_hash(opening.chunk), leaf_count(size_bytes, chunk_bytes)
    proven = verify_inclusion(leaf, opening.index, leaves, opening.path, tree_root)
    if len(opening.chunk) != expected_bytes or not proven:
        return None
    value = int.from_bytes(opening.chunk[offset : offset + ELEMENT_BYTES], "little", signed=True)
    return max(value, -LIMIT)


def _bytes_of(vector: NDArray[np.int32]) -> memoryview:
    """The vector's memory as little-endian bytes; copied only if it is strided or big-endian."""
    if vector.dtype.kind != "i" or vector.dtype.itemsize != ELEMENT_BYTES or vector.ndim != 1:
        raise InvalidModel(
            f"found {vector.dtype} of shape {vector.shape}; a flat int32 vector is committed to"
        )
    if vector.size == 0:
        raise InvalidModel("found no coordinates; a vector of at least one is committed to")
    return np.ascontiguousarray(vector, dtype="<i4").data.cast("B")
