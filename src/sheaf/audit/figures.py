"""The report's plots: metrics, gas, money, draws, contribution. The lineage is in `lineage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sheaf.audit.axes import Frame, axes, legend, padded, picture, ticks, whole
from sheaf.audit.markup import Markup, el, joined
from sheaf.audit.plainly import about, amount

Parts = Mapping[str, Any]


def metric_plots(report: Parts) -> Markup:
    """One small plot for each metric, over rounds."""
    rows = [(0, report["initial_metrics"])]
    rows += [(found["round"], found["metrics"]) for found in report["rounds"]]
    names = sorted({name for _, values in rows for name in values})
    said = "recomputed" if report["metrics_recomputed"] else "reported by the sponsor"
    plots = [_metric(place, name, rows, said) for place, name in enumerate(names)]
    return el("div", *plots, class_="plots")


def _metric(place: int, name: str, rows: Sequence[tuple[int, Parts]], said: str) -> Markup:
    points = [(number, values[name]) for number, values in rows if name in values]
    low, high = padded([value for _, value in points])
    frame = Frame(330, 220, (0, max(rows[-1][0], 1)), (low, high), right=18)
    path = "L".join(f"{frame.across(n)} {frame.down(v)}" for n, v in points)
    line = el("path", d=f"M{path}", class_="line k0")
    dots = [
        el("circle", cx=frame.across(n), cy=frame.down(v), r=3, class_="k0")
        for n, v in (points if len(points) <= 40 else points[-1:])
    ]
    drawn = axes(frame, "round", name, (whole(0, frame.x[1], 6), ticks(low, high, 4)))
    title = f"{name} by round, {said}"
    return picture(f"metric-{place}", title, (330, 220), drawn, line, *dots, narrow=True)


KINDS = ("commit", "reveal", "hold", "verdict", "settle", "court", "other")


def gas_plot(report: Parts) -> Markup:
    """What each round's transactions cost, stacked by what they did."""
    rows = report["rounds"]
    most = max((sum(row["gas"].values()) for row in rows), default=0) or 1
    frame = Frame(760, 260, (0.5, len(rows) + 0.5), (0, most * 1.04), left=62)
    wide = max(1.0, (frame.across(2) - frame.across(1)) * 0.72)
    unit = 1e6 if most >= 1e6 else 1e3
    bars = []
    for index, kind in enumerate(KINDS):
        steps = []
        for row in rows:
            below = sum(row["gas"].get(k, 0) for k in KINDS[:index])
            used = row["gas"].get(kind, 0)
            if used:
                x = frame.across(row["round"]) - wide / 2
                top, base = frame.down(below + used), frame.down(below)
                steps.append(f"M{x:.1f} {base}h{wide:.1f}V{top}h-{wide:.1f}z")
        if steps:
            bars.append(el("path", d="".join(steps), class_=f"k{index}"))
    words = "millions of gas" if unit == 1e6 else "thousands of gas"
    drawn = axes(frame, "round", words, (whole(1, len(rows), 10), ticks(0, most, 4)), unit)
    used_kinds = [(f"k{i}", k) for i, k in enumerate(KINDS) if any(k in r["gas"] for r in rows)]
    title = "Gas of each round by what the transactions did"
    return Markup(picture("gas", title, (760, 260), drawn, *bars) + legend(used_kinds))


FLOW_WIDTH, FLOW_TALL, SLOT, GAP = 760, 130, 34, 8
"""Of a flow: the width, what all of it is tall, the least that an entry with its label takes, and
what is between entries."""
MIDDLE = 10
"""Where the bar in the middle begins, from the top."""


def flow_plot(place: int, flow: Parts, token: dict[str, Any]) -> Markup:
    """A token's flow: what came in at the left, where it went at the right."""
    whole_sum = int(flow["total"])
    if not whole_sum:
        return el("p", f"{flow['title']}: nothing moved.")
    sides = [
        [(entry["what"], int(entry["units"])) for entry in flow[side] if int(entry["units"])]
        for side in ("in", "out")
    ]
    parts, lowest = [], 0.0
    for side, entries in enumerate(sides):
        own, middle = 4.0, float(MIDDLE)
        for index, (what, units) in enumerate(entries):
            tall = units / whole_sum * FLOW_TALL
            kind = f"k{(index + 2 * side) % 8}"
            top = own + (max(tall, SLOT) - tall) / 2
            parts.append(_ribbon(side, top, middle, tall, kind))
            parts.append(_end(side, top, tall, (what, about(units, token)), kind))
            own, middle = own + max(tall, SLOT) + GAP, middle + tall
        lowest = max(lowest, own)
    bar = el("rect", x=376, y=MIDDLE, width=8, height=FLOW_TALL, class_="ink")
    height = int(max(lowest, MIDDLE + FLOW_TALL + 8))
    title = f"{flow['title']}: where {amount(whole_sum, token)} came from and went"
    return picture(f"flow-{place}", title, (FLOW_WIDTH, height), *parts, bar)


