"""The timeline: before the rounds, one chapter for each round, and after the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sheaf.audit.cells import DASH, Parts, who
from sheaf.audit.markup import Markup, el, joined, table
from sheaf.audit.plainly import abridged_text, amount, hashes, moment

BULK = frozenset({"Commit", "Reveal"})
ALL_ROWS = 4000
"""Up to so many transactions, each has a row of its own; in a longer run those that only commit or
reveal an update are in their round's table of updates, two to a row."""
DIGITS, FEWER = 8, 6
"""Hex digits of a hash that are shown, or fewer in a long run's tables of updates; the data below
have more, and `audit.json` all."""

_ROUND = re.compile(r"^round \d+(, |$)")


@dataclass(frozen=True)
class _Index:
    """The timeline's columns, row by row."""

    report: Parts
    hash: Sequence[str]
    place: Sequence[tuple[int, int]]
    first_event: Sequence[int]
    detail: Mapping[int, tuple[int | None, str]]
    failure: Mapping[int, str]

    @classmethod
    def of(cls, report: Parts) -> _Index:
        """What rows of the tables are made from."""
        line = report["timeline"]
        details = line["details"]
        told = zip(details["actor"], details["text"], strict=True)
        return cls(
            report,
            [each.hex()[:DIGITS] for each in hashes(line["transactions"]["hash"])],
            [(number, time) for number, time, count in line["blocks"] for _ in range(count)],
            [0, *accumulate(line["transactions"]["events"])],
            dict(zip(details["event"], told, strict=True)),
            {each["transaction"]: each["reason"] for each in line["failures"]},
        )


def timeline(report: Parts) -> Markup:
    """Every transaction with what it caused, in chapters."""
    index, first = _Index.of(report), 0
    whole = report["totals"]["transactions"] <= ALL_ROWS
    parts = []
    rounds = {found["round"]: found for found in report["rounds"]}
    for section in report["timeline"]["sections"]:
        rows = range(first, first + section["transactions"])
        parts.append(_chapter(index, rounds.get(section["round"]), section["round"], rows, whole))
        first = rows.stop
    others = report["timeline"]["others"]
    note = (
        "Ledger times are those of blocks, in UTC. Hashes are shortened; the data of this "
        "page have more, audit.json has all. Commits and reveals are in the tables of updates."
    )
    if report["ledger"]["embedded"]:
        note += " On this embedded ledger they prove order, not time."
    if others:
        note += f" {others:,} protocol transactions on this ledger are not of this task."
    return Markup(el("p", note, class_="note") + joined(parts))


def _chapter(index: _Index, found: Parts | None, number: int, rows: range, whole: bool) -> Markup:
    gas = sum(index.report["timeline"]["transactions"]["gas"][row] for row in rows)
    title = {0: "Before the first round", -1: "After the end"}.get(number, f"Round {number}")
    facts = [f"{len(rows):,} transactions", f"{gas:,} gas"]
    parts: list[Markup] = []
    if found:
        facts.insert(0, f"{found['outcome']}, {found['counted']:,} of {found['cohort']:,} counted")
        parts = [_updates(index, found, rows.start, whole), *_committees(index, found)]
    shown = [row for row in rows if whole or _action(index, row) not in BULK]
    heads = ("row", "block", "time", "transaction", "sender", "action", "gas", "what happened")
    cells = [_row(index, row) for row in shown]
    caption = f"{title}: transactions" + ("" if len(shown) == len(rows) else " but for updates'")
    parts.append(table(caption, heads, cells, frozenset({0, 1, 6}), "steps"))
    head = el("summary", el("strong", title), f" {', '.join(facts)}")
    return el("details", head, *parts, class_="chapter" if whole else "chapter long")


def _action(index: _Index, row: int) -> str:
    line = index.report["timeline"]
    return str(line["actions"][line["transactions"]["action"][row]])


def _row(index: _Index, row: int) -> Sequence[object]:
    sent = index.report["timeline"]["transactions"]
    block, time = index.place[row]
    happened = "; ".join(_events(index, row)) or index.failure.get(row, "nothing")
    if row in index.failure:
        happened = f"failed: {index.failure[row]}"
    return (
        row,
        block,
        moment(time)[:19],
        index.hash[row],
        who(index.report, sent["sender"][row]),
        _action(index, row),
        f"{sent['gas'][row]:,}",
        happened,
    )


def _events(index: _Index, row: int) -> Iterator[str]:
    line = index.report["timeline"]
    bulk: Counter[str] = Counter()
    for event in range(index.first_event[row], index.first_event[row + 1]):
        kind = line["kinds"][line["events"][event]]
        if event not in index.detail:
            bulk[kind] += 1
            continue
        actor, text = index.detail[event]
        short = abridged_text(_ROUND.sub("", text), DIGITS // 2)
        others = actor is not None and actor != line["transactions"]["sender"][row]
        whose = f" {who(index.report, actor)}" if actor is not None and others else ""
        yield f"{kind}{whose} ({short})" if short else f"{kind}{whose}"
    yield from (kind if count == 1 else f"{count:,} times {kind}" for kind, count in bulk.items())


def _updates(index: _Index, found: Parts, first: int, whole: bool) -> Markup:
    """The round's updates: who committed and revealed in which transaction, and what for."""
    rows, report = found["contributions"], index.report
    token = report["money"]["tokens"]["reward"]
    digits = DIGITS if whole else FEWER
    roots = [each.hex()[:digits] for each in hashes(rows["root"])]
    receipts = [each.hex()[:digits] for each in hashes(rows["receipt"])] if rows["receipt"] else []
    heads = ["participant", "commit", "reveal", "update", "samples", "in model", token["symbol"]]
    cells = []
    for place, actor in enumerate(rows["actor"]):
        commit, reveal = rows["commit"][place], rows["reveal"][place]
        cell: list[object] = [
            who(report, actor),
            DASH if commit is None else index.hash[first + commit][:digits],
            DASH if reveal is None else index.hash[first + reveal][:digits],
            DASH if reveal is None else roots[place],
            rows["samples"][place],
            "yes" if rows["counted"][place] else _why(rows, place),
            amount(int(rows["reward"][place]), {**token, "symbol": ""}).strip(),
        ]
        if receipts:
            cell.append(receipts[place] if receipts[place].strip("0") else DASH)
        cells.append(cell)
    if receipts:
        heads.append("receipt")
    return table(f"Round {found['round']}: updates", heads, cells, frozenset({4, 6}), "updates")


def _why(rows: Parts, place: int) -> str:
    if place in rows["dropped"]:
        return "withheld"
    return "no" if rows["reveal"][place] is not None else DASH


def _committees(index: _Index, found: Parts) -> Iterator[Markup]:
    for attempt in found["attempts"]:
        rows = [
            (
                who(index.report, actor),
                "yes" if held else "no",
                verdict,
                "yes" if agreed else "no",
                (receipt or DASH)[:DIGITS],
            )
            for actor, held, verdict, agreed, receipt in zip(
                attempt["members"],
                attempt["held"],
                attempt["verdict"],
                attempt["agreed"],
                attempt["receipt"],
                strict=True,
            )
        ]
        caption = f"Round {found['round']}, committee {attempt['attempt']}: {attempt['outcome']}"
        yield table(caption, ("member", "held updates", "verdict", "agreed", "receipt"), rows)
