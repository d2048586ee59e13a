"""Which code a reader of a run executes: one's own, and what the task pins, or what one chose."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from sheaf.nodes.bundle import Bundle
from sheaf.nodes.metrics import check_metrics
from sheaf.nodes.project import project_of
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage
from tests.e2e.tampering import edit
from tests.nodes.plans import PROJECT
from tests.nodes.stage import Played

BAIT = "raise SystemExit('executed')\n"


@pytest.fixture
def run(honest: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, read from the folder that holds it."""
    monkeypatch.chdir(tmp_path)
    return honest.copy(tmp_path / "run")


def bait(folder: Path) -> Path:
    folder.mkdir()
    (folder / "task.py").write_text(BAIT, encoding="utf-8")
    return folder


def naming(run: Path, project: object) -> Path:
    edit(run / "summary.json", lambda summary: summary.update(project=project))
    return run


def refused(run: Path, honest: Played, chosen: Path | None = None) -> InvalidUsage:
    with pytest.raises(InvalidUsage) as caught:
        project_of(run, honest.cast.task, chosen)
    assert caught.value.exit_code == 2
    return caught.value


def test_the_project_the_run_was_made_from_is_used(run: Path, honest: Played) -> None:
    assert project_of(run, honest.cast.task) == Bundle.load(PROJECT)


def test_a_project_that_came_beside_the_run_is_not_executed(run: Path, honest: Played) -> None:
    # From this folder, the name that the run gives leads to what came with it.
    bait(run.parent / "project")
    error = refused(naming(run, "project"), honest)
    assert error.message.startswith("run: found no whole path of a project in its summary.json")
    with pytest.raises(InvalidUsage, match="found no whole path of a project"):
        verify(run, check_metrics)


@pytest.mark.parametrize("project", [None, 7, "", ".", "~", ["/"]])
def test_a_project_that_is_no_whole_path_is_asked_for(
    run: Path, honest: Played, project: object
) -> None:
    error = refused(naming(run, project), honest)
    assert error.message.endswith("accepted: --project PATH")


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_without_a_summary_the_project_is_asked_for(
    run: Path, honest: Played, content: str | None
) -> None:
    (run / "summary.json").unlink()
    if content is not None:
        (run / "summary.json").write_text(content, encoding="utf-8")
    assert refused(run, honest).message.endswith("accepted: --project PATH")


def test_a_project_inside_of_the_run_is_not_executed(run: Path, honest: Played) -> None:
    inside = shutil.copytree(PROJECT, run / "evil")  # the very code that the task pins
    error = refused(naming(run, str(inside)), honest)
    assert "which lies in the run, accepted: a project of your own" in error.message
    assert error.hint == "code that came with a run is not executed"
    (run.parent / "link").symlink_to(inside)
    assert "which lies in the run" in refused(run, honest, Path("link")).message
    assert "which lies in the run" in refused(naming(run, f"{run}/../run/evil"), honest).message


@pytest.mark.parametrize("absent", ["absent", "task.py", "nul\0"])
def test_a_project_that_is_no_folder(run: Path, honest: Played, absent: str) -> None:
    place = PROJECT / absent
    line = f"--project: found no folder {place}, accepted: a project"
    assert refused(naming(run, str(place)), honest).message == line
    assert refused(run, honest, place).message == line


def test_other_code_is_executed_only_where_it_was_chosen(run: Path, honest: Played) -> None:
    other = bait(run.parent / "other")
    digest = Bundle.load(other).digest.hex()
    error = refused(naming(run, str(other)), honest)
    assert error.message.startswith(f"--project: the code in {other} hashes to {digest}, accepted:")
    assert error.hint == "--project PATH names the project the run was made from"
    assert project_of(run, honest.cast.task, other).digest.hex() == digest
    # Metrics are recomputed by the code that the task pins, or not at all.
    for further in (check_metrics, partial(check_metrics, project=other)):
        with pytest.raises(InvalidUsage, match="hashes to"):
            verify(run, further)


def test_metrics_are_recomputed_with_a_project_from_elsewhere(run: Path) -> None:
    moved = shutil.copytree(PROJECT, run.parent / "moved")
    report = verify(naming(run, "gone"), partial(check_metrics, project=moved))
    assert {check.name: check.count for check in report.checks}["metrics"] == 3 * 3


def test_a_folder_without_code_is_no_project(run: Path, honest: Played) -> None:
    (run.parent / "empty").mkdir()
    with pytest.raises(InvalidConfiguration, match="found no Python file"):
        project_of(run, honest.cast.task, Path("empty"))
