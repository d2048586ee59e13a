"""File systems that refuse: the run ends with one line and exit 4, and goes on to the same end."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes import runner
from sheaf.protocol.errors import LedgerUnavailable, StoreUnavailable
from tests.e2e.courses import Left
from tests.e2e.failures import UNREACHABLE, Sweep, small
from tests.nodes.stage import Watcher

SAMPLED = 16


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return Sweep(tmp_path_factory.mktemp("sweep"))


def test_whatever_file_call_fails_the_run_says_so_and_goes_on(sweep: Sweep) -> None:
    """Some of them, evenly spread over all; `make soak` tries every one."""
    total = len(sweep.calls)
    assert total > 500  # or the calls are not counted any more
    assert {"write", "fsync", "replace", "mkdir", "open", "BEGIN", "INSERT", "COMMIT"} <= set(
        sweep.calls
    )
    numbers = [1 + place * (total - 1) // (SAMPLED - 1) for place in range(SAMPLED)]
    failures = list(sweep.over(numbers))
    assert [failure.number for failure in failures] == numbers
    for failure in failures:
        if failure.error is None:  # no harm: tidying up, the lock let go, a folder that is there
            assert failure.call in ("unlink", "mkdir")
            continue
        assert failure.error.exit_code == UNREACHABLE, failure
        assert "\n" not in failure.error.message
    assert sum(failure.error is not None for failure in failures) > SAMPLED // 2


def test_a_store_that_fails_in_training_costs_nobody_a_round(sweep: Sweep) -> None:
    """A full disk is no fault of a participant's: it is not reported as failed, and not slashed."""
    (number, *_) = [
        number
        for number, (call, place) in enumerate(zip(sweep.calls, sweep.places, strict=True), start=1)
        if call == "replace" and "private/participant-1" in place
    ]
    (failure,) = sweep.over([number])
    assert isinstance(failure.error, StoreUnavailable)
    assert "private/participant-1" in failure.error.message


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
