"""No secret and no row of data is in anything that a command writes or says.

Planted are everybody's keys and what nonces and salts come from, the salt of a commitment that was
never opened, tokens in addresses, a variable and key files, and the rows that participants train
on. Searched is every file that commands leave, and all that they print, for every form that `leaks`
knows.

Left out are a run's `private/` and its journal: they are their node's own, for nobody else to read
(modes 0700 and 0600, which is checked), and no command hands them on.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.nodes.accounts import development_account
from sheaf.nodes.cast import Cast
from sheaf.nodes.evidence import Evidence
from tests.e2e.leaks import (
    Search,
    bytes_forms,
    files_under,
    number_forms,
    row_forms,
    secrets_of,
    text_forms,
)
from tests.e2e.test_court import CLAIMS, contested
from tests.nodes import faults
from tests.nodes.project.task import data, holdout
from tests.nodes.stage import Played, evidence_of, play

TOKENS = {
    "a user's password": "Zq7hunter2XkP",
    "a path's key": "v3KeyWq81LmNop",
    "a variable": "EnvTokenB4x9Qr",
}
OWN = ("private/", "journal.jsonl")
"""Of a run's folder, what stays with its operator."""

ROWS = """
import numpy as np
from torch import nn


def model():
    return nn.Linear(3, 2)


def data(index, count):
    generator = np.random.default_rng(4200 + index)
    X = generator.normal(size=(30, 3)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(np.int64)


def held_out():
    return data(99, 1)
"""
SETTINGS = """
[task]
name = "planted"
[model]
entry = "task:model"
[data]
entry = "task:data"
[algorithm]
loss = "CrossEntropyLoss"
optimizer = "SGD"
options = { lr = 0.1 }
epochs = 1
batch_size = 16
seed = 31
[evaluation]
entry = "task:held_out"
metrics = ["accuracy", "loss"]
[round]
participants = 3
[schedule]
rounds = 2
"""


@dataclass
class Told:
    """All that commands wrote and said, by where."""

    capture: pytest.CaptureFixture[str]
    folder: Path
    contents: dict[str, bytes] = field(default_factory=dict)

    def ask(self, *arguments: str, fails: bool = False) -> str:
        """What a command answers; all that it says is taken in. It succeeds, or `fails`."""
        self.capture.readouterr()
        found = execute(list(arguments))
        said = self.capture.readouterr()
        assert (found != 0) == fails, (arguments, said)
        self.contents["sheaf " + " ".join(arguments)] = (said.out + said.err).encode()
        return said.out

    def look(self, *without: str) -> None:
        """Take in every file below the folder."""
        self.contents |= files_under(self.folder, *without)


@pytest.fixture
def told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Told:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANTED_TOKEN", TOKENS["a variable"])
    return Told(capsys, tmp_path)


def tokens(search: Search) -> None:
    for what, token in TOKENS.items():
        search.add(what, text_forms(token))


def keys(search: Search, evidence: Evidence, seed: int) -> None:
    for name in (*evidence.names.values(), "deployer"):
        for what, secret in secrets_of(development_account(seed, name), evidence.trail.task):
            search.add(what, bytes_forms(secret))


def questions(told: Told, run: str, member: str, *formats: str) -> None:
    """Everything that can be asked of a run, and all that is written of it."""
    for form in formats:
        for command in (
            ["show", run],
            ["list"],
            ["verify", run, "--receipts", "--explain"],
            ["verify", run, "--metrics"],
            ["receipts", run, "--export", f"receipts-{form}"],
            ["audit", run, "--out", f"report-{form}"],
            ["audit", run, "--blame", "1", "--out", f"blame-{form}"],
            ["audit", run, "--who", member],
            ["audit", run, "--sybil"],
            ["audit", run, "--diff", run],
            ["provenance", run, "--out", f"papers-{form}"],
            ["export", run, "--out", f"papers-{form}/model.safetensors"],
        ):
            told.ask(*command, "--format", form)
        head = json.loads(told.ask("show", run, "--format", "json"))["model"]["root"]
        told.ask("audit", run, "--open", head, "--format", form)
        papers = [f"papers-{form}/{name}" for name in ("attestation.json", "header.hex")]
        where = ["--attestation", papers[0], "--header", papers[1]]
        told.ask("verify-model", f"papers-{form}/model.safetensors", *where, "--format", form)


def misuse(told: Told, run: str) -> None:
    """Commands that cannot be carried out, with secrets in what they are given."""
    password, path = TOKENS["a user's password"], TOKENS["a path's key"]
    hidden = f"http://auditor:{password}@127.0.0.1:9/{path}?apikey={path}"
    plain = f"http://127.0.0.1:9/{path}"
    named = "http://${PLANTED_TOKEN}@127.0.0.1:9/${PLANTED_TOKEN}?apikey=${PLANTED_TOKEN}"
    task = "0x" + json.loads(told.ask("show", run, "--format", "json"))["task_id"]
    ledger = str(told.folder / run / "ledger.sqlite")
    for form in ("text", "json"):
        more = ["--format", form]
        told.ask("verify", task, "--ledger", ledger, "--store", hidden, *more, fails=True)
        told.ask("verify", task, "--ledger", ledger, "--store", plain, *more, fails=True)
        told.ask("verify", task, "--ledger", plain, "--store", plain, *more, fails=True)
        told.ask("verify", task, "--ledger", named, "--store", named, *more, fails=True)
        for url in (plain, named):
            told.ask("ledger", "info", "--url", url, *more, fails=True)
    for mode in (0o644, 0o600):
        bad = told.folder / "bad.key"
        bad.write_text(password, encoding="utf-8")
        bad.chmod(mode)
        told.ask("countersign", run, "--key", str(bad), fails=True)
        told.ask("provenance", run, "--out", "never", "--key", str(bad), fails=True)
        told.ask("audit", run, "--statements", str(bad), fails=True)
        bad.unlink()


