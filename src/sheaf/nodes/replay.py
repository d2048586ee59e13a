"""Replaying what is off chain: updates, aggregations, the model file, the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sheaf.nodes import summary as summaries
from sheaf.nodes.aggregation import UpdateMissing, aggregate, read_state, read_vector
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel, SheafError
from sheaf.protocol.events import RoundSettled, VerdictRevealed
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

Reader = Callable[[Task, Store, bytes], object]
"""Reads what lies under a tree root, or raises what is wrong with it."""


def check_commitments(evidence: Evidence, report: Report) -> None:
    """Every reveal opens the commitment of the same participant."""
    trail, opened = evidence.trail, 0
    for number, found in sorted(trail.rounds.items()):
        for position, e in sorted(found.reveals.items()):
            expected = trail.deployment.update_commitment(
                trail.task, number, e.account, e.root, e.samples, e.receipt, e.salt
            )
            if expected != found.commits[position].commitment:
                who = evidence.who(e.account)
                fail(
                    f"commitment: round {number}: the reveal of {who} does not open its commitment"
                )
            opened += 1
    report.add("commitments", opened, "opened reveals match their commitments")


def check_rounds(evidence: Evidence, report: Report) -> None:
    """Replay the aggregation of every settled round on the model that stood before it, and read
    the counted updates of a claim that is not settled yet. Those of an attempt without a claim
    made no model, and nobody needs them any more."""
    updates = settled = 0
    _check_start(evidence)
    for number, found in sorted(evidence.trail.rounds.items()):
        if found.claim is None:
            continue
        counted = found.counted_updates(found.claim.attempt)
        if isinstance(found.outcome, RoundSettled):
            _check_round(evidence, found, found.claim.attempt, found.outcome)
            settled += 1
        else:
            for position, root, _ in counted:
                _read(evidence, root, _update(evidence, number, position))
        updates += len(counted)
    report.add("updates", updates, "updates behind a model in the store under their tree roots")
    report.add("aggregations", settled, "settled rounds recomputed to the same model roots")


def _check_start(evidence: Evidence) -> None:
    """The initial model is there, and the optimiser's state starts where its constants say."""
    trail, model = evidence.trail, evidence.trail.terms.model
    _read(evidence, evidence.task.model.initial, "the sponsor's initial model")
    assert trail.published is not None
    if trail.state_header(model.initial_state) != trail.published.state_root:
        fail("document: the published state root is not the start; the sponsor published it")


def _update(evidence: Evidence, number: int, position: int) -> str:
    account = evidence.trail.rounds[number].reveals[position].account
    return f"round {number}: the update of {evidence.who(account)}"


def _read(evidence: Evidence, root: bytes, what: str, read: Reader = read_vector) -> None:
    try:
        read(evidence.task, evidence.store, root)
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        fail(f"store: {what}: {error.message}")


def _check_round(
    evidence: Evidence, found: RoundTrail, attempt: int, settled: RoundSettled
) -> None:
    number, task, trail = found.number, evidence.task, evidence.trail
    base, state = trail.model_after(number - 1, task.model.initial), trail.state_after(number - 1)
    try:
        result = aggregate(task, evidence.store, base, found.counted_updates(attempt), state)
    except UpdateMissing as missing:
        fail(f"store: {_update(evidence, number, missing.position)}: {missing.message}")
    voters = _voters(evidence, found, attempt, settled)
    model, moments = result.commitment.header, result.state_header
    roots = (("model", settled.model_root, model), ("state", settled.state_root, moments))
    for kind, root, follows in roots:
        if root != follows:
            fail(
                f"aggregation: round {number}: {kind} root {root.hex()} was settled, "
                f"{follows.hex()} follows from the counted updates; voted for by {voters}"
            )
    new, whose = f"round {number}: the new", f"voted for by {voters}"
    _read(evidence, result.commitment.tree_root, f"{new} model, {whose}")
    if result.state_root != ZERO:
        _read(evidence, result.state_root, f"{new} state, {whose}", read_state)
    seen = result.statistics
    evidence.accounting.replayed[number] = (seen.saturated, seen.stalled)


def _voters(evidence: Evidence, found: RoundTrail, attempt: int, settled: RoundSettled) -> str:
    voted = [
        evidence.who(verdict.account)
        for (tried, _), verdict in sorted(found.verdicts.items())
        if tried == attempt
        and isinstance(verdict, VerdictRevealed)
        and evidence.trail.headers(verdict)[1:] == (settled.model_root, settled.state_root)
    ]
    return ", ".join(voted)


def check_model(evidence: Evidence, report: Report) -> None:
    """The model file holds exactly the float view of the last settled model."""
    path = evidence.directory / summaries.MODEL_FILE
    if report.unfinished and not path.exists():
        return
    root = summaries.final_root(evidence.trail, evidence.task)
    vector = read_vector(evidence.task, evidence.store, root)
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
    """Every field of the summary that follows from ledger and store, and the form of the others."""
    path = evidence.directory / summaries.SUMMARY_FILE
    if report.unfinished and not path.exists():
        return
    if not path.exists():
        fail(f"summary: found no {path.name}, though the task has ended; a resumed run writes it")
    try:
        content = path.read_bytes()
        found = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        fail(f"summary: {path.name} cannot be read: {error}")
    count = _compare(found, _expected(evidence), "")
    if content != summaries.json_text(found).encode():
        fail(f"summary: {path.name} is not as a run writes it: its spacing, or a field twice")
    report.add("summary", count, "fields recomputed, among them gas, payouts and slashes")


def _expected(evidence: Evidence) -> dict[str, Any]:
    """The summary with what is recomputed, and forms in the place of what is not."""
    expected = summaries.recomputed(
        evidence.task, evidence.trail, evidence.accounting, evidence.place
    )
    for name, form in summaries.UNCHECKED.items():
        listed, _, field = name.rpartition(".")
        for row in expected[listed] if listed else [expected]:
            row[field] = form
    return expected


def _compare(found: Any, expected: Any, where: str) -> int:
    """How many fields are as recomputed; the summary may hold no other."""
    if isinstance(expected, summaries.Form):
        if not expected.accepts(found):
            fail(f"summary: {where}: found {found!r:.200}, accepted: {expected.words}")
        return 0
    if isinstance(expected, dict) and isinstance(found, dict):
        return sum(
            _compare_field(found, expected, key, f"{where}.{key}".lstrip("."))
            for key in [*expected, *sorted(found.keys() - expected.keys())]
        )
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        return sum(_compare(f, e, f"{where}[{i}]") for i, (f, e) in pairs)
    if type(found) is not type(expected) or found != expected:
        fail(f"summary: {where or 'the whole'}: found {found!r:.200}, recomputed {expected!r:.200}")
    return 1


def _compare_field(found: dict[str, Any], expected: dict[str, Any], key: str, where: str) -> int:
    if key not in expected:
        fail(f"summary: {where}: found {found[key]!r:.200}, recomputed nothing")
    if key not in found:
        wanted = expected[key]
        known = isinstance(wanted, summaries.Form)
        told = f"accepted: {wanted.words}" if known else f"recomputed {wanted!r:.200}"
        fail(f"summary: {where}: found nothing, {told}")
    return _compare(found[key], expected[key], where)
