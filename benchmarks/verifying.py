"""A stranger's whole `sheaf verify TASK`, from a ledger's file and a store on disk.

The command is a process of its own, from its start to its end. *Plain arithmetic* is the same mean
of arrays that are in memory already, in the obvious NumPy; *the ledger* is executing the file's
transactions again, and *starting* is loading what reads ledgers: both take what they take whatever
the model's size. With as many jobs as there are cores, and with one.

The memory of the command is measured in another process, which cannot get more than it is granted
beyond what it has when it starts.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.measuring import Measured, Row, Work, fastest, memory_bytes, seconds
from benchmarks.playing import REACH, SAMPLES, play
from sheaf.apps.cli.watching import Watching
from sheaf.ledger.reexecute import reexecute

SIZES = ((100, 1_000_000, 1), (10, 10_000_000, 3))
"""Participants, coordinates, rounds: many updates, and large ones."""

STARTING = "from sheaf.apps import subjects, strangers"
"""What the command loads before it begins."""

TURNS = 3
LIMIT = 3.0
"""Times the plain arithmetic, where a model's bytes are most of the work."""

LARGE = 10_000_000
PEAK_GIB = 0.05
PROGRESS = 0.01
"""Of a verification's time, at most."""

GIB = 2**30


def measure(quick: bool) -> Measured:
    rows: list[Row] = []
    sizes = ((5, 100_000, 2),) if quick else SIZES
    for participants, coordinates, rounds in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "run"
            task = play(folder, participants, coordinates, rounds)
            turns = 1 if quick else TURNS
            rows += _rows(folder, task, (participants, coordinates, rounds), turns)
    return Measured(rows)


def _rows(folder: Path, task: str, size: tuple[int, int, int], turns: int) -> Iterator[Row]:
    participants, coordinates, rounds = size
    jobs = sorted({1, 2, os.cpu_count() or 1})
    given = [*arguments(folder, task)]
    works: dict[str, Work] = {
        f"jobs {n}": partial(_command, [*given, "--jobs", str(n)]) for n in jobs
    }
    works["starting"] = partial(_process, STARTING)
    works["ledger"] = partial(reexecute, folder / "ledger.sqlite")
    works["plain"] = partial(_plain, _drawn(participants, coordinates), rounds)
    taken = fastest(works, turns)
    what = f"verify TASK, {rounds} x {participants} x {coordinates:,}"
    large, plain = coordinates >= LARGE, taken["plain"]
    yield Row(f"{what}, starting", taken["starting"], "s")
    yield Row(f"{what}, the ledger alone", taken["ledger"], "s")
    for number in jobs:
        whole = taken[f"jobs {number}"]
        limit = LIMIT if large and number == jobs[-1] else None
        yield Row(f"{what}, jobs {number}", whole, "s")
        yield Row(f"{what}, jobs {number}, by plain NumPy's", whole / plain, "times", limit)
    told = seconds(_told) / 1000 * (_blocks(folder) + 2 * rounds)
    yield Row(f"{what}, progress on a terminal", told / taken["jobs 1"], "of it", PROGRESS)
    if memory_bytes("VmRSS") is None:
        yield Row(f"{what}, peak", None, reason="needs a Linux kernel")
        return
    peak, _, _ = limited(given, int(PEAK_GIB * GIB))
    yield Row(f"{what}, peak beyond what it starts with", peak / GIB, "GiB", PEAK_GIB)


def arguments(folder: Path, task: str) -> Iterator[str]:
    """Of the command, after its name."""
    yield from ("verify", task, "--ledger", str(folder / "ledger.sqlite"))
    yield from ("--store", str(folder / "store"))


def _command(given: Sequence[str]) -> None:
    _process("from sheaf.apps.cli import main; main()", *given)


def _process(code: str, *given: str) -> None:
    subprocess.run([sys.executable, "-c", code, *given], check=True, capture_output=True)


def _drawn(participants: int, coordinates: int) -> list[NDArray[np.int32]]:
    generator = np.random.default_rng(participants)
    return [
        generator.integers(-REACH, REACH, coordinates, dtype=np.int32) for _ in range(participants)
    ]


def _plain(updates: Sequence[NDArray[np.int32]], rounds: int) -> None:
    weights = np.full(len(updates), float(SAMPLES))
    for _ in range(rounds):
        np.average(np.stack(updates), axis=0, weights=weights)


def _blocks(folder: Path) -> int:
    return reexecute(folder / "ledger.sqlite").blocks


def _told() -> None:
    """A thousand lines of progress on something like a terminal."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Watching(console) as watching:
        for number in range(1000):
            watching.told("blocks", number, 1000)


def limited(given: Sequence[str], limit_bytes: int) -> tuple[int, int, str]:
    """What a command needs at its peak beyond what it has when it starts, in bytes within a limit;
    its exit code, and what it told.

    Raises `CalledProcessError`, with the process's last words, if it could not even say that.
    """
    command = [sys.executable, "-m", "benchmarks.verifying", str(limit_bytes), *given]
    # One thread, since each further one's stack is address space.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    with tempfile.TemporaryDirectory() as away:  # where it may write of what went wrong
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment, cwd=away
        )
    peak, code, told = done.stdout.split("\n", 2)
    return int(peak), int(code), told + done.stderr


def _limited(limit_bytes: int, given: Sequence[str]) -> None:
    # Only where there are such limits, and only in the process that is measured.
    import resource  # noqa: PLC0415

    from sheaf.apps import strangers, subjects  # noqa: F401, PLC0415 - loaded before it counts
    from sheaf.apps.cli.outcome import execute  # noqa: PLC0415

    # BLAS takes buffers for its first product that is not a tiny one, and keeps them.
    np.ones((300, 300)) @ np.ones((300, 300))
    before, size = _held("VmRSS"), _held("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (size + limit_bytes, size + limit_bytes))
    told = io.StringIO()
    with redirect_stdout(told):
        code = execute(given)
    print(f"{_held('VmHWM') - before}\n{code}\n{told.getvalue()}")


def _held(field: str) -> int:
    found = memory_bytes(field)
    if found is None:
        raise SystemExit("found no kernel that tells a process's memory")
    return found


if __name__ == "__main__":
    _limited(int(sys.argv[1]), sys.argv[2:])
