"""What every store does, wherever its bytes lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing


@dataclass(frozen=True)
class Copy:
    """One copy of a blob, to be read in parts, from any thread. Nothing of it is verified: whoever
    reads one hashes what it read.

    `where` is for messages; `ranged(start, stop)` gives what lies between two places in bytes, and
    less than that where the copy ends or was cut meanwhile. It raises BlobMissing where the copy is
    gone, and StoreUnavailable where it cannot be reached. `identity` is text that changes where
    somebody changes the copy in the usual ways; "" where nothing tells.
    """

    where: str
    size_bytes: int
    ranged: Callable[[int, int], bytes]
    identity: str = ""

    def read(self, content_id: ContentId, start: int, stop: int) -> bytes:
        """The bytes between two places. Raises BlobCorrupt for fewer, and what `ranged` raises."""
        data = self.ranged(start, stop)
        if len(data) != stop - start:
            raise BlobCorrupt(
                f"{content_id}: found {len(data)} bytes from {start} to {stop} {self.where}"
            )
        return data


class Draft(Protocol):
    """A blob that is written in parts; gone unless it is kept."""

    def append(self, data: bytes) -> None:
        """Write what comes next."""
        ...

    def keep(self, content_id: ContentId) -> None:
        """Put all that was written into the store, as `Store.put` does, and end the draft."""
        ...


class Store(Protocol):
    """Blobs by content id. What is read is what the id names, or an error that names the id."""

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` under its id; keeping it twice is keeping it once.

        Raises BlobCorrupt, and keeps nothing, if the bytes are not what the id names.
        """
        ...

    def draft(self) -> AbstractContextManager[Draft]:
        """A blob to be written in parts, whose id nobody knows before its end."""
        ...

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names, verified. Raises BlobMissing or BlobCorrupt."""
        ...

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """All copies within reach, the nearest first, none of them verified. Each is looked for
        when it is asked for; raises BlobMissing where there is none."""
        ...

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id; only `get` says whether it is sound."""
        ...

    def ids(self) -> Iterator[ContentId]:
        """All ids kept, in order of their text."""
        ...


LARGEST_GET_BYTES = 2**30
"""Of what others say that they have: more is read in parts, and never held."""

T = TypeVar("T")


def get_copy(copy: Copy, content_id: ContentId, most_bytes: int = LARGEST_GET_BYTES) -> bytes:
    """All of a copy of somebody else's, verified. Raises BlobCorrupt, also for one that is larger
    than may be held, and what reading raises."""
    _require_size(copy, content_id, most_bytes)
    return verified(copy.read(content_id, 0, copy.size_bytes), content_id, copy.where)


def _require_size(copy: Copy, content_id: ContentId, most_bytes: int) -> None:
    if copy.size_bytes > most_bytes:
        raise BlobCorrupt(
            f"{content_id}: found {copy.size_bytes} bytes {copy.where}, accepted: at most "
            f"{most_bytes}"
        )


def first_sound(store: Store, content_id: ContentId, use: Callable[[Copy], T]) -> T:
    """What `use` makes of the first copy that it does not refuse, by BlobCorrupt or BlobMissing.
    Raises what the last one was refused for; BlobMissing where there is none."""
    wrong: BlobCorrupt | BlobMissing = BlobMissing(f"{content_id}: found no copy within reach")
    for copy in store.copies(content_id):
        try:
            return use(copy)
        except (BlobCorrupt, BlobMissing) as error:
            wrong = error
    raise wrong


def verified(data: bytes, content_id: ContentId, where: str) -> bytes:
    """`data`, or BlobCorrupt naming the id and `where` the bytes came from."""
    if not content_id.matches(data):
        raise corrupt(content_id, len(data), where)
    return data


def corrupt(content_id: ContentId, size_bytes: int, where: str) -> BlobCorrupt:
    """The error for bytes that are not what an id names."""
    return BlobCorrupt(f"{content_id}: the {size_bytes} bytes {where} hash to something else")


PART_BYTES = 2**20
"""What is read of a copy at once where all of it is read."""


def verify_copy(copy: Copy, content_id: ContentId) -> None:
    """Read all of a copy, in parts. Raises BlobCorrupt where that is not what its id names, and
    what reading raises."""
    if not content_id.matches_parts(_parts(copy, content_id)):
        raise corrupt(content_id, copy.size_bytes, copy.where)


def sound_copy(store: Store, content_id: ContentId, most_bytes: int | None = None) -> Copy:
    """The first copy that is what its id names, without holding it; where there are `most_bytes`,
    none of more is read, which somebody could make up without an end. Raises as `Store.get` does.
    """

    def verified_whole(copy: Copy) -> Copy:
        if most_bytes is not None:
            _require_size(copy, content_id, most_bytes)
        verify_copy(copy, content_id)
        return copy

    return first_sound(store, content_id, verified_whole)


def keep_copy(source: Store, target: Store, content_id: ContentId, size_bytes: int) -> None:
    """Put a blob of that size of `source` into `target`, where it is not there yet, without holding
    it. Of one that is larger nothing is written: somebody could fill the disk.

    Raises as `Store.get` does.
    """

    def keep(copy: Copy) -> None:
        _require_size(copy, content_id, size_bytes)
        with target.draft() as draft:
            for part in _parts(copy, content_id):
                draft.append(part)
            draft.keep(content_id)

    if not target.has(content_id):
        first_sound(source, content_id, keep)


def _parts(copy: Copy, content_id: ContentId) -> Iterator[bytes]:
    """All of a copy, part by part."""
    for start in range(0, copy.size_bytes, PART_BYTES):
        yield copy.read(content_id, start, min(start + PART_BYTES, copy.size_bytes))
