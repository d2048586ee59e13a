"""The benchmarks' table says what holds and what does not; what compares takes turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.drawing import draw
from benchmarks.measuring import Curve, Figure, Row, fastest, table


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("ratio", 1.5, at_most=1.5), True),
        (Row("ratio", 1.51, at_most=1.5), False),
        (Row("rate", 0.6, at_least=0.6), True),
        (Row("rate", 0.59, at_least=0.6), False),
        (Row("between", 3.0, at_least=1, at_most=2), False),
        (Row("told", 7.0), None),
        (Row("not run", None, at_most=1, reason="too large"), None),
        (Row("not a number", float("nan"), at_most=1), False),
    ],
    ids=lambda value: getattr(value, "what", None),
)
def test_a_row_keeps_its_limit(row: Row, holds: bool | None) -> None:
    assert row.holds is holds


def test_the_table_is_aligned() -> None:
    rows = [
        Row("commitment", 1.375, "plain SHA-256", at_most=1.5),
        Row("logs", 12_345.6, "s", at_most=1),
        Row("large", None, reason="not run: 4 GB"),
    ]
    assert table({"group": rows}).splitlines() == [
        "                          figure  limit          holds",
        "group",
        "  commitment  1.38 plain SHA-256  at most 1.5    yes",
        "  logs                  12,346 s  at most 1      NO",
        "  large                        -  not run: 4 GB",
    ]


def test_works_take_turns_and_the_fastest_counts() -> None:
    order: list[str] = []
    found = fastest({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert order == ["a", "b"] * 3
    assert 0 < min(found.values()) < 1


def test_the_same_curves_give_the_same_picture(tmp_path: Path) -> None:
    curve = Curve("commitment", (1e3, 1e6), (1e-4, 1e-1))
    figure = Figure("growth", "coordinates", "time (s)", {"one": [curve], "two": [curve]})
    first, second = (draw(figure, tmp_path / name).read_bytes() for name in ("first", "second"))
    assert first == second
    assert all(word in first for word in (b"coordinates", b"time (s)", b"commitment", b"two"))
