"""A verification that is killed goes on from what it noted, and leaves no process behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sheaf.nodes import replay, sharing
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.checkpoints import Checkpoints
from sheaf.nodes.evidence import Evidence, Manner, Report, Witness
from sheaf.nodes.summary import read_book
from sheaf.protocol.errors import VerificationFailed
from sheaf.store import DiskStore
from tests.e2e.tampering import place_of
from tests.nodes.stage import Played, evidence_of

KILLED = """
import os, signal, sys
from sheaf.apps.cli import main
from sheaf.nodes import checkpoints, processes, sharing

sharing.LEAST_BYTES = 1
when, write, started = sys.argv.pop(1), checkpoints._append, processes._started

def appended(path, note):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, note)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

def told(module):
    process = started(module)
    print(process.pid, flush=True)
    return process

checkpoints._append, processes._started = appended, told
main()
"""
"""The command, killed before or after it writes its first note, or not at all; it tells the
processes that it starts."""


def command(when: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    paths = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, when, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


def told(text: str) -> tuple[list[int], str]:
    """The processes that were started, and the report."""
    lines = text.splitlines(keepends=True)
    pids = [int(line) for line in lines if line.strip().isdecimal()]
    return pids, "".join(lines[len(pids) :])


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10.0)[0])
    finally:
        os.close(watched)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes as Linux lets one")
@pytest.mark.parametrize(("when", "noted"), [("before", 0), ("after", 1)])
def test_a_verification_that_is_killed_goes_on(
    honest: Played, tmp_path: Path, when: str, noted: int
) -> None:
    state, folder = tmp_path / "state", honest.directory
    task = f"0x{read_book(folder / 'ledger.json')[1].hex()}"
    places = ["--ledger", str(folder / "ledger.sqlite"), "--store", str(folder / "store")]
    given = ["verify", task, *places, "--state", str(state)]
    with command(when, [*given, "--jobs", "2"]) as killed:
        out, _ = killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    pids, report = told(out)
    assert report == ""
    assert len(pids) == 2
    assert all(map(gone, pids))
    assert len(Checkpoints.open(state).notes) == noted
    with command("never", [*given, "--jobs", "3"]) as resumed:
        out, err = resumed.communicate()
    assert (resumed.returncode, err) == (0, "")
    pids, report = told(out)
    assert bool(pids) == (noted == 0)  # one round that is left is a share for nobody else
    assert ("behind rounds" in report) == (noted == 1)
    assert "that blocks 1 to" in report  # which were executed before the rounds
    assert report.startswith("verified: consistent")
    assert len(Checkpoints.open(state).notes) == 2


# With any number of processes the same is found


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def found(evidence: Evidence, run: Path, jobs: int) -> tuple[object, ...]:
    """What replaying the rounds of a run comes to."""
    store, report = Witness(DiskStore(run / "store")), Report("")
    again = replace(evidence, directory=run, store=store, manner=Manner(jobs=jobs))
    try:
        replay.check_rounds(again, report)
    except VerificationFailed as error:
        return error.exit_code, error.message
    return report.checks, again.accounting.replayed, again.model_file, store.seen


def roots_of(evidence: Evidence) -> dict[str, bytes]:
    trail, initial = evidence.trail, evidence.task.model.initial
    one, two = (trail.rounds[number].counted_updates(1) for number in (1, 2))
    return {
        "the sponsor's initial model": initial,
        "round 1: the update of": one[-1][1],
        "round 1: the new model": trail.model_after(1, initial),
        "round 2: the update of": two[0][1],
        "round 2: the new model": trail.model_after(2, initial),
    }


@pytest.mark.parametrize("jobs", [2, 3])
def test_a_replay_comes_to_the_same(
    honest: Played, evidence: Evidence, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "LEAST_BYTES", 1)
    assert found(evidence, honest.directory, jobs) == found(evidence, honest.directory, 1)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("where", [0, -1])
def test_a_wrong_byte_is_told_in_the_same_words(
    honest: Played,
    evidence: Evidence,
    tmp_path: Path,
    at: int,
    where: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever it is; in a later round, too, another one, which nobody gets to."""
    monkeypatch.setattr(sharing, "LEAST_BYTES", 1)
    run = honest.copy(tmp_path / "run")
    whose = [*roots_of(evidence)][at]
    for root in [*roots_of(evidence).values()][at:]:
        place = place_of(run, vector_id(evidence.task, root))
        data = bytearray(place.read_bytes())
        data[where] ^= 1
        place.write_bytes(data)
    alone = found(evidence, run, 1)
    assert alone[0] == VerificationFailed.exit_code
    assert str(alone[1]).startswith(f"store: {whose}")
    assert found(evidence, run, 2 + at % 2) == alone