def _ribbon(side: int, own: float, middle: float, tall: float, kind: str) -> Markup:
    outer, inner = ((212, 376), (548, 384))[side]
    bend = (outer + inner) / 2
    d = (
        f"M{outer} {own:.1f}C{bend} {own:.1f} {bend} {middle:.1f} {inner} {middle:.1f}"
        f"V{middle + tall:.1f}C{bend} {middle + tall:.1f} {bend} {own + tall:.1f} "
        f"{outer} {own + tall:.1f}z"
    )
    return el("path", d=d, class_=f"ribbon {kind}")


def _end(side: int, own: float, tall: float, words: tuple[str, str], kind: str) -> Markup:
    x, anchor, at = ((204, "end", 196), (548, "start", 564))[side]
    bar = el("rect", x=x, y=round(own, 1), width=8, height=round(max(tall, 1), 1), class_=kind)
    y = own + tall / 2
    first = el("text", words[0], x=at, y=round(y - 3, 1), text_anchor=anchor, class_="strong")
    second = el("text", words[1], x=at, y=round(y + 12, 1), text_anchor=anchor)
    return joined([bar, first, second])


def selection_plot(place: int, selection: Parts, labels: Sequence[str]) -> Markup:
    """How often each seat was drawn, against what the stated odds expect."""
    hits, expected = selection["drawn"], selection["expected"]
    most = max([*hits, expected, 1]) * 1.08
    frame = Frame(760, 220, (0, len(hits) + 1), (0, most))
    stems, heads = [], []
    for index, count in enumerate(hits):
        x, y = frame.across(index + 1), frame.down(count)
        odd = selection["actor"][index] in selection["unlikely"]
        stems.append(f"M{x} {frame.down(0)}V{y}")
        heads.append(
            el(
                "circle",
                cx=x,
                cy=y,
                r=3.5 if len(hits) <= 60 else 2.2,
                class_="k1" if odd else "k0",
            )
        )
    level = frame.down(expected)
    line = el("path", d=f"M{frame.left} {level}H{frame.width - frame.right}", class_="dashed")
    many = len(hits) > 24
    named = [
        el(
            "text",
            labels[actor],
            x=frame.across(i + 1),
            y=frame.height - frame.bottom + 17,
            text_anchor="middle",
        )
        for i, actor in enumerate(selection["actor"])
        if not many or i % 10 == 0
    ]
    drawn = axes(frame, "seat", "times drawn", ((), whole(0, most, 5)))
    title = (
        f"How often each seat was drawn for a {selection['what']}; dashed: {expected:g} expected "
        "at the stated odds"
    )
    stem = el("path", d="".join(stems), class_="stem")
    return picture(f"selection-{place}", title, (760, 220), drawn, line, stem, *heads, *named)


def lorenz_plot(payouts: Parts) -> Markup:
    """Lorenz curves: which part of all samples, and of all rewards, the smallest contributors have
    together."""
    frame = Frame(330, 300, (0, 1), (0, 1))
    curves = []
    for kind, shares in enumerate((payouts["samples"], [int(p) for p in payouts["paid"]])):
        total = sum(shares)
        if not total:
            continue
        run, points = 0, [(0.0, 0.0)]
        for index, share in enumerate(sorted(shares), 1):
            run += share
            points.append((index / len(shares), run / total))
        path = "L".join(f"{frame.across(x)} {frame.down(y)}" for x, y in points)
        curves.append(
            el("path", d=f"M{path}", class_=f"line k{kind}" + (" dotted" if kind else ""))
        )
    equal = el(
        "path",
        d=f"M{frame.across(0)} {frame.down(0)}L{frame.across(1)} {frame.down(1)}",
        class_="dashed",
    )
    marks = [0, 0.25, 0.5, 0.75, 1]
    drawn = axes(frame, "share of participants", "share held together", (marks, marks))
    title = "How concentrated samples and rewards are; dashed: all equal"
    words = legend([("k0", "counted samples"), ("k1", "rewards")])
    shown = picture("lorenz", title, (330, 300), drawn, equal, *curves, narrow=True)
    return el("div", shown, words)


def pay_plot(payouts: Parts) -> Markup:
    """Each participant's share of rewards against its share of counted samples."""
    pairs = zip(payouts["share_of_samples"], payouts["share_of_rewards"], strict=True)
    points = [(s, r) for s, r in pairs if s is not None and r is not None]
    most = max([0.0, *(max(p) for p in points)]) * 1.1 or 1.0
    frame = Frame(330, 300, (0, most), (0, most))
    marks = ticks(0, most, 4)
    equal = el(
        "path",
        d=f"M{frame.across(0)} {frame.down(0)}L{frame.across(most)} {frame.down(most)}",
        class_="dashed",
    )
    dots = [el("circle", cx=frame.across(x), cy=frame.down(y), r=4, class_="k0") for x, y in points]
    drawn = axes(frame, "share of counted samples", "share of rewards", (marks, marks))
    title = "Rewards against samples, one dot a participant; dashed: in proportion"
    return picture("pay", title, (330, 300), drawn, equal, *dots, narrow=True)
