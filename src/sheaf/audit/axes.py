"""Scales, ticks and the frame of a plot, so that showing it needs no program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sheaf.audit.markup import Markup, el, joined, region


@dataclass(frozen=True)
class Frame:
    """A plot's size and margins in user units, and the ranges of both axes."""

    width: int
    height: int
    x: tuple[float, float]
    y: tuple[float, float]
    left: int = 56
    bottom: int = 44
    top: int = 10
    right: int = 14

    def across(self, value: float) -> float:
        """Where a value of the x axis lies."""
        low, high = self.x
        inner = self.width - self.left - self.right
        return round(self.left + (value - low) / ((high - low) or 1) * inner, 1)

    def down(self, value: float) -> float:
        """Where a value of the y axis lies."""
        low, high = self.y
        inner = self.height - self.top - self.bottom
        return round(self.height - self.bottom - (value - low) / ((high - low) or 1) * inner, 1)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, in steps of 1, 2 or 5 times a power of ten."""
    span = (high - low) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def padded(values: Sequence[float]) -> tuple[float, float]:
    """A range that holds all values with some air."""
    low, high = min(values), max(values)
    air = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - air, high + air


def whole(low: float, high: float, about: int = 8) -> list[float]:
    """Ticks at whole numbers only."""
    return [t for t in ticks(low, high, about) if t == int(t)]


def axes(
    frame: Frame, x: str, y: str, at: tuple[Sequence[float], Sequence[float]], unit: float = 1.0
) -> Markup:
    """Grid, ticks and titles of both axes; `unit` is what one of the y axis' numbers stands for."""
    base, end = frame.height - frame.bottom, frame.width - frame.right
    parts = []
    for value in at[1]:
        place = frame.down(value)
        parts.append(el("path", d=f"M{frame.left} {place}H{end}", class_="grid"))
        parts.append(_label(frame.left - 7, place + 4, f"{value / unit:.10g}", "end"))
    for value in at[0]:
        parts.append(_label(frame.across(value), base + 17, f"{value:.10g}", "middle"))
    parts.append(el("path", d=f"M{frame.left} {base}H{end}", class_="axis"))
    middle = (frame.left + end) / 2
    parts.append(el("text", x, x=middle, y=frame.height - 8, class_="title", text_anchor="middle"))
    across = (frame.top + base) / 2
    turn = f"translate(13 {across}) rotate(-90)"
    parts.append(el("text", y, transform=turn, class_="title", text_anchor="middle"))
    return joined(parts)


def _label(x: float, y: float, text: str, anchor: str) -> Markup:
    return el("text", text, x=round(x, 1), y=round(y, 1), text_anchor=anchor)


def picture(
    id: str, title: str, size: tuple[int, int], *parts: Markup, narrow: bool = False
) -> Markup:
    """A figure: the drawing with a name for those who do not see it, and a caption."""
    width, height = size
    drawing = el(
        "svg",
        el("title", title, id=f"{id}-title"),
        *parts,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{id}-title",
        class_="narrow" if narrow else None,
    )
    return el(
        "figure",
        region(drawing, title),
        el("figcaption", title),
        class_="small" if narrow else None,
    )


def legend(entries: Sequence[tuple[str, str]]) -> Markup:
    """What the colours mean: (class, words)."""
    return el(
        "ul",
        joined(
            el(
                "li",
                el(
                    "svg",
                    el("rect", width=12, height=12, class_=kind),
                    viewBox="0 0 12 12",
                    aria_hidden="true",
                ),
                words,
            )
            for kind, words in entries
        ),
        class_="legend",
    )