def test_nothing_that_a_run_leaves_or_says_has_a_secret_or_a_row(told: Told) -> None:
    project = told.folder / "planted"
    project.mkdir()
    (project / "sheaf.toml").write_text(SETTINGS, encoding="utf-8")
    (project / "task.py").write_text(ROWS, encoding="utf-8")
    told.ask("data", "check", "planted")
    told.ask("run", "planted", "--format", "json")
    (folder,) = (told.folder / ".sheaf" / "runs").iterdir()
    run = str(folder.relative_to(told.folder))
    evidence, key = evidence_of(folder), bytes(range(60, 92))
    own = told.folder / "own.key"
    own.write_text(key.hex(), encoding="utf-8")
    own.chmod(0o600)
    told.ask("countersign", run, "--key", str(own))
    told.ask("provenance", run, "--out", "signed", "--key", str(own))
    questions(told, run, "participant-1", "text", "json")
    misuse(told, run)
    assert stat.S_IMODE((folder / "private").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "journal.jsonl").stat().st_mode) == 0o600
    told.look(*OWN, "own.key")
    search = Search()
    tokens(search)
    keys(search, evidence, 31)
    search.add("a key in a file", bytes_forms(key))
    scope: dict[str, object] = {}
    exec(ROWS, scope)
    rows: object = scope["data"]
    assert callable(rows)
    for index in (0, 1, 2, 99):
        for row in rows(index, 3)[0]:
            search.add(f"a row of {index}", row_forms(row))
    assert search.found(told.contents) == []
    # What was searched is what there is to take home.
    names = " ".join(told.contents)
    for name in ("log", "ledger.sqlite", "summary.json", "run.json", "rounds.svg", "store/"):
        assert f"{run}/{name}" in names
    for name in ("audit.html", "audit.json", "compliance.md", "bom.cdx.json", "prov.json"):
        assert f"/{name}" in names
    assert any(name.endswith(".dsse.json") for name in told.contents)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A committee that lies and is challenged, and a participant that does not open its update."""

    def alter(cast: Cast) -> None:
        faults.equip(cast, "aggregator", CLAIMS)
        last = cast.node("participant-4")
        faults.silent(last, lambda trail: trail.phase.name == "REVEAL")

    folder = tmp_path_factory.mktemp("troubled")
    return play(folder / ".sheaf" / "runs" / "20260101T000000Z-tiny", contested(), alter)


def test_nor_has_a_run_with_a_dispute_and_a_commitment_that_stayed_closed(
    troubled: Played, told: Told
) -> None:
    evidence, run = evidence_of(troubled.directory), str(troubled.directory)
    questions(told, run, "challenger", "json")
    told.look()
    told.contents |= files_under(troubled.directory, *OWN)
    search, task = Search(), evidence.trail.task
    keys(search, evidence, 7)
    closed = troubled.cast.node("participant-4").account.secrets
    search.add("a salt that stayed closed", bytes_forms(closed.derive("update", task, 1)))
    for index in range(4):
        for row in data(index, 4)[0]:
            search.add(f"a row of {index}", row_forms(row))
    for row in holdout()[0]:
        search.add("a row of the sponsor's", row_forms(row))
    assert search.found(told.contents) == []
    # That there was something to find: the salts that were opened are on the ledger.
    opened = Search()
    shown = troubled.cast.node("participant-1").account.secrets
    opened.add("a salt that was opened", bytes_forms(shown.derive("update", task, 1)))
    places = {name.partition(":")[0] for name in opened.found(told.contents)}
    assert "ledger.sqlite" in places


SECRET = bytes(range(100, 132))
PACKED = b'{"payload":"%s"}'


def planted() -> Iterator[tuple[str, bytes]]:
    """A leak in each form, in the midst of something else."""
    for place, form in enumerate(bytes_forms(SECRET)):
        yield f"bytes {place}", form
    for place, form in enumerate(text_forms(TOKENS["a variable"])):
        yield f"text {place}", form
    row = np.array([1.2345678, -0.76543215, 3.1415927], np.float32)
    for place, form in enumerate(row_forms(row)):
        yield f"row {place}", form
    for place, form in enumerate(number_forms(0.1 + 0.2)):
        yield f"number {place}", form


@pytest.mark.parametrize(("name", "leak"), [*planted()])
def test_a_planted_leak_is_found(name: str, leak: bytes, tmp_path: Path) -> None:
    search = Search()
    search.add("the key", bytes_forms(SECRET))
    search.add("the token", text_forms(TOKENS["a variable"]))
    search.add("the row", row_forms(np.array([1.2345678, -0.76543215, 3.1415927], np.float32)))
    search.add("the number", number_forms(0.1 + 0.2))
    (tmp_path / "artefact").write_bytes(os.urandom(64) + leak.upper() + b" and more")
    if leak.isascii():
        (tmp_path / "artefact").write_bytes(b"so it says " + leak.upper() + b" and more")
    assert search.found(files_under(tmp_path)) != []


def test_what_is_packed_is_unpacked_and_what_is_left_out_is_left_out(tmp_path: Path) -> None:
    search = Search()
    search.add("the key", bytes_forms(SECRET))
    inner = PACKED % base64.b64encode(b"x" * 61 + SECRET.hex().encode())
    (tmp_path / "packed").write_bytes(PACKED % base64.b64encode(inner + b" " * 64))
    (hit,) = search.found(files_under(tmp_path))
    assert hit.startswith("packed: the key as ")
    assert files_under(tmp_path, "packed") == {}
    assert search.found({"nothing": b"of the kind" * 100}) == []
