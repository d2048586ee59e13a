"""What somebody at a terminal sees of an endpoint that is none: one line, and its exit code."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from tests.transport.hostile import Speak, endless, hostile, saying

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"\r\n"


def telling(body: bytes) -> Speak:
    return saying(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def resulting(result: str) -> Speak:
    return telling(b'{"jsonrpc": "2.0", "id": 0, "result": %b}' % result.encode())


QUANTITY = "accepted: a quantity of at most 256 bits"
NO_JSON = ": eth_chainId: found something other than JSON, accepted: a JSON-RPC answer"
MORE = " answers with more bytes than the 33554432 accepted"
AROUND = " sends more than an answer may hold"
SPEECHES: dict[str, tuple[Speak, str]] = {
    "a page": (telling(b"<html>"), NO_JSON),
    "nothing": (telling(b""), NO_JSON),
    "nested": (telling(b'{"some-name": ' * 50_000), NO_JSON),
    "brackets": (
        telling(b"[" * 10**6),
        ": eth_chainId: found 1000000 brackets and commas in 1000000 bytes, accepted: an answer of "
        "a node",
    ),
    "endless": (endless(PLAIN, b" " * 2**20), MORE),
    "announced endless": (endless(OK + b"Content-Length: 10000000000\r\n\r\n", b" " * 2**20), MORE),
    "endless fields": (endless(OK + b"X: ", b"x" * 60_000 + b"\r\nX: "), AROUND),
    "packed": (
        saying(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**6))),
        " packs its answer as 'gzip', accepted: none packed",
    ),
    "elsewhere": (
        saying(b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\n\r\n"),
        " answers with HTTP status 307",
    ),
    "broken off": (saying(OK + b"Content-Length: 99\r\n\r\n{"), " breaks off its answer"),
    "no HTTP": (saying(b"SSH-2.0\r\n"), " answers something other than HTTP"),
    "gone": (saying(b""), " does not answer"),
    "not a number": (resulting("NaN"), NO_JSON),
    "a float": (resulting("1.5"), f": eth_chainId: found 1.5, {QUANTITY}"),
    "an integer": (resulting("1337"), f": eth_chainId: found a number, {QUANTITY}"),
    "many digits": (resulting("9" * 5_000), NO_JSON),
    "null": (resulting("null"), f": eth_chainId: found nothing, {QUANTITY}"),
    "huge": (
        resulting('"0x' + "f" * 99 + '"'),
        f": eth_chainId: found '0x{'f' * 38}'..., {QUANTITY}",
    ),
    "twice": (telling(b'{"id": 0, "result": "0x1", "result": "0x2"}'), NO_JSON),
    "neither": (
        telling(b'{"id": 0}'),
        ": eth_chainId: found neither result nor error, accepted: one of them",
    ),
    "another": (
        telling(b'{"id": [], "result": "0x1"}'),
        ": eth_chainId: found 1 of other ids, accepted: an answer of id 0",
    ),
    "an error": (
        telling(b'{"id": 0, "error": {"code": -1, "message": "pay\\n\\u001b[31m first"}}'),
        ": eth_chainId: pay ?[31m first",
    ),
}


@pytest.mark.parametrize("name", SPEECHES)
def test_an_endpoint_that_is_none_is_told_in_one_line(
    name: str,
    points: sheaf.RunResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    speech, told = SPEECHES[name]
    task = "0x" + str(json.loads((points.folder / "ledger.json").read_text())["task"])
    with hostile(speech) as server:
        places = ["--ledger", f"{server.url}/secret", "--store", str(points.folder)]
        code = execute(["verify", task, *places])
        out, err = capsys.readouterr()
        assert (code, out) == (4, "")
        assert err == f"{server.url}{told}\n"
        # Where somebody else is enough, it is left out and told.
        ledger = ["--ledger", str(points.folder), "--enough", "1", "--light"]
        if name in ("endless", "a float", "gone"):
            assert execute(["verify", task, *places, *ledger]) == 0
            out, err = capsys.readouterr()
            assert f"what {server.url} says of this chain: {server.url}{told}" in out
            assert "secret" not in out + err
