"""Runs that are killed or interrupted, and go on: they end as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sheaf.nodes import effects as e
from sheaf.nodes import journal, record, runner
from sheaf.nodes.cast import Cast, assemble, reassemble
from sheaf.nodes.journal import JOURNAL, Journal
from sheaf.nodes.runner import Runner
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer
from sheaf.protocol.errors import InvalidConfiguration, LedgerCorrupt
from tests.e2e.courses import Left
from tests.nodes import faults
from tests.nodes.plans import PROJECT, plan
from tests.nodes.stage import Played, Watcher, play
from tests.tidy.conduct import CLOCK_CALLS
from tests.tidy.source import calls, repository

INSTANTS = 30
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


def test_killed_at_every_phase_and_at_random_a_run_ends_as_if_left_alone() -> None:
    """At every phase of a task's, and besides at thirty random instants: of runs with FedAvg, with
    FedAdam, with a dispute in court, and of the command."""
    command = [sys.executable, "-m", "tests.e2e.kills", "--instants", str(INSTANTS), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ALONE)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["courses"]
    kills = {name: course["kills"] for name, course in told.items()}
    # REGISTER and OPEN, six phases in each of two rounds, DONE.
    assert told["two rounds"]["phases"] == 15 <= kills["two rounds"]["phase"]
    assert [*kills] == ["two rounds", "a state", "a court", "the command", "the command anew"]
    assert sum(each["instant"] for each in kills.values()) >= INSTANTS
    assert all(each["instant"] for each in kills.values())


class Stopped(Exception):
    """Stops a run from within."""


class Stopping(Watcher):
    """Stops when a phase is told."""

    def phase(self, round: int, phase: str) -> None:
        super().phase(round, phase)
        if (round, phase) == (2, "REVEAL"):
            raise Stopped


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run stopped in the reveals of its second round."""
    directory = tmp_path_factory.mktemp("halved") / "run"
    with pytest.raises(Stopped):
        runner.run(plan(), directory, Stopping())
    return directory


@pytest.fixture
def half(halved: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(halved, tmp_path / "run"))


def test_what_happened_before_is_told_again(half: Path, honest: Played) -> None:
    watcher = Watcher()
    runner.resume(half, watcher)
    seen = honest.watcher
    assert (watcher.starts, watcher.phases) == (seen.starts, seen.phases)
    assert [row["model_root"] for row in watcher.rows] == [row["model_root"] for row in seen.rows]
    assert Left.by(half) == Left.by(honest.directory)


def test_nothing_that_was_answered_is_done_again(half: Path) -> None:
    cast, done = reassemble(record.read(half), half), list[object]()

    def noted(performer: Performer) -> Performer:
        def perform(shop: object, effect: e.Effect, trail: Trail) -> e.LocalEvent:
            done.append(type(effect))
            return performer(shop, effect, trail)

        return perform

    for node in cast.nodes:
        node.equip({kind: noted(own) for kind, own in node.workshop.performers.items()})
    Runner(cast, half, Watcher()).run()
    # What is left: four updates to publish, and what three members, challenger and sponsor do.
    assert e.Train not in done
    assert e.Inspect not in done
    assert done.count(e.PublishUpdate) == 4
    assert (done.count(e.Aggregate), done.count(e.Evaluate)) == (4, 1)


def test_seconds_are_summed_over_the_lives_of_a_run(half: Path) -> None:
    before = [each for past in journal.read(half / JOURNAL) for each in past.answers]
    trained = sum(a.seconds for a in before if isinstance(a.content, e.Trained))
    assert trained > 0
    watcher = Watcher()
    runner.resume(half, watcher)
    assert sum(row["seconds"]["train"] for row in watcher.rows) >= trained


