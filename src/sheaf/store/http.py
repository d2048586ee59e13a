"""A store behind a web address, only read: `GET BASE/ID`, and `HEAD` for the size.

Any server of static files will do that answers ranges, `sheaf store serve` among them. What comes
is somebody else's: nothing is read beyond the size that was asked for, a slow trickle ends like
silence, redirects are not followed, and whoever reads checks the bytes against their id. Messages
say no more of the address than scheme, host and port, since paths may hold keys.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidConfiguration, StoreUnavailable
from sheaf.store.interface import Copy, Draft, get_copy

TIMEOUT_S = 20.0
SLOWEST_BYTES_PER_S = 16_384
"""A server that gives less is taken for one that is silent."""

_PIECE_BYTES = 65_536


class HttpStore:
    """Blobs under a base address, http or https.

    Methods raise StoreUnavailable, naming the server, where it does not answer as one does.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._parts = _parts(url)
        port = f":{self._parts.port}" if self._parts.port else ""
        self.name = f"{self._parts.scheme}://{self._parts.hostname}{port}"
        self._base, self._timeout_s = self._parts.path.rstrip("/"), timeout_s
        # A connection is used by one thread at a time, and kept for the next request of any.
        self._idle: list[http.client.HTTPConnection] = []

    def __repr__(self) -> str:
        return f"HttpStore({self.name})"

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

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
        where, identity = f"at {self.name}", f"{self.name}{self._base} {size} {tag}"
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
        with self._answer("HEAD", content_id, {}) as answer:
            self._require(answer, content_id, 200)
            length = answer.getheader("Content-Length") or ""
            if not (length.isascii() and length.isdigit() and len(length) < 20):
                self._refuse(f"found a length of {length[:20]!r}, accepted: a number of bytes")
            return int(length), answer.getheader("ETag") or ""

    def _ranged(self, content_id: ContentId, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        with self._answer("GET", content_id, wanted) as answer:
            if answer.status == 416:  # the copy ends before
                return b""
            if answer.status == 200:
                self._refuse(
                    "found a server that gives whole files, accepted: one that gives ranges"
                )
            self._require(answer, content_id, 206)
            return self._body(answer, stop - start)

    def _body(self, answer: http.client.HTTPResponse, size: int) -> bytes:
        """As much as was asked for, in reasonable time."""
        latest = time.monotonic() + self._timeout_s + size / SLOWEST_BYTES_PER_S
        found = bytearray()
        while len(found) < size:
            piece = answer.read1(min(_PIECE_BYTES, size - len(found)))
            if not piece:
                break
            found += piece
            if time.monotonic() > latest:
                self._refuse("takes too long to answer")
        return bytes(found)

    @contextmanager
    def _answer(
        self, method: str, content_id: ContentId, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer, on a kept connection or, where that was closed meanwhile, on a new one."""
        target = f"{self._base}/{content_id}"
        connection, kept = self._connection()
        try:
            try:
                connection.request(method, target, headers=headers)
                answer = connection.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                if not kept:
                    raise
                connection.close()
                connection = self._connected()
                connection.request(method, target, headers=headers)
                answer = connection.getresponse()
            with answer:
                yield answer
        except BaseException as error:
            connection.close()
            self._translate(error)
            raise
        if answer.length == 0 and not answer.will_close:
            self._idle.append(connection)
        else:  # something is left that nobody asked for
            connection.close()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        try:
            return self._idle.pop(), True
        except IndexError:
            return self._connected(), False

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)

    def _require(
        self, answer: http.client.HTTPResponse, content_id: ContentId, status: int
    ) -> None:
        if answer.status in (404, 410):
            raise BlobMissing(f"{content_id}: not at {self.name}")
        if answer.status != status:
            self._refuse(f"answers with HTTP status {answer.status}")

    def _translate(self, error: BaseException) -> None:
        """Raise what the network did as `StoreUnavailable`; of another error nothing is made."""
        if isinstance(error, TimeoutError):
            self._refuse("takes too long to answer")
        if isinstance(error, OSError):
            self._refuse("does not answer")
        if isinstance(error, http.client.HTTPException | ValueError):
            self._refuse("answers something other than HTTP")

    def _refuse(self, what: str) -> NoReturn:
        raise StoreUnavailable(f"{self.name}: {what}") from None


def _parts(url: str) -> SplitResult:
    """The parts of an address. Raises `InvalidConfiguration` for what is none."""
    accepted = "an http or https address without user, query or fragment"
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidConfiguration(f"--store: found no address, accepted: {accepted}") from None
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    path = parts.path.isascii() and parts.path.isprintable() and " " not in parts.path
    known = parts.scheme in ("http", "https") and parts.hostname
    if not (known and port_is_number and plain and path):
        raise InvalidConfiguration(f"--store: found another address, accepted: {accepted}")
    return parts
