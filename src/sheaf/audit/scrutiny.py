"""Sections on draws, contribution and pay: what came out, held against odds and rules."""

from __future__ import annotations

from collections.abc import Sequence

from sheaf.audit import figures
from sheaf.audit.cells import DASH, Parts, number, tokens, who
from sheaf.audit.markup import Markup, code, el, facts, items, joined, table
from sheaf.audit.plainly import counted


def draws(report: Parts) -> Markup:
    """The odds of both draws, of a captured committee, and the exact tests of what came out."""
    found, audit = report["draws"], report["participation"]
    capture, committee = found["capture"], found["committee"]
    share = "/".join(map(str, capture["adversary"]))
    shown = facts(
        [
            ("cohort", _odds(found["cohort"], "participants")),
            ("first committee", _odds(committee, "aggregators")),
            ("quorum", f"{committee['quorum']} of {committee['drawn']} equal verdicts"),
            (
                f"a quorum in one hand that holds {share} of everybody",
                f"stated at most {_ppb(capture['stated_ppb'])} a draw in a pool of "
                f"{capture['stated_pool']:,}; {_ppb(capture['found_ppb'])} in the pool there was",
            ),
        ]
    )
    labels = [actor["label"] for actor in report["actors"]]
    tests = [
        _selection(report, place, selection, labels)
        for place, selection in enumerate(audit["selection"])
    ]
    seeds = [
        (str(r["round"]), code(r["seed"]), code(r["committee_key"] or DASH))
        for r in report["rounds"]
    ]
    listed = table(
        "What each round was drawn from", ("round", "cohort seed", "committee key"), seeds
    )
    return joined(
        [
            shown,
            items(found["known"]),
            el("h3", "Drawn as often as the odds say?"),
            el("p", audit["caveats"]["selection"], class_="note"),
            *tests,
            el("details", el("summary", "Seeds and keys of all rounds"), listed),
        ]
    )


def _odds(draw: Parts, pool: str) -> str:
    top, bottom = draw["odds"]
    return f"{draw['drawn']:,} of {draw['pool']:,} {pool}: {top}/{bottom} each, every round"


def _ppb(ppb: int | None) -> str:
    return "not defined" if ppb is None else f"{ppb / 1e7:.9g}\N{NO-BREAK SPACE}%"


def _selection(report: Parts, place: int, selection: Parts, labels: Sequence[str]) -> Markup:
    what = selection["what"]
    if not selection["trials"]:
        return el("p", f"No {what} was drawn.")
    if selection["odds"] == [1, 1]:
        return el("p", f"Everybody was in every {what}, so there is nothing to test.")
    plot = figures.selection_plot(place, selection, labels)
    return Markup(plot + _tested(report, selection))


def _tested(report: Parts, selection: Parts) -> Markup:
    rows = [
        (
            who(report, actor),
            f"{hits:,}",
            f"{selection['expected']:g}",
            f"{p:.4g}",
            f"{adjusted:.4g}",
        )
        for actor, hits, p, adjusted in zip(
            selection["actor"],
            selection["drawn"],
            selection["p"],
            selection["adjusted"],
            strict=True,
        )
    ]
    what, level = selection["what"], report["participation"]["level"]
    unlikely = [who(report, place) for place in selection["unlikely"]]
    told = (
        f"Unlikely at a family-wise level of {level}: {', '.join(unlikely)}."
        if unlikely
        else f"No seat's count is unlikely at a family-wise level of {level}."
    )
    if selection["least_adjusted"] > level:
        told += (
            f" With {counted(selection['trials'], 'draw')} at these odds no count could have been: "
            f"the least adjusted p-value that there is would be {selection['least_adjusted']:g}."
        )
    heads = ("seat", "drawn", "expected", "p (exact, two-sided)", "p (Holm)")
    caption = f"Exact binomial test of each seat, {what}"
    shown = table(caption, heads, rows, frozenset({1, 2, 3, 4}))
    return Markup(el("p", told) + el("details", el("summary", f"All seats, {what}"), shown))


def fairness(report: Parts) -> Markup:
    """Concentration, pay against contribution, metrics by composition."""
    audit = report["participation"]
    spread = [
        (c["what"], c["participants"], number(c["gini"]), number(c["largest_share"]))
        for c in audit["concentration"]
    ]
    heads, right = ("of", "participants", "Gini", "largest share"), frozenset({1, 2, 3})
    payouts = audit["payouts"]
    wrong = [who(report, place) for place in payouts["differences"]]
    told = "Everybody was paid what the rule owes."
    if wrong:
        told = f"Paid otherwise than owed: {', '.join(wrong)}."
    return joined(
        [
            table("Concentration over participants", heads, spread, right),
            el("div", figures.lorenz_plot(payouts), figures.pay_plot(payouts), class_="plots"),
            el("p", f"{told} {audit['caveats']['payouts']}", class_="note"),
            _paid(report, payouts),
            el("h3", "Metrics by who was counted"),
            el("p", audit["caveats"]["composition"], class_="note"),
            *(_composition(report, made) for made in audit["composition"]),
        ]
    )


def _paid(report: Parts, payouts: Parts) -> Markup:
    columns = ("actor", "rounds_counted", "samples", "owed", "paid")
    rows = [
        (
            who(report, actor),
            f"{rounds:,}",
            f"{samples:,}",
            tokens(report, "reward", owed),
            tokens(report, "reward", paid),
        )
        for actor, rounds, samples, owed, paid in zip(*(payouts[c] for c in columns), strict=True)
    ]
    heads = ("participant", "rounds counted", "samples counted", "owed by the rule", "paid")
    caption = "What each participant contributed, is owed and was paid"
    shown = table(caption, heads, rows, frozenset({1, 2, 3, 4}))
    return el("details", el("summary", "Payouts against contribution"), shown)


def _composition(report: Parts, made: Parts) -> Markup:
    columns = ("rounds_with", "mean_with", "mean_without", "change_with", "change_without")
    rows = [
        (who(report, actor), str(n), f"{made['rounds'] - n}", *map(number, values))
        for actor, n, *values in zip(made["actor"], *(made[c] for c in columns), strict=True)
    ]
    heads = (
        "participant",
        "rounds with",
        "rounds without",
        "mean with",
        "mean without",
        "mean change with",
        "mean change without",
    )
    caption = f"{made['metric']} in rounds with and without each participant's update"
    shown = table(caption, heads, rows, frozenset(range(1, 7)))
    return el("details", el("summary", f"{made['metric']}, {made['rounds']:,} rounds"), shown)
