"""Aligned text, amounts and odds for people."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

GAP = "  "


def aligned(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """`rows` in columns; those numbered in `right` are aligned to the right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        GAP.join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
    return "\n".join(lines)


def printable(text: str) -> str:
    """`text` without what would move a terminal's cursor: names in a run are others' words."""
    return "".join(c if c.isprintable() else "?" for c in text)


def tokens(units: int, decimals: int) -> str:
    """An amount in whole tokens, exactly."""
    whole, part = divmod(units, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if part else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def odds(ppb: int, adversary: Sequence[int]) -> str:
    """Capture odds, and whom they assume."""
    percent = float(Fraction(ppb, 10**7))
    share = "/".join(str(part) for part in adversary)
    return f"at most {percent:.9g} % a draw, with {share} of aggregators and cohort in one hand"
