"""`sheaf run --resume` of a run that has lost a file: nothing else is lost by it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from tests.e2e.command import interrupted, project
from tests.e2e.courses import Left

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted in its first round."""
    folder = tmp_path_factory.mktemp("stopped")
    interrupted(folder, project(folder / "flowers"), signal.SIGINT)
    (found,) = (folder / ".sheaf" / "runs").iterdir()
    return found


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / stopped.name))


@pytest.fixture
def ended(run: Path, capsys: Capture) -> Path:
    """The same, gone on with to its end."""
    assert resumed(run, capsys)[0] == 0
    return run


def resumed(run: Path, capsys: Capture) -> tuple[int, str]:
    """Exit code and what stderr says."""
    code = execute(["run", "--resume", str(run)])
    return code, capsys.readouterr().err


def files(run: Path) -> dict[str, bytes]:
    """All but the log, which says that the run was stopped again."""
    kept = [path for path in run.iterdir() if path.is_file() and path.name != "log"]
    return {path.name: path.read_bytes() for path in kept}


@pytest.mark.parametrize("gone", [("ledger.json",), ("ledger.json", "summary.json")])
def test_a_ledger_that_a_journal_rests_on_is_not_thrown_away(
    ended: Path, capsys: Capture, gone: tuple[str, ...]
) -> None:
    """A run with a summary is finished, and shown."""
    for name in gone:
        (ended / name).unlink()
    before = files(ended)

    code, err = resumed(ended, capsys)

    assert code == (4 if "summary.json" in gone else 0)
    if code:
        assert "found journal.jsonl of a run that began and no ledger.json, accepted: both" in err
        assert "nothing was changed: put ledger.json back" in err
    assert {name: content for name, content in files(ended).items() if name in before} == before


def test_once_its_address_book_is_back_a_run_goes_on(
    run: Path, tmp_path: Path, capsys: Capture
) -> None:
    whole = Path(shutil.copytree(run, tmp_path / "whole" / run.name))
    assert resumed(whole, capsys)[0] == 0
    (run / "ledger.json").rename(tmp_path / "ledger.json")
    assert resumed(run, capsys)[0] == 4
    (tmp_path / "ledger.json").rename(run / "ledger.json")
    assert resumed(run, capsys)[0] == 0
    assert Left.by(run) == Left.by(whole)


def test_a_run_whose_ledger_is_gone_is_not_said_to_go_on(run: Path, capsys: Capture) -> None:
    (run / "ledger.sqlite").unlink()
    code, err = resumed(run, capsys)
    assert code == 4
    assert "ledger.sqlite: put the run's own back" in err
    assert "goes on with it" not in err


@pytest.mark.parametrize("content", ["", '{"run": ', "[]"])
def test_half_a_summary_is_written_again_once_it_is_removed(
    ended: Path, capsys: Capture, content: str
) -> None:
    left = Left.by(ended)
    (ended / "summary.json").write_text(content, encoding="utf-8")
    code, err = resumed(ended, capsys)
    assert code == 3
    assert f"remove it; then `sheaf run --resume {ended.name}` writes it again" in err
    (ended / "summary.json").unlink()
    assert resumed(ended, capsys)[0] == 0
    assert Left.by(ended) == left
