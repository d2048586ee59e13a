"""A picture of a run: metrics, gas and seconds by round, as an SVG beside the summary.

Needs matplotlib (`pip install 'sheaf[plot]'`); without it no picture is drawn.
"""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheaf.store.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE = "rounds.svg"
GAS_KINDS = ("commit", "reveal", "hold", "verdict", "settle", "other")
COURT = "court"
"""A kind of gas that most runs have none of, and are not shown."""
PARTS = ("train", "ledger", "proof")
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#888888", "#f0e442")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""


def draw(summary: dict[str, Any], folder: Path) -> Path | None:
    """Draw the rounds of a finished run; the picture's path, or None where nothing can be drawn.

    Metrics are the sponsor's reports, seconds the run's own word; gas is recomputed by `verify`.
    Raises `StoreUnavailable`.
    """
    rounds = summary["rounds"]
    if not rounds or find_spec("matplotlib") is None:
        return None
    # The figure's own canvas: no window, no global state of pyplot's.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "sheaf", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(7, 7.5), layout="constrained")
        axes = figure.subplots(3, 1, sharex=True)
        numbers = [row["round"] for row in rounds]
        _metrics(axes[0], summary, numbers)
        courts = (COURT,) if any(COURT in row["gas"] for row in rounds) else ()
        _stacked(axes[1], rounds, numbers, "gas", (*GAS_KINDS, *courts), 1e6)
        _stacked(axes[2], rounds, numbers, "seconds", PARTS, 1)
        axes[1].set_ylabel("gas (millions)")
        axes[2].set_ylabel("time (s), reported")
        axes[2].set_xlabel("round")
        axes[2].locator_params(axis="x", integer=True)
        figure.suptitle(f"{summary['name']}: {summary['run']}", fontsize=10)
        drawn = BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_atomically(folder / FIGURE, drawn.getvalue())
    return folder / FIGURE


def _metrics(axes: Axes, summary: dict[str, Any], numbers: list[int]) -> None:
    """One line a metric, from the initial model on; a round without one leaves a gap."""
    initial = summary.get("initial_metrics") or {}
    names = sorted({name for row in summary["rounds"] for name in row["metrics"] or {}})
    for name, colour in zip(names, COLOURS * len(names), strict=False):
        told = [(row["metrics"] or {}).get(name, float("nan")) for row in summary["rounds"]]
        start = ([0], [initial[name]]) if name in initial else ([], [])
        x, y = [*start[0], *numbers], [*start[1], *told]
        axes.plot(x, y, marker="o", markersize=3, color=colour, label=name)
    for row in summary["rounds"]:
        if row["outcome"] != "settled":
            axes.axvline(row["round"], color="#d55e00", linewidth=1, linestyle=":")
    axes.set_ylabel("metrics on held-out data, reported")
    axes.grid(alpha=0.3)
    if names:
        _legend(axes)


def _stacked(
    axes: Axes,
    rounds: list[dict[str, Any]],
    numbers: list[int],
    column: str,
    kinds: tuple[str, ...],
    unit: float,
) -> None:
    """Bars of a column's parts, one on the other; "other" is what they leave of the total."""
    below = [0.0] * len(rounds)
    for kind, colour in zip(kinds, COLOURS, strict=False):
        heights = [_part(row[column], kind) / unit for row in rounds]
        axes.bar(numbers, heights, bottom=below, color=colour, label=kind)
        below = [b + h for b, h in zip(below, heights, strict=True)]
    axes.grid(axis="y", alpha=0.3)
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Beside the axes, where it hides nothing; in the order in which bars are stacked."""
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)


def _part(values: dict[str, float], kind: str) -> float:
    if kind != "other":
        return float(values.get(kind, 0))
    return float(values["total"]) - sum(float(v) for k, v in values.items() if k != "total")
