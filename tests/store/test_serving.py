"""A served store whose clients are many, slow, or want more than blobs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from sheaf.protocol.content import ContentId, raw_id, tree_id
from sheaf.protocol.merkle import tree_root
from sheaf.store import DiskStore
from sheaf.store.http import HttpStore
from sheaf.store.serving import Limits, StoreServer

SMALL = bytes(range(256)) * 10
SMALL_ID = tree_id(tree_root(SMALL, 4096), 4096)
LARGE = bytes(2**25)
LARGE_ID = raw_id(LARGE)
TRIES = 10_000


@contextmanager
def serving(folder: Path, limits: Limits) -> Iterator[StoreServer]:
    store = DiskStore(folder)
    store.put(SMALL, SMALL_ID)
    server = StoreServer(store, limits=limits)
    thread = Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connected(server: StoreServer) -> socket.socket:
    host, port = server.server_address[:2]
    return socket.create_connection((str(host), int(port)), timeout=20)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side ends or resets the connection."""
    found = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    return found


def request(content_id: ContentId, *fields: str, method: str = "GET") -> bytes:
    lines = [f"{method} /{content_id} HTTP/1.1", "Host: store", *fields, "", ""]
    return "\r\n".join(lines).encode()


def got(server: StoreServer) -> bytes:
    with closing(HttpStore(server.url)) as store:
        return store.get(SMALL_ID)


def asked(server: StoreServer) -> bytes:
    """The status line of a new connection's answer."""
    with connected(server) as connection:
        with suppress(ConnectionError):  # turned away before anything was asked
            connection.sendall(request(SMALL_ID, "Connection: close"))
        return all_of(connection).partition(b"\r\n")[0]


OK, BUSY = b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Service Unavailable"


def test_no_address_has_more_connections_than_its_share(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(connections=9, each=3)) as server, ExitStack() as stack:
        held = [stack.enter_context(connected(server)) for _ in range(3)]
        # A busy server says so at once, and nothing else.
        with connected(server) as fourth:
            answer = all_of(fourth)
        assert answer.startswith(BUSY + b"\r\nRetry-After: 1\r\nContent-Length: 0\r\n")
        held[0].close()
        assert OK in (asked(server) for _ in range(TRIES))


def test_there_are_so_many_connections_in_all(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(connections=2, each=3)) as server:
        with connected(server), connected(server):
            assert BUSY in (asked(server) for _ in range(TRIES))
        assert OK in (asked(server) for _ in range(TRIES))


@pytest.mark.parametrize(
    "said", [b"", b"GET", request(SMALL_ID)[:-2], request(SMALL_ID, "X-Filler: ")[:-4]]
)
def test_who_does_not_finish_asking_is_cut_off(tmp_path: Path, said: bytes) -> None:
    limits = Limits(patience_s=0.5)
    with serving(tmp_path, limits) as server, connected(server) as slow:
        slow.sendall(said)
        assert got(server) == SMALL
        assert all_of(slow) == b""


@pytest.mark.parametrize(
    "said",
    [
        b"GET /" + b"x" * 10**6,
        request(SMALL_ID)[:-2] + b"X-Filler: " + b"x" * 10**6,
        request(SMALL_ID)[:-2] + b"X: y\r\n" * 10**5,
    ],
    ids=["a path", "a field", "fields"],
)
def test_a_header_is_bounded(tmp_path: Path, said: bytes) -> None:
    with serving(tmp_path, Limits()) as server, connected(server) as talkative:
        with suppress(ConnectionError):
            talkative.sendall(said)
        assert b"200 OK" not in all_of(talkative)
        assert got(server) == SMALL


def test_who_does_not_read_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(each=1, patience_s=0.2)) as server:
        server.store.put(LARGE, LARGE_ID)
        with connected(server) as stalled:
            stalled.sendall(request(LARGE_ID))
            # Its place is free again once the server has given it up.
            assert OK in (asked(server) for _ in range(TRIES))
            assert len(all_of(stalled)) < len(LARGE)


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_what_follows_a_request_is_not_taken_for_another(tmp_path: Path, field: str) -> None:
    with serving(tmp_path, Limits()) as server, connected(server) as smuggler:
        smuggler.sendall(request(SMALL_ID, field) + request(SMALL_ID, method="HEAD"))
        answer = all_of(smuggler)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"<script> / HTTP/1.1\r\n\r\n", b"501 Not Implemented"),
        (b"POST / HTTP/1.1\r\n\r\n", b"501 Not Implemented"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505 HTTP Version Not Supported"),
        (b"GET / a b HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"GET http://elsewhere/ HTTP/1.1\r\nConnection: close\r\n\r\n", b"404 Not Found"),
        (b"GET /../../secret HTTP/1.1\r\nConnection: close\r\n\r\n", b"404 Not Found"),
        (b"GET /%2e%2e/secret HTTP/1.1\r\nConnection: close\r\n\r\n", b"404 Not Found"),
    ],
)
def test_nothing_of_a_wrong_request_comes_back(tmp_path: Path, said: bytes, status: bytes) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    with serving(tmp_path / "store", Limits()) as server, connected(server) as connection:
        connection.sendall(said)
        answer = all_of(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"script" not in head
    assert body == b""


def test_who_goes_away_leaves_no_trace(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path, Limits(each=1)) as server:
        server.store.put(LARGE, LARGE_ID)
        with connected(server) as hasty:
            hasty.sendall(request(LARGE_ID))
            hasty.recv(1)
        assert OK in (asked(server) for _ in range(TRIES))
    assert capfd.readouterr() == ("", "")
