"""Servers of blobs on the loopback interface, honest ones and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from sheaf.protocol.content import raw_id, tree_id
from sheaf.protocol.merkle import tree_root
from sheaf.store.http import HttpStore

MODEL = bytes(range(256)) * 5000
MODEL_ID = tree_id(tree_root(MODEL, 4096), 4096)
ABSENT = raw_id(b"absent")


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def reading(url: str, timeout_s: float = 20.0) -> Iterator[HttpStore]:
    store = HttpStore(url, timeout_s)
    try:
        yield store
    finally:
        store.close()


class Wrong(ThreadingHTTPServer):
    """Answers every request by `say`, which may leave it open until the test is over."""

    daemon_threads = True

    def __init__(self, say: Callable[[BaseHTTPRequestHandler, Event], None]) -> None:
        self.over = Event()
        over = self.over

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                say(self, over)

            def do_HEAD(self) -> None:
                say(self, over)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing on stderr."""

        super().__init__(("127.0.0.1", 0), Handler)

    def shutdown(self) -> None:
        self.over.set()
        super().shutdown()


def answered(status: int, headers: dict[str, str], body: bytes = b"") -> Callable[..., None]:
    def say(handler: BaseHTTPRequestHandler, over: Event) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    return say


def garbage(handler: BaseHTTPRequestHandler, over: Event) -> None:
    handler.wfile.write(b"<html>\r\n\r\n")


def hanging(handler: BaseHTTPRequestHandler, over: Event) -> None:
    over.wait()


def trickling(handler: BaseHTTPRequestHandler, over: Event) -> None:
    """A byte at a time, for as long as somebody reads."""
    handler.send_response(206 if handler.command == "GET" else 200)
    handler.send_header("Content-Length", str(len(MODEL)))
    handler.end_headers()
    while handler.command == "GET" and not over.is_set():
        handler.wfile.write(b"x")


def by_method(head: Callable[..., None], get: Callable[..., None]) -> Callable[..., None]:
    def say(handler: BaseHTTPRequestHandler, over: Event) -> None:
        (head if handler.command == "HEAD" else get)(handler, over)

    return say


SIZE = {"Content-Length": str(len(MODEL))}
HEAD = answered(200, SIZE)
