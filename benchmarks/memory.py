"""The memory of a verifier: a model of ten million parameters with twenty participants.

Measured in a process of its own, which cannot get more than its limit beyond what it has when it
starts: it would end with a MemoryError.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, Row, memory_bytes
from benchmarks.replay import made, task_of
from sheaf.nodes.aggregation import aggregate
from sheaf.store.disk import DiskStore

UPDATES, COORDINATES = 20, 10_000_000
LIMIT_GIB = 0.1
"""Whatever the size of the model: twenty updates of 40 MB are 0.75 GiB, which nobody holds."""

ADDRESSES_BYTES = 64 * 2**20
"""What BLAS asks for and does not use is no memory, but address space, which is what is granted."""

RULES = ("weighted_mean", "coordinate_median")
GIB = 2**30
GIVEN = "given.json"


def measure(quick: bool) -> Measured:
    coordinates, limit = COORDINATES, LIMIT_GIB
    if quick:
        coordinates //= 10
    if memory_bytes("VmRSS") is None:
        return Measured([Row("peak of an aggregation", None, reason="needs a Linux kernel")])
    rows = []
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), coordinates)
        for rule in RULES:
            what = f"peak of an aggregation, {rule}, {UPDATES} x {coordinates:,}"
            peak, _ = combined(Path(name), rule, int(limit * GIB) + ADDRESSES_BYTES)
            rows.append(Row(what, peak / GIB, "GiB", at_most=limit))
    return Measured(rows)


def prepare(folder: Path, coordinates: int) -> None:
    """Keep a round of twenty updates in `folder`, to be combined."""
    found = made(task_of(RULES[0], coordinates), folder / "store", UPDATES)
    roots = [root.hex() for _, root, _ in found.counted]
    given = [coordinates, found.base.hex(), roots]
    (folder / GIVEN).write_text(json.dumps(given), encoding="utf-8")


def combined(folder: Path, rule: str, limit_bytes: int) -> tuple[int, str]:
    """What combining the round in `folder` needs at its peak, in bytes within a limit, and the tree
    root of the new model.

    Raises `CalledProcessError`, with the process's last words, if the limit does not suffice.
    """
    command = [sys.executable, "-m", "benchmarks.memory", str(folder), rule, str(limit_bytes)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, root = done.stdout.split()
    return int(peak), root


def _aggregate(folder: Path, rule: str, limit_bytes: int) -> str:
    # Only where there are such limits, and only in the process that is measured.
    import resource  # noqa: PLC0415

    given: Any = json.loads((folder / GIVEN).read_text(encoding="utf-8"))
    coordinates, base, roots = given
    task, store = task_of(rule, coordinates), DiskStore(folder / "store")
    counted = [(place, bytes.fromhex(root), 1) for place, root in enumerate(roots)]
    before, size = _held("VmRSS"), _held("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (size + limit_bytes, size + limit_bytes))
    root = aggregate(task, store, bytes.fromhex(base), counted).root
    return f"{_held('VmHWM') - before} {root.hex()}"


def _held(field: str) -> int:
    found = memory_bytes(field)
    if found is None:
        raise SystemExit("found no kernel that tells a process's memory")
    return found


if __name__ == "__main__":
    print(_aggregate(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
