"""The audit report as one plain object: what `audit.json` holds and `schema.json` describes.

Numbers come from a verification's evidence. What the sponsor or the run only says (metrics unless
they were recomputed, names of accounts) is called reported.
"""

from __future__ import annotations

import dataclasses
import json
from copy import deepcopy
from typing import Any

from eth_utils.address import to_checksum_address

import sheaf
from sheaf.audit.chronology import chronology
from sheaf.audit.compliance import compliance
from sheaf.audit.court import disputes
from sheaf.audit.ground import Ground
from sheaf.audit.money import money
from sheaf.audit.odds import odds
from sheaf.audit.overview import metrics_in_words, overview
from sheaf.audit.participation import participation
from sheaf.audit.passes import passes
from sheaf.audit.plainly import abridged, abridged_text, hashes, printable, seen
from sheaf.audit.statements import NOTHING, Statements
from sheaf.nodes.evidence import METRICS, Evidence, Origin, Report
from sheaf.nodes.receipts import Owed, findings
from sheaf.nodes.summary import SETUP, final_root, metric_values, status_and_cause
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task

VERSION = 1
"""Of the report's form; one of another version has another schema. It begins to count with Sheaf
1.0: until then fields are added to version 1, as the schema itself says."""
ABRIDGED_BYTES = 6
"""Bytes of a hash in the columns that the HTML holds: enough to name it among all of a run, and
`audit.json` has it whole."""

MAX_WRONG = 10
"""Receipts of which it is told what is wrong with them; of the others there is the number."""

Dossier = dict[str, Any]


def dossier(evidence: Evidence, report: Report, stated: Statements = NOTHING) -> Dossier:
    """The report of a verified run, with what the sponsor stated for its compliance map."""
    ground = Ground(evidence, report)
    made: Dossier = {
        "version": VERSION,
        "made_by": sheaf.__version__,
        "run": printable(report.origin.subject),
        "task": _task(ground),
        "ledger": _ledger(ground),
        "actors": ground.actors(),
        "rounds": passes(ground),
        "initial_metrics": metric_values(ground.trail.metrics.get(0)),
        "metrics_recomputed": METRICS not in report.limits,
        "model": _model(ground),
        "timeline": chronology(ground),
        "money": money(ground),
        "disputes": disputes(ground),
        "draws": odds(ground),
        "participation": participation(ground),
        "verification": _verification(ground),
    }
    made["totals"] = _totals(ground, made)
    made["receipts"] = _receipts(ground, made)
    made["metrics_in_words"] = metrics_in_words(made)
    made["summary"] = overview(made)
    made["compliance"] = compliance(made, stated)
    return made


def text(made: Dossier) -> str:
    """The one text in which `audit.json` holds a report."""
    return json.dumps(made, ensure_ascii=True, separators=(",", ":"), allow_nan=False) + "\n"


def short(made: Dossier) -> Dossier:
    """The same report with every hash in a column of the timeline and of contributions cut to
    `ABRIDGED_BYTES`, and without the commitments, which stand in their transactions."""
    copy = deepcopy(made)
    columns, details = copy["timeline"]["transactions"], copy["timeline"]["details"]
    columns["hash"] = abridged(columns["hash"], ABRIDGED_BYTES)
    details["text"] = [abridged_text(line, ABRIDGED_BYTES) for line in details["text"]]
    for found in copy["rounds"]:
        rows = found["contributions"]
        rows["commitment"] = None
        for name in ("root", "receipt"):
            rows[name] = rows[name] and abridged(rows[name], ABRIDGED_BYTES)
    return copy


def _task(ground: Ground) -> dict[str, Any]:
    task, trail = ground.evidence.task, ground.trail
    status = {Phase.DONE: "done", Phase.ENDED: "ended"}.get(trail.phase, "running")
    algorithm, model = task.algorithm, task.model
    words = {
        "name": task.name,
        "license": task.license,
        "visibility": task.visibility,
        "algorithm": algorithm.name,
        "rule": task.rule.name,
        "loss": algorithm.loss,
        "optimizer": algorithm.optimizer,
        "model_entry": model.entry,
        "features": _features(task),
        "metrics": ", ".join(task.evaluation.metrics),
    }
    return {
        **{name: printable(word) for name, word in words.items()},
        "cid": str(task.cid),
        "id": trail.task.hex(),
        "status": status,
        "cause": status_and_cause(trail)[1] if status != "running" else None,
        "bundle": model.bundle.hex(),
        "initial_model": model.initial.hex(),
        "coordinates": model.coordinates,
        "trainable": model.trainable,
        "rounds": task.schedule.rounds,
        "epochs": algorithm.epochs,
        "batch_size": algorithm.batch_size,
        "minimum_samples": task.data.minimum_samples,
        "cohort_minimum": task.cohort.minimum,
        "cohort_goal": task.cohort.goal,
        "seats": task.committee.seats,
        "round_reward": str(trail.terms.economics.round_reward),
        "committee_fee": str(trail.terms.economics.committee_fee),
    }


def _features(task: Task) -> str:
    told = [f"{f.name} ({f.dtype}, {'x'.join(map(str, f.shape)) or 1})" for f in task.data.features]
    return ", ".join(told) or "no prescribed features"


