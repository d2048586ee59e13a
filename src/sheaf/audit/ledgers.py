"""Sections on money, gas and the court."""

from __future__ import annotations

from sheaf.audit import figures
from sheaf.audit.cells import Parts, who
from sheaf.audit.markup import Markup, code, el, facts, items, joined, table
from sheaf.audit.plainly import amount, moment


def money(report: Parts) -> Markup:
    """Both tokens' flows, and the gas."""
    found = report["money"]
    parts = []
    for place, flow in enumerate(found["flows"]):
        token = found["tokens"][flow["token"]]
        parts.append(figures.flow_plot(place, flow, token))
        if flow["total"] != "0":
            rows = [("in", e["what"], amount(int(e["units"]), token)) for e in flow["in"]]
            rows += [("out", e["what"], amount(int(e["units"]), token)) for e in flow["out"]]
            said = "balances to the unit" if flow["balanced"] else "does not balance"
            shown = table(
                f"{flow['title']}: {said}", ("side", "what", "amount"), rows, frozenset({2})
            )
            parts.append(el("details", el("summary", f"{flow['title']}: {said}"), shown))
    totals = report["totals"]
    told = (
        f"The task's transactions took {totals['gas']:,} gas, {totals['setup_gas']:,} of it before "
        "the first round. A report of metrics counts in the round that it is about, and stands in "
        "the timeline where it was sent."
    )
    gas = [figures.gas_plot(report)] if report["rounds"] else []
    return joined([*parts, el("h3", "Gas"), el("p", told), *gas])


def court(report: Parts) -> Markup:
    """Disputes with their evidence."""
    if not report["disputes"]:
        return el("p", "There was no dispute.")
    lines = items(report["verification"]["court"])
    return joined([lines, *(_dispute(report, dispute) for dispute in report["disputes"])])


def _dispute(report: Parts, dispute: Parts) -> Markup:
    moves = ", ".join(str(row) for row in dispute["transactions"])
    answerer = dispute["answerer"]
    pairs: list[tuple[str, object]] = [
        ("about", f"{dispute['about']}, attempt {dispute['attempt']}"),
        ("opened by", who(report, dispute["opener"])),
        ("last answered by", "nobody" if answerer is None else who(report, answerer)),
        ("last deadline", moment(dispute["deadline"])),
        ("ruling", dispute["ruling"]),
        ("bonds put up", dispute["bonds"]),
        ("rows in the timeline", moves),
    ]
    column = _weighed(report, dispute["weighed"], pairs) if dispute["weighed"] else ""
    if dispute["supplied"]:
        blob = dispute["supplied"]
        pairs.append((f"supplied {blob['bytes']:,} bytes, SHA-256", code(blob["sha256"])))
    opened = [(code(o["sha256"]), f"{o['bytes']:,}", len(o["path"])) for o in dispute["openings"]]
    heads = ("SHA-256 of the chunk", "bytes", "hashes to the root")
    shown = (
        table("Openings brought before the court", heads, opened, frozenset({1, 2}))
        if opened
        else ""
    )
    posted = (
        el(
            "details",
            el("summary", f"{len(dispute['posted']):,} posted hashes"),
            items(map(code, dispute["posted"])),
        )
        if dispute["posted"]
        else ""
    )
    title = f"Round {dispute['round']}, dispute {dispute['number']}"
    return el("article", el("h3", title), facts(pairs), column, shown, posted)


def _weighed(report: Parts, held: Parts, pairs: list[tuple[str, object]]) -> Markup:
    """The filed column, with what was held against each other at the coordinate among `pairs`."""
    values = {name: code(", ".join(held[name])) for name in ("old", "state", "computed", "claimed")}
    pairs.append(("value before", values["old"]))
    if held["state"]:
        pairs.append(("optimiser's M and V before", values["state"]))
    pairs += [
        ("the column's aggregate", code(held["aggregate"])),
        ("value that follows", values["computed"]),
        ("value that was claimed", values["claimed"]),
    ]
    filed = zip(held["actor"], held["samples"], held["entry"], strict=True)
    rows = [(who(report, actor), f"{samples:,}", entry) for actor, samples, entry in filed]
    heads = ("update of", "samples", "entry")
    return table("The column that the challenger filed", heads, rows, frozenset({1, 2}))
