"""The time of a whole round by part: real runs of a synthetic task, then verified.

Everybody's work is done one after the other by one process on one thread, so a part is the sum over
all who do it: `train`, `encode` (floats to lattice integers) and `hash` (the commitment) over the
participants, `aggregate` (which reads and checks the updates) over committee and challenger,
`ledger` over all transactions of the round. `exchange` is what is left: publishing and collecting
vectors, with their hashes checked. `verify` is a stranger's verification of the whole run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measuring import Curve, Figure, Measured, Row, memory_bytes, number, one_thread

PROJECT = Path(__file__).parent / "project"
PARTICIPANTS = (5, 20, 100)
COORDINATES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
PARTS = ("train", "encode", "hash", "ledger", "aggregate", "exchange", "verify")
WHOLE = ("total", "peak")
MOST = 2 * 10**8
"""Coordinates of a round's updates; more would take minutes, and gigabytes of disk."""
MEMORY_GIB = 24.0
"""What the largest round may take: the memory of one ordinary machine."""


def measure(quick: bool) -> Measured:
    participants = PARTICIPANTS[:1] if quick else PARTICIPANTS
    coordinates = COORDINATES[:3] if quick else COORDINATES
    rows: list[Row] = []
    grid = [["participants x coordinates", *PARTS, "a round", "peak GiB"]]
    panels: dict[str, list[Curve]] = {}
    for count in participants:
        found: dict[int, dict[str, float]] = {}
        for size in coordinates:
            name = f"{count} x {size:,}"
            if count * size > MOST:
                reason = f"not run: {count * size * 4e-9:.0f} GB of updates"
                rows.append(Row(f"a round, {name}", None, reason=reason))
                continue
            found[size] = _child(count, size)
            grid.append([name, *(number(found[size][column]) for column in (*PARTS, *WHOLE))])
            if count * size == MOST:
                peak = found[size]["peak"]
                rows.append(Row(f"peak of a round, {name}", peak, "GiB", at_most=MEMORY_GIB))
        panels[f"{count} participants"] = [
            Curve(part, list(found), [each[part] for each in found.values()]) for part in PARTS
        ]
    figure = Figure("round", "coordinates", "time (s), all on one thread", panels)
    return Measured(rows, [figure], grid)


def _child(participants: int, coordinates: int) -> dict[str, float]:
    """A run in a process of its own, so that no other's memory is counted."""
    settings = {
        "SHEAF_MODEL__ENTRY": f"task:model_{coordinates}",
        "SHEAF_ROUND__PARTICIPANTS": str(participants),
    }
    command = [sys.executable, "-m", "benchmarks.rounds"]
    environment = {**os.environ, **settings}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run() -> dict[str, float]:
    # In the child only: what takes torch and a ledger.
    import sheaf  # noqa: PLC0415
    from sheaf.learning import lattice  # noqa: PLC0415
    from sheaf.nodes import local, workshop  # noqa: PLC0415

    watched = {
        "train": (local, "train"),
        "encode": (lattice, "encode_update"),
        "hash": (local, "commit"),
        "aggregate": (workshop, "aggregate"),
    }
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, one_thread():
        with _timed(watched, spent):
            result = sheaf.run(PROJECT, directory=Path(folder) / "run", progress=False)
        (row,) = result.summary["rounds"]
        took = row["seconds"]
        started = time.perf_counter()
        sheaf.verify(result)
        spent["verify"] = time.perf_counter() - started
    spent["ledger"] = took["ledger"]
    spent["total"] = took["total"]
    parts = ("train", "encode", "hash", "ledger", "aggregate")
    spent["exchange"] = took["total"] - sum(spent[part] for part in parts)
    spent["peak"] = (memory_bytes("VmHWM") or float("nan")) / 2**30
    return spent


@contextmanager
def _timed(watched: dict[str, tuple[Any, str]], spent: dict[str, float]) -> Iterator[None]:
    """A stopwatch around functions of modules, which are put back as they were."""

    def timing(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[part] += time.perf_counter() - started

        return timed

    before = {part: getattr(module, name) for part, (module, name) in watched.items()}
    for part, (module, name) in watched.items():
        setattr(module, name, timing(part, before[part]))
    try:
        yield
    finally:
        for part, (module, name) in watched.items():
            setattr(module, name, before[part])


if __name__ == "__main__":
    json.dump(_run(), sys.stdout)
