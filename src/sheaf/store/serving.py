"""A store served over HTTP to whoever wants to verify: `GET` and `HEAD` of `/ID`, with ranges.

Only blobs are given, by their content ids, and nothing is taken. What is given is not verified
here, for whoever reads does that anyway. Clients need not be friendly: each request's header is
bounded in bytes and time, each part of an answer in time, and connections are, in all and for each
address, so that nobody keeps the others out.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, cast

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument, StoreUnavailable
from sheaf.store.disk import DiskStore
from sheaf.store.interface import PART_BYTES, Copy
from sheaf.transport.metered import Meter, MeteredSocket, TooMuch, TooSlow

_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{0,19})")
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass(frozen=True)
class Limits:
    """What a server lets its clients take: connections at a time, in all and from one address;
    seconds and bytes for a request's header, and the same seconds for each part of an answer.

    Behind a proxy all clients have one address, and `each` is for all of them.
    """

    connections: int = 128
    each: int = 32
    patience_s: float = 30.0
    header_bytes: int = 16_384


LIMITS = Limits()


class StoreServer(ThreadingHTTPServer):
    """Serves a store at an address until `shutdown`; port 0 is any free one.

    Raises StoreUnavailable where nothing can listen there.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, store: DiskStore, host: str = "127.0.0.1", port: int = 0, limits: Limits = LIMITS
    ) -> None:
        self.store, self.limits = store, limits
        self._served, self._lock = Counter[str](), Lock()
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise StoreUnavailable(f"{host}:{port}: {error.strerror or error}") from error

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or turn it away."""
        host = client_address[0]
        with self._lock:
            admitted = (
                self._served.total() < self.limits.connections
                and self._served[host] < self.limits.each
            )
            self._served[host] += admitted
        if not admitted:
            _turn_away(request)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._leave(host)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(client_address[0])

    def _leave(self, host: str) -> None:
        with self._lock:
            self._served[host] -= 1
            if not self._served[host]:
                del self._served[host]


def _turn_away(connection: socket.socket) -> None:
    connection.setblocking(False)  # nobody waits for somebody who does not read
    with suppress(OSError):
        connection.send(_BUSY)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sheaf-store", ""

    def setup(self) -> None:
        self.request = MeteredSocket(self.request, self._meter())
        super().setup()

    def handle(self) -> None:
        # Who is too slow, sends too much or goes away is not answered any more.
        with suppress(TooSlow, TooMuch, OSError):
            super().handle()

    def handle_one_request(self) -> None:
        self.request.meter = self._meter()
        super().handle_one_request()

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with a status alone, and nothing of what was asked."""
        self.close_connection = True
        self.request_version = self.protocol_version  # whatever was understood of it
        self.request.meter = self._meter()
        self._end(HTTPStatus(code))

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    @property
    def _store_server(self) -> StoreServer:
        return cast(StoreServer, self.server)

    def _meter(self) -> Meter:
        limits = self._store_server.limits
        return Meter(limits.patience_s, limits.header_bytes, time.monotonic)

    def _answer(self, *, with_body: bool) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            # What follows would be taken for the next request.
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        try:
            content_id = ContentId.parse(self.path.removeprefix("/"))
            (copy,) = self._store_server.store.copies(content_id)
            self._give(copy, content_id, with_body=with_body)
        except (InvalidDocument, BlobMissing):
            self._end(HTTPStatus.NOT_FOUND)
        except (BlobCorrupt, StoreUnavailable):
            # Part of the body may be out already.
            self.close_connection = True

    def _give(self, copy: Copy, content_id: ContentId, *, with_body: bool) -> None:
        start, stop, status = 0, copy.size_bytes, HTTPStatus.OK
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if with_body and asked is not None:
            start = int(asked[1])
            stop = min(stop, int(asked[2]) + 1) if asked[2] else stop
            if start >= stop:
                self._end(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                return
            status = HTTPStatus.PARTIAL_CONTENT
        self.send_response(status)
        if status == HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{copy.size_bytes}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        tag = hashlib.sha256(copy.identity.encode()).hexdigest()[:32]
        self.send_header("ETag", f'"{tag}"')
        self.end_headers()
        for at in range(start, stop if with_body else start, PART_BYTES):
            part = copy.read(content_id, at, min(at + PART_BYTES, stop))
            self.request.meter = self._meter()
            self.wfile.write(part)

    def _end(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
