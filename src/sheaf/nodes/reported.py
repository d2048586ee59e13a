"""What a run or its sponsor says of itself, held against what was recomputed: the model file, the
metrics' form, the summary."""

from __future__ import annotations

from typing import Any

from sheaf.nodes import summary as summaries
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.model_file import is_model
from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.protocol.errors import InvalidDocument, SheafError
from sheaf.store.files import exists, is_file, reachable


def check_model(evidence: Evidence, report: Report) -> None:
    """The model file holds exactly the float view of the last settled model."""
    path = evidence.directory / summaries.MODEL_FILE
    there = exists(path)
    if report.unfinished and not there:
        return
    root = summaries.final_root(evidence.trail, evidence.task)
    wanted = f"the model of root {evidence.trail.model_header(root).hex()}"
    if not there:
        fail(f"model: found no {path.name}, accepted: {wanted}")
    if evidence.model_file is None:
        evidence.model_file = is_model(evidence.task, evidence.store, root, path)
    if not evidence.model_file:
        fail(f"model: {path.name} is not {wanted}")
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
    path = evidence.directory / SUMMARY_FILE
    if report.unfinished and not exists(path):
        return
    if not is_file(path):
        fail(f"summary: found no {path.name}, though the task has ended; a resumed run writes it")
    try:
        with reachable(path):
            content, found = path.read_bytes(), read_summary(evidence.directory)
    except InvalidDocument as error:
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