def test_who_failed_in_training_stays_failed(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        faults.failing_in_training(cast.node("participant-2"), round=1)

    whole = play(tmp_path / "run", plan(), alter)
    directory = tmp_path / "stopped" / "run"
    directory.mkdir(parents=True)
    record.write(directory, plan())
    cast = assemble(plan(), directory)
    alter(cast)
    with pytest.raises(Stopped):
        Runner(cast, directory, Stopping()).run()
    watcher = Watcher()
    runner.resume(directory, watcher)  # the disk that failed it has come back
    assert watcher.failures == whole.watcher.failures != []
    assert Left.by(directory) == Left.by(whole.directory)


def test_the_system_clock_decides_nothing(
    tmp_path: Path, honest: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day earlier at every look, while a run is made, stopped and gone on with."""
    ticks: Iterator[int] = iter(range(1_700_000_000, 0, -86_400))
    monkeypatch.setattr("time.time", lambda: float(next(ticks)))
    monkeypatch.setattr("time.time_ns", lambda: next(ticks) * 10**9)
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    directory = tmp_path / "run"
    with pytest.raises(Stopped):
        runner.run(plan(), directory, Stopping())
    runner.resume(directory, Watcher())
    assert next(ticks) < 1_690_000_000  # it was looked at
    assert Left.by(directory) == Left.by(honest.directory)


def test_the_system_clock_is_read_where_runs_and_logs_are_named_alone() -> None:
    reads = ("time.time", "time.time_ns", *CLOCK_CALLS)
    found = {
        source.path
        for source in repository()
        if source.path.startswith("src/") and source.is_python
        for _, name in calls(source)
        if name.endswith(reads)
    }
    named = ("lab", "outcome", "running")
    assert found == {f"src/sheaf/apps/cli/{name}.py" for name in named}


# What a run can not go on with


def test_other_code_than_the_task_pins(half: Path, tmp_path: Path) -> None:
    moved = tmp_path / "project"
    shutil.copytree(PROJECT, moved, ignore=shutil.ignore_patterns("__pycache__"))
    record.write(half, replace(plan(), folder=moved))
    reassemble(record.read(half), half).host.close()  # the same code elsewhere will do
    (moved / "task.py").write_text("# changed\n", encoding="utf-8")
    with pytest.raises(InvalidConfiguration) as caught:
        runner.resume(half, Watcher())
    assert caught.value.message.startswith(f"{moved}: found code that hashes to ")
    assert caught.value.message.endswith("..., as when the run began")
    assert caught.value.exit_code == 3


def test_a_journal_that_lacks_what_the_ledger_holds(half: Path) -> None:
    lines = (half / JOURNAL).read_bytes().splitlines(keepends=True)
    turns = [number for number, line in enumerate(lines) if b'"Turn"' in line]
    (half / JOURNAL).write_bytes(b"".join(lines[: turns[10]]))
    with pytest.raises(LedgerCorrupt, match="the journal knows of no") as caught:
        runner.resume(half, Watcher())
    assert caught.value.exit_code == 4
    (half / JOURNAL).unlink()
    with pytest.raises(LedgerCorrupt, match="the journal knows of no Publish of sponsor in block"):
        runner.resume(half, Watcher())


def test_a_ledger_older_than_the_journal(half: Path, tmp_path: Path) -> None:
    assemble(plan(), tmp_path).host.close()
    shutil.copy(tmp_path / "ledger.sqlite", half / "ledger.sqlite")
    with pytest.raises(LedgerCorrupt, match=r"the journal goes on after block \d+, the ledger"):
        runner.resume(half, Watcher())


def test_a_journal_of_others(half: Path) -> None:
    recorded = journal.read(half / JOURNAL)
    (half / JOURNAL).unlink()
    book = Journal(half / JOURNAL)
    for past in recorded:
        others = tuple((f"other-{name}", effect) for name, effect in past.turn.effects)
        book.turn(replace(past.turn, effects=others))
    book.close()
    with pytest.raises(LedgerCorrupt, match="the journal names other-sponsor, who takes no part"):
        runner.resume(half, Watcher())
