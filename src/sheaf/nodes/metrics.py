"""Recomputing reported metrics, with torch and the project's own evaluation hook."""

from __future__ import annotations

from pathlib import Path

from sheaf.learning.evaluation import metric_named
from sheaf.learning.scores import scores_of
from sheaf.nodes.aggregation import read_vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.evidence import METRICS, Evidence, Report, fail
from sheaf.nodes.local import loaded
from sheaf.nodes.project import project_of, require_pinned
from sheaf.nodes.summary import metric_counts
from sheaf.nodes.trail import Trail
from sheaf.protocol.task import Task
from sheaf.store.interface import Store


def check_metrics(evidence: Evidence, report: Report, project: Path | None = None) -> None:
    """Check that rounding can explain every reported metric; `VerificationFailed` at the first
    that it cannot.

    This executes code: that of `project`, or of the project the run was made from (`project_of`).
    Raises `InvalidUsage`, before it does, for other code than the task pins.
    """
    bundle = project_of(evidence.directory, evidence.task, project)
    require_pinned(bundle, evidence.task)
    count = recompute(bundle, evidence.task, evidence.store, evidence.trail)
    report.shown(METRICS)
    report.add("metrics", count, "reported counts are within rounding of the recomputed ones")


def recompute(bundle: Bundle, task: Task, store: Store, trail: Trail) -> int:
    """How many reported metrics were recomputed."""
    count = 0
    data = bundle.call(task.evaluation.entry) if task.evaluation.entry else None
    for number, report in sorted(trail.metrics.items()):
        root = trail.model_after(number, task.model.initial)
        module = loaded(task, bundle, read_vector(task, store, root))
        with bundle.running():
            scores, labels = scores_of(module, data, threads=task.algorithm.threads)
        for name, counts in metric_counts(report).items():
            if not metric_named(name).accepts(counts, scores, labels):
                own = metric_named(name).count(scores, labels)
                fail(
                    f"metrics: round {number}: the sponsor reported {name} {counts}, "
                    f"recomputed {own}"
                )
            count += 1
    return count
