"""Two stores read as one: what is kept nearby first, then what everybody shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing
from sheaf.store.interface import Copy, Draft, Store


@dataclass(frozen=True)
class LayeredStore:
    """Reads a blob from `near` or, where that does not have it whole, from `far`; writes to
    `near`."""

    near: Store
    far: Store

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` nearby (see `Store.put`)."""
        self.near.put(data, content_id)

    def draft(self) -> AbstractContextManager[Draft]:
        """A blob to be written in parts, nearby (see `Store.draft`)."""
        return self.near.draft()

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        try:
            return self.near.get(content_id)
        except (BlobMissing, BlobCorrupt):
            return self.far.get(content_id)

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """The copies nearby, then the far ones (see `Store.copies`)."""
        missing: list[BlobMissing] = []
        for store in (self.near, self.far):
            try:
                yield from store.copies(content_id)
            except BlobMissing as error:
                missing.append(error)
        if len(missing) == 2:
            raise missing[1]

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id in either."""
        return self.near.has(content_id) or self.far.has(content_id)

    def ids(self) -> Iterator[ContentId]:
        """All ids kept in either, in order of their text."""
        return iter(sorted({*self.near.ids(), *self.far.ids()}, key=str))
