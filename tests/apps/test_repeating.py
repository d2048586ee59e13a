"""The line that a verification ends with gives the same verification once more, all that was asked
for included."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute

Capture = pytest.CaptureFixture[str]
JSON = ("--format", "json")


@pytest.fixture
def given(points: sheaf.RunResult, beside: Path, tmp_path: Path) -> dict[str, str]:
    """What is named beside run and task, by paths that a shell must be told of with care."""
    project, keys = tmp_path / "my project", tmp_path / "who's who"
    shutil.copytree(beside / "points", project)
    signed = json.loads((points.folder / "countersignatures.json").read_text("utf-8"))
    keys.write_text(
        "\n".join(each["address"] for each in signed["countersignatures"]), encoding="utf-8"
    )
    return {"--project": str(project), "--keys": str(keys)}


def asked(capsys: Capture, *words: str) -> Any:
    assert execute([*words, *JSON]) == 0
    return json.loads(capsys.readouterr().out)


def repeated(capsys: Capture, found: Any) -> Any:
    """What the line gives, run as a shell would."""
    command, *words = shlex.split(found["repeat"])
    assert command == "sheaf"
    return asked(capsys, *words)


def test_a_run_s(points: sheaf.RunResult, given: dict[str, str], capsys: Capture) -> None:
    named = [word for pair in given.items() for word in pair]
    about = ["verify", points.folder.name, "--head", points.head]
    found = asked(capsys, *about, "--receipts", "--metrics", *named)
    assert shlex.split(found["repeat"])[1:] == [*about, "--receipts", "--metrics", *named]
    assert {"receipts", "metrics"} <= {check["name"] for check in found["checks"]}
    assert "countersignatures" in found["conclusion"]
    assert repeated(capsys, found) == found
    assert execute([*about, "--receipts"]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("again  ")]
    assert line.endswith(f"{points.head} --receipts")
    assert asked(capsys, *about)["repeat"] == shlex.join(["sheaf", *about])


def test_a_task_s(points: sheaf.RunResult, given: dict[str, str], capsys: Capture) -> None:
    task, run = f"0x{points.summary['task_id']}", str(points.folder)
    about = ["verify", task, "--ledger", run, "--store", run]
    more = ["--receipts", "--keys", given["--keys"], "--signatures", run]
    found = asked(capsys, *about, *more, "--jobs", "2")
    line = [*about, "--head", points.head, *more]
    assert shlex.split(found["repeat"])[1:] == line  # and neither --jobs nor --state
    again = repeated(capsys, found)
    assert again["repeat"] == found["repeat"]
    assert again["checks"] == found["checks"]


def test_a_verification_s_from_python(points: sheaf.RunResult) -> None:
    found = sheaf.verify(points.folder, receipts=True)
    assert f"sheaf verify {points.folder.name} --head {points.head} --receipts\n" in repr(found)


def test_a_report_s(
    points: sheaf.RunResult, given: dict[str, str], tmp_path: Path, capsys: Capture
) -> None:
    more = ["--metrics", "--project", given["--project"]]
    out = ["--out", str(tmp_path / "out")]
    found = asked(capsys, "audit", points.folder.name, *more, *out)
    line = shlex.join(["sheaf", "audit", points.folder.name, "--head", points.head, *more])
    assert found["repeat"] == line
    made = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    bare = shlex.join(["sheaf", "audit", points.folder.name, "--head", points.head, "--metrics"])
    assert bare in [each["command"] for each in made["verification"]["repeat"]]
