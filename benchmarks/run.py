"""Every benchmark in one table; exit code 1 if a limit is exceeded.

    python -m benchmarks.run [--quick] [--figures FOLDER] [NAME ...]

`--quick` measures smaller problems, to see that everything runs: its figures are not for quoting.
What is printed and the growth curves are kept in `benchmarks/figures`, unless another folder is
named or less than everything is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmarks import (
    commitment,
    example,
    ledger,
    memory,
    optimisers,
    replay,
    rounds,
    rules,
    starting,
    verifying,
)
from benchmarks.drawing import draw
from benchmarks.measuring import Measured, aligned, one_thread, table

FIGURES = Path(__file__).parent / "figures"
TABLE = "table.txt"

BENCHMARKS: Mapping[str, Callable[[bool], Measured]] = MappingProxyType(
    {
        "starting": starting.measure,
        "commitment": commitment.measure,
        "rules": rules.measure,
        "optimisers": optimisers.measure,
        "ledger": ledger.measure,
        "replay": replay.measure,
        "memory": memory.measure,
        "verifying": verifying.measure,
        "rounds": rounds.measure,
        "example": example.measure,
    }
)


def main() -> int:
    given = _arguments()
    found: dict[str, Measured] = {}
    for name in given.names or BENCHMARKS:
        started = time.perf_counter()
        with one_thread():
            found[name] = BENCHMARKS[name](given.quick)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    told = _told(found)
    print(told)
    folder = given.figures or (None if given.quick or given.names else FIGURES)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for measured in found.values():
            for figure in measured.figures:
                draw(figure, folder)
        (folder / TABLE).write_text(f"{told}\n", encoding="utf-8")
    broken = [row.what for each in found.values() for row in each.rows if row.holds is False]
    for what in broken:
        print(f"over its limit: {what}", file=sys.stderr)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.run")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--figures", type=Path)
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"found {', '.join(unknown)}; accepted: {', '.join(BENCHMARKS)}")
    return given


def _told(found: Mapping[str, Measured]) -> str:
    """The machine, the table, and what has tables of its own."""
    parts = [_machine(), table({name: measured.rows for name, measured in found.items()})]
    for measured in found.values():
        if measured.grid:
            sides = "<" + ">" * (len(measured.grid[0]) - 1)
            parts.append(aligned(measured.grid, sides))
    return "\n\n".join(parts)


def _machine() -> str:
    """What the figures were measured on."""
    model, described = platform.machine(), Path("/proc/cpuinfo")
    if described.exists():
        lines = described.read_text(encoding="utf-8").splitlines()
        model = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), model)
    cores = os.cpu_count()
    return f"{model}, {cores} cores, Python {platform.python_version()}, NumPy {np.__version__}"


if __name__ == "__main__":
    sys.exit(main())
