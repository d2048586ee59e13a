"""The example on real data, as a person runs it: its promise is an AUC of at least 0.98."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from tests.apps.kept import keep

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "hospitals"
ID = "20260304T120000Z-hospitals"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run from, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def pooled(here: Path) -> subprocess.CompletedProcess[str]:
    """The comparison with training in one place."""
    limits = ["--least", "0.98", "--within", "0.01"]
    command = [sys.executable, str(EXAMPLES / "pooled.py"), str(EXAMPLE), *limits]
    return subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)


def test_five_hospitals_learn_nearly_what_one_place_would(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", str(EXAMPLE), "--format", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["status"], summary["cause"]) == ("settled", None)
    assert [row["outcome"] for row in summary["rounds"]] == ["settled"] * 10
    assert summary["metrics"]["auc"] >= 0.98
    assert summary["metrics"]["auc"] > summary["initial_metrics"]["auc"]
    assert execute(["show", "--last"]) == 0
    odds = "capture odds 0 % a draw: 1 of 6 aggregators cannot fill a quorum of 2"
    assert odds in [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    done = pooled(here)
    assert (done.returncode, done.stderr) == (0, "")
    auc = f"held-out auc, federated training  {summary['metrics']['auc']:.4f}  (reported, run "
    assert auc + summary["run"] in done.stdout


def test_without_a_run_there_is_nothing_to_compare_with(here: Path) -> None:
    keep(here, "20260304T120000Z-flowers")
    keep(here, ID, name="hospitals", status="ended", metrics={})
    done = pooled(here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"found no run of hospitals: sheaf run {EXAMPLE}\n"


def test_an_auc_below_the_promise_fails_though_both_are_close(here: Path) -> None:
    keep(here, ID, name="hospitals", metrics={"auc": 0.9799})
    done = pooled(here)
    assert done.returncode == 1
    assert done.stderr == "found auc 0.9799, accepted: at least 0.98\n"


def test_an_auc_that_is_far_from_pooled_training_fails(here: Path) -> None:
    keep(here, ID, name="hospitals", metrics={"auc": 0.9999})
    done = pooled(here)
    assert done.returncode == 1
    assert done.stderr == "found the two more than 0.01 apart, accepted: closer\n"
