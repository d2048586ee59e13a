"""Every question about a run, asked about its task by somebody who has a ledger and a store: the
answers are the same but for the names that only the run has."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sheaf
from sheaf.apps import strangers
from sheaf.apps.cli.outcome import execute
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.evidence import Origin

Capture = pytest.CaptureFixture[str]
JSON = ("--format", "json")


@dataclass(frozen=True)
class Asking:
    """Somebody in an empty folder, who knows the task's id, a ledger's file and a store."""

    run: sheaf.RunResult
    folder: Path
    capture: Capture

    @property
    def task(self) -> str:
        return "0x" + str(json.loads((self.run.folder / "ledger.json").read_text())["task"])

    @property
    def places(self) -> list[str]:
        return ["--ledger", "ledger.sqlite", "--store", "store"]

    def text(self, command: str, *arguments: str, code: int = 0) -> str:
        found = execute([command, *arguments])
        out, err = self.capture.readouterr()
        assert found == code, err
        return out if code == 0 else err.strip()

    def both(self, command: str, *question: str) -> tuple[Any, Any]:
        """What is answered of the run, and of the task, but for how to ask it again."""
        head, places = self.run.summary["head"], " ".join(self.places)
        asked = [[str(self.run.folder), *question], [self.task, *self.places, *question]]
        made = [json.loads(self.text(command, *each, "--format", "json")) for each in asked]
        names = [self.run.folder.name, f"{self.task} {places}"]
        for name, answer in zip(names, made, strict=True):
            if isinstance(answer, dict):
                words = " ".join(question[:2])
                assert answer.pop("repeat") == f"sheaf audit {name} --head {head} {words}"
        return made[0], made[1]


@pytest.fixture
def asking(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Asking:
    shutil.copy(points.folder / "ledger.sqlite", tmp_path)
    shutil.copytree(points.folder / "store", tmp_path / "store")
    monkeypatch.chdir(tmp_path)
    return Asking(points, tmp_path, capsys)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:8471", "http://127.0.0.1:8471"),
        ("http://127.0.0.1:8471/", "http://127.0.0.1:8471"),
        ("https://eth.example/v2/0123456789abcdef", "https://eth.example/.../..."),
        ("https://eth.example/v2/${KEY}", "https://eth.example/.../${KEY}"),
        ("https://eth.example/?token=s3cret", "https://eth.example?..."),
        ("https://${USER}:${KEY}@eth.example", "https://${USER}:${KEY}@eth.example"),
        ("https://me:${KEY}@eth.example", "https://...:${KEY}@eth.example"),
        ("ledger.sqlite", "ledger.sqlite"),
    ],
)
def test_a_command_to_repeat_tells_no_secret(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "hidden")
    monkeypatch.setenv("USER", "me")
    assert strangers.told(text, "--ledger") == shown


def test_a_command_to_repeat_is_a_shell_s() -> None:
    again = Origin("my run", ("--url", "${URL}", "--store", "a $b")).command("verify")
    assert again == "sheaf verify 'my run' --url ${URL} --store 'a $b'"


def nameless(answer: Any, run: sheaf.RunResult) -> Any:
    """The answer without the run's own names of accounts."""
    text = json.dumps(answer)
    for address, name in sorted(run.summary["accounts"].items(), key=lambda each: -len(each[1])):
        text = text.replace(f"{address} ({name})", address).replace(f'"{name}"', '""')
    return json.loads(text)


def test_who_moved_the_model(asking: Asking) -> None:
    of_run, of_task = asking.both("audit", "--blame", "2", "--out", "pictures")
    for found in (of_run, of_task):
        assert Path(found.pop("picture")).is_file()
    assert nameless(of_run, asking.run) == of_task
    assert len(of_task["ranking"]) == 4


@pytest.mark.parametrize("what", ["model", "head", "update"])
def test_what_a_hash_is(asking: Asking, what: str) -> None:
    summary = asking.run.summary
    name = {"model": summary["model"]["root"], "head": summary["head"]}.get(what, "")
    if what == "update":
        moved = json.loads(
            asking.text("audit", str(asking.run.folder), "--blame", "1", "--format", "json")
        )
        name = moved["ranking"][0]["root"]
    of_run, of_task = asking.both("audit", "--open", name)
    assert nameless(of_run, asking.run) == nameless(of_task, asking.run)
    assert of_task["exhibits"]
    assert of_task["differs"] == ""


