"""The README's auditor walk over a chain: a head hash, a store's address and a real node's
endpoint. The operator's commands and the auditor's are the README's, with these in their places."""

from __future__ import annotations

import json
import re
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sheaf.audit.markup import unbroken
from sheaf.ledger.anvil import Anvil, options, require
from tests.test_docs import README, ROOT, blocks, shell

FIRST = "sheaf new mytask"


@dataclass(frozen=True)
class Walk:
    """What the walk left behind, and what it printed."""

    folder: Path
    url: str
    store: str
    printed: str

    @property
    def said(self) -> Any:
        return json.loads((self.folder / "said.json").read_text("utf-8"))

    @property
    def report(self) -> Any:
        return json.loads((self.folder / "report" / "audit.json").read_text("utf-8"))


def placed(script: str, *pairs: tuple[str, str]) -> str:
    """A script with something else in the place of each of these, which are all there."""
    for old, new in pairs:
        assert old in script, old
        script = script.replace(old, new)
    return script


def done(script: str, folder: Path) -> str:
    ended = shell(script, folder)
    assert ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("walk")
    operator, auditor, ending = blocks(README, "sh")[1:]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Anvil(require(ROOT), options(chain_id=1337)) as anvil:
        settings = f'\n[ledger]\nhost = "rpc"\nurl = "{anvil.url}"\nchain_id = 1337\n'
        done(f"{FIRST}\necho {shlex.quote(settings)} >> mytask/sheaf.toml", folder)
        chosen = ("8471", str(port))
        prepared = placed(
            operator,
            chosen,
            ('cp "$run/ledger.sqlite" .\n', ""),
            ('sheaf provenance "$run"', f'sheaf provenance "$run" --url {anvil.url}'),
        )
        done(prepared, folder)  # the server goes on behind it
        walked = placed(auditor, chosen, ("ledger=ledger.sqlite", f"ledger={anvil.url}"))
        try:
            printed = done(walked, folder)
            yield Walk(folder, anvil.url, f"http://127.0.0.1:{port}", printed)
        finally:
            done(ending, folder)


def test_all_of_it_is_verified_and_anchored(walk: Walk) -> None:
    task, head = f"0x{walk.said['task_id']}", walk.said["head"]
    assert f"verified: consistent, anchored by the head hash  task {task}" in walk.printed
    assert "receipts signed by keys bound to accounts" in walk.printed
    assert f"{task}: consistent, anchored by the head hash" in walk.printed
    assert "round 7, attempt 1: weighted_mean of 4 updates moved the model by" in walk.printed
    told = "verified: papers/model.safetensors is the model of round 8, anchored by its head"
    assert told in walk.printed
    # What gives the verification, and what gives the answer about round 7 again.
    again = f"--store {walk.store} --head {head}"
    assert [walk.printed.count(f"{again}{end}\n") for end in (" --receipts", "")] == [1, 1]


def test_the_report_is_of_the_chain_and_says_how_to_repeat_it(walk: Walk) -> None:
    made, said = walk.report, walk.said
    assert (made["ledger"]["embedded"], made["ledger"]["head"]) == (False, said["head"])
    gas = [row["gas"]["total"] for row in said["rounds"]]
    assert [sum(found["gas"].values()) for found in made["rounds"]] == gas
    commands = [each["command"] for each in made["verification"]["repeat"]]
    task, head = f"0x{said['task_id']}", said["head"]
    places = f"--ledger {walk.url} --store {walk.store} --head {head}"
    assert commands[:2] == [
        f"sheaf verify {task} {places}",
        f"sheaf verify {task} {places} --receipts",
    ]
    page = (walk.folder / "report" / "audit.html").read_text("utf-8")
    assert f"<code>{unbroken(commands[1])}</code>" in page
    assert "a chain behind an endpoint" in page
    assert "prove order, not time" not in page


def test_who_moved_the_model_is_drawn(walk: Walk) -> None:
    (picture,) = walk.folder.glob("0x*-round-7.svg")
    named = re.findall(r"\b0x[0-9a-fA-F]{40}\b", picture.read_text("utf-8"))
    assert len({*named}) == 4
    assert {*named} <= {*walk.said["accounts"]}
