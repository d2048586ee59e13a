"""Draws growth curves: log-log panels that share their axes, as SVG."""

from __future__ import annotations

from pathlib import Path

from matplotlib import figure, rc_context

from benchmarks.measuring import Figure

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#888888")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""

MARKS = "os^Dv<>"


def draw(found: Figure, folder: Path) -> Path:
    """Write the picture; the same numbers give the same bytes. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found.name}.svg"
    with rc_context({"svg.hashsalt": "sheaf", "svg.fonttype": "none", "font.size": 9}):
        size = (1.5 + 3.2 * len(found.panels), 3.4)
        page = figure.Figure(figsize=size, layout="constrained")
        rows = page.subplots(1, len(found.panels), sharex=True, sharey=True, squeeze=False)
        for axes, (title, curves) in zip(rows[0], found.panels.items(), strict=True):
            for curve, colour, mark in zip(curves, COLOURS, MARKS, strict=False):
                axes.loglog(
                    curve.x, curve.y, color=colour, marker=mark, markersize=4, label=curve.label
                )
            axes.set_title(title, fontsize=9)
            axes.set_xlabel(found.x_axis)
            axes.grid(alpha=0.3)
        rows[0][0].set_ylabel(found.y_axis)
        rows[0][-1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        page.savefig(path, format="svg", metadata={"Date": None})
    return path
