"""`sheaf audit`: one question at a time, as people and as programs read the answers."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute

Capture = pytest.CaptureFixture[str]
RUN = "20260304T120000Z-points"
SVG = "{http://www.w3.org/2000/svg}"


def ask(capsys: Capture, *arguments: str) -> str:
    """What a command that succeeds prints."""
    code = execute(["audit", *arguments])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def asked(capsys: Capture, *arguments: str) -> Any:
    return json.loads(ask(capsys, *arguments, "--format", "json"))


def refusal(capsys: Capture, *arguments: str) -> str:
    assert execute(["audit", *arguments]) == 2
    return capsys.readouterr().err.strip()


def test_blame_with_metrics_and_a_picture(
    points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path
) -> None:
    found = asked(capsys, "--last", "--blame", "2", "--metrics", "--out", str(tmp_path / "new"))
    moved = [each["moved"] for each in found["ranking"]]
    assert moved == sorted(moved, reverse=True)
    assert (found["round"], found["rule"]) == (2, "weighted_mean")
    assert {each["name"] for each in found["ranking"]} <= {*points.summary["accounts"].values()}
    # What was settled is what the sponsor reported; the model before it is round 1's.
    settled, before = found["metrics"]["settled"], found["metrics"]["before"]
    assert settled == pytest.approx(points.rounds[1].metrics, abs=1e-6)
    assert before == pytest.approx(points.rounds[0].metrics, abs=1e-6)
    places = {str(each["position"]) for each in found["ranking"]}
    assert {*found["metrics"]["without"]} == places
    picture = Path(found["picture"])
    assert picture == tmp_path / "new" / f"{RUN}-round-2.svg"
    texts = [each.text for each in ElementTree.fromstring(picture.read_text()).iter(f"{SVG}text")]
    assert {each["name"] for each in found["ranking"]} <= set(texts)
    told = ask(capsys, RUN, "--blame", "2", "--out", str(tmp_path)).splitlines()
    assert told[0].startswith("round 2, attempt 1: weighted_mean of ")
    assert " ".join(told[2].split()).startswith("who* samples moved largest norm cosine most")
    assert told[3].split()[1] == found["ranking"][0]["name"]


def test_the_same_ranking_gives_the_same_picture(
    points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path
) -> None:
    drawn = []
    for folder in ("one", "two"):
        ask(capsys, "--last", "--blame", "1", "--out", str(tmp_path / folder))
        drawn.append((tmp_path / folder / f"{RUN}-round-1.svg").read_bytes())
    assert drawn[0] == drawn[1]


def test_without_matplotlib_an_answer_says_that_nothing_is_drawn(
    points: sheaf.RunResult,
    beside: Path,
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told = ask(capsys, "--last", "--blame", "1", "--out", str(tmp_path / "none"))
    wanted = "picture: none, for that takes matplotlib: pip install 'sheaf[plot]'"
    assert wanted in told.splitlines()
    assert asked(capsys, "--last", "--blame", "1")["picture"] is None
    assert not (tmp_path / "none").exists()


def test_open(points: sheaf.RunResult, beside: Path, capsys: Capture) -> None:
    told = ask(capsys, "--last", "--open", points.model_root)
    assert told.splitlines()[0] == points.model_root
    assert "what         header of the settled model of round 2" in told
    assert "that hash to it" in told
    assert told.splitlines()[-3] == "verified: all of it is consistent"
    again = f"again  sheaf audit {RUN} --head {points.head} --open {points.model_root}"
    assert told.splitlines()[-1] == again
    found = asked(capsys, "--last", "--open", points.head[:10])
    assert found["name"] == points.head
    assert found["differs"] == ""


def test_open_of_a_run_whose_bytes_are_missing(
    points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path
) -> None:
    """The window has closed long ago; the answer says what the demand would have been."""
    damaged = tmp_path / RUN
    shutil.copytree(points.folder, damaged)
    who = asked(capsys, "--last", "--who", "participant-1")
    reveals = [line for deed in who["deeds"] for line in deed["lines"] if "revealed update" in line]
    root = reveals[0].split(" ")[4].rstrip(",")
    opened = asked(capsys, "--last", "--open", root)
    assert opened["stored"][0]["sound"] is True
    assert opened["remedies"] == []
    content = opened["stored"][0]["content"]
    (damaged / "store" / content[-2:] / content).unlink()
    told = ask(capsys, str(damaged), "--open", root)
    assert "bytes       not to be had: " in told
    assert "in court  Demand: position " in told
    assert "; closed at " in told
    assert "verification: store: round 1: the update of participant 0x" in told
    found = asked(capsys, str(damaged), "--open", root)
    (remedy,) = found["remedies"]
    assert remedy["action"]["action"] == "Demand"
    assert remedy["open"] is False


def test_diff(points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(points.folder, copy)
    told = ask(capsys, "--last", "--diff", str(copy))
    last = points.summary["blocks"]
    assert told == f"no difference: {RUN} and copy are one history, up to block {last}\n"
    assert asked(capsys, "--last", "--diff", str(copy))["difference"] is None
    (copy / "model.safetensors").unlink()
    rows = ask(capsys, "--last", "--diff", str(copy)).splitlines()
    assert rows[0].split() == ["first", "difference", "model.safetensors"]
    assert rows[3].split() == ["copy", "nothing"]
    assert rows[4].split() == ["in", "common", "the", "ledgers", "agree"]


def test_who(points: sheaf.RunResult, beside: Path, capsys: Capture) -> None:
    found = asked(capsys, "--last", "--who", "participant-1")
    address = {name: a for a, name in points.summary["accounts"].items()}["participant-1"]
    assert found["account"] == address
    assert found["balance"]["payouts"] == points.payouts[address]
    told = ask(capsys, "--last", "--who", address)
    assert told.splitlines()[0] == f"participant {address} (participant-1)"
    assert "Register: took a seat as participant, stake " in told
    assert told.count("drawn into the cohort") == 2


def test_sybil(points: sheaf.RunResult, beside: Path, capsys: Capture) -> None:
    found = asked(capsys, "--last", "--sybil")
    assert found["clusters"] == []
    assert any("which says nothing" in each for each in found["common"])
    assert "no cluster: nobody has more in common" in ask(capsys, "--last", "--sybil")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--sybil", "--who", "a"],
            "found 2 questions, accepted: one of --blame, --open, --diff, --who, --sybil",
        ),
        (
            ["--sybil", "--metrics"],
            "found --metrics or --project alone, accepted: the report or --blame, with --metrics",
        ),
        (
            ["--blame", "1", "--project", "."],
            "found --metrics or --project alone, accepted: the report or --blame, with --metrics",
        ),
        (["--blame", "9"], "--blame: found round 9, accepted: one that settled: 1, 2"),
        (
            ["--open", "xyz"],
            "--open: found 'xyz', which nothing here is called, accepted: a hash, a content id or "
            "a bitmap of this task, or a prefix no other one has",
        ),
        (
            ["--who", "nobody"],
            "--who: found 'nobody', which is nobody here, accepted: an address of an actor, a "
            "prefix that no other one has, or a name that the run reports",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(
    points: sheaf.RunResult, beside: Path, capsys: Capture, arguments: list[str], line: str
) -> None:
    assert refusal(capsys, "--last", *arguments) == line


def test_without_a_question_a_report_is_written(
    points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path
) -> None:
    found = asked(capsys, "--last", "--metrics", "--head", points.head, "--out", str(tmp_path))
    assert found["conclusion"] == "consistent, anchored by the head hash"
    names = [Path(each).name for each in found["files"]]
    assert names == ["audit.html", "audit.json", "compliance.md"]
    made = json.loads((tmp_path / "audit.json").read_text())
    assert (made["run"], made["metrics_recomputed"]) == (RUN, True)
    receipts = made["receipts"]
    signed = receipts["updates"] + receipts["verdicts"] + receipts["acts"]
    assert (receipts["valid"], receipts["wrong"], receipts["told"]) == (signed, 0, [])
    assert signed > 0


def test_a_report_replaces_an_earlier_one_of_its_task_and_nothing_else(
    points: sheaf.RunResult, beside: Path, capsys: Capture, tmp_path: Path
) -> None:
    written = ["audit.html", "audit.json", "compliance.md"]
    ask(capsys, "--last", "--out", str(tmp_path))
    first = [(tmp_path / name).read_bytes() for name in written]
    ask(capsys, "--last", "--head", points.head, "--out", str(tmp_path))
    second = [(tmp_path / name).read_bytes() for name in written]
    assert all(b"anchored by the head hash" in content for content in second[:2])
    assert first != second
    # Somebody wrote into the map, as it asks for.
    (tmp_path / "compliance.md").write_bytes(second[2] + b"Our controller is the hospital.\n")
    told = "found a file that is not as a report of this task was written, accepted: a folder"
    line = refusal(capsys, "--last", "--out", str(tmp_path))
    assert line.startswith(f"{tmp_path / 'compliance.md'}: {told} without it")
    assert [(tmp_path / name).read_bytes() for name in written[:2]] == second[:2]
    (tmp_path / "compliance.md").unlink()
    # Or a note into the page.
    (tmp_path / "audit.html").write_bytes(second[0] + b"x\n")
    assert refusal(capsys, "--last", "--out", str(tmp_path)).startswith(
        f"{tmp_path / 'audit.html'}: {told}"
    )
    assert (tmp_path / "audit.html").read_bytes() == second[0] + b"x\n"
    (tmp_path / "audit.html").write_bytes(second[0])
    plain = json.loads(second[1])
    plain["task"]["id"] = "11" * 32  # another task's report
    (tmp_path / "audit.json").write_text(json.dumps(plain))
    assert refusal(capsys, "--last", "--out", str(tmp_path)).startswith(f"{tmp_path / 'audit.'}")
    ask(capsys, "--last", "--head", points.head, "--out", str(tmp_path), "--force")
    assert [(tmp_path / name).read_bytes() for name in written] == second
    line = refusal(capsys, "--last", "--out", str(tmp_path / "audit.json"))
    assert line == f"--out: found a file, {tmp_path / 'audit.json'}, accepted: a folder"
