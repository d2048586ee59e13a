"""A store behind a web address, only read: `GET BASE/ID`, and `HEAD` for the size. A user name and
password of the address go into each request's header, its query after each id.

Any server of static files will do that answers ranges, `sheaf store serve` among them. What comes
is somebody else's: nothing is read beyond the size that was asked for, a slow trickle ends like
silence (`transport`), and whoever reads checks the bytes against their id. Messages say no more of
the address than scheme, host and port, since all else may hold keys.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import NoReturn

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidConfiguration, StoreUnavailable
from sheaf.store.interface import Copy, Draft, get_copy
from sheaf.transport.address import Address
from sheaf.transport.client import PATIENCE_S, Answer, HttpClient, NoAnswer, Question


class HttpStore:
    """Blobs under a base address, http or https.

    Methods raise StoreUnavailable, naming the server, where it does not answer as one does. An
    answer may take `timeout_s` and what its bytes take at the slowest rate; `clock` gives seconds.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url, self.timeout_s = url, timeout_s
        address = _address(url)
        base, mark, query = address.target.partition("?")
        self.name, self._base, self._query = address.name, base.rstrip("/"), mark + query
        # A copy's identity is written down, where no secret may be.
        self._digest = hashlib.sha256(f"{base.rstrip('/')}{mark}{query}".encode()).hexdigest()
        self._client = HttpClient(address, timeout_s, clock)

    def __repr__(self) -> str:
        return f"HttpStore({self.name})"

    def close(self) -> None:
        """Close the connections that are kept."""
        self._client.close()

    def put(self, data: bytes, content_id: ContentId) -> NoReturn:
        """Refuse: nothing is written there."""
        raise StoreUnavailable(f"{self.name}: found {content_id} to keep, accepted: reading only")

    def draft(self) -> AbstractContextManager[Draft]:
        """Refuse: nothing is written there."""
        raise StoreUnavailable(f"{self.name}: found a draft to keep, accepted: reading only")

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        (copy,) = self.copies(content_id)
        return get_copy(copy, content_id)

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """The one copy (see `Store.copies`)."""
        size, tag = self._head(content_id)
        where, identity = f"at {self.name}", f"{self.name} {self._digest} {size} {tag}"
        yield Copy(where, size, partial(self._ranged, content_id), identity if tag else "")

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id."""
        try:
            self._head(content_id)
        except BlobMissing:
            return False
        return True

    def ids(self) -> Iterator[ContentId]:
        """Refuse: a server lists nothing."""
        raise StoreUnavailable(f"{self.name}: found a store behind an address, which lists no ids")

    def _head(self, content_id: ContentId) -> tuple[int, str]:
        """The size, and what the server tags this version of it with."""
        answer = self._answer(Question("HEAD", self._target(content_id)))
        self._require(answer, content_id, 200)
        length = answer.fields.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            self._refuse(f"found a length of {length[:20]!r}, accepted: a number of bytes")
        return int(length), answer.fields.get("etag", "")

    def _ranged(self, content_id: ContentId, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        target = self._target(content_id)
        answer = self._answer(Question("GET", target, stop - start, (206,), wanted))
        if answer.status == 416:  # the copy ends before
            return b""
        if answer.status == 200:
            self._refuse("found a server that gives whole files, accepted: one that gives ranges")
        self._require(answer, content_id, 206)
        return answer.body

    def _target(self, content_id: ContentId) -> str:
        return f"{self._base}/{content_id}{self._query}"

    def _answer(self, question: Question) -> Answer:
        try:
            return self._client.ask(question)
        except NoAnswer as error:
            self._refuse(error.what)

    def _require(self, answer: Answer, content_id: ContentId, status: int) -> None:
        if answer.status in (404, 410):
            raise BlobMissing(f"{content_id}: not at {self.name}")
        if answer.status != status:
            self._refuse(f"answers with HTTP status {answer.status}")

    def _refuse(self, what: str) -> NoReturn:
        raise StoreUnavailable(f"{self.name}: {what}") from None


def _address(url: str) -> Address:
    """Raises `InvalidConfiguration` for what is no address of a store."""
    try:
        return Address.parse(url)
    except ValueError:
        accepted = "an http or https address without fragment"
        raise InvalidConfiguration(f"--store: found no address, accepted: {accepted}") from None
