"""HTTP to one server that need not be friendly, over connections that are kept.

Each exchange is bounded as a whole, in bytes and in time, from looking for a connection to the last
byte. Redirects are not followed, since who is asked is who was named; nothing is unpacked; proxies
and netrc files of the environment are not looked at. TLS roots are certifi's, or those in the file
that `SSL_CERT_FILE` names. Only looking up a name is as slow as the system's resolver lets it be.
"""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import certifi

from sheaf.transport.address import Address
from sheaf.transport.metered import Meter, MeteredSocket, TooMuch, TooSlow

PATIENCE_S = 20.0
HEADER_BYTES = 65_536
"""Of status line and headers together."""

_PIECE_BYTES = 65_536
_PLACES = 8
"""Of a host: how many of its addresses are tried."""


class NoAnswer(Exception):
    """Nothing that could be used came back: `what` happened, in words that go after the server's
    name; where it is `final`, asking again changes nothing."""

    def __init__(self, what: str, *, final: bool = False) -> None:
        super().__init__(what)
        self.what, self.final = what, final


@dataclass(frozen=True)
class Question:
    """A request for `target`, and what may come back: of the statuses in `wanted` at most
    `most_bytes` of a body, of others none. One that is not `repeatable` goes out once."""

    method: str
    target: str
    most_bytes: int = 0
    wanted: Collection[int] = (200,)
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    repeatable: bool = True


@dataclass(frozen=True)
class Answer:
    """A status, header fields, and the body, which is `whole` unless there was more of it."""

    status: int
    fields: Mapping[str, str]
    body: bytes
    whole: bool


class HttpClient:
    """Asks one server; from several threads, too. `clock` gives seconds."""

    def __init__(
        self,
        address: Address,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._patience_s, self._clock = patience_s, clock
        # A connection is used by one thread at a time, and kept for the next request of any.
        self._idle: list[http.client.HTTPConnection] = []

    def __repr__(self) -> str:
        return f"HttpClient({self.address.name})"

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    def ask(self, question: Question) -> Answer:
        """One answer. Raises NoAnswer."""
        meter = Meter(self._patience_s, HEADER_BYTES, self._clock)
        connection: http.client.HTTPConnection | None = None
        try:
            connection = self._kept(meter)
            if connection is not None and question.repeatable:
                try:
                    return self._exchange(connection, question, meter)
                except (ConnectionError, http.client.BadStatusLine):
                    connection.close()  # meanwhile, by the server
                    connection, meter.left_bytes = None, HEADER_BYTES
            connection = connection or self._connected(meter)
            return self._exchange(connection, question, meter)
        except BaseException as error:
            if connection is not None:
                connection.close()
            told = _told(error)
            if told is None:
                raise
            # What the network raises may hold the address.
            raise told from None

    def _exchange(
        self, connection: http.client.HTTPConnection, question: Question, meter: Meter
    ) -> Answer:
        headers = {"Host": self.address.authority, **(question.headers or {})}
        if self.address.authorization:
            headers["Authorization"] = self.address.authorization
        connection.request(question.method, question.target or "/", question.body, headers)
        with connection.getresponse() as response:
            told = {name.lower(): value for name, value in response.getheaders()}
            body, whole = b"", True
            if response.status in question.wanted and question.method != "HEAD":
                _require_plain(told)
                # Chunks may be wrapped in more bytes than they hold.
                meter.left_bytes = 2 * question.most_bytes + HEADER_BYTES
                body, whole = _body(response, question.most_bytes)
            read = response.isclosed() or response.length == 0
            kept = read and not response.will_close
        if kept:
            self._idle.append(connection)
        else:  # something is left that nobody asked for
            connection.close()
        return Answer(response.status, told, body, whole)

    def _kept(self, meter: Meter) -> http.client.HTTPConnection | None:
        """A connection of before on which nothing has come since: neither its end nor an answer to
        nothing."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            assert isinstance(connection.sock, MeteredSocket)
            with selectors.DefaultSelector() as waiting:  # what every system has
                waiting.register(connection.sock.inner, selectors.EVENT_READ)
                silent = not waiting.select(0)
            if silent:
                connection.sock.meter = meter
                return connection
            connection.close()
        return None

    def _connected(self, meter: Meter) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address.host, self.address.port)
        connection.auto_open = 0
        # As much of a socket as the connection uses.
        connection.sock = MeteredSocket(self._opened(meter), meter)
        return connection

    def _opened(self, meter: Meter) -> socket.socket:
        """A new connection's socket, over TLS where the address says so."""
        host, port, failure = self.address.host, self.address.port, OSError("no such host")
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a name that nobody can have
            raise failure from None
        for family, kind, protocol, _, place in places[:_PLACES]:
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(meter.left_s())
                opened.connect(place)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not self.address.secure:
                    return opened
                opened.settimeout(meter.left_s())
                return self._tls.wrap_socket(opened, server_hostname=host)
            except OSError as error:
                opened.close()
                failure = error
            except BaseException:
                opened.close()
                raise
        raise failure

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


def _require_plain(fields: Mapping[str, str]) -> None:
    coding = fields.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise NoAnswer(f"packs its answer as {coding!r:.20}, accepted: none packed", final=True)


def _body(response: http.client.HTTPResponse, most_bytes: int) -> tuple[bytes, bool]:
    """At most so many bytes, and whether they are all. Raises NoAnswer for fewer than announced."""
    found = bytearray()
    while len(found) < most_bytes:
        piece = response.read1(min(_PIECE_BYTES, most_bytes - len(found)))
        if not piece:
            break
        found += piece
    ended = len(found) < most_bytes
    if ended and response.length:
        raise NoAnswer("breaks off its answer")
    return bytes(found), ended or response.length == 0 or not response.read1(1)


def _told(error: BaseException) -> NoAnswer | None:
    """What the network did, in words; None for what is no doing of the network's."""
    if isinstance(error, NoAnswer):
        return error
    if isinstance(error, TooSlow | TimeoutError):
        return NoAnswer("takes too long to answer")
    if isinstance(error, TooMuch):
        return NoAnswer("sends more than an answer may hold", final=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        told = f"shows a certificate that does not hold: {error.verify_message}"
        return NoAnswer(told[:200], final=True)
    if isinstance(error, http.client.IncompleteRead):
        return NoAnswer("breaks off its answer")
    if isinstance(error, OSError):
        return NoAnswer("does not answer")
    if isinstance(error, http.client.HTTPException | ValueError):
        return NoAnswer("answers something other than HTTP", final=True)
    return None
