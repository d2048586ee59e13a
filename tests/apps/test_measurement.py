"""`sheaf evaluate`: a run's model on data of one's own, and whose code is executed for that."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from sheaf.apps.templates.points.task import held_out
from tests.e2e.tampering import edit

Capture = pytest.CaptureFixture[str]
ID = "20260304T120000Z-points"
UNIT = 2**-16
"""In which a sample's loss is counted."""

MINE = """
import numpy as np

X = np.array([[0, 2], [-2, -1], [2, -1], [0, 0]], np.float32)

def mine():
    return X, np.array([0, 1, 2, 2])

def yes_or_no():
    return X, np.array([0, 1, 0, 1])

def wide():
    return np.zeros((4, 3), np.float32), np.zeros(4, np.int64)

def raising():
    raise OSError("the disk is gone")
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file with data hooks, outside of any project."""
    file = tmp_path / "mine.py"
    file.write_text(MINE, encoding="utf-8")
    return file


@pytest.fixture
def moved(points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run and its project to change, to run commands from; the run still names the
    project where it was."""
    shutil.copytree(points.folder.parents[2], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".sheaf" / "runs" / ID


def evaluate(capsys: Capture, data: str, *arguments: str) -> tuple[int, str, str]:
    code = execute(["evaluate", ID, "--data", data, *arguments])
    return code, *capsys.readouterr()


def measured(capsys: Capture, data: str, *arguments: str) -> dict[str, Any]:
    code, out, err = evaluate(capsys, data, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    assert found.pop("run") == ID
    return found


def by_hand(points: sheaf.RunResult, X: Any, y: Any) -> dict[str, Any]:
    """Accuracy and cross-entropy of the template's two layers, in NumPy."""
    weights = {name: tensor.double().numpy() for name, tensor in points.model().items()}
    hidden = np.maximum(X @ weights["0.weight"].T + weights["0.bias"], 0)
    logits = hidden @ weights["2.weight"].T + weights["2.bias"]
    of_label = logits[np.arange(len(y)), y]
    losses = np.log(np.exp(logits).sum(axis=1)) - of_label
    return {"accuracy": (logits.argmax(axis=1) == y).mean(), "loss": losses.mean()}


def test_a_hook_of_the_project_measures_what_the_sponsor_reported(
    points: sheaf.RunResult, beside: Path, capsys: Capture
) -> None:
    found = measured(capsys, "task:held_out")
    assert found["samples"] == 300
    assert found["metrics"] == pytest.approx(points.metrics, abs=1e-6)  # which are rounded there
    assert found["metrics"] == pytest.approx(by_hand(points, *held_out()), abs=UNIT)


def test_a_hook_of_a_file_measures_data_of_ones_own(
    points: sheaf.RunResult, beside: Path, capsys: Capture, mine: Path
) -> None:
    found = measured(capsys, f"{mine}:mine")
    X, y = np.array([[0, 2], [-2, -1], [2, -1], [0, 0]]), np.array([0, 1, 2, 2])
    assert found["metrics"] == pytest.approx(by_hand(points, X, y), abs=UNIT)
    assert found["samples"] == 4


def test_metrics_are_chosen_and_shown(beside: Path, capsys: Capture, mine: Path) -> None:
    assert list(measured(capsys, f"{mine}:mine", "--metric", "loss")["metrics"]) == ["loss"]
    both = ("--metric", "loss", "--metric", "accuracy")
    assert list(measured(capsys, f"{mine}:mine", *both)["metrics"]) == ["loss", "accuracy"]
    code, out, err = evaluate(capsys, f"{mine}:mine", *both)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["loss", "accuracy", "samples"]
    assert out.splitlines()[-1].split() == ["samples", "4"]


@pytest.mark.parametrize(
    ("data", "arguments", "code", "line"),
    [
        ("held_out", [], 2, "--data: found 'held_out', accepted: module:function or file.py:"),
        ("task:", [], 2, "--data: found 'task:', accepted: module:function or file.py:function"),
        ("absent.py:mine", [], 2, "--data: found no file "),
        ("absent:mine", [], 3, "absent: found no absent.py in "),
        ("task:absent", [], 3, "task:absent: found no function 'absent' in task.py; accepted: "),
        ("task:data", [], 3, "task:data: found the signature "),
        ("mine.py:wide", [], 3, "found a batch X of shape (4, 3) and torch.float64, accepted: "),
        ("mine.py:raising", [], 3, "mine:raising: raised OSError: the disk is gone"),
        ("mine.py:mine", ["--metric", "auk"], 3, "found metric 'auk', accepted: accuracy, auc, "),
        ("mine.py:mine", ["--project", "absent"], 2, "--project: found no folder absent, accepted"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    moved: Path, mine: Path, capsys: Capture, data: str, arguments: list[str], code: int, line: str
) -> None:
    found, out, err = evaluate(capsys, data, *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(line)


def test_a_task_without_metrics_wants_some(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    project = shutil.copytree(points.folder.parents[2] / "points", tmp_path / "points")
    settings = (project / "sheaf.toml").read_text("utf-8").partition("[evaluation]")[0]
    (project / "sheaf.toml").write_text(settings, encoding="utf-8")
    sheaf.run(project, rounds=1, directory=tmp_path / ".sheaf" / "runs" / ID, progress=False)
    code, out, err = evaluate(capsys, "task:held_out")
    assert (code, out) == (2, "")
    assert err == "--metric: found none, and the task has none; accepted: --metric NAME\n"
    assert measured(capsys, "task:held_out", "--metric", "accuracy")["samples"] == 300


def test_changed_code_is_executed_only_where_it_was_chosen(
    moved: Path, capsys: Capture, tmp_path: Path
) -> None:
    project = tmp_path / "points"
    edit(moved / "summary.json", lambda summary: summary.update(project=str(project)))
    assert evaluate(capsys, "task:held_out")[0] == 0
    with (project / "task.py").open("a", encoding="utf-8") as file:
        file.write(f"\nfrom pathlib import Path\nPath({str(tmp_path / 'executed')!r}).touch()\n")
    code, out, err = evaluate(capsys, "task:held_out")
    assert (code, out) == (2, "")
    assert err.startswith(f"--project: the code in {project} hashes to ")
    assert err.endswith("(--project PATH names the project the run was made from)\n")
    assert not (tmp_path / "executed").exists()
    code, out, err = evaluate(capsys, "task:held_out", "--project", str(project))
    assert (code, err) == (0, "warning: the project's code is not the one that the task pins\n")
    assert (tmp_path / "executed").exists()


def test_code_beside_a_run_is_not_executed(moved: Path, capsys: Capture) -> None:
    # It lies here, with the very code that the task pins.
    edit(moved / "summary.json", lambda summary: summary.update(project="points"))
    for arguments in (["evaluate", "--data", "task:held_out"], ["verify", "--metrics"]):
        assert execute([*arguments, "--last"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith(f"{ID}: found no whole path of a project in its summary.json")
        assert execute([*arguments, "--last", "--project", "points"]) == 0
        capsys.readouterr()
    assert execute(["verify", "--last", "--project", "points"]) == 2
    assert capsys.readouterr().err.startswith("--project: found it without --metrics")


@pytest.mark.parametrize(
    ("factory", "line"),
    [
        ("def model():\n    return 'a model'\n", "task:model: found a str; accepted: a torch.nn"),
        (
            "from torch import nn\ndef model():\n    return nn.Linear(2, 3)\n",
            "0.bias: found only in the layout, accepted: the same tensors in both",
        ),
    ],
)
def test_a_factory_of_another_model_is_refused(
    moved: Path, mine: Path, capsys: Capture, tmp_path: Path, factory: str, line: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "task.py").write_text(factory, encoding="utf-8")
    code, out, err = evaluate(capsys, f"{mine}:mine", "--project", "other")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith(line)


@pytest.mark.parametrize("arguments", [["evaluate", "--data", "task:held_out"], ["export"]])
def test_a_model_file_that_is_none_is_refused(
    moved: Path, capsys: Capture, arguments: list[str]
) -> None:
    (moved / "model.safetensors").write_bytes(b"rubbish")
    to = ["--to", "torch"] if arguments == ["export"] else []
    assert execute([*arguments, "--last", *to]) == 3
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"{moved / 'model.safetensors'}: found ")
    assert err.endswith("accepted: a safetensors file\n")


@pytest.mark.parametrize("to", ["safetensors", "torch"])
@pytest.mark.parametrize("place", ["mine.py/model", f"new/{'n' * 300}"])
def test_a_place_that_cannot_be_written_is_one_line(
    moved: Path, mine: Path, capsys: Capture, to: str, place: str
) -> None:
    assert execute(["export", ID, "--to", to, "--out", place]) == 4
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"{place}: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "points"],
        ["data", "check", "points"],
        ["evaluate", ID, "--data", "task:held_out"],
        ["verify", ID, "--metrics"],
        ["export", ID, "--to", "torch"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_without_torch_one_line_says_what_to_install(
    moved: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert execute(arguments) == 3
    out, err = capsys.readouterr()
    line = "found no package torch, accepted: an installation that has it"
    assert (out, err) == ("", f"{line} (pip install 'sheaf[torch]')\n")
