"""A store in memory: for tests, simulations and caches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing
from sheaf.store.interface import Copy, Draft, verified


class MemoryStore:
    """Blobs in a dictionary; gone with the process."""

    def __init__(self) -> None:
        self._blobs: dict[ContentId, bytes] = {}

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` under its id (see `Store.put`)."""
        self._blobs[content_id] = verified(data, content_id, "given to put")

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """A blob to be written in parts (see `Store.draft`)."""
        yield _MemoryDraft(self)

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        if content_id not in self._blobs:
            raise BlobMissing(f"{content_id}: not in this memory store")
        return verified(self._blobs[content_id], content_id, "in memory")

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """The one copy (see `Store.copies`)."""
        if content_id not in self._blobs:
            raise BlobMissing(f"{content_id}: not in this memory store")
        data = self._blobs[content_id]
        yield Copy("in memory", len(data), lambda start, stop: data[start:stop])

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id."""
        return content_id in self._blobs

    def ids(self) -> Iterator[ContentId]:
        """All ids kept, in order of their text."""
        return iter(sorted(self._blobs, key=str))


class _MemoryDraft:
    def __init__(self, store: MemoryStore) -> None:
        self._store, self._parts = store, bytearray()

    def append(self, data: bytes) -> None:
        self._parts += data

    def keep(self, content_id: ContentId) -> None:
        self._store.put(bytes(self._parts), content_id)
