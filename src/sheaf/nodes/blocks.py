"""Arrays of a store read in blocks of columns, each block once, so that none is ever held whole.

What was read is hashed as it is read: the root over the blocks' roots is the array's, since a
subtree over a whole power of two of leaves, or over the ragged rest, is a tree by itself. So bytes
are worked on before anybody knows whether they are the right ones, and what came of them counts
only if all of them were. Of an array that was not, the next copy is tried, from the start.

Some of the columns can be read by themselves, of first copies only: what they hash to is told, and
whoever put all columns together knows whether those were the right bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel, SheafError
from sheaf.protocol.merkle import leaf_hashes, root_of
from sheaf.store.interface import Copy, Store, corrupt, verify_copy

T = TypeVar("T")

BLOCK_BYTES = 16 * 2**20
"""Of all arrays together at once, by which the columns of a block are found."""

COLUMNS = (1024, 2**17)
"""Of a block, at least and at most: powers of two. The least ones fill a chunk of the largest
size, and more than the most gain nothing."""


@dataclass(frozen=True)
class Wanted:
    """An array that is to be read: `elements` of `element_bytes` each, under a tree id."""

    content_id: ContentId
    elements: int
    element_bytes: int

    @property
    def size_bytes(self) -> int:
        """Of the whole array."""
        return self.elements * self.element_bytes

    def chosen(self, store: Store) -> Iterator[Copy]:
        """The copies of this size. Raises, at the end, why there is no further one."""
        reason: SheafError | None = None
        for copy in store.copies(self.content_id):
            if copy.size_bytes == self.size_bytes:
                reason = None
                yield copy
            else:
                reason = self._other_size(copy)
        if reason is not None:
            raise reason

    def _other_size(self, copy: Copy) -> SheafError:
        try:
            if copy.size_bytes < self.size_bytes:
                verify_copy(copy, self.content_id)
        except (BlobCorrupt, BlobMissing) as error:
            return error
        return InvalidModel(
            f"found {copy.size_bytes} bytes, accepted: {self.size_bytes}, which is "
            f"{self.elements} coordinates of {self.element_bytes} bytes"
        )


class Unavailable(Exception):
    """An array that is not to be had whole: the first one, by its place among those wanted."""

    def __init__(self, place: int, reason: SheafError) -> None:
        super().__init__(reason.message)
        self.place, self.reason = place, reason


class _Unread(Exception):
    """A copy that could not be read."""

    def __init__(self, place: int, reason: BlobCorrupt | BlobMissing) -> None:
        super().__init__(reason.message)
        self.place, self.reason = place, reason


Work = Callable[[slice, Sequence[bytes]], T]
"""What is done with the bytes of a block of every array."""


@dataclass(frozen=True)
class Part:
    """Some columns of arrays, as they were read: the roots over the blocks of each array, and what
    tells each copy from another one ("" where nothing does)."""

    roots: Sequence[Sequence[bytes]]
    identities: Sequence[str]


@dataclass(frozen=True)
class Reading:
    """Arrays side by side, cut at the same columns; one with fewer elements ends earlier."""

    store: Store
    wanted: Sequence[Wanted]
    chunk_bytes: int

    def run(self, work: Work[T], begin: Callable[[], Callable[[T], None]]) -> Sequence[str]:
        """Call `work(block, parts)` for every block, and give what it returns, in order, to what
        `begin()` returned: anew for each try. Returns the identities of the copies that were read.

        When this returns, the last try's parts were those of the ids. Raises `Unavailable`, and
        whatever a store or `work` raises.
        """
        chosen = [each.chosen(self.store) for each in self.wanted]
        copies = [self._next(place, chosen[place], None) for place in range(len(chosen))]
        while True:
            take = begin()
            wrong = self._pass(copies, work, take)
            if not wrong:
                return [copy.identity for copy in copies]
            for place, reason in wrong.items():
                copies[place] = self._next(place, chosen[place], reason)

    def part(self, columns: slice, work: Work[T], take: Callable[[T], None]) -> Part | None:
        """Do it for the blocks in `columns`, which begin and end where blocks do, with the first
        copy of each array; None where one is not to be had, has another size or cannot be read."""
        try:
            copies = [next(self.store.copies(each.content_id)) for each in self.wanted]
            pairs = zip(copies, self.wanted, strict=True)
            if any(copy.size_bytes != each.size_bytes for copy, each in pairs):
                return None
            roots = self._through(copies, self.blocks(columns), work, take)
        except (_Unread, BlobMissing, BlobCorrupt, InvalidModel):
            return None
        return Part(roots, [copy.identity for copy in copies])

    def wrong(self, roots: Sequence[Sequence[bytes]]) -> Sequence[int]:
        """Places of the arrays that these are not the roots over all blocks of."""
        pairs = enumerate(zip(self.wanted, roots, strict=True))
        return [at for at, (each, known) in pairs if root_of(known) != each.content_id.digest]

    def _pass(
        self, copies: Sequence[Copy], work: Work[T], take: Callable[[T], None]
    ) -> dict[int, BlobCorrupt | BlobMissing]:
        """Work through all blocks; what is wrong with which copy, by place."""
        try:
            roots = self._through(copies, self.blocks(), work, take)
        except _Unread as unread:
            return {unread.place: unread.reason}
        return {place: self._corrupt(place, copies[place]) for place in self.wrong(roots)}

    def _corrupt(self, place: int, copy: Copy) -> BlobCorrupt:
        return corrupt(self.wanted[place].content_id, copy.size_bytes, copy.where)

    def _through(
        self,
        copies: Sequence[Copy],
        blocks: Iterator[slice],
        work: Work[T],
        take: Callable[[T], None],
    ) -> list[list[bytes]]:
        """Work through these blocks: the roots that were found, by array."""
        found: list[list[bytes]] = [[] for _ in copies]
        for block in blocks:
            parts, roots = self._read(copies, block)
            for known, root in zip(found, roots, strict=True):
                known.extend([root] if root else [])
            take(work(block, parts))
        return found

    def _read(self, copies: Sequence[Copy], block: slice) -> tuple[list[bytes], list[bytes]]:
        """The bytes of a block of every array, and the roots over them; none beyond an end."""
        parts, roots = [], []
        for place, (each, copy) in enumerate(zip(self.wanted, copies, strict=True)):
            first, last = min(block.start, each.elements), min(block.stop, each.elements)
            part = b""
            if first < last:
                ends = (first * each.element_bytes, last * each.element_bytes)
                try:
                    part = copy.read(each.content_id, *ends)
                except (BlobCorrupt, BlobMissing) as error:
                    raise _Unread(place, error) from error
            parts.append(part)
            # Hashed while it is in cache.
            roots.append(root_of(leaf_hashes(part, self.chunk_bytes)) if part else b"")
        return parts, roots

    @property
    def columns(self) -> int:
        """How many columns a block has: a power of two."""
        least, most = COLUMNS
        width = sum(each.element_bytes for each in self.wanted)
        fitting = 1 << (BLOCK_BYTES // width).bit_length() >> 1
        return max(least, min(most, fitting))

    @property
    def longest(self) -> int:
        """Columns of the longest array."""
        return max(each.elements for each in self.wanted)

    def blocks(self, within: slice | None = None) -> Iterator[slice]:
        """The blocks, or those within some columns."""
        first, last = (0, self.longest) if within is None else (within.start, within.stop)
        for start in range(first, last, self.columns):
            yield slice(start, min(last, start + self.columns))

    def _next(self, place: int, chosen: Iterator[Copy], reason: SheafError | None) -> Copy:
        """The next copy of an array. Of several that cannot be had the first one is told."""
        try:
            copy = next(chosen, None)
        except (BlobMissing, BlobCorrupt, InvalidModel) as error:
            reason, copy = error, None
        if copy is not None:
            return copy
        assert reason is not None
        for earlier in range(place):
            missing = self._missing(self.wanted[earlier])
            if missing is not None:
                raise Unavailable(earlier, missing)
        raise Unavailable(place, reason)

    def _missing(self, wanted: Wanted) -> SheafError | None:
        try:
            require(self.store, wanted)
        except (BlobMissing, BlobCorrupt, InvalidModel) as error:
            return error
        return None


def require(store: Store, wanted: Wanted) -> None:
    """Read an array to its end, without holding it.

    Raises `BlobMissing`, `BlobCorrupt`, or `InvalidModel` where all copies have another length.
    """
    reason: SheafError | None = None
    for copy in wanted.chosen(store):
        try:
            verify_copy(copy, wanted.content_id)
        except (BlobMissing, BlobCorrupt) as error:
            reason = error
        else:
            return
    assert reason is not None
    raise reason
