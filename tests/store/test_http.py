"""Stores behind addresses: real servers on the loopback interface, honest ones and others."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from sheaf.protocol.content import raw_id, tree_id
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidConfiguration,
    SheafError,
    StoreUnavailable,
)
from sheaf.protocol.merkle import tree_root
from sheaf.store import DiskStore, MemoryStore
from sheaf.store.http import HttpStore
from sheaf.store.interface import keep_copy, sound_copy
from sheaf.store.serving import StoreServer
from sheaf.store.several import SeveralStores
from sheaf.transport.metered import MeteredSocket

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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[DiskStore, str]]:
    store = DiskStore(tmp_path)
    store.put(MODEL, MODEL_ID)
    with running(StoreServer(store)) as url:
        yield store, url


def test_what_is_served_is_got_whole_and_in_parts(served: tuple[DiskStore, str]) -> None:
    with reading(served[1] + "/") as store:
        assert store.get(MODEL_ID) == MODEL
        assert store.has(MODEL_ID)
        assert not store.has(ABSENT)
        (copy,) = store.copies(MODEL_ID)
        assert copy.size_bytes == len(MODEL)
        assert copy.read(MODEL_ID, 70_000, 270_001) == MODEL[70_000:270_001]
        with pytest.raises(BlobCorrupt, match=f"found 10 bytes from {len(MODEL) - 10}"):
            copy.read(MODEL_ID, len(MODEL) - 10, len(MODEL) + 1)
        with pytest.raises(BlobMissing, match=f"{ABSENT}: not at {served[1]}"):
            store.get(ABSENT)
        assert sound_copy(store, MODEL_ID).size_bytes == len(MODEL)


def test_a_connection_is_kept(served: tuple[DiskStore, str]) -> None:
    with reading(served[1]) as store:
        store.get(MODEL_ID)
        idle = store._client._idle
        (kept,) = idle
        assert store.get(MODEL_ID) == MODEL
        assert idle == [kept]
        assert isinstance(kept.sock, MeteredSocket)
        kept.sock.inner.shutdown(socket.SHUT_RDWR)
        assert store.get(MODEL_ID) == MODEL


def test_an_identity_changes_with_the_file(served: tuple[DiskStore, str]) -> None:
    disk, url = served
    with reading(url) as store:
        (before,), (same,) = store.copies(MODEL_ID), store.copies(MODEL_ID)
        file = disk.path / str(MODEL_ID)[-2:] / str(MODEL_ID)
        file.write_bytes(MODEL[::-1])
        (after,) = store.copies(MODEL_ID)
        assert before.identity == same.identity != after.identity
        with pytest.raises(BlobCorrupt, match=f"{MODEL_ID}: the {len(MODEL)} bytes at {url}"):
            store.get(MODEL_ID)


def test_nothing_is_written_or_listed(served: tuple[DiskStore, str]) -> None:
    with reading(served[1]) as store:
        for refused in (lambda: store.put(b"", raw_id(b"")), store.draft, store.ids):
            with pytest.raises(StoreUnavailable, match=r"accepted: reading only|lists no ids"):
                refused()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", f"/{str(MODEL_ID)[-2:]}/{MODEL_ID}", 404),
        ("GET", f"/{MODEL_ID}?x", 404),
        ("GET", f"/{ABSENT}", 404),
        ("HEAD", f"/{ABSENT}", 404),
        ("PUT", f"/{MODEL_ID}", 501),
        ("DELETE", f"/{MODEL_ID}", 501),
        ("POST", "/", 501),
        ("GET", f"/{MODEL_ID}", 200),
    ],
)
def test_only_blobs_are_given(
    served: tuple[DiskStore, str], method: str, path: str, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(served[1].rpartition(":")[2]))
    connection.request(method, path)
    answer = connection.getresponse()
    assert answer.status == status
    assert (answer.read() == MODEL) == (status == 200)
    connection.close()


@pytest.mark.parametrize(
    ("asked", "status", "given"),
    [
        ("bytes=0-0", 206, MODEL[:1]),
        ("bytes=1279999-", 206, MODEL[-1:]),
        ("bytes=1279990-99999999999", 206, MODEL[-10:]),
        ("bytes=1280000-1280001", 416, b""),
        ("bytes=5-4", 416, b""),
        ("bytes=0-1,3-4", 200, MODEL),
        ("words", 200, MODEL),
    ],
)
def test_ranges(served: tuple[DiskStore, str], asked: str, status: int, given: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(served[1].rpartition(":")[2]))
    connection.request("GET", f"/{MODEL_ID}", headers={"Range": asked})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (status, given)
    connection.close()


def test_a_port_that_is_taken(served: tuple[DiskStore, str]) -> None:
    port = int(served[1].rpartition(":")[2])
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}: "):
        StoreServer(served[0], port=port)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "file:///etc",
        "http://",
        "http://user:word@host/",
        "http://host/?key=1",
        "http://host/#a",
        "http://host:99999/",
        "http://host/a b",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        HttpStore(url)
    assert "word" not in error.value.message


# Servers that are wrong


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
WRONG: dict[str, tuple[Callable[..., None], type[SheafError], str]] = {
    "garbage": (garbage, StoreUnavailable, "answers something other than HTTP"),
    "hanging": (hanging, StoreUnavailable, "takes too long to answer"),
    "hanging later": (by_method(HEAD, hanging), StoreUnavailable, "takes too long to answer"),
    "an error": (answered(500, {}), StoreUnavailable, "answers with HTTP status 500"),
    "elsewhere": (
        answered(302, {"Location": "file:///etc/passwd"}),
        StoreUnavailable,
        "answers with HTTP status 302",
    ),
    "no length": (answered(200, {}), StoreUnavailable, "found a length of ''"),
    "a wrong length": (
        answered(200, {"Content-Length": "-5"}),
        StoreUnavailable,
        "found a length of '-5'",
    ),
    "whole files": (
        by_method(HEAD, answered(200, SIZE, MODEL)),
        StoreUnavailable,
        "found a server that gives whole files, accepted: one that gives ranges",
    ),
    "too little": (
        by_method(HEAD, answered(206, {"Content-Length": "3"}, b"abc")),
        BlobCorrupt,
        f"found 3 bytes from 0 to {len(MODEL)}",
    ),
    "too much": (
        by_method(HEAD, answered(206, {}, b"\0" * (len(MODEL) + 5))),
        BlobCorrupt,
        f"the {len(MODEL)} bytes at http://127.0.0.1",
    ),
    "a lie": (
        by_method(HEAD, answered(206, SIZE, b"\0" * len(MODEL))),
        BlobCorrupt,
        f"the {len(MODEL)} bytes at http://127.0.0.1",
    ),
    "a huge lie": (
        answered(200, {"Content-Length": "9" * 18}),
        BlobCorrupt,
        "accepted: at most 1073741824",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_server_is_said_in_one_line(name: str) -> None:
    say, error, told = WRONG[name]
    timeout_s = 0.2 if "hanging" in name else 20.0
    with running(Wrong(say)) as url, reading(f"{url}/secret", timeout_s) as store:
        with pytest.raises(error) as caught:
            store.get(MODEL_ID)
        assert told in caught.value.message
        assert url in caught.value.message
        assert "secret" not in caught.value.message
        assert "\n" not in caught.value.message


def test_a_trickle_ends() -> None:
    seconds = iter(range(10**6))
    told = "takes too long to answer"
    with (
        running(Wrong(trickling)) as url,
        # A second passes whenever anybody looks at the clock.
        closing(HttpStore(url, clock=lambda: float(next(seconds)))) as store,
        pytest.raises(StoreUnavailable, match=told),
    ):
        store.get(MODEL_ID)
    assert 20 < next(seconds) < 60


def test_of_what_is_said_to_be_larger_nothing_is_taken(tmp_path: Path) -> None:
    endless = by_method(answered(200, {"Content-Length": "9" * 18}), trickling)
    told = f"found {'9' * 18} bytes at http://.*, accepted: at most {len(MODEL)}"
    with running(Wrong(endless)) as url, reading(url) as store:
        own = DiskStore(tmp_path)
        with pytest.raises(BlobCorrupt, match=told):
            keep_copy(store, own, MODEL_ID, len(MODEL))
        with pytest.raises(BlobCorrupt, match=told):
            sound_copy(store, MODEL_ID, len(MODEL))
        assert list(own.ids()) == []


def test_what_is_kept_is_what_its_id_names(
    served: tuple[DiskStore, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = DiskStore(tmp_path_factory.mktemp("own"))
    with reading(served[1]) as store:
        keep_copy(store, own, MODEL_ID, len(MODEL))
    assert own.get(MODEL_ID) == MODEL


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with reading(url) as store, pytest.raises(StoreUnavailable, match=f"{url}: does not"):
            store.get(MODEL_ID)


# Several


def test_the_first_sound_copy_is_taken_and_who_gave_another_is_named() -> None:
    lying, honest = MemoryStore(), MemoryStore()
    lying._blobs[MODEL_ID] = MODEL[:-1]
    honest.put(MODEL, MODEL_ID)
    stores = SeveralStores([("liar", lying), ("empty", MemoryStore()), ("honest", honest)])
    assert stores.get(MODEL_ID) == MODEL
    assert stores.troubles == [f"liar: what it has under {MODEL_ID} was refused"]
    assert sound_copy(stores, MODEL_ID).where == "in memory"
    assert stores.troubles == [f"liar: what it has under {MODEL_ID} was refused"]
    assert stores.has(MODEL_ID)
    assert not stores.has(ABSENT)
    assert list(stores.ids()) == [MODEL_ID]
    with pytest.raises(BlobMissing, match=f"{ABSENT}: found in none of liar, empty, honest"):
        stores.get(ABSENT)
    with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
        SeveralStores([("liar", lying)]).get(MODEL_ID)


def test_a_server_among_them_lists_nothing(served: tuple[DiskStore, str]) -> None:
    _, url = served
    own = MemoryStore()
    own.put(MODEL, MODEL_ID)
    remote = HttpStore(url)
    assert list(SeveralStores([("remote", remote), ("own", own)]).ids()) == [MODEL_ID]
    assert list(SeveralStores([("remote", remote)]).ids()) == []
    remote.close()


def test_who_is_silent_is_asked_once(served: tuple[DiskStore, str]) -> None:
    asked: list[str] = []

    def refusing(handler: BaseHTTPRequestHandler, over: Event) -> None:
        asked.append(handler.command)
        answered(503, {})(handler, over)

    with running(Wrong(refusing)) as url, reading(url) as broken, reading(served[1]) as honest:
        stores = SeveralStores([("broken", broken), ("honest", honest)])
        assert stores.get(MODEL_ID) == MODEL
        assert stores.get(MODEL_ID) == MODEL
        assert asked == ["HEAD"]
        assert stores.troubles == [
            f"broken: {url}: answers with HTTP status 503; it was not asked again"
        ]


def test_who_falls_silent_while_it_is_read_is_made_up_for(served: tuple[DiskStore, str]) -> None:
    falling = Wrong(by_method(HEAD, answered(503, {})))
    with running(falling) as url, reading(url) as broken, reading(served[1]) as honest:
        stores = SeveralStores([("broken", broken), ("honest", honest)])
        assert sound_copy(stores, MODEL_ID).where == f"at {served[1]}"
        assert stores.silent == {"broken"}
