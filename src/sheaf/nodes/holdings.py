"""The arrays of a task that a node can read, opened at a chunk without holding any of them.

A copy is read to its end once, in parts, and hashed chunk by chunk; after that a chunk and its path
take reading that chunk alone. The leaf hashes of the arrays that were read last are remembered,
since they say what each chunk is: anybody may file columns, one cheap transaction each, and testing
them must be cheaper still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sheaf.learning.algorithms import moments
from sheaf.ledger.recent import Recent
from sheaf.nodes.aggregation import algorithm_of, vector_id
from sheaf.nodes.hashed import Leaves, leaves_of
from sheaf.nodes.trail import Trail
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing
from sheaf.protocol.merkle import inclusion_path, leaf_hash
from sheaf.protocol.opening import Opening, Shape
from sheaf.protocol.task import Task
from sheaf.store.interface import Copy, Store
from sheaf.store.layered import LayeredStore

REMEMBERED_BYTES = 128 * 2**20
"""Of leaf hashes: those of four hundred arrays of ten million coordinates, in chunks of 4 KiB."""


class Means(Protocol):
    """What it takes to find something: the node's own store and the shared one, and the task."""

    @property
    def own(self) -> Store:
        """What the node keeps to itself."""
        ...

    @property
    def shared(self) -> Store:
        """What everybody can read."""
        ...

    def task(self, trail: Trail) -> Task:
        """The published task document."""
        ...


remembered: Recent[ContentId, Leaves] = Recent(REMEMBERED_BYTES)
"""Of all nodes of a process: what an array's chunks are is the same for everybody."""


@dataclass(frozen=True)
class Holdings:
    """The arrays of a task that a node can read."""

    task: Task
    store: Store

    @classmethod
    def of(cls, shop: Means, trail: Trail) -> Holdings:
        """Its own and the shared ones."""
        return cls(shop.task(trail), LayeredStore(shop.own, shop.shared))

    def element(self, root: bytes, index: int, shape: Shape) -> bytes | None:
        """One element of an array, None where it is not to be had or the array has another
        shape."""
        opening = self.open(root, index // shape.per_chunk, shape)
        if opening is None:
            return None
        start = index % shape.per_chunk * shape.element_bytes
        return opening.chunk[start : start + shape.element_bytes]

    def open(self, root: bytes, chunk: int, shape: Shape) -> Opening | None:
        """A chunk of an array with its path, None where it is not to be had or the array has
        another shape. Only the first chunk that is asked for takes reading the whole array."""
        leaves = self.find(root, shape)
        if leaves is None:
            return None
        start, stop = chunk * shape.chunk_bytes, chunk * shape.chunk_bytes + shape.chunk_size(chunk)
        for copy in _copies(self.store, vector_id(self.task, root)):
            try:
                data = copy.read(vector_id(self.task, root), start, stop)
            except (BlobMissing, BlobCorrupt):
                continue
            if leaf_hash(data) == leaves[chunk]:
                return Opening(data, tuple(inclusion_path(leaves, chunk)))
        return None

    def opened(self, root: bytes, chunk: int, shape: Shape) -> Opening:
        """A chunk of an array that must be there. Raises `BlobMissing` where it is not."""
        opening = self.open(root, chunk, shape)
        if opening is None:
            raise BlobMissing(f"{vector_id(self.task, root)}: found no sound copy within reach")
        return opening

    def find(self, root: bytes, shape: Shape) -> Leaves | None:
        """The leaf hashes of an array, None where it is not to be had or has another shape."""
        content_id = vector_id(self.task, root)
        leaves = remembered.get(content_id)
        if leaves is None:
            size, tried = shape.element_bytes * shape.elements, _copies(self.store, content_id)
            hashed = (_hashed(each, content_id, shape) for each in tried if each.size_bytes == size)
            leaves = next((each for each in hashed if each is not None), None)
            if leaves is None:
                return None
            remembered.add(content_id, leaves, len(leaves.joined))
        return leaves if len(leaves) == shape.leaves else None

    def leaves(self, root: bytes, shape: Shape) -> Leaves:
        """The leaf hashes of an array that must be there. Raises `BlobMissing` where it is not."""
        found = self.find(root, shape)
        if found is None:
            raise BlobMissing(f"{vector_id(self.task, root)}: found no sound copy within reach")
        return found


def first_state(task: Task, chunk: int, shape: Shape) -> Opening:
    """A chunk of the optimiser's state that a task starts with, which is in no store: one element
    over and over."""
    start = algorithm_of(task).start(1)
    assert start is not None
    element = moments.to_bytes(start)
    full, last = (shape.chunk_size(each) // len(element) for each in (0, shape.leaves - 1))
    hashes = [leaf_hash(element * full)] * (shape.leaves - 1) + [leaf_hash(element * last)]
    return Opening(
        element * (shape.chunk_size(chunk) // len(element)), tuple(inclusion_path(hashes, chunk))
    )


def _hashed(copy: Copy, content_id: ContentId, shape: Shape) -> Leaves | None:
    """The leaf hashes of a copy, None where it is not what its id names."""
    try:
        return leaves_of(copy, content_id, shape.chunk_bytes)
    except (BlobMissing, BlobCorrupt):
        return None


def _copies(store: Store, content_id: ContentId) -> Iterator[Copy]:
    """The copies of a blob, none where there is none."""
    try:
        yield from store.copies(content_id)
    except BlobMissing:
        return
