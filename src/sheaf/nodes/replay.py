"""Replaying what is off chain: updates, aggregations, the model file, the summary."""

from __future__ import annotations

import json
from typing import Any

from sheaf.nodes import summary as summaries
from sheaf.nodes.aggregation import UpdateMissing, aggregate, read_vector, vector_id
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel
from sheaf.protocol.events import RoundSettled, VerdictRevealed


def check_updates(evidence: Evidence, report: Report) -> None:
    """Commitments open, and the bytes behind every counted update are there and whole."""
    trail, opened, read = evidence.trail, 0, 0
    for number, found in sorted(trail.rounds.items()):
        counted = {p for attempt in found.counted for p in found.counted_positions(attempt)}
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
    report.add("updates", read, "counted updates in the store under their tree roots")


def _read(evidence: Evidence, root: bytes, what: str) -> None:
    try:
        read_vector(evidence.task, evidence.store, root)
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        fail(f"store: {what}: {vector_id(evidence.task, root)}: {error.message}")


def check_rounds(evidence: Evidence, report: Report) -> None:
    """Replay the aggregation of every settled round on the model that stood before it."""
    settled = 0
    _read(evidence, evidence.task.model.initial, "the sponsor's initial model")
    for number, found in sorted(evidence.trail.rounds.items()):
        if isinstance(found.outcome, RoundSettled):
            _check_round(evidence, number, found, found.outcome)
            settled += 1
    report.add("aggregations", settled, "settled rounds recomputed to the same model roots")


def _check_round(evidence: Evidence, number: int, found: RoundTrail, outcome: RoundSettled) -> None:
    trail, attempt = evidence.trail, max(found.counted)
    counted = [
        (p, found.reveals[p].root, found.reveals[p].samples)
        for p in found.counted_positions(attempt)
    ]
    base = trail.settled_root(number - 1) or evidence.task.model.initial
    try:
        result = aggregate(evidence.task, evidence.store, base, counted)
    except UpdateMissing as missing:
        owner = evidence.who(found.cohort[missing.position])
        fail(f"store: round {number}: the update of {owner}: {missing.message}")
    if result.commitment.header != outcome.model_root:
        voters = _voters(evidence, number, attempt, outcome.model_root)
        fail(
            f"aggregation: round {number}: model root {outcome.model_root.hex()} was settled, "
            f"{result.commitment.header.hex()} follows from the counted updates; "
            f"voted for by {voters}"
        )
    _read(evidence, result.commitment.tree_root, f"round {number}: the committee's new model")
    seen = result.statistics
    evidence.accounting.replayed[number] = (seen.saturated, seen.stalled)


def _voters(evidence: Evidence, number: int, attempt: int, model_root: bytes) -> str:
    verdicts = evidence.trail.rounds[number].verdicts.items()
    voted = [
        evidence.who(verdict.account)
        for (tried, _), verdict in sorted(verdicts)
        if tried == attempt
        and isinstance(verdict, VerdictRevealed)
        and evidence.trail.model_header(verdict.model_root) == model_root
    ]
    return ", ".join(voted)


def check_model(evidence: Evidence, report: Report) -> None:
    """The model file holds exactly the float view of the last settled model."""
    root = summaries.final_root(evidence.trail, evidence.task)
    vector = read_vector(evidence.task, evidence.store, root)
    path = evidence.directory / "model.safetensors"
    if not path.is_file() or path.read_bytes() != summaries.model_file(evidence.task, vector):
        fail(
            f"model: {path.name} is not the model of root {evidence.trail.model_header(root).hex()}"
        )
    report.add("model", 1, f"{path.name} is the settled model")


def check_summary(evidence: Evidence, report: Report) -> None:
    """Every field of the summary that follows from ledger and store."""
    path = evidence.directory / "summary.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(f"summary: {path.name} cannot be read: {error}")
    expected = summaries.recomputed(
        evidence.task, evidence.trail, evidence.accounting, evidence.head
    )
    count = _compare(found, expected, "")
    report.add("summary", count, "fields recomputed, among them gas, payouts and slashes")


def _compare(found: Any, expected: Any, where: str) -> int:
    """Compare what is recomputed; the summary may say more (what it reports)."""
    if isinstance(expected, dict) and isinstance(found, dict):
        extra = found.keys() - expected.keys() if where in ("payouts", "slashed") else ()
        for key in extra:
            fail(f"summary: {where}.{key}: found {found[key]}, recomputed nothing")
        return sum(
            _compare(found.get(key), value, f"{where}.{key}".lstrip("."))
            for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        return sum(_compare(f, e, f"{where}[{i}]") for i, (f, e) in pairs)
    if found != expected:
        fail(f"summary: {where}: found {found!r}, recomputed {expected!r}")
    return 1
