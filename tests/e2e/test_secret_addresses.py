"""Addresses whose secret parts are variables: they are used, and nothing that a command writes or
says has one, whether it succeeds or not.

A gate stands before a node and a store, and lets through who knows password, path and query. A run
is paid for, watched by a challenger of its own process, verified, audited and exported through it.
"""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

import pytest

from sheaf.ledger.keys import KEY_VARIABLE
from sheaf.nodes.cast import STORE
from sheaf.nodes.moves import MOVES
from sheaf.store import DiskStore
from sheaf.store.serving import StoreServer
from tests.e2e.leaks import Search, bytes_forms, files_under, text_forms
from tests.e2e.test_secrets import OWN, Told
from tests.ledger.chain import START, key_of
from tests.ledger.node import REMOTE, Node
from tests.nodes.outside import OUTSIDER, Outsider, Scene, clocked
from tests.store.servers import running

PASSWORD, PATH, TOKEN = "Zq7/hunter2@XkP", "v3KeyWq81LmNop", "EnvTokenB4x9Qr"
PARTS = "auditor:${PLANTED_PASSWORD}@", "/${PLANTED_PATH}", "?apikey=${PLANTED_TOKEN}"
"""Before and after host and port, as they are written."""

ENVIRONMENT = {
    "PLANTED_PASSWORD": quote(PASSWORD, safe=""),
    "PLANTED_PATH": PATH,
    "PLANTED_TOKEN": TOKEN,
}