def test_a_missing_update_is_told_with_the_court_s_demand(asking: Asking) -> None:
    _, moved = asking.both("audit", "--blame", "1")
    root = moved["ranking"][0]["root"]
    _, opened = asking.both("audit", "--open", root)
    content = opened["stored"][0]["content"]
    (asking.folder / "store" / content[-2:] / content).unlink()
    place = [asking.task, *asking.places, "--open", root]
    told = asking.text("audit", *place)
    assert "bytes       not to be had: " in told
    assert "in court  Demand: position " in told
    assert told.splitlines()[-3].startswith("verification: store: round 1: the update of ")
    found = json.loads(asking.text("audit", *place, "--format", "json"))
    assert found["remedies"][0]["action"]["action"] == "Demand"


def test_what_one_did_and_who_may_be_one(asking: Asking) -> None:
    address = {n: a for a, n in asking.run.summary["accounts"].items()}["participant-1"]
    of_run, of_task = asking.both("audit", "--who", address)
    assert nameless(of_run, asking.run) == of_task
    assert of_task["balance"]["payouts"] == asking.run.payouts[address]
    of_run, of_task = asking.both("audit", "--sybil")
    assert of_run == of_task
    assert any("funded" in each for each in of_task["common"])
    assert of_task["unseen"][0].startswith("native coin that a contract passed on")
    told = asking.text("audit", asking.task, *asking.places, "--sybil")
    assert "not looked at:\n  native coin that a contract passed on" in told


def test_receipts(asking: Asking) -> None:
    of_run, of_task = asking.both("receipts")
    assert nameless(of_run, asking.run) == of_task
    assert {each["valid"] for each in of_task} == {True}
    asking.text("receipts", asking.task, *asking.places, "--export", "signed")
    assert len([*(asking.folder / "signed").iterdir()]) == len(of_task)


def test_a_store_that_has_another_receipt_is_named(asking: Asking) -> None:
    """Receipts are read last, whether they are asked for or not: what comes to light there is told,
    too, and a receipt that another store has is no withheld one."""
    _, listed = asking.both("receipts")
    content = str(receipt_id(bytes.fromhex(listed[0]["receipt"])))
    shutil.copytree(asking.folder / "store", asking.folder / "bad")
    (asking.folder / "bad" / content[-2:] / content).write_bytes(b"{}")
    places = ["--ledger", "ledger.sqlite", "--store", "bad", "--store", "store"]
    for asked in (["--receipts"], []):
        found = json.loads(asking.text("verify", asking.task, *places, *asked, *JSON))
        assert found["outside"] == [f"bad: what it has under {content} was refused"]
        assert found["withheld"] == []


@pytest.mark.parametrize("change", [lambda data: data + b"\0", lambda data: b"", bytes.upper])
def test_a_receipt_that_was_changed_is_told_as_one_that_is_withheld(
    asking: Asking, change: Callable[[bytes], bytes]
) -> None:
    """By a verification that does not ask for receipts, as long as every store answers."""
    _, listed = asking.both("receipts")
    content = str(receipt_id(bytes.fromhex(listed[0]["receipt"])))
    file = asking.folder / "store" / content[-2:] / content
    file.chmod(0o600)
    file.write_bytes(change(file.read_bytes()))
    found = json.loads(asking.text("verify", asking.task, *asking.places, *JSON))
    told = f"receipt: round 1: the receipt of {listed[0]['actor']}: {listed[0]['receipt']}"
    assert found["withheld"] == [told]
    assert found["outside"] == [f"store: what it has under {content} was refused"]
    text = asking.text("verify", asking.task, *asking.places)
    title = "Receipts that the ledger names: withheld, or not what their ids name"
    assert f"{title}\n  - {told}\n" in text
    silent = ["--store", "http://127.0.0.1:9"]
    found = json.loads(asking.text("verify", asking.task, *asking.places, *silent, *JSON))
    assert found["withheld"] == []


