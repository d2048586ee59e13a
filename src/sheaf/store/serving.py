"""A store served over HTTP to whoever wants to verify: `GET` and `HEAD` of `/ID`, with ranges.

Only blobs are given, by their content ids, and nothing is taken. What is given is not verified
here, for whoever reads does that anyway.
"""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument, StoreUnavailable
from sheaf.store.disk import DiskStore
from sheaf.store.interface import PART_BYTES, Copy

_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{0,19})")
_IDLE_S = 30


class StoreServer(ThreadingHTTPServer):
    """Serves a store at an address until `shutdown`; port 0 is any free one.

    Raises StoreUnavailable where nothing can listen there.
    """

    daemon_threads = True

    def __init__(self, store: DiskStore, host: str = "127.0.0.1", port: int = 0) -> None:
        self.store = store
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise StoreUnavailable(f"{host}:{port}: {error.strerror or error}") from error

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sheaf-store", ""
    timeout = _IDLE_S

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        try:
            content_id = ContentId.parse(self.path.removeprefix("/"))
            (copy,) = cast(StoreServer, self.server).store.copies(content_id)
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
            self.wfile.write(copy.read(content_id, at, min(at + PART_BYTES, stop)))

    def _end(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""
