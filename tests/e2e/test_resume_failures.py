"""File systems that refuse: all ends with one line and exit 4, and goes on to the same end."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes import runner
from sheaf.protocol.errors import LedgerUnavailable
from tests.e2e.courses import Left
from tests.e2e.failures import (
    UNREACHABLE,
    Reading,
    Resuming,
    Sweep,
    Verifying,
    Writing,
    sampled,
    small,
)
from tests.e2e.filecalls import READS
from tests.nodes.stage import Watcher

SEED = 5


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Writing:
    return Writing(tmp_path_factory.mktemp("sweep"))


def test_whatever_change_of_a_file_fails_the_run_says_so_and_goes_on(sweep: Sweep) -> None:
    """One of each kind; `make soak` tries every one."""
    assert len(sweep.calls) > 500  # or the calls are not counted any more
    assert {"write", "fsync", "replace", "mkdir", "open", "BEGIN", "INSERT", "COMMIT"} <= set(
        sweep.calls
    )
    for failure in sampled([sweep], 1, random.Random(SEED)):
        failure.require_clear()
        # No harm: tidying up, the lock let go, a folder that is there.
        assert failure.code or failure.call in ("unlink", "mkdir"), failure


def test_whatever_read_fails_the_command_says_so_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """One of each kind, of a run, of one that goes on, or of a verification; `make soak` tries
    every one of each."""
    sweeps = []
    for kind in (Reading, Resuming, Verifying):
        (folder := tmp_path / kind.__name__).mkdir()
        sweeps.append(kind(folder))
        assert len(sweeps[-1].calls) > 500
    found = list(sampled(sweeps, 1, random.Random(SEED)))
    assert {failure.call for failure in found} == set(READS)
    for failure in found:
        failure.require_clear()
        # No harm: a path that is told as it was given, where the system does not resolve it.
        assert failure.code or failure.call in ("lstat", "stat"), failure


def test_a_store_that_fails_in_training_costs_nobody_a_round(sweep: Sweep) -> None:
    """A full disk is no fault of a participant's: it is not reported as failed, and not slashed."""
    (number, *_) = [
        number
        for number, (call, place) in enumerate(zip(sweep.calls, sweep.places, strict=True), start=1)
        if call == "replace" and "private/participant-1" in place
    ]
    (failure,) = sweep.over([number])
    assert failure.code == UNREACHABLE
    assert "private/participant-1" in failure.said


class Small(sqlite3.Connection):
    """A database that may not grow beyond so many pages: SQLite's own limit, its own error."""

    pages = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.execute(f"PRAGMA max_page_count = {self.pages}")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
def test_a_ledger_that_may_not_grow(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    connect, whole = sqlite3.connect, sweep.folder / "alone" / "ledger.sqlite"
    directory = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(Small, "pages", int(share * whole.stat().st_size / 4096))
        patched.setattr(sqlite3, "connect", lambda *a, **n: connect(*a, factory=Small, **n))
        with pytest.raises(LedgerUnavailable, match="database or disk is full") as caught:
            runner.run(small(), directory, Watcher())
    assert caught.value.exit_code == UNREACHABLE
    runner.resume(directory, Watcher())
    assert Left.by(directory) == sweep.alone
