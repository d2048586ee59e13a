"""`sheaf data check`: the table, the object, and one line where a hook does not fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from tests.apps.projects import write

MODULE = """
import numpy as np
from torch import nn
from torch.utils.data import IterableDataset

def model():
    return nn.Linear(2, 12)

def data(index, count):
    labels = np.array([0, 1, 1, 2]) + index
    return np.array([[0, 1], [2, 3], [-1.25, 5], [6, 7]], np.float32), labels

def many(index, count):
    X, _ = data(index, count)
    return np.tile(X, (3, 1)), np.arange(12) % 11

def holed(index, count):
    X, y = data(index, count)
    X[index, 0] = np.nan
    return X, y

class Stream(IterableDataset):
    def __iter__(self):
        yield from ()

def stream(index, count):
    return Stream()

def exits(index, count):
    raise SystemExit("no licence")

def stopped(index, count):
    raise KeyboardInterrupt

def chatty(index, count):
    print("reading", index)
    return data(index, count)

def real(index, count):
    X, _ = data(index, count)
    return X, np.array([[0.5], [-1.0], [2.25], [8]], np.float32).repeat(12, axis=1)
"""
SETTINGS: dict[str, str | None] = {"round.participants": "2", "algorithm.options": "{ lr = 0.1 }"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project to run commands from, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "task.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


Capture = pytest.CaptureFixture[str]


def check(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = execute(["data", "check", *arguments])
    return code, *capsys.readouterr()


def test_the_table_says_what_the_hooks_return(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS | {"evaluation.entry": '"task:held"', "evaluation.metrics": '["loss"]'})
    text = MODULE + "\ndef held():\n    return many(0, 1)\n"
    (here / "task.py").write_text(text, encoding="utf-8")
    code, out, err = check(capsys)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "who            samples  features      minimum  maximum  labels    counts"
        "                not finite  fits",
        "participant-1        4  float32 (2,)    -1.25        7  int64 ()  0: 1, 1: 2, 2: 1"
        "               0  yes",
        "participant-2        4  float32 (2,)    -1.25        7  int64 ()  1: 1, 2: 2, 3: 1"
        "               0  yes",
        "sponsor             12  float32 (2,)    -1.25        7  int64 ()  11 classes of 1 to 2"
        "           0  yes",
    ]
    assert sorted(path.name for path in here.iterdir()) == ["sheaf.toml", "task.py"]


def test_the_object_has_everything(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS)
    code, out, err = check(capsys, "--participant", "2", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "who": "participant-2",
            "entry": "task:data",
            "samples": 4,
            "classes": {"1": 1, "2": 2, "3": 1},
            "features": {
                "dtype": "float32",
                "shape": [2],
                "minimum": -1.25,
                "maximum": 7.0,
                "not_finite": 0,
            },
            "labels": {
                "dtype": "int64",
                "shape": [],
                "minimum": 1.0,
                "maximum": 3.0,
                "not_finite": 0,
            },
            "fits": True,
            "objection": "",
        }
    ]


def test_labels_that_are_no_classes_have_a_range(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS | {"data.entry": '"task:real"', "algorithm.loss": '"MSELoss"'})
    code, out, _ = check(capsys, "--participant", "1")
    assert code == 0
    assert "  float32 (12,)  -1 to 8  " in out.splitlines()[1]


@pytest.mark.parametrize(
    ("hook", "row", "objection"),
    [
        ("holed", "1  no", "X, sample 0: found NaN or infinity, accepted: finite numbers"),
        ("exits", "-  no", "task:exits: raised SystemExit: no licence"),
        ("stream", "-  no", "found Stream, an iterable dataset: without a length its samples"),
    ],
)
def test_a_hook_that_does_not_fit_is_exit_3(
    here: Path, capsys: Capture, hook: str, row: str, objection: str
) -> None:
    write(here, SETTINGS | {"data.entry": f'"task:{hook}"'})
    code, out, err = check(capsys)
    assert (code, err.count("\n")) == (3, 1)
    assert [line.endswith(row) for line in out.splitlines()] == [False, True, True]
    assert err.startswith(f"participant-1, task:{hook}: {objection}")
    assert err.endswith(" (2 of 2 hook calls do not fit the task)\n")
    code, out, err = check(capsys, "--format=json")
    assert (code, json.loads(err)["code"]) == (3, "data")
    assert [report["fits"] for report in json.loads(out)] == [False, False]
    assert all(report["objection"].startswith(objection[:9]) for report in json.loads(out))


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--participant", "3"], 2, "--participant: found 3, accepted: 1 to 2"),
        (["--participant", "0"], 2, "--participant: found 0, accepted: 1 to 2"),
        (["elsewhere"], 3, "elsewhere: found no such file, accepted: a project folder"),
        (["--rounds", "3"], 2, "No such option: --rounds (see `sheaf data --help`)"),
    ],
)
def test_what_cannot_be_checked_is_one_line(
    here: Path, capsys: Capture, arguments: list[str], code: int, line: str
) -> None:
    write(here, SETTINGS)
    found, out, err = check(capsys, *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(line)


def test_a_name_that_torch_lacks_is_found_before_the_hooks(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS | {"algorithm.loss": '"CrosEntropyLoss"', "data.entry": '"task:absent"'})
    code, out, err = check(capsys)
    assert (code, out) == (3, "")
    assert err.startswith("sheaf.toml: algorithm.loss: found loss 'CrosEntropyLoss'")


def test_help_has_an_example_and_the_group_its_commands(capsys: Capture) -> None:
    assert execute(["data", "check", "--help"]) == 0
    assert "Example: sheaf data check examples/hospitals" in capsys.readouterr().out
    assert execute(["data"]) == 0
    assert "  check  " in capsys.readouterr().out


def test_without_torch_it_says_what_to_install(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, SETTINGS)
    monkeypatch.setitem(sys.modules, "torch", None)
    for command in (["data", "check"], ["run"]):
        assert execute(command) == 3
        assert capsys.readouterr().err == (
            "found no package torch, accepted: an installation that has it "
            "(pip install 'sheaf[torch]')\n"
        )
    assert not (here / ".sheaf").exists()


def test_what_a_hook_prints_is_not_among_the_data(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS | {"data.entry": '"task:chatty"'})
    code, out, err = check(capsys, "--format=json")
    assert (code, err) == (0, "reading 0\nreading 1\n")
    assert [report["fits"] for report in json.loads(out)] == [True, True]


def test_ctrl_c_is_told_in_one_line(here: Path, capsys: Capture) -> None:
    write(here, SETTINGS | {"data.entry": '"task:stopped"'})
    assert check(capsys) == (130, "", "interrupted\n")
    code, out, err = check(capsys, "--format=json")
    assert (code, out) == (130, "")
    assert json.loads(err) == {"code": "interrupted", "message": "interrupted", "hint": ""}