def test_every_receipt_that_does_not_hold_is_told(asking: Asking) -> None:
    """One that is withheld is first on the ledger, and hides none of the two that are wrong."""
    _, listed = asking.both("receipts")
    rows = [listed[place] for place in (0, 1, 4)]
    places = [str(receipt_id(bytes.fromhex(row["receipt"]))) for row in rows]
    files = [asking.folder / "store" / each[-2:] / each for each in places]
    files[0].unlink()
    for file in files[1:]:
        file.chmod(0o600)
        file.write_bytes(b"{}")
    withheld, update, verdict = (f"the receipt of {row['actor']}: " for row in rows)
    begins = [
        f"receipt: round 1: {update}{places[1]}: the 2 bytes ",
        f"  receipt: round 1, attempt 1: {verdict}{places[2]}: the 2 bytes ",
        f"  receipt: round 1: {withheld}withheld: {places[0]}: found in none of store",
    ]
    for command in (["verify", asking.task, "--receipts"], ["receipts", asking.task]):
        lines = asking.text(*command, *asking.places, code=5).splitlines()
        assert len(lines) == 3
        for line, begin in zip(lines, begins, strict=True):
            assert line.startswith(begin)
        assert lines[0].endswith("; and of other receipts 1 withheld, 1 that do not hold")


def test_the_papers_need_no_folder(asking: Asking) -> None:
    """All but names is the same to the byte, and the model's file is what the papers say."""
    key = asking.folder / "key"
    key.write_text("01" * 32, encoding="utf-8")
    key.chmod(0o600)
    asking.text("provenance", str(asking.run.folder), "--out", "run", "--key", str(key))
    asking.text("provenance", asking.task, *asking.places, "--out", "task", "--key", str(key))
    for name in ("attestation.json", "header.hex", "openlineage.ndjson"):
        of_run, of_task = (asking.folder / kind / name for kind in ("run", "task"))
        assert of_run.read_bytes() == of_task.read_bytes(), name
    model = str(asking.run.folder / "model.safetensors")
    papers = ["--attestation", "task/attestation.json", "--header", "task/header.hex"]
    head = asking.run.summary["head"]
    told = asking.text("verify-model", model, *papers, "--head", head, "--task", asking.task)
    assert told.startswith(f"verified: {model} is the model of round 2, anchored by its head")


def test_the_report_and_how_to_make_it_again(asking: Asking) -> None:
    head = asking.run.summary["head"]
    asked = ["--head", head, "--out", "report"]
    found = json.loads(
        asking.text("audit", asking.task, *asking.places, *asked, "--format", "json")
    )
    again = f"sheaf audit {asking.task} --ledger ledger.sqlite --store store --head {head}"
    assert (found["subject"], found["repeat"]) == (asking.task, again)
    made = json.loads((asking.folder / "report" / "audit.json").read_text())
    assert made["run"] == asking.task
    assert made["ledger"]["embedded"] is True
    assert made["verification"]["reported"] == []
    commands = [each["command"] for each in made["verification"]["repeat"]]
    assert again in commands
    verify = again.replace("audit", "verify")
    assert commands[:2] == [verify, f"{verify} --receipts"]
    for command in commands[:2]:
        assert "anchored by the head hash" in asking.text(*command.split()[1:])
    # Names of accounts are a run's own word, and a stranger has none.
    assert {actor["name"] for actor in made["actors"]} == {None}
    of_run = asking.text(
        "audit", str(asking.run.folder), "--head", head, "--out", "other", "--format", "json"
    )
    assert json.loads(of_run)["repeat"] == f"sheaf audit {asking.run.folder.name} --head {head}"
    same = json.loads((asking.folder / "other" / "audit.json").read_text())
    for part in ("task", "ledger", "rounds", "model", "timeline", "money", "totals", "receipts"):
        assert made[part] == same[part], part


