"""Recomputing reported metrics, with torch and the project's own evaluation hook."""

from __future__ import annotations

import json
from pathlib import Path

from sheaf.learning.evaluation import metric_named
from sheaf.learning.scores import scores_of
from sheaf.nodes.aggregation import read_vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.local import loaded
from sheaf.nodes.summary import metric_counts
from sheaf.nodes.trail import Trail
from sheaf.protocol.task import Task
from sheaf.store.interface import Store


def check_metrics(evidence: Evidence, report: Report) -> None:
    """Check that rounding can explain every reported metric; `VerificationFailed` at the first
    that it cannot.

    The project's folder, which the summary names, must still hold the bundle the task pins. This
    runs its code, so it must not lie in the run itself: that is somebody else's.
    """
    summary = json.loads((evidence.directory / "summary.json").read_text(encoding="utf-8"))
    project = Path(str(summary.get("project"))).resolve()
    if project.is_relative_to(evidence.directory.resolve()):
        fail(f"metrics: {project} lies in the run; code that came with a run is not executed")
    count = recompute(project, evidence.task, evidence.store, evidence.trail)
    report.limits = tuple(limit for limit in report.limits if not limit.startswith("the metrics"))
    report.add("metrics", count, "reported counts are within rounding of the recomputed ones")


def recompute(project: Path, task: Task, store: Store, trail: Trail) -> int:
    """How many reported metrics were recomputed."""
    bundle, count = Bundle.load(project), 0
    if bundle.digest != task.model.bundle:
        fail(
            f"metrics: the code in {project} hashes to {bundle.digest.hex()}; the task pins "
            f"{task.model.bundle.hex()}"
        )
    data = bundle.call(task.evaluation.entry) if task.evaluation.entry else None
    for number, report in sorted(trail.metrics.items()):
        root = trail.model_after(number, task.model.initial)
        module = loaded(task, bundle, read_vector(task, store, root))
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
