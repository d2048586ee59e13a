"""Several stores read as one, none of which has to be there, or honest.

They are asked in order. One that does not answer is not asked again, so that nobody waits for it at
every blob; one whose bytes were refused is asked on, since others of its blobs may be sound. What
is not to be had while one does not answer is out of reach: nobody knows whether that one has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, BlobOutOfReach, StoreUnavailable
from sheaf.store.interface import Copy, Draft, Store, first_sound, get_copy

ASKED_NO_MORE = "; it was not asked again"


@dataclass
class SeveralStores:
    """Stores by the names that they are told by. `troubles` says what was wrong, a line each."""

    stores: Sequence[tuple[str, Store]]
    troubles: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)

    def put(self, data: bytes, content_id: ContentId) -> NoReturn:
        """Refuse: these are others'."""
        raise StoreUnavailable(f"{content_id}: found stores of others, which are only read")

    def draft(self) -> AbstractContextManager[Draft]:
        """Refuse: these are others'."""
        raise StoreUnavailable("found stores of others, accepted: reading only")

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names, of the first that has them whole (see `Store.get`)."""
        try:
            return first_sound(self, content_id, lambda copy: get_copy(copy, content_id))
        except BlobMissing:
            raise self._missing(content_id) from None

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """The copies of all, in order (see `Store.copies`). Who asks for the next one did not
        accept the one before. Raises `BlobOutOfReach` at the end where one did not answer."""
        found = False
        for name, store in self.stores:
            if name in self.silent:
                continue
            try:
                for copy in store.copies(content_id):
                    found = True
                    yield replace(copy, ranged=_Watched(self, name, copy).ranged)
                    if name not in self.silent:
                        self._note(f"{name}: what it has under {content_id} was refused")
            except BlobMissing:
                continue
            except StoreUnavailable as error:
                self.lost(name, error)
        if not found or self.silent:
            raise self._missing(content_id)

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id in any."""
        try:
            next(self.copies(content_id))
        except BlobMissing:
            return False
        return True

    def ids(self) -> Iterator[ContentId]:
        """All ids kept in those that can list them, in order of their text."""
        found: set[ContentId] = set()
        for _, store in self.stores:
            with suppress(StoreUnavailable):  # one behind an address lists nothing
                found.update(store.ids())
        return iter(sorted(found, key=str))

    def lost(self, name: str, error: StoreUnavailable) -> None:
        """Do not ask a store again."""
        self.silent.add(name)
        self._note(f"{name}: {error.message.removeprefix(f'{name}: ')}{ASKED_NO_MORE}")

    def _note(self, line: str) -> None:
        if line not in self.troubles:
            self.troubles.append(line)

    def _missing(self, content_id: ContentId) -> BlobMissing:
        names = ", ".join(name for name, _ in self.stores)
        told = f" ({'; '.join(self.troubles)})" if self.troubles else ""
        if self.silent:
            hint = "ask again when all of them answer, or name others"
            return BlobOutOfReach(f"{content_id}: found in none of {names}{told}", hint)
        return BlobMissing(f"{content_id}: found in none of {names}{told}")


@dataclass(frozen=True)
class _Watched:
    """A copy whose store may fall silent while it is read."""

    stores: SeveralStores
    name: str
    copy: Copy

    def ranged(self, start: int, stop: int) -> bytes:
        try:
            return self.copy.ranged(start, stop)
        except StoreUnavailable as error:
            self.stores.lost(self.name, error)
            raise BlobOutOfReach(error.message) from error
