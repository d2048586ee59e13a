"""Tasks that end early: exit code 3, and one line with the cause and the first trouble."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from tests.apps.projects import write

MODULE = """
import numpy as np
from torch import nn

CALLS = []

def model():
    return nn.Linear(2, 2)

class Moody(nn.Linear):
    def forward(self, X):
        if not self.training:
            from mood import reason  # beside this file, from within a function
            raise KeyError(reason())
        return super().forward(X)

def moody():
    return Moody(2, 2)

def held_out():
    return good(0, 1)

def good(index, count):
    X = np.random.default_rng(index).normal(size=(20, 2)).astype(np.float32)
    return X, (X.sum(axis=1) > 0).astype(np.int64)

def empty(index, count):
    X, y = good(index, count)
    return X[:0], y[:0]

def holed(index, count):
    X, y = good(index, count)
    X[3, 1] = np.nan
    return X, y

def narrow(index, count):
    X, y = good(index, count)
    return X[:, 1:], y

def unsigned():
    return good(0, 1)

def raising(index, count):
    raise OSError("the disk\\nis gone")

def tiring(index, count):
    CALLS.append(index)
    if len(CALLS) > 2:  # the two inspections went well
        raise OSError("the disk is gone")
    return good(index, count)
"""
SMALL: dict[str, str | None] = {
    "algorithm.options": "{ lr = 0.1 }",
    "round.participants": "2",
    "round.committee": "1",
    "round.aggregators": "1",
    "schedule.rounds": "1",
    "data.features": '[{ name = "X", dtype = "float32", shape = [2] }, '
    '{ name = "y", dtype = "int64", shape = [] }]',
}
REFUSALS = {
    "empty": "found no samples, accepted: at least one",
    "holed": "X, sample 3: found NaN or infinity, accepted: finite numbers",
    "narrow": "X: found float32 of shape (1,); the task asks float32 of shape (2,)",
    "unsigned": "task:unsigned: found the signature (); accepted: 2 positional arguments",
    "raising": "task:raising: raised OSError: the disk is gone",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project to run from, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SHEAF_DEBUG", raising=False)
    (tmp_path / "task.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("hook", REFUSALS)
def test_a_data_hook_that_nobody_can_train_on(
    here: Path, capsys: pytest.CaptureFixture[str], hook: str
) -> None:
    write(here, SMALL | {"data.entry": f'"task:{hook}"'})
    assert execute(["run"]) == 3
    declined = f"participant-1 declines: {REFUSALS[hook]}"
    lines = capsys.readouterr().err.splitlines()
    assert lines.count(f"warning: {declined}") == 1
    assert lines[-1] == f"the task ended before round 1: too_few_seats ({declined})"


def test_a_task_whose_only_round_was_aborted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, SMALL | {"data.entry": '"task:tiring"'})
    assert execute(["run", "--format=json"]) == 3
    out, err = capsys.readouterr()
    summary, error = json.loads(out), json.loads(err.splitlines()[-1])
    assert (summary["status"], summary["cause"]) == ("ended", "too_few_commits")
    assert [row["outcome"] for row in summary["rounds"]] == ["aborted: too_few_commits"]
    assert error["code"] == "task_ended"
    assert error["message"] == "the task ended after round 1: too_few_commits"
    assert error["hint"].startswith("round 1: participant-1 failed and misses the round: ")


def test_a_task_that_settled_is_no_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, SMALL | {"data.entry": '"task:good"'})
    assert execute(["run", "--format=json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "settled"
    assert "warning" not in err
    assert err.splitlines()[0] == "flowers: 2 participants, 1 aggregator, 1 round"


def test_a_model_that_raises_where_it_is_measured_is_the_project_s_affair(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mood.py").write_text("def reason():\n    return 'not today'\n", encoding="utf-8")
    wanted: dict[str, str | None] = {
        "model.entry": '"task:moody"',
        "data.entry": '"task:good"',
        "evaluation.entry": '"task:held_out"',
        "evaluation.metrics": '["accuracy"]',
    }
    write(here, SMALL | wanted)
    assert execute(["run"]) == 3
    raised = "the installed code raised KeyError: 'not today'"
    assert capsys.readouterr().err.splitlines()[-1] == f"evaluation.entry task:held_out: {raised}"
    assert execute(["data", "check"]) == 3
    assert f"sponsor, task:held_out: {raised}" in capsys.readouterr().err
