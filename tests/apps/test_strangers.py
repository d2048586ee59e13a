"""`sheaf verify TASK` and `sheaf store serve`, as somebody uses them who never ran the task."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

import sheaf
from sheaf.apps import strangers
from sheaf.apps.cli.outcome import execute
from sheaf.apps.cli.watching import Watching
from sheaf.nodes import sharing
from sheaf.nodes.attesting import receipt_id
from sheaf.protocol.content import tree_id
from sheaf.protocol.errors import InvalidUsage
from tests.e2e.tampering import place_of
from tests.nodes.stage import evidence_of

Capture = pytest.CaptureFixture[str]
JSON = ("--format", "json")


@pytest.fixture
def away(points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it but a ledger's file."""
    shutil.copy(points.folder / "ledger.sqlite", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SHEAF_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def task(points: sheaf.RunResult) -> str:
    return "0x" + str(json.loads((points.folder / "ledger.json").read_text())["task"])


@pytest.fixture
def url(points: sheaf.RunResult) -> Iterator[str]:
    """Where the command itself serves the run's store."""
    code = "from sheaf.apps.cli import main; main()"
    arguments = ["store", "serve", str(points.folder), "--port", "0", "--format", "json"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        told = "".join(process.stdout.readline() for _ in range(4))
        yield json.loads(told)["url"]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130
        assert json.loads(err)["message"] == f"interrupted; {json.loads(told)['url']} is gone"


def ran(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = execute(["verify", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_task_is_verified_with_a_ledger_and_an_address(
    points: sheaf.RunResult, away: Path, task: str, url: str, capsys: Capture
) -> None:
    places = ["--ledger", "ledger.sqlite", "--store", url]
    head = points.summary["head"]
    code, out, err = ran(
        capsys, task, *places, "--head", head, "--state", "state.json", "--format", "json"
    )
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["task"], told["head"], told["anchored"]) == (task, head, True)
    assert {check["name"]: check["count"] for check in told["checks"]}["aggregations"] == 2
    assert not any("an earlier verification" in limit for limit in told["limits"])
    code, out, err = ran(
        capsys, task, *places, "--state", "state.json", "--jobs", "3", "--receipts"
    )
    assert (code, err) == (0, "")
    assert out.startswith(f"verified: consistent, not anchored  task {task}\n")
    assert "receipts signed by keys bound to accounts" in out
    assert "that the bytes behind rounds 1, 2 are still what they were" in out
    assert f"that blocks 1 to {points.summary['blocks']} give what the ledger says" in out
    code, out, err = ran(capsys, task, *places, "--light", "--round", "1")
    assert (code, err) == (0, "")
    assert "rounds other than 1" in out
    assert f"again  sheaf verify {task} --ledger ledger.sqlite --store {url} --light" in out
    code, out, err = ran(
        capsys, task, *places, "--light", "--round", "1", "--receipts", "--format", "json"
    )
    assert (code, err) == (0, "")
    given = {check["name"]: check for check in json.loads(out)["checks"]}["receipts"]
    # Four participants and the committee of round 1 signed, and the sponsor's report of its
    # metrics; what was signed in round 2 was not looked at.
    assert given["detail"].startswith("receipts of round 1 signed by keys bound to accounts")
    (first,) = (r for r in points.summary["rounds"] if r["round"] == 1)
    assert given["count"] == first["revealed"] + points.summary["seats"] + 1
    ledger, state, copy = sorted(os.listdir(away))
    assert (ledger, state) == ("ledger.sqlite", "state.json")
    assert copy.startswith("state.json-")
    assert copy.endswith(".sqlite")


def test_any_number_of_processes_tells_the_same(
    points: sheaf.RunResult,
    away: Path,
    task: str,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a task that is right, and of one with a byte that is wrong, of the first of two stores."""
    monkeypatch.setattr(sharing, "LEAST_BYTES", 1)
    shutil.copytree(points.folder / "store", away / "bad")
    counted = evidence_of(points.folder).trail.rounds[2].counted_updates(1)
    place = place_of(away, tree_id(counted[0][1], 4096)).relative_to(away / "store")
    data = bytearray((away / "bad" / place).read_bytes())
    data[-1] ^= 1
    (away / "bad" / place).write_bytes(data)
    given = [task, "--ledger", "ledger.sqlite", "--store", "bad"]
    both = [*given, "--store", str(points.folder)]
    alone, other = ran(capsys, *given), ran(capsys, *both)
    assert alone[0] == 5
    assert "round 2: the update of" in alone[2]
    assert other[0] == 0
    assert "bad: what it has under" in other[1]
    for jobs in ("2", "3"):
        assert ran(capsys, *given, "--jobs", jobs) == alone
        assert ran(capsys, *both, "--jobs", jobs) == other


def test_a_hash_is_opened_behind_an_address_that_lists_nothing(
    points: sheaf.RunResult, away: Path, task: str, url: str, capsys: Capture
) -> None:
    places = ["--ledger", "ledger.sqlite", "--store", url]
    for name in (points.model_root, points.summary["task"]):
        assert execute(["audit", task, *places, "--open", name]) == 0
        told = capsys.readouterr().out
        assert "bytes that hash to it" in told
        assert "verified: all of it is consistent" in told
    assert execute(["audit", task, *places, "--open", "bafkreinobodyhasthis"]) == 2
    assert "which nothing here is called" in capsys.readouterr().err


def test_the_next_store_is_asked_where_one_fails(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    (away / "empty").mkdir()
    whole = str(points.folder / "store")
    stores = ["--store", "empty", "--store", "http://127.0.0.1:9", "--store", whole]
    code, out, err = ran(capsys, task, "--ledger", "ledger.sqlite", *stores)
    assert (code, err) == (0, "")
    assert "http://127.0.0.1:9: does not answer; it was not asked again" in out
    code, out, err = ran(capsys, task, "--ledger", "ledger.sqlite", *stores[:4])
    # Nobody knows of a difference as long as one of them may have the bytes.
    assert (code, out) == (4, "")
    assert err.startswith("document: ")
    assert "found in none of empty, http://127.0.0.1:9 (http://127.0.0.1:9: does not" in err
    assert err.endswith(" (ask again when all of them answer, or name others)\n")
    code, out, err = ran(capsys, task, "--ledger", "ledger.sqlite", *stores[:2])
    assert (code, out) == (5, "")
    assert err.startswith("document: ")


@pytest.mark.parametrize("lost", ["update", "model", "receipt"])
def test_what_nobody_has_is_a_difference_once_all_of_them_answer(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture, lost: str
) -> None:
    """And exit code 4 as long as one does not, whatever it is that is not to be had."""
    shutil.copytree(points.folder / "store", away / "store")
    evidence = evidence_of(points.folder)
    revealed = evidence.trail.rounds[1].reveals[0]
    content = {
        "update": tree_id(revealed.root, 4096),
        "model": tree_id(evidence.task.model.initial, 4096),
        "receipt": receipt_id(revealed.receipt),
    }
    place_of(away, content[lost]).unlink()
    given = [task, "--ledger", "ledger.sqlite", "--store", "store", "--receipts"]
    code, out, err = ran(capsys, *given, "--store", "http://127.0.0.1:9")
    assert (code, out) == (4, "")
    assert "http://127.0.0.1:9: does not answer" in err
    assert "withheld" not in err
    if lost == "receipt":  # which nothing in the results rests on
        code, out, _ = ran(capsys, *given[:-1], "--store", "http://127.0.0.1:9", *JSON)
        assert (code, json.loads(out)["withheld"]) == (0, [])
        assert json.loads(out)["outside"][0].startswith("http://127.0.0.1:9: does not answer")
        code, out, _ = ran(capsys, *given[:-1], *JSON)
        assert (code, len(json.loads(out)["withheld"])) == (0, 1)
    code, out, other = ran(capsys, *given)
    assert (code, out) == (5, "")
    assert other.split(": ")[:3] == err.split(": ")[:3]


def test_ledgers_are_named_as_they_were_given(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    places = ["--store", str(points.folder), "--ledger", "ledger.sqlite"]
    shutil.copy(away / "ledger.sqlite", away / "other.sqlite")
    code, out, _ = ran(capsys, task, *places, "--ledger", "other.sqlite")
    assert code == 0
    assert "same receipts and logs: ledger.sqlite, other.sqlite" in out
    code, _, err = ran(capsys, task, *places, "--federation", "0x" + "1" * 40)
    assert code == 5
    assert err.startswith("ledger.sqlite: code: the contract at 0x1111")


@pytest.mark.parametrize("more", [[], ["--enough", "2"], ["--light"]])
@pytest.mark.parametrize("other", ["ledger.sqlite", "./sub/../ledger.sqlite", "link", "hard", "."])
def test_one_ledger_does_not_count_for_two(
    away: Path, task: str, capsys: Capture, other: str, more: list[str]
) -> None:
    (away / "sub").mkdir()
    (away / "link").symlink_to("ledger.sqlite")
    (away / "hard").hardlink_to("ledger.sqlite")
    places = ["--store", ".", "--ledger", "ledger.sqlite", "--ledger", other]
    name = f"{other} (number 2)" if other == "ledger.sqlite" else other
    told = f"--ledger: found ledger.sqlite again as {name}, accepted: each ledger once\n"
    assert ran(capsys, task, *places, *more) == (2, "", told)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://h", "HTTP://H:80/", True),
        ("http://h/a/${KEY}", "http://h/a/hidden", True),
        ("http://${KEY}@h/", "http://${SAME}@h", True),
        ("http://h/a", "http://h/b", False),
        ("http://h", "https://h", False),
        ("http://h", "http://h:81", False),
        ("http://h?a", "http://h?b", False),
    ],
)
def test_one_endpoint_does_not_count_for_two(
    first: str, second: str, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEY", "SAME"):
        monkeypatch.setenv(name, "hidden")
    if not same:
        strangers.require_different([first, second])
        return
    told = r"^--ledger: found http://h again as http://.*, accepted: each ledger once$"
    with pytest.raises(InvalidUsage, match=told) as caught:
        strangers.require_different([first, second])
    assert "hidden" not in caught.value.message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "found a task with 0 ledgers and 0 stores, accepted: at least one --ledger and one"),
        (["--ledger", "nothing", "--store", "."], "--ledger: found 'nothing', accepted: an http"),
        (["--ledger", "ledger.sqlite", "--store", "no"], "--store: found 'no', accepted: an http"),
        (
            ["--ledger", "ledger.sqlite", "--store", ".", "--round", "1"],
            "--round: found it without",
        ),
        (
            ["--ledger", "ledger.sqlite", "--store", ".", "--metrics", "--light"],
            "--metrics: found it with --light",
        ),
        (
            ["--ledger", "ledger.sqlite", "--store", ".", "--metrics"],
            "--metrics: found a task without --project",
        ),
        (["--ledger", "ledger.sqlite", "--store", ".", "--url", "http://x"], "found an option of"),
        (["--ledger", "x", "--store", ".", "--federation", "0x12"], "accepted: an address of 0x"),
    ],
)
def test_what_makes_no_sense_is_refused(
    away: Path, task: str, capsys: Capture, arguments: list[str], told: str
) -> None:
    code, out, err = ran(capsys, task, *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_options_of_a_task_are_none_of_a_run(beside: Path, capsys: Capture) -> None:
    code, _, err = ran(capsys, "--last", "--light")
    assert code == 2
    assert "found an option of a task, accepted: those of a run" in err
    inside = str(next((beside / ".sheaf" / "runs").iterdir()) / "state.json")
    code, _, err = ran(capsys, "--last", "--state", inside)
    assert code == 2
    assert err.startswith("--state: found a file in the run's folder, accepted: one of your own")
    code, _, err = ran(capsys, "--last", "--state", f"{'x' * 300}/mine.json")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("--state: found no folder xxx")
    code, out, _ = ran(capsys, "--last", "--state", "mine.json", "--jobs", "2")
    assert code == 0
    assert "verified: consistent" in out
    assert (beside / "mine.json").is_file()


def test_an_unknown_run_has_no_store(beside: Path, capsys: Capture) -> None:
    assert execute(["store", "serve", "nothing"]) == 2
    assert "nothing: found no such run" in capsys.readouterr().err


def test_progress_is_a_terminals() -> None:
    screen, plain = io.StringIO(), io.StringIO()
    with Watching(Console(file=screen, force_terminal=True, width=80)) as watching:
        watching.told("rounds", 3, 10)
    assert "rounds: 3 of 10" in screen.getvalue()
    with Watching(Console(file=plain)) as watching:
        watching.told("rounds", 3, 10)
    assert plain.getvalue() == ""
