"""What every store does, wherever its bytes lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt


class Store(Protocol):
    """Blobs by content id. What is read is what the id names, or an error that names the id."""

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` under its id; keeping it twice is keeping it once.

        Raises BlobCorrupt, and keeps nothing, if the bytes are not what the id names.
        """
        ...

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names, verified. Raises BlobMissing or BlobCorrupt."""
        ...

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id; only `get` says whether it is sound."""
        ...

    def ids(self) -> Iterator[ContentId]:
        """All ids kept, in order of their text."""
        ...


def verified(data: bytes, content_id: ContentId, where: str) -> bytes:
    """`data`, or BlobCorrupt naming the id and `where` the bytes came from."""
    if not content_id.matches(data):
        raise BlobCorrupt(f"{content_id}: the {len(data)} bytes {where} hash to something else")
    return data