class Gate(ThreadingHTTPServer):
    """Hands on what is asked for with the right password, path and query; anything else is 401."""

    daemon_threads = True

    def __init__(self, behind: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind

    @property
    def address(self) -> str:
        """With variables in the place of what it demands."""
        user, path, query = PARTS
        return f"http://{user}127.0.0.1:{self.server_address[1]}{path}{query}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._hand_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._hand_on(None)

    def do_HEAD(self) -> None:
        self._hand_on(None)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on stderr."""

    def _hand_on(self, body: bytes | None) -> None:
        asked, pair = urlsplit(self.path), base64.b64encode(f"auditor:{PASSWORD}".encode())
        known = self.headers["Authorization"] == f"Basic {pair.decode()}"
        if not known or not asked.path.startswith(f"/{PATH}") or asked.query != f"apikey={TOKEN}":
            self._answer(401, {}, b"")
            return
        place = urlsplit(cast(Gate, self.server).behind)
        kept = {n: self.headers[n] for n in ("Range", "Content-Type") if n in self.headers}
        with closing(http.client.HTTPConnection(place.netloc)) as behind:
            behind.request(self.command, asked.path.removeprefix(f"/{PATH}") or "/", body, kept)
            answer = behind.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())

    def _answer(self, status: int, fields: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        length = fields.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        if "ETag" in fields:
            self.send_header("ETag", fields["ETag"])
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def gate(behind: str = "") -> Iterator[Gate]:
    server = Gate(behind)
    with running(server):
        yield server


def secrets() -> Search:
    search = Search()
    for what, secret in (("password", PASSWORD), ("path", PATH), ("token", TOKEN)):
        search.add(f"the {what}", text_forms(secret))
        search.add(f"the {what}, encoded", text_forms(quote(secret, safe="")))
    search.add("the header's pair", [base64.b64encode(f"auditor:{PASSWORD}".encode())[:-4]])
    search.add("the challenger's key", bytes_forms(OUTSIDER))
    search.add("the payer's key", bytes_forms(key_of("sponsor")))
    return search


def questions(told: Told, scene: Scene, task: str, ledger: str, store: str) -> None:
    """What a stranger asks of the task, and the operator of the run, through the gate."""
    run = str(scene.folder / "run")
    of_task = [task, "--ledger", ledger, "--store", store]
    of_run = [run, "--url", ledger]
    for form, place in (("text", of_task), ("json", of_run)):
        for command in (
            ["verify", *place, "--receipts", "--state", f"{form}.state"],
            ["verify", *place, "--state", f"{form}.state"],
            ["audit", *place, "--out", f"report-{form}", "--statements", "statements.toml"],
            ["audit", *place, "--blame", "1", "--out", f"blame-{form}"],
            ["receipts", *place, "--export", f"receipts-{form}"],
            ["provenance", *place, "--out", f"papers-{form}"],
            ["ledger", "info", "--url", ledger],
        ):
            told.ask(*command, "--format", form)
    for form in ("text", "json"):
        whole = told.ask("verify", *of_task, "--format", form)
        assert "${PLANTED_PASSWORD}" in whole  # the line that gives it again


def refusals(told: Told, task: str, ledger: str, store: str) -> None:
    """The same with another password, with nobody there, and mistyped, the secrets written out."""
    wrong = [each.replace("${PLANTED_PASSWORD}", "${PLANTED_PATH}") for each in (ledger, store)]
    nowhere = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", ledger)
    places = [(wrong[0], store), (ledger, wrong[1]), (nowhere, store), (ledger, nowhere)]
    for form in ("text", "json"):
        for at, where in places:
            told.ask("verify", task, "--ledger", at, "--store", where, "--format", form, fails=True)
        for mistyped in (f"ftp://auditor:{PASSWORD}@h/{PATH}", f"http:/h/{PATH}?apikey={TOKEN}"):
            for at, where in ((mistyped, store), (ledger, mistyped)):
                about = [task, "--ledger", at, "--store", where, "--format", form]
                told.ask("verify", *about, fails=True)
            told.ask("ledger", "info", "--url", mistyped, "--format", form, fails=True)
        about = [task, "--ledger", ledger, "--store", store, "--format", form]
        # The task is over, which is said once that was looked at.
        watching = ["--key", "mine.key", "--state", f"watch-{form}"]
        told.ask("challenge", *about, *watching, fails=True)
        told.ask("audit", *about, "--statements", "mine.key", fails=True)


def test_what_is_reached_by_secret_addresses_tells_none_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    told, payer = Told(capsys, tmp_path), key_of("sponsor")
    (tmp_path / "mine.key").write_text(OUTSIDER.hex(), encoding="ascii")
    (tmp_path / "mine.key").chmod(0o600)
    (tmp_path / "statements.toml").write_text('[gdpr]\ncontroller = "Us"\n', encoding="utf-8")
    with Node(version=REMOTE) as node, gate(node.url) as chain, gate() as blobs:
        node.automine, node.next_time = False, START
        clock = clocked(monkeypatch, node.url, payer)
        scene = Scene(chain.address, clock, tmp_path, payer)
        players = scene.cast(lambda cast: None)
        with running(StoreServer(DiskStore(scene.folder / "run" / STORE))) as blobs.behind:
            outsider = Outsider(scene, players, changes={"stores": [blobs.address]})
            clock.watching.append(outsider)
            assert scene.play(players).summary["status"] == "settled"
            clock.watching.clear()
            outsider.leave()
            task = f"0x{players.task_id.hex()}"
            monkeypatch.delenv(KEY_VARIABLE)
            questions(told, scene, task, chain.address, blobs.address)
            refusals(told, task, chain.address, blobs.address)
    told.look(*OWN, "mine.key")
    # The challenger's folder is searched whole, its journal too.
    told.contents |= {f"watch/{k}": v for k, v in files_under(tmp_path / "watch").items()}
    assert f"watch/{MOVES}" in told.contents
    assert secrets().found(told.contents) == []


def test_each_form_would_be_found() -> None:
    for text in (PASSWORD, quote(PASSWORD, safe=""), f"http://h/{PATH}/x", f"?apikey={TOKEN}&b"):
        assert secrets().found({"a": f"so {text} is".encode()}) != []
    pair = base64.b64encode(f"auditor:{PASSWORD}".encode())
    assert secrets().found({"a": b"Authorization: Basic " + pair}) != []
