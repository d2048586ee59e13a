"""The sections of the HTML report, each a function from the report to its markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sheaf.audit import figures
from sheaf.audit.cells import DASH, Parts, bare, number, who
from sheaf.audit.ledgers import court, money
from sheaf.audit.lineage import lineage_plot
from sheaf.audit.markup import Markup, code, el, facts, items, joined, table, unbroken
from sheaf.audit.scrutiny import draws, fairness
from sheaf.nodes.evidence import WITHHELD

HOSTS = {
    True: "embedded: one process made its blocks, so that its deadlines and times prove order, not "
    "time",
    False: "a chain behind an endpoint: its blocks' times are those that the chain gave them",
}
"""What a ledger is, by whether it is embedded."""

AGAIN = (
    "A line about the task works on any machine with Sheaf: name a ledger and a store there, those "
    "that this verification was given or, to rely on neither, others. A line about the run needs "
    "the run's folder, and is for where that is. What stands as ... in an address was kept back."
)


def summary(report: Parts) -> Markup:
    """Plain words first, then the numbers that people ask for."""
    totals = report["totals"]
    tiles = [
        ("rounds settled", f"{totals['settled']:,} of {report['task']['rounds']:,}"),
        ("updates counted", f"{totals['updates']:,}"),
        ("transactions", f"{totals['transactions']:,}"),
        ("gas", f"{totals['gas'] / 1e6:,.1f} M"),
        ("disputes", f"{totals['disputes']:,}"),
        ("slashed", f"{totals['slashed']:,}"),
    ]
    shown = joined(el("div", el("dt", name), el("dd", value)) for name, value in tiles)
    return Markup(
        joined(el("p", line) for line in report["summary"]) + el("dl", shown, class_="tiles")
    )


def verified(report: Parts) -> Markup:
    """What was checked, how to check it again, and what all of it does not show."""
    found = report["verification"]
    checks = [(c["name"], f"{c['count']:,}", c["detail"]) for c in found["checks"]]
    repeat = [(r["checks"], code(unbroken(r["command"]))) for r in found["repeat"]]
    reported, outside, withheld = (found[k] for k in ("reported", "outside", "withheld"))
    # A stranger has neither: no summary says anything, and no folder holds anything else.
    apart = [el("h3", "Reported, and not recomputed"), el("p", ", ".join(reported))]
    beside = [el("h3", "In the folder, and no evidence"), items(outside)]
    kept = [el("h3", WITHHELD), items(withheld)]
    return joined(
        [
            facts(
                [
                    ("conclusion", found["conclusion"]),
                    ("head", code(found["head"])),
                    ("anchored by", ", ".join(found["anchors"]) or "nothing"),
                    ("ledger", HOSTS[report["ledger"]["embedded"]]),
                ]
            ),
            table(
                "What was checked, all of it without a difference",
                ("check", "count", "what"),
                checks,
                frozenset({1}),
            ),
            el("h3", "Repeat it"),
            el("p", AGAIN, class_="note"),
            facts(repeat),
            el("h3", "What it does not show"),
            items(map(unbroken, found["limits"])),
            el("h3", "Trusted all the same"),
            facts((t["about"], t["assumed"]) for t in found["trust"]),
            *(apart if reported else []),
            *(kept if withheld else []),
            *(beside if outside else []),
        ]
    )


def metrics(report: Parts) -> Markup:
    """Metrics by round, marked as what they are."""
    names = sorted({name for found in report["rounds"] for name in found["metrics"]})
    said = "recomputed" if report["metrics_recomputed"] else "reported by the sponsor"
    note = (
        "The counts behind these metrics were recomputed from the models within rounding."
        if report["metrics_recomputed"]
        else "Reported: these numbers are the sponsor's word. They stand on the ledger as it sent "
        "them, and this verification did not recompute them."
    )
    if not names:
        return el("p", "No metric of any round was reported.")
    rows = [("0", *(number(report["initial_metrics"].get(n)) for n in names))]
    rows += [
        (str(found["round"]), *(number(found["metrics"].get(n)) for n in names))
        for found in report["rounds"]
    ]
    right = frozenset(range(1, len(names) + 1))
    shown = table(f"Metrics of each round's model, {said}", ("round", *names), rows, right)
    return joined(
        [
            el("p", note, class_="note"),
            figures.metric_plots(report),
            el("details", el("summary", "The numbers"), shown),
        ]
    )


def lineage(report: Parts) -> Markup:
    """Models and what they were made of."""
    rows = [("0", code(report["task"]["initial_model"]), DASH, DASH)]
    rows += [
        (
            str(found["round"]),
            code(found["model"]["root"]),
            str(found["model"]["base_round"]),
            f"{found['counted']:,}",
        )
        for found in report["rounds"]
        if found["model"]
    ]
    heads = ("round", "tree root", "made from round", "updates")
    shown = table("Every model, with what it was made from", heads, rows, frozenset({3}))
    return joined(
        [
            el(
                "p",
                "The final model is ",
                code(report["model"]["root"]),
                "; its header, which the ledger settled, is ",
                code(report["model"]["header"]),
                ". The updates' roots are in the rounds of the timeline.",
            ),
            lineage_plot(report),
            el("details", el("summary", "All models"), shown),
        ]
    )


def _tallies(report: Parts) -> tuple[Counter[int], Counter[int]]:
    """How often each actor was drawn, and how often what it did then counted."""
    drawn, counted = Counter[int](), Counter[int]()
    for found in report["rounds"]:
        updates = found["contributions"]
        seats = [(attempt["members"], attempt["agreed"]) for attempt in found["attempts"]]
        for actors, counts in [(updates["actor"], updates["counted"]), *seats]:
            drawn.update(actors)
            counted.update(dict(zip(actors, map(int, counts), strict=True)))
    return drawn, counted


def people(report: Parts) -> Markup:
    """Who took part, how often, and what it came to."""
    accounts = report["money"]["accounts"]
    drawn, counted = _tallies(report)
    rows = []
    # Names are the run's own word: who has no run has none.
    some = any(actor["name"] is not None for actor in report["actors"])
    for place, actor in enumerate(report["actors"]):
        name = el("bdi", actor["name"]) if actor["name"] is not None else DASH
        named = [name] if some else []
        paid = str(int(accounts["reward"][place]) + int(accounts["fee"][place]))
        more = str(int(accounts["bonus"][place]) + int(accounts["court"][place]))
        lost = accounts["slashed"][place]
        rows.append(
            (
                actor["label"],
                actor["role"],
                *named,
                code(actor["address"]),
                drawn[place],
                counted[place],
                bare(report, "reward", paid),
                bare(report, "stake", more),
                bare(report, "stake", lost),
            )
        )
    reward, stake = (report["money"]["tokens"][kind]["symbol"] for kind in ("reward", "stake"))
    units = (f"earned, {reward}", f"bonuses, {stake}", f"slashed, {stake}")
    names = ["name (reported)"] if some else []
    heads = ("", "role", *names, "address", "drawn", "counted", *units)
    right = frozenset(range(len(heads) - 5, len(heads)))
    note = (
        "Drawn: times in a cohort, or on a committee's seat. Counted: updates in settled models, "
        "or verdicts that agreed with a claim. Bonuses: shares of others' slashes, and what was "
        "earned in court."
    )
    return joined(
        [
            el("p", note, class_="note"),
            table("Everybody who acted or held a seat", heads, rows, right),
        ]
    )


def receipts(report: Parts) -> Markup:
    """How many steps named a receipt, and the acts with theirs. The ids of updates and verdicts are
    in the rounds of the timeline."""
    found = report["receipts"]
    told = (
        f"{found['updates']:,} of {found['updates_revealed']:,} revealed updates, "
        f"{found['verdicts']:,} of {found['verdicts_revealed']:,} opened verdicts and "
        f"{found['acts']:,} of {found['acts_sent']:,} acts (publication, reports, moves in court) "
        "name a receipt."
    )
    if not (found["updates"] or found["verdicts"] or found["acts"]):
        return el("p", told)
    do = "does" if found["wrong"] == 1 else "do"
    held = (
        f"{found['valid']:,} of these hold: signed by a key that the account bound itself to, and "
        f"saying what the ledger says. {found['wrong']:,} {do} not"
    )
    held += f"; of {found['withheld']:,} no store has the bytes." if found["withheld"] else "."
    listed = [el("li", each) for each in found["told"]]
    more = found["wrong"] - len(listed)
    listed += [el("li", f"and {more:,} more")] if more else []
    said = el("p", f"{told} {held} The ids of updates and verdicts are in the timeline, by round.")
    return el("div", said, *([el("ul", *listed)] if listed else []), _acts(report))


def _acts(report: Parts) -> Markup:
    rows = [
        (
            act["round"],
            act["attempt"] or DASH,
            who(report, act["actor"]),
            act["act"],
            act["dispute"] or DASH,
            code(act["receipt"]) if act["receipt"] else DASH,
        )
        for act in report["receipts"]["signed_acts"]
    ]
    heads = ("round", "attempt", "actor", "act", "dispute", "receipt")
    return table("Acts and the receipts that their calls name", heads, rows, frozenset({0, 1, 4}))


def map_of_compliance(report: Parts) -> Markup:
    """The compliance map, with what is asserted set apart."""
    made = report["compliance"]
    parts: list[Markup] = [el("p", made["no_claim"], class_="note")]
    for record in made["records"]:
        inner = [
            Markup(el("h4", item["heading"]) + items(map(_sentence, item["sentences"])))
            for item in record["items"]
        ]
        parts.append(el("details", el("summary", f"{record['title']} ({record['after']})"), *inner))
    return joined(parts)


def _sentence(sentence: Mapping[str, str]) -> Markup:
    if sentence["evidence"]:
        return Markup(
            el("span", sentence["text"]) + " " + el("small", f"evidence: {sentence['evidence']}")
        )
    return Markup(el("span", sentence["text"]) + " " + el("em", "asserted by the sponsor"))


SECTIONS: Sequence[tuple[str, str, Any]] = (
    ("summary", "Summary", summary),
    ("verified", "What was verified", verified),
    ("metrics", "Metrics by round", metrics),
    ("lineage", "Lineage", lineage),
    ("people", "Who took part", people),
    ("draws", "Draws and their odds", draws),
    ("fairness", "Contribution and pay", fairness),
    ("money", "Money and gas", money),
    ("court", "Disputes", court),
    ("receipts", "Receipts", receipts),
)