def _ledger(ground: Ground) -> dict[str, Any]:
    book, place = ground.evidence.book, ground.evidence.place
    contracts = ("federation", "court", "vault")
    return {
        "chain_id": book.chain_id,
        "embedded": ground.report.origin.embedded,
        "contracts": {name: to_checksum_address(getattr(book, name)) for name in contracts},
        "blocks": place.blocks,
        "head": place.head.hex(),
    }


def _model(ground: Ground) -> dict[str, str]:
    root = final_root(ground.trail, ground.evidence.task)
    return {"root": root.hex(), "header": ground.trail.model_header(root).hex()}


def _verification(ground: Ground) -> dict[str, Any]:
    report = ground.report
    return {
        "conclusion": report.conclusion,
        "head": report.head,
        "finished": not report.unfinished,
        "anchors": [*report.anchors],
        "checks": [dataclasses.asdict(check) for check in report.checks],
        "reported": report.reported,
        "court": [seen(line) for line in report.court],
        "outside": [seen(line) for line in report.outside],
        "withheld": [seen(line) for line in report.withheld],
        "limits": [*report.limits],
        "trust": [{"about": about, "assumed": assumed} for about, assumed in report.trust],
        "repeat": [
            {"command": seen(command), "checks": what}
            for command, what in _commands(ground).items()
        ],
    }


def _commands(ground: Ground) -> dict[str, str]:
    """What repeats the verification, or goes further. A run's lines are for where its folder is,
    and one about its task for everywhere else."""
    report = ground.report
    # A report is for others, who have the project elsewhere.
    hook = " --metrics" + ("" if report.whole else " --project FOLDER")
    further = {
        f"{report.again('verify')} --receipts": "what the actors signed, too",
        f"{report.again('verify')}{hook}": "the reported metrics, too (needs torch, "
        "the project's code and the sponsor's data)",
    }
    if report.whole:
        line = f"{report.again('verify')} --keys FILE"
        further[line] = "that parties you know countersigned it"
    own = {
        report.again("verify"): "all of it, against this head",
        **further,
        f"{report.again('audit')}{hook if '--metrics' in report.asked else ''}": "this report",
    }
    if not report.whole:
        return own
    places = ("--ledger", "FILE" if report.origin.embedded else "URL", "--store", "URL")
    anywhere = Origin(f"0x{ground.trail.task.hex()}", places)
    return {
        anywhere.command("verify", "--head", report.head): "the task, without the run's folder",
        **{line: f"{what}; with the run's folder" for line, what in own.items()},
    }


def _act(ground: Ground, owed: Owed) -> dict[str, Any]:
    """An act: who did what where, and the id of its receipt."""
    step = owed.step
    assert step.act is not None
    return {
        "actor": ground.places[step.account],
        "act": step.act.name,
        "round": step.round,
        "attempt": step.attempt,
        "dispute": step.act.dispute,
        "receipt": owed.receipt.hex() if owed.receipt != ZERO else None,
    }


def _totals(ground: Ground, made: Dossier) -> dict[str, int]:
    outcomes = [found["outcome"] for found in made["rounds"]]
    slashed = made["money"]["accounts"]["slashed"]
    gas = ground.gas
    return {
        "rounds": len(outcomes),
        "settled": outcomes.count("settled"),
        "aborted": outcomes.count("aborted"),
        "transactions": len(ground.steps),
        "events": len(made["timeline"]["events"]),
        "disputes": len(made["disputes"]),
        "slashed": sum(units != "0" for units in slashed),
        "gas": sum(sum(row.values()) for row in gas.values()),
        "setup_gas": sum(gas[SETUP].values()),
        "updates": sum(found["counted"] for found in made["rounds"]),
    }


def _receipts(ground: Ground, made: Dossier) -> dict[str, Any]:
    """How many reveals, verdicts and acts name a receipt, zero ids are none; how many of these
    hold, how many are nowhere, and what is wrong with some, which says nothing against anybody
    else. The ids of updates and verdicts are in the rounds' contributions and attempts."""
    listed = list(findings(ground.evidence))
    wrong = [seen(found.wrong) for found in listed if found.wrong]
    signed = [_act(ground, found.owed) for found in listed if found.owed.step.act is not None]
    updates = verdicts = opened = 0
    for found in made["rounds"]:
        column = found["contributions"]["receipt"]
        if column:
            updates += sum(any(each) for each in hashes(column))
        for attempt in found["attempts"]:
            verdicts += sum(each is not None for each in attempt["receipt"])
            opened += sum(each in ("revealed", "missing") for each in attempt["verdict"])
    return {
        "updates": updates,
        "updates_revealed": sum(found["revealed"] for found in made["rounds"]),
        "verdicts": verdicts,
        "verdicts_revealed": opened,
        "acts": len([named for named in signed if named["receipt"]]),
        "acts_sent": len(signed),
        "signed_acts": signed,
        "withheld": sum(found.withheld for found in listed),
        "valid": sum(found.signed is not None for found in listed),
        "wrong": len(wrong),
        "told": wrong[:MAX_WRONG],
    }
