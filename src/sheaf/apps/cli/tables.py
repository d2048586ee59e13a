"""Aligned text, amounts and odds for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from fractions import Fraction

from sheaf.protocol.draws import quorum

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


def wrapped(text: str) -> str:
    """A paragraph of 88 columns, indented by four."""
    return textwrap.fill(printable(text), 88, initial_indent=" " * 4, subsequent_indent=" " * 4)


def printable(text: str) -> str:
    """`text` without what would move a terminal's cursor: names in a run are others' words."""
    return "".join(c if c.isprintable() else "?" for c in text)


def counted(count: int, noun: str) -> str:
    """A count and its noun: `1 round`, `2 rounds`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def tokens(units: int, decimals: int) -> str:
    """An amount in whole tokens, exactly."""
    whole, part = divmod(units, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if part else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def odds(ppb: int, adversary: Sequence[int], seats: int, pool: int, goal: int) -> str:
    """Capture odds, and whom they assume: the share `adversary`, rounded down, of the `pool` that a
    committee of `seats` is drawn from, and of the openings of a cohort of `goal`."""
    numerator, denominator = adversary
    bad, openings = (size * numerator // denominator for size in (pool, goal))
    if ppb == 0:
        return f"0 % a draw: {bad} of {pool} aggregators cannot fill a quorum of {quorum(seats)}"
    percent = float(Fraction(ppb, 10**7))
    whom = f"{bad} of {pool} aggregators and {counted(openings, 'opening')} in one hand"
    return f"at most {percent:.9g} % a draw with {whom}"
