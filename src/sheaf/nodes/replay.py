"""Replaying what is off chain: updates, aggregations, the model file, the summary."""

from __future__ import annotations

import json
import re
from typing import Any

from sheaf.nodes import summary as summaries
from sheaf.nodes.aggregation import aggregate, read_vector, vector_id
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel, SheafError
from sheaf.protocol.events import RoundSettled, VerdictRevealed


def check_updates(evidence: Evidence, report: Report) -> None:
    """Commitments open, and the bytes behind every claimed round's counted updates are there and
    whole. Those of an attempt without a claim made no model, and nobody needs them any more."""
    trail, opened, read = evidence.trail, 0, 0
    for number, found in sorted(trail.rounds.items()):
        counted = found.counted_positions(found.claim.attempt) if found.claim else ()
        for position, e in sorted(found.reveals.items()):
            who = evidence.who(e.account)
            expected = trail.deployment.update_commitment(
                trail.task, number, e.account, e.root, e.samples, e.receipt, e.salt
            )
            if expected != found.commits[position].commitment:
                fail(
                    f"commitment: round {number}: the reveal of {who} does not open its commitment"
                )
            opened += 1
            if position in counted:
                _read(evidence, e.root, f"round {number}: the update of {who}")
                read += 1
    report.add("commitments", opened, "opened reveals match their commitments")
    report.add("updates", read, "updates behind a model in the store under their tree roots")


def _read(evidence: Evidence, root: bytes, what: str) -> None:
    try:
        read_vector(evidence.task, evidence.store, root)
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        fail(f"store: {what}: {vector_id(evidence.task, root)}: {error.message}")


def check_rounds(evidence: Evidence, report: Report) -> None:
    """Replay the aggregation of every settled round on the model that stood before it."""
    settled = 0
    _read(evidence, evidence.task.model.initial, "the sponsor's initial model")
    for _, found in sorted(evidence.trail.rounds.items()):
        if isinstance(found.outcome, RoundSettled) and found.claim is not None:
            _check_round(evidence, found, found.claim.attempt, found.outcome.model_root)
            settled += 1
    report.add("aggregations", settled, "settled rounds recomputed to the same model roots")


def _check_round(evidence: Evidence, found: RoundTrail, attempt: int, model_root: bytes) -> None:
    number, task = found.number, evidence.task
    base = evidence.trail.model_after(number - 1, task.model.initial)
    result = aggregate(task, evidence.store, base, found.counted_updates(attempt))
    voters = _voters(evidence, found, attempt, model_root)
    if result.commitment.header != model_root:
        fail(
            f"aggregation: round {number}: model root {model_root.hex()} was settled, "
            f"{result.commitment.header.hex()} follows from the counted updates; "
            f"voted for by {voters}"
        )
    new = result.commitment.tree_root
    _read(evidence, new, f"round {number}: the new model, voted for by {voters}")
    seen = result.statistics
    evidence.accounting.replayed[number] = (seen.saturated, seen.stalled)


def _voters(evidence: Evidence, found: RoundTrail, attempt: int, model_root: bytes) -> str:
    voted = [
        evidence.who(verdict.account)
        for (tried, _), verdict in sorted(found.verdicts.items())
        if tried == attempt
        and isinstance(verdict, VerdictRevealed)
        and evidence.trail.model_header(verdict.model_root) == model_root
    ]
    return ", ".join(voted)


def check_model(evidence: Evidence, report: Report) -> None:
    """The model file holds exactly the float view of the last settled model."""
    root = summaries.final_root(evidence.trail, evidence.task)
    vector = read_vector(evidence.task, evidence.store, root)
    path = evidence.directory / summaries.MODEL_FILE
    if not path.is_file() or path.read_bytes() != summaries.model_file(evidence.task, vector):
        fail(
            f"model: {path.name} is not the model of root {evidence.trail.model_header(root).hex()}"
        )
    report.add("model", 1, f"{path.name} is the settled model")


def check_reports(evidence: Evidence, report: Report) -> None:
    """Every report of the sponsor's can be read."""
    for number, found in sorted(evidence.trail.metrics.items()):
        try:
            summaries.metric_values(found)
        except SheafError as error:
            fail(f"reports: round {number}: {error.message}; the sponsor reported it")
    report.add("reports", len(evidence.trail.metrics), "metrics as the sponsor reported them")


def check_summary(evidence: Evidence, report: Report) -> None:
    """Every field of the summary that follows from ledger and store."""
    path = evidence.directory / "summary.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(f"summary: {path.name} cannot be read: {error}")
    expected = summaries.recomputed(
        evidence.task, evidence.trail, evidence.accounting, evidence.place
    )
    count = _compare(found, expected, "")
    report.add("summary", count, "fields recomputed, among them gas, payouts and slashes")


def _compare(found: Any, expected: Any, where: str) -> int:
    """How many fields are as recomputed; the summary may hold no other but what is `UNCHECKED`."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return sum(
            _compare_field(found, expected, key, f"{where}.{key}".lstrip("."))
            for key in [*expected, *sorted(found.keys() - expected.keys())]
        )
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        return sum(_compare(f, e, f"{where}[{i}]") for i, (f, e) in pairs)
    if type(found) is not type(expected) or found != expected:
        fail(f"summary: {where or 'the whole'}: found {found!r}, recomputed {expected!r}")
    return 1


def _compare_field(found: dict[str, Any], expected: dict[str, Any], key: str, where: str) -> int:
    if key not in expected:
        if re.sub(r"\[\d+\]", "", where) not in summaries.UNCHECKED:
            fail(f"summary: {where}: found {found[key]!r}, recomputed nothing")
        return 0
    if key not in found:
        fail(f"summary: {where}: found nothing, recomputed {expected[key]!r}")
    return _compare(found[key], expected[key], where)
