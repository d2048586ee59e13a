"""The one HTTP client, against servers that send too much, too slowly, too little or elsewhere."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import certifi
import pytest

from sheaf.transport.address import Address
from sheaf.transport.client import HEADER_BYTES, HttpClient, NoAnswer, Question
from sheaf.transport.metered import SLOWEST_BYTES_PER_S, Meter, TooMuch, TooSlow
from tests.transport.hostile import PLAIN, Hostile, endless, hostile, mute, saying

ASK = Question("POST", "/rpc?key=1", 1_000, body=b"{}")
OK = b"HTTP/1.1 200 OK\r\n"


def client_of(server: Hostile, patience_s: float = 10.0) -> HttpClient:
    return HttpClient(Address.parse(server.url), patience_s)


def ticking() -> Iterator[float]:
    """A second whenever anybody looks."""
    return iter(map(float, range(10**9)))


def refused(server: Hostile, question: Question = ASK) -> NoAnswer:
    """What an answer is refused for, of a client for which time passes as it reads."""
    seconds = ticking()
    client = HttpClient(Address.parse(server.url), 30.0, lambda: next(seconds))
    with closing(client), pytest.raises(NoAnswer) as caught:
        client.ask(question)
    return caught.value


def test_an_answer_is_read_whole_and_the_connection_kept() -> None:
    with hostile(saying(PLAIN, PLAIN)) as server, closing(client_of(server)) as client:
        for _ in range(2):
            answer = client.ask(ASK)
            assert (answer.status, answer.body, answer.whole) == (200, b"{}", True)
            assert answer.fields["content-length"] == "2"
        assert len(server.heard) == 2
        request = server.heard[0]
        assert request.startswith(b"POST /rpc?key=1 HTTP/1.1\r\n")
        assert b"Accept-Encoding: identity\r\n" in request
        assert b"Host: %b\r\n" % server.url.removeprefix("http://").encode() in request


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("told", "body"),
    [
        (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}"),
        (OK + b"\r\n{}", b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, b"{}"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunked", "until it ends", "after a pause", "empty"],
)
def test_bodies_come_in_several_ways(told: bytes, body: bytes) -> None:
    with hostile(saying(told)) as server, closing(client_of(server)) as client:
        answer = client.ask(ASK)
        assert (answer.body, answer.whole) == (body, True)


def test_no_more_is_read_than_was_asked_for() -> None:
    announced = OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000
    with hostile(saying(announced)) as server, closing(client_of(server)) as client:
        answer = client.ask(ASK)
        assert (len(answer.body), answer.whole) == (1_000, False)
    for start, more in (
        (OK + b"\r\n", b"x" * 9_999),
        (CHUNKED, b"270f\r\n" + b"x" * 9_999 + b"\r\n"),
    ):
        with hostile(endless(start, more)) as server, closing(client_of(server)) as client:
            answer = client.ask(ASK)
            assert (len(answer.body), answer.whole) == (1_000, False)


TOO_MUCH = "sends more than an answer may hold"
TOO_LONG = "answers something other than HTTP"
TOO_SLOW = "takes too long to answer"


@pytest.mark.parametrize(
    ("start", "more", "what"),
    [
        (OK, b"X-Filler: " + b"x" * 9_000 + b"\r\n", TOO_MUCH),
        (OK + b"X-Filler: ", b"x" * 60_000, TOO_MUCH),
        (b"HTTP/1.1 ", b"2" * 60_000, TOO_MUCH),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, TOO_MUCH),
        (CHUNKED + b"1;", b"x" * 60_000, TOO_LONG),
        (CHUNKED, b"1;" + b"x" * 60_000 + b"\r\n.\r\n", TOO_MUCH),
        (CHUNKED + b"0\r\n", b"X-Trailer: x\r\n" * 1_000, TOO_MUCH),
    ],
    ids=["fields", "a field", "a status", "pauses", "a chunk's size", "chunks", "trailers"],
)
def test_nothing_around_a_body_is_endless(start: bytes, more: bytes, what: str) -> None:
    with hostile(endless(start, more)) as server, closing(client_of(server)) as client:
        with pytest.raises(NoAnswer) as caught:
            client.ask(ASK)
        assert caught.value.final
        assert caught.value.what == what


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b"H"),
        (OK + b"X-Filler: ", b"x"),
        (OK + b"Content-Length: 1000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
    ],
    ids=["status", "fields", "body", "chunks"],
)
def test_who_trickles_is_late_as_a_whole(start: bytes, more: bytes) -> None:
    # Many pieces may come at a time; none of it moves the end by more than its bytes are worth.
    question = Question("GET", "/", 10**9)
    start = start.replace(b"1000", b"%d" % 10**9)
    with hostile(endless(start, more)) as server:
        assert refused(server, question).what == TOO_SLOW


def test_who_says_nothing_is_late() -> None:
    with hostile(mute) as server, closing(client_of(server, 0.05)) as client:
        with pytest.raises(NoAnswer) as caught:
            client.ask(ASK)
        assert (caught.value.what, caught.value.final) == (TOO_SLOW, False)


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (b"", "does not answer"),
        (b"<html>\r\n\r\n", "answers something other than HTTP"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "answers something other than HTTP"),
        (OK + b"Content-Length: 20\r\n\r\n{}", "breaks off its answer"),
        (CHUNKED + b"20\r\n{}", "breaks off its answer"),
        (CHUNKED + b"zz\r\n{}", "breaks off its answer"),
        (
            OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**6)),
            "packs its answer as 'gzip', accepted: none packed",
        ),
    ],
)
def test_what_is_no_answer_is_said_in_words(told: bytes, what: str) -> None:
    with hostile(saying(told)) as server, closing(client_of(server)) as client:
        with pytest.raises(NoAnswer) as caught:
            client.ask(ASK)
        assert caught.value.what == what
        assert caught.value.__cause__ is None


def test_nobody_is_asked_but_who_was_named() -> None:
    with hostile(saying(PLAIN)) as other:
        moved = (
            b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % other.url.encode()
        )
        with hostile(saying(moved)) as server, closing(client_of(server)) as client:
            assert client.ask(ASK).status == 302
        assert other.heard == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile(saying(PLAIN)) as proxy, hostile(saying(PLAIN)) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        with closing(client_of(server)) as client:
            client.ask(ASK)
        assert (len(proxy.heard), len(server.heard)) == (0, 1)


def test_a_connection_that_ended_meanwhile_is_made_anew() -> None:
    once = saying(PLAIN)
    with hostile(once, once, once) as server, closing(client_of(server)) as client:
        for _ in range(3):
            assert client.ask(ASK).body == b"{}"
        assert len(server.heard) == 3


def test_what_comes_unasked_is_no_answer_to_the_next_question() -> None:
    answered, forged = Event(), Event()

    def forging(connection: socket.socket, over: Event) -> None:
        with connection:
            connection.recv(65_536)
            connection.sendall(PLAIN)
            answered.wait(10)
            connection.sendall(OK + b"Content-Length: 6\r\n\r\nforged")
            forged.set()
            over.wait()

    with hostile(forging, saying(PLAIN)) as server, closing(client_of(server)) as client:
        assert client.ask(ASK).body == b"{}"
        answered.set()
        assert forged.wait(10)
        assert client.ask(ASK).body == b"{}"


def test_what_may_not_be_sent_twice_is_not() -> None:
    def closing_late(connection: socket.socket, over: object) -> None:
        saying(PLAIN, b"")(connection, over)  # type: ignore[arg-type]

    sent = Question("POST", "/", 1_000, body=b"{}", repeatable=False)
    with hostile(closing_late, saying(PLAIN)) as server, closing(client_of(server)) as client:
        client.ask(ASK)
        with pytest.raises(NoAnswer, match="does not answer"):
            client.ask(sent)
        assert len(server.heard) == 2
    with hostile(closing_late, saying(PLAIN)) as server, closing(client_of(server)) as client:
        assert [client.ask(ASK).body for _ in range(2)] == [b"{}", b"{}"]
        assert len(server.heard) == 3


def without_tls(connection: socket.socket, over: object) -> None:
    with connection:
        connection.recv(65_536)
        connection.sendall(b"no TLS")


@pytest.mark.parametrize("named", [False, True])
def test_a_certificate_must_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: bool
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")[0])
    roots.write_text(roots.read_text() + "-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(roots) if named else "")
    with hostile(without_tls) as server:
        secure = Address.parse(server.url.replace("http", "https"))
        with closing(HttpClient(secure, 10.0)) as client:
            assert client._tls.verify_mode is ssl.CERT_REQUIRED
            assert client._tls.check_hostname
            given = ssl.create_default_context(cafile=certifi.where())
            known = {"x509": 1, "crl": 0, "x509_ca": 1} if named else given.cert_store_stats()
            assert client._tls.cert_store_stats() == known
            with pytest.raises(NoAnswer, match="does not answer"):
                client.ask(ASK)


def test_a_meter_counts_bytes_and_seconds() -> None:
    now = [0.0]
    meter = Meter(10.0, 3 * SLOWEST_BYTES_PER_S, lambda: now[0])
    meter.take(2 * SLOWEST_BYTES_PER_S)
    now[0] = 11.5
    assert meter.left_s() == 0.5
    now[0] = 12.0
    with pytest.raises(TooSlow):
        meter.left_s()
    meter.take(SLOWEST_BYTES_PER_S)
    with pytest.raises(TooMuch):
        meter.take(1)
    assert HEADER_BYTES < 10**5


SECRET = "hunter2"


def test_as_much_of_an_address_is_told_as_names_a_server() -> None:
    url = f"https://operator:{SECRET}%40@rpc.example:8443/v3/{SECRET}?key={SECRET}"
    address = Address.parse(url)
    assert address.name == "https://rpc.example:8443"
    assert (address.host, address.port, address.authority) == (
        "rpc.example",
        8443,
        "rpc.example:8443",
    )
    assert address.target == f"/v3/{SECRET}?key={SECRET}"
    # operator:hunter2@, by hand
    assert address.authorization == "Basic b3BlcmF0b3I6aHVudGVyMkA="
    assert SECRET not in repr(address)
    assert SECRET not in repr(HttpClient(address))
    assert Address.parse("http://[::1]:8545").name == "http://[::1]:8545"
    assert Address.parse("http://[::1]").port == 80


@pytest.mark.parametrize(
    "url",
    [
        "",
        "8545",
        "ftp://host/x",
        "http://",
        "http://x:port/",
        "http://x:0/",
        "http://x:99999/",
        "http://[::1",
        "http://host/a b",
        "http://host/a\x00b",
        "http://host/\u00fc",
        "http://h\u00f6st/",
        "http://host/#a",
    ],
)
def test_what_is_no_address_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^no address$"):
        Address.parse(url)
