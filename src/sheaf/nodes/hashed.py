"""Arrays whose chunks' hashes are known: any part of one is read by itself, and checked.

Finding the hashes takes reading a copy to its end, once and in parts. They are a hundred and
twenty-eighth of the array, in chunks of 4 KiB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from sheaf.nodes.blocks import Wanted
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, SheafError
from sheaf.protocol.merkle import leaf_hashes, root_of
from sheaf.store.interface import PART_BYTES, Copy, Store, corrupt

HASH_BYTES = 32


class Leaves(Sequence[bytes]):
    """The leaf hashes of an array, in order, in as many bytes as they have."""

    def __init__(self, joined: bytes) -> None:
        self.joined = joined

    def __len__(self) -> int:
        return len(self.joined) // HASH_BYTES

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index] * HASH_BYTES
        return self.joined[place : place + HASH_BYTES]


def leaves_of(copy: Copy, content_id: ContentId, chunk_bytes: int) -> Leaves:
    """The leaf hashes of a copy, which is read to its end.

    Raises `BlobCorrupt` where that is not what its id names, and what reading raises.
    """
    joined, step = bytearray(), max(PART_BYTES, chunk_bytes)
    for start in range(0, copy.size_bytes, step):
        part = copy.read(content_id, start, min(start + step, copy.size_bytes))
        joined += b"".join(leaf_hashes(part, chunk_bytes))
    leaves = Leaves(bytes(joined))
    if root_of(leaves) != content_id.digest:
        raise corrupt(content_id, copy.size_bytes, copy.where)
    return leaves


@dataclass(frozen=True)
class Hashed:
    """An array in a store: a sound copy of it, and the hashes of its chunks."""

    wanted: Wanted
    copy: Copy
    leaves: Leaves
    chunk_bytes: int

    @classmethod
    def of(cls, store: Store, wanted: Wanted, chunk_bytes: int) -> Hashed:
        """The first sound copy.

        Raises `BlobMissing`, `BlobCorrupt`, or `InvalidModel` where all copies have another length.
        """
        reason: SheafError | None = None
        for copy in wanted.chosen(store):
            try:
                leaves = leaves_of(copy, wanted.content_id, chunk_bytes)
            except (BlobMissing, BlobCorrupt) as error:
                reason = error
            else:
                return cls(wanted, copy, leaves, chunk_bytes)
        assert reason is not None
        raise reason

    def read(self, elements: slice) -> bytes:
        """The bytes of some elements; the chunks that they lie in are read and checked.

        Raises `BlobCorrupt` for a copy that was changed meanwhile, `BlobMissing` for one that went.
        """
        width, chunk = self.wanted.element_bytes, self.chunk_bytes
        start = max(0, min(elements.start, self.wanted.elements)) * width
        stop = max(0, min(elements.stop, self.wanted.elements)) * width
        if start >= stop:
            return b""
        first, last = start // chunk, -(-stop // chunk)
        end = min(last * chunk, self.wanted.size_bytes)
        data = self.copy.read(self.wanted.content_id, first * chunk, end)
        if leaf_hashes(data, chunk) != self.leaves[first:last]:
            raise corrupt(self.wanted.content_id, self.copy.size_bytes, self.copy.where)
        return data[start - first * chunk : stop - first * chunk]
