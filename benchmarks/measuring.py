"""How a benchmark measures, and what it gives: rows of one table, and curves to be drawn.

What is compared takes turns in one process, on one thread, and the fastest turn of each counts: a
busy machine slows every turn of something, hardly ever all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """A line of the table: a figure in a unit and, if it has one, its limit; or why it is absent.

    A limit is ``at_most`` or ``at_least``, in the unit of the figure.
    """

    what: str
    figure: float | None
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    reason: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the figure keeps its limit; None where it has none, or was not measured."""
        if self.figure is None or self.at_most is self.at_least is None:
            return None
        above = self.at_least is None or self.figure >= self.at_least
        return above and (self.at_most is None or self.figure <= self.at_most)


@dataclass(frozen=True)
class Curve:
    """Points of a line, x ascending."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Figure:
    """A picture of log-log panels side by side: curves by panel title, axes with units."""

    name: str
    x_axis: str
    y_axis: str
    panels: Mapping[str, Sequence[Curve]]


@dataclass(frozen=True)
class Measured:
    """What a benchmark found."""

    rows: Sequence[Row]
    figures: Sequence[Figure] = ()
    grid: Sequence[Sequence[str]] = ()
    """A table of its own, heading first, for what has many columns."""


def seconds(work: Work) -> float:
    """How long `work` takes, once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(works: Mapping[str, Work], turns: int) -> dict[str, float]:
    """Seconds of the fastest of so many `turns` of each, taken in rotation."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(turns):
        for name, work in works.items():
            best[name] = min(best[name], seconds(work))
    return best


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for NumPy's and torch's arithmetic."""
    import torch  # noqa: PLC0415 - not everything that is measured should load it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def memory_bytes(field: str) -> int | None:
    """What the kernel says of this process: `VmRSS` now, `VmHWM` at its peak, `VmSize` asked for.

    None where there is no such kernel. `getrusage` would count the parent's memory, too.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return 1024 * int(values[field].split()[0])


def table(groups: Mapping[str, Sequence[Row]]) -> str:
    """All rows as aligned text: what, figure, limit, and whether it holds."""
    lines = [("", "figure", "limit", "holds")]
    for name, rows in groups.items():
        lines += [(name, "", "", ""), *map(_cells, rows)]
    return aligned(lines, "<><<")


def aligned(lines: Sequence[Sequence[str]], sides: str) -> str:
    """Lines of cells as text, each column as wide as it must be, on its side (`<` or `>`)."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def number(value: float) -> str:
    """Three digits, and no exponent where one can do without."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cells(row: Row) -> tuple[str, str, str, str]:
    if row.figure is None:
        return f"  {row.what}", "-", row.reason, ""
    bounds = (("at most", row.at_most), ("at least", row.at_least))
    limit = ", ".join(f"{word} {number(bound)}" for word, bound in bounds if bound is not None)
    holds = {None: "", True: "yes", False: "NO"}[row.holds]
    return f"  {row.what}", f"{number(row.figure)} {row.unit}".rstrip(), limit, holds
