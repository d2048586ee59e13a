"""A picture of who moved the model in a round: the ranking, and in which tensors.

Needs matplotlib (`pip install 'sheaf[plot]'`); without it no picture is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sheaf.store.files import reachable, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sheaf.audit.influence import Blame

UPDATES, TENSORS = 25, 12
"""The most that are shown: of updates the first of the ranking, of tensors those moved most."""
WITH, AGAINST = "#0072b2", "#d55e00"
"""Of Okabe and Ito's palette: an update along the aggregate, and one against it."""


def draw(found: Blame, names: Mapping[bytes, str], title: str, path: Path) -> Path | None:
    """Draw a ranking into an SVG at `path`, whose folder is made; None where nothing can be drawn.
    Raises `StoreUnavailable`."""
    if find_spec("matplotlib") is None:
        return None
    # The figure's own canvas: no window, no global state of pyplot's.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = found.ranking[:UPDATES]
    labels = [names[each.account] for each in shown]
    with rc_context({"svg.hashsalt": "sheaf", "svg.fonttype": "none", "font.size": 9}):
        size = (9, 1.8 + 0.3 * max(4, len(shown)))
        figure = Figure(figsize=size, layout="constrained")
        bars, heat = figure.subplots(1, 2, sharey=True)
        _bars(bars, found, labels)
        _heat(heat, found)
        figure.suptitle(f"{title}: round {found.round}, without each update", fontsize=10)
        drawn = BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    with reachable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, drawn.getvalue())
    return path


def _bars(axes: Axes, found: Blame, labels: list[str]) -> None:
    """How far the model moves, coloured by whether the update went with the others."""
    shown = found.ranking[:UPDATES]
    for kind, colour in (("with the aggregate", WITH), ("against it", AGAINST)):
        places = [i for i, each in enumerate(shown) if _along(each.cosine) == (colour == WITH)]
        axes.barh(places, [shown[i].moved for i in places], color=colour, label=kind)
    axes.set_yticks(range(len(shown)), labels)
    axes.invert_yaxis()
    axes.set_axisbelow(True)
    axes.set_xlabel("model moves by (L2)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    left = len(found.ranking) - len(shown)
    if left:
        axes.set_title(f"{left} more moved it less", fontsize=8)


def _along(cosine: float | None) -> bool:
    return cosine is None or cosine >= 0


def _heat(axes: Axes, found: Blame) -> None:
    """In which tensors: shares of each update's squared distance."""
    shown, first = found.ranking[:UPDATES], found.ranking[0].layers
    weight = [sum(each.layers[i].moved ** 2 for each in shown) for i in range(len(first))]
    kept = sorted(sorted(range(len(first)), key=lambda i: -weight[i])[:TENSORS])
    shares = [
        [each.layers[i].moved ** 2 / each.moved**2 if each.moved else 0.0 for i in kept]
        for each in shown
    ]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(kept)), [first[i].name for i in kept], rotation=45, ha="right")
    for row, values in enumerate(shares):
        for column, share in enumerate(values):
            colour = "white" if share > 0.6 else "black"
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, size=7)
    axes.figure.colorbar(image, ax=axes, label="share of the squared distance")
