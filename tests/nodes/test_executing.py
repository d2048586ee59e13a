"""A ledger that several processes execute comes to what one process finds, whatever goes wrong."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sheaf.ledger import stretches
from sheaf.ledger.engine import Block
from sheaf.ledger.reexecute import Reexecution
from sheaf.nodes import executing
from sheaf.nodes.executing import Execution
from sheaf.nodes.processes import Processes
from tests.ledger.altered import flip
from tests.nodes.stage import Played


@pytest.fixture
def path(honest: Played, tmp_path: Path) -> Path:
    to = tmp_path / "ledger.sqlite"
    shutil.copy(honest.directory / "ledger.sqlite", to)
    return to


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small ledger is shared out, too."""
    monkeypatch.setattr(executing, "LEAST_TRANSACTIONS", 1)
    monkeypatch.setattr(stretches, "STRETCH_TRANSACTIONS", 12)


class Stopped(Exception):
    """Somebody pulled the plug."""


def executed(
    path: Path, jobs: int, beside: Path | None = None, stop_at: int = 0
) -> tuple[Reexecution, list[Block]]:
    shown: list[Block] = []

    def observe(block: Block) -> None:
        shown.append(block)
        if block.header.number == stop_at:
            raise Stopped

    with closing(Execution(beside, jobs)) as execution:
        return execution.of(path, observe, lambda remade, height: None), shown


def told(found: tuple[Reexecution, list[Block]]) -> object:
    again, shown = found
    return again.difference, again.blocks, again.transactions, again.head, shown


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was answered by other processes."""
    answers: list[Any] = []
    ask = Processes.ask

    def noting(self: Processes, request: Any, answered: Any) -> Any:
        answers.append(ask(self, request, answered))
        return answers[-1]

    monkeypatch.setattr(Processes, "ask", noting)
    return answers


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_processes_finds_the_same(path: Path, jobs: int, asked: list[Any]) -> None:
    assert told(executed(path, jobs)) == told(executed(path, 1))
    assert len(asked) > 3
    assert all(asked)


def test_a_small_ledger_is_executed_by_one(
    path: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "LEAST_TRANSACTIONS", 1000)
    found, _ = executed(path, 4)
    assert found.difference is None
    assert found.transactions < 2000
    assert asked == []


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("receipts", "encoded", "block = 9 AND position = 0"),
        ("transactions", "raw", "block = 5 AND position = 0"),
        ("nodes", "value", "length(value) > 500"),
    ],
)
def test_what_is_wrong_is_told_as_by_one(path: Path, table: str, column: str, where: str) -> None:
    flip(path, table, column, where)

    found, shown = executed(path, 1)

    assert found.difference is not None
    again, seen = executed(path, 2)
    assert (again.difference, seen) == (found.difference, shown)


def test_who_was_stopped_goes_on_with_any_number(path: Path, tmp_path: Path) -> None:
    """What others executed is kept in whole stretches."""
    beside = tmp_path / "state.json"
    whole = told(executed(path, 1))
    kept = [0]
    for jobs, stop_at in ((2, 4), (1, 9), (2, 11)):
        with pytest.raises(Stopped):
            executed(path, jobs, beside, stop_at)
        shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}-{stop_at}"))
        copied = tmp_path.with_name(f"{tmp_path.name}-{stop_at}") / beside.name
        found = executed(path, 1, copied)
        assert told(found) == whole
        assert found[0].known >= stop_at
        kept.append(found[0].known)
    assert kept == sorted(kept)
    found = executed(path, 3, beside)
    assert told(found) == whole
    assert found[0].known == kept[-1]
    again = executed(path, 2, beside)
    assert told(again) == whole
    assert again[0].known == again[0].head.number


def test_processes_that_are_killed_cost_nothing(path: Path, monkeypatch: Any) -> None:
    ask = Processes.ask
    killed: list[int] = []

    def killing(self: Processes, request: Any, answered: Any) -> Any:
        found = ask(self, request, answered)
        if not killed:
            killed.extend(self.pids)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return found

    monkeypatch.setattr(Processes, "ask", killing)
    assert told(executed(path, 2)) == told(executed(path, 1))
    assert killed


def test_where_none_can_be_started_one_does_it_alone(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert told(executed(path, 3)) == told(executed(path, 1))