def test_the_report_of_a_run_can_be_repeated_away_from_its_folder(asking: Asking) -> None:
    head = asking.run.summary["head"]
    asking.text("audit", str(asking.run.folder), "--head", head, "--out", "of-run")
    made = json.loads((asking.folder / "of-run" / "audit.json").read_text())
    first, *others = made["verification"]["repeat"]
    line = f"sheaf verify {asking.task} --ledger FILE --store URL --head {head}"
    assert first["command"] == line
    told = asking.text(*line.replace("FILE", "ledger.sqlite").replace("URL", "store").split()[1:])
    assert told.startswith(f"verified: consistent, anchored by the head hash  task {asking.task}")
    assert {each["checks"].rpartition("; ")[2] for each in others} == {"with the run's folder"}
    assert {each["command"].split()[2] for each in others} == {asking.run.folder.name}
    page = (asking.folder / "of-run" / "audit.html").read_text("utf-8")
    header = page[page.index("<header>") : page.index("</header>")]
    assert f"Task <code>{asking.task}</code>" in header
    assert f"Run <bdi>{asking.run.folder.name}</bdi>" in header
    # Options are kept from being broken; as text the command is what it is.
    assert f"<code>{line}</code>" in re.sub(r"</?span[^>]*>", "", page)


def test_metrics_take_a_project(asking: Asking) -> None:
    project = str(asking.run.folder.parents[2] / "points")
    told = asking.text("verify", asking.task, *asking.places, "--metrics", "--project", project)
    assert "reported counts are within rounding of the recomputed ones" in told
    asked = ["--blame", "2", "--metrics", "--project", project, "--format", "json"]
    found = json.loads(asking.text("audit", asking.task, *asking.places, *asked))
    assert found["metrics"]["settled"] == pytest.approx(asking.run.rounds[1].metrics, abs=1e-6)


def test_histories_of_runs_and_tasks_are_compared(asking: Asking) -> None:
    run, task, last = str(asking.run.folder), asking.task, asking.run.summary["blocks"]
    name, theirs = asking.run.folder.name, ["--diff-ledger", "ledger.sqlite", "--diff-store"]
    told = asking.text("audit", run, "--diff", task, *theirs, "store")
    assert told == f"no difference: {name} and {task} are one history, up to block {last}\n"
    told = asking.text("audit", task, *asking.places, "--diff", run)
    assert told == f"no difference: {task} and {name} are one history, up to block {last}\n"
    blob = next(path for path in (asking.folder / "store").rglob("b*") if path.is_file())
    content = blob.read_bytes()
    blob.unlink()
    rows = asking.text("audit", run, "--diff", task, *theirs, "store").splitlines()
    assert rows[0].split() == ["first", "difference", "store"]
    assert rows[1].split() == ["field", blob.name]
    assert rows[3].split() == [task, "nothing"]
    blob.write_bytes(content)
    asked = ["audit", task, *asking.places, "--diff", task]
    assert "no difference" in asking.text(*asked)
    told = asking.text(*asked, "--ledger", "ledger.sqlite", code=2)
    assert told.startswith("--diff: found 2 ledgers of a task, accepted: one")
    told = asking.text(*asked, "--head", "11" * 32, code=2)
    assert told.startswith("--head: found it with --diff")
    told = asking.text("audit", task, *asking.places, "--diff-store", "store", code=2)
    assert told.startswith("--diff-ledger, --diff-store: found no --diff")
    told = asking.text("audit", run, "--diff", task, code=2)
    assert told.startswith("found a task with 0 ledgers and 0 stores")


@pytest.mark.parametrize("command", ["audit", "receipts", "provenance", "verify", "countersign"])
def test_what_belongs_to_the_other_kind_is_refused(asking: Asking, command: str) -> None:
    run, task = str(asking.run.folder), asking.task
    key = ["--key", "my.key"] if command == "countersign" else []
    told = "found an option of a task, accepted: those of a run"
    assert asking.text(command, run, "--store", "store", *key, code=2).startswith(told)
    told = "found an option of a run, accepted: those of a task"
    assert asking.text(command, task, *asking.places, "--last", *key, code=2).startswith(told)
    told = "found a task with 1 ledgers and 0 stores, accepted"
    assert asking.text(command, task, "--ledger", "x", *key, code=2).startswith(told)
    # As JSON has the id.
    bare = task.removeprefix("0x")
    assert asking.text(command, bare, "--ledger", "x", *key, code=2).startswith(told)
