"""Stores behind addresses: real servers on the loopback interface, honest ones and others."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest

from sheaf.protocol.content import raw_id
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidConfiguration,
    SheafError,
    StoreUnavailable,
)
from sheaf.store import DiskStore
from sheaf.store.http import HttpStore
from sheaf.store.interface import keep_copy, sound_copy
from sheaf.store.serving import StoreServer
from sheaf.transport.metered import MeteredSocket
from tests.store.servers import (
    ABSENT,
    HEAD,
    MODEL,
    MODEL_ID,
    SIZE,
    Wrong,
    answered,
    by_method,
    garbage,
    hanging,
    reading,
    running,
    trickling,
)


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
        "http://user:word@host/#a",
        "http://host/#a",
        "http://host:99999/",
        "http://host/a b",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        HttpStore(url)
    assert "word" not in error.value.message


def test_user_password_and_query_are_sent_and_not_told() -> None:
    asked: list[tuple[str, str, str | None]] = []

    def say(handler: BaseHTTPRequestHandler, over: Event) -> None:
        asked.append((handler.command, handler.path, handler.headers["Authorization"]))
        answered(200, {**SIZE, "ETag": "7"})(handler, over)

    with running(Wrong(say)) as url:
        place = url.replace("//", "//user:s%2Fword@") + "/hidden/?token=word"
        with reading(place) as store:
            (copy,) = store.copies(MODEL_ID)
            told = f"{store!r} {store.name} {copy.where} {copy.identity}"
        with reading(place.replace("token", "other")) as store:
            assert next(store.copies(MODEL_ID)).identity != copy.identity
    # RFC 7617: base64 of "user:s/word".
    basic = "Basic dXNlcjpzL3dvcmQ="
    assert asked[0] == ("HEAD", f"/hidden/{MODEL_ID}?token=word", basic)
    assert store.name == url
    assert "word" not in told
    assert "hidden" not in told


# Servers that are wrong


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
