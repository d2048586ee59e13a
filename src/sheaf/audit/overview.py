"""The first page: what a task was and what became of it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sheaf.audit.plainly import amount, counted, listed

Parts = Mapping[str, Any]


def overview(report: Parts) -> list[str]:
    """The summary in plain words, the most important first."""
    return [
        *_task(report),
        *_verification(report),
        *_money(report),
        *_court(report),
        *_receipts(report),
        report["metrics_in_words"],
        *_participation(report),
        *_privacy(report),
    ]


def metrics_in_words(report: Parts) -> str:
    """What the sponsor reports, from the first report to the last."""
    rounds = [r for r in report["rounds"] if r["metrics"]]
    first = report["initial_metrics"] or (rounds[0]["metrics"] if rounds else {})
    if not rounds:
        return "The sponsor reported no metric of any round."
    last = rounds[-1]
    told = [
        f"{name} {first[name]:.4g} at first, {value:.4g} after round {last['round']}"
        if name in first
        else f"{name} {value:.4g} after round {last['round']}"
        for name, value in last["metrics"].items()
    ]
    if report["metrics_recomputed"]:
        return f"Metrics, recomputed within rounding: {listed(told)}."
    return f"The sponsor reports, and nobody recomputed here: {listed(told)}."


def _task(report: Parts) -> Iterator[str]:
    task, totals = report["task"], report["totals"]
    ended = {
        "done": "The task ran to its end.",
        "ended": f"The task ended early: {_cause(task['cause'])}.",
        "running": "The task has not ended; this is how far it got.",
    }[task["status"]]
    seats = [a["role"] for a in report["actors"]]
    yield (
        f"{counted(seats.count('participant'), 'participant')} and "
        f"{counted(seats.count('aggregator'), 'aggregator')} trained a model together with "
        f"{task['algorithm']}, in {counted(totals['rounds'], 'round')}: {totals['settled']:,} "
        f"gave a new model, {totals['aborted']:,} were aborted. {ended}"
    )


def _cause(cause: str | None) -> str:
    return (cause or "no round settled").replace("_", " ")


def _verification(report: Parts) -> Iterator[str]:
    found = report["verification"]
    yield (
        "Every transaction was replayed and every model recomputed from the updates behind it; "
        f"no difference was found, up to block {report['ledger']['blocks']:,}."
    )
    if found["anchors"]:
        yield f"This history is the one that is anchored by {listed(found['anchors'])}."
    else:
        yield (
            "The history is not anchored: whoever holds all keys could have made another one that "
            "is just as consistent. Compare the head hash with one that reached you another way."
        )


def _money(report: Parts) -> Iterator[str]:
    money = report["money"]
    flow = money["flows"][0]
    token = money["tokens"][flow["token"]]
    put = amount(int(flow["total"]), token)
    out = [f"{amount(int(e['units']), token)} {e['what']}" for e in flow["out"]]
    balanced = all(flow["balanced"] for flow in money["flows"])
    books = "The books balance to the unit." if balanced else "The books do not balance."
    yield f"The sponsor put up {put}: {listed(out) or 'nothing moved'}. {books}"
    lost = int(money["flows"][2]["total"])
    if lost:
        stake = money["tokens"]["stake"]
        who = counted(report["totals"]["slashed"], "account")
        yield f"{who} lost {amount(lost, stake)} of stakes and bonds."
    else:
        yield "Nobody lost any stake."


def _court(report: Parts) -> Iterator[str]:
    disputes = report["disputes"]
    if not disputes:
        yield "Nobody went to court."
        return
    standing = [d["standing"] for d in disputes]
    yield (
        f"{counted(len(disputes), 'dispute')}: {standing.count('upheld')} upheld, "
        f"{standing.count('dismissed')} dismissed, "
        f"{len(disputes) - standing.count('upheld') - standing.count('dismissed')} without effect "
        "or open."
    )


def _receipts(report: Parts) -> Iterator[str]:
    found = report["receipts"]
    withheld, false = found["withheld"], found["wrong"] - found["withheld"]
    told = [f"no store has the bytes of {counted(withheld, 'receipt')}"] if withheld else []
    if false:
        told.append(f"{counted(false, 'receipt')} {'does' if false == 1 else 'do'} not hold")
    if told:
        yield f"Of what the actors signed, {listed(told)}."


def _participation(report: Parts) -> Iterator[str]:
    audit = report["participation"]
    for selection in audit["selection"]:
        if selection["unlikely"]:
            who = listed([report["actors"][place]["label"] for place in selection["unlikely"]])
            yield (
                f"How often {who} was drawn for a {selection['what']} is unlikely at the stated "
                f"odds (family-wise level {audit['level']})."
            )
    if audit["payouts"]["differences"]:
        yield "Some rewards differ from what the task's rule owes."


def _privacy(report: Parts) -> Iterator[str]:
    visibility = report["task"]["visibility"]
    whom = "everybody with the store" if visibility == "public" else "the drawn committees"
    yield (
        f"Updates can be read by {whom}. No privacy mechanism was used, and nothing shows that "
        "the data behind updates are real or that two accounts are two parties."
    )
