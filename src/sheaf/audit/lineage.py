"""The lineage of models: a chain of roots, and above each model the updates that went into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sheaf.audit.axes import legend, picture
from sheaf.audit.markup import Markup, el, joined

Parts = Mapping[str, Any]
STATES = (
    ("k0", "in the model"),
    ("k3", "revealed, not in it"),
    ("k4", "committed only"),
    ("quiet", "drawn, did not commit"),
)
LEFT, TOP = 52, 12
LABEL = 230
"""So far right the label of the chain ends at least: it begins inside of the picture."""
NAMED = 14
"""Columns at least so wide have room for each model's number and root."""


def update_states(found: Parts) -> list[int]:
    """What became of each cohort position: an index into `STATES`."""
    rows = found["contributions"]
    return [
        0 if counted else 1 if reveal is not None else 2 if commit is not None else 3
        for counted, reveal, commit in zip(
            rows["counted"], rows["reveal"], rows["commit"], strict=True
        )
    ]


def lineage_plot(report: Parts) -> Markup:
    """Rows are participants, columns rounds; below runs the chain of models. A stem leads the
    updates of a column into their model; a round without one leaves the chain as it was."""
    rounds = report["rounds"]
    people = [i for i, actor in enumerate(report["actors"]) if actor["role"] == "participant"]
    if not rounds or not people:
        return el("p", "No round began, so no model came after the initial one.")
    wide = min(64, max(7, 700 // (len(rounds) + 1)))
    tall = min(20, max(5, 600 // len(people)))
    width = max(760, LEFT + wide * (len(rounds) + 1) + 24)
    height = TOP + tall * len(people) + (138 if wide >= NAMED else 76)
    rows = {actor: TOP + tall * place + tall // 2 for place, actor in enumerate(people)}
    parts = [_names(report, rows, (wide, tall)), *_cells(rounds, rows, (wide, tall))]
    chain = _chain(report, wide, TOP + tall * len(people) + 24)
    title = "Which updates went into which model: participants by rounds, above the chain of models"
    drawn = picture("chain", title, (width, height), chain, *parts)
    used = {state for found in rounds for state in update_states(found)}
    return Markup(drawn + legend([STATES[state] for state in sorted(used)]))


def _names(report: Parts, rows: Mapping[int, int], size: tuple[int, int]) -> Markup:
    every, x = 1 if size[1] >= 11 else 10, LEFT + size[0] - 8
    return joined(
        el("text", report["actors"][actor]["label"], x=x, y=y + 4, text_anchor="end")
        for place, (actor, y) in enumerate(rows.items())
        if place % every == 0
    )


def _cells(rounds: Sequence[Parts], rows: Mapping[int, int], size: tuple[int, int]) -> list[Markup]:
    """One path for each state, a stroke for each run of equal cells in a row, and between columns
    a line of the paper's colour."""
    wide, tall = size
    strokes: list[list[str]] = [[] for _ in STATES]
    for actor, states in _by_row(rounds).items():
        for state, runs in groupby(sorted(states), key=lambda cell: cell[1]):
            for first, last in _runs([number for number, _ in runs]):
                x = LEFT + wide * first
                strokes[state].append(f"M{x} {rows[actor]}h{wide * (last - first + 1)}")
    cells = [
        el("path", d="".join(path), class_=f"cell {kind}", stroke_width=tall - 1)
        for path, (kind, _) in zip(strokes, STATES, strict=True)
        if path
    ]
    bottom = TOP + tall * len(rows)
    gaps = "".join(f"M{LEFT + wide * (n + 1)} {TOP}V{bottom}" for n in range(len(rounds) + 1))
    return [*cells, el("path", d=gaps, class_="gap", stroke_width=2 if wide > 9 else 1)]


def _by_row(rounds: Sequence[Parts]) -> dict[int, list[tuple[int, int]]]:
    """Of each participant that was drawn: (round, state), in order."""
    made: dict[int, list[tuple[int, int]]] = {}
    for found in rounds:
        actors = found["contributions"]["actor"]
        for actor, state in zip(actors, update_states(found), strict=True):
            made.setdefault(actor, []).append((found["round"], state))
    return made


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    made: list[tuple[int, int]] = []
    for number in numbers:
        if made and made[-1][1] == number - 1:
            made[-1] = made[-1][0], number
        else:
            made.append((number, number))
    return made


def _chain(report: Parts, wide: int, y: int) -> Markup:
    rounds = report["rounds"]
    end = LEFT + wide * (len(rounds) + 0.5)
    parts = [el("path", d=f"M{LEFT + wide / 2} {y}H{end}", class_="chain")]
    parts.append(_model(LEFT + wide / 2, y, "0", report["task"]["initial_model"], wide))
    for found in rounds:
        x = LEFT + wide * (found["round"] + 0.5)
        if found["model"]:
            parts.append(el("path", d=f"M{x} {TOP}V{y}", class_="stem"))
            parts.append(_model(x, y, str(found["round"]), found["model"]["root"], wide))
        elif wide >= NAMED:
            parts.append(el("text", "\N{MULTIPLICATION SIGN}", x=x, y=y + 5, text_anchor="middle"))
            parts.append(el("text", found["round"], x=x, y=y + 24, text_anchor="middle"))
    words, below = ("round, and the model's root", 106) if wide >= NAMED else ("round", 44)
    label = el("text", words, x=max(end, LABEL), y=y + below, text_anchor="end", class_="title")
    return joined([*parts, label])


def _model(x: float, y: int, number: str, root: str, wide: int) -> Markup:
    node = el("circle", cx=x, cy=y, r=min(6, max(2.5, wide / 3)), class_="node")
    if wide < NAMED and int(number) % 10:
        return node
    parts = [node, el("text", number, x=x, y=y + 24, text_anchor="middle")]
    if wide >= NAMED:
        turn = f"translate({x + 4} {y + 34}) rotate(90)"
        parts.append(el("text", root[:8], transform=turn, class_="mono"))
    return joined(parts)
