"""What the metrics would have been: the sponsor's hook on models that leave an update out.

This needs torch, and executes the code of a project that hashes to what the task pins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sheaf.audit.influence import model_without, settled_updates
from sheaf.learning.evaluation import metric_named
from sheaf.learning.scores import scores_of
from sheaf.nodes.aggregation import Vector, read_vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.local import loaded
from sheaf.nodes.project import project_of, require_pinned
from sheaf.protocol.errors import InvalidUsage

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Counterfactual:
    """Metrics by name: of the model before the round, of the settled one, and, by cohort position,
    of what it would be without an update."""

    before: Metrics
    settled: Metrics
    without: Mapping[int, Metrics]


def counterfactual(evidence: Evidence, round: int, project: Path | None = None) -> Counterfactual:
    """Measure a settled round with each of its updates left out.

    Raises `InvalidUsage` for a task without a hook, for a round that did not settle, and as
    `project_of` does.
    """
    counted, _ = settled_updates(evidence, round)
    task, trail, store = evidence.task, evidence.trail, evidence.store
    if not task.evaluation.entry:
        raise InvalidUsage("--metrics: found a task without held-out data, accepted: one with")
    bundle = project_of(evidence.directory, task, project)
    require_pinned(bundle, task)
    data = bundle.call(task.evaluation.entry)
    roots = [trail.model_after(number, task.model.initial) for number in (round - 1, round)]
    before, settled = (
        _measured(evidence, bundle, data, read_vector(task, store, root)) for root in roots
    )
    models = ((position, model_without(evidence, round, position)) for position, _, _ in counted)
    without = {place: _measured(evidence, bundle, data, model) for place, model in models}
    return Counterfactual(before, settled, without)


def _measured(evidence: Evidence, bundle: Bundle, data: Any, model: Vector) -> Metrics:
    task = evidence.task
    module = loaded(task, bundle, model)
    with bundle.running():
        scores, labels = scores_of(module, data, threads=task.algorithm.threads)
    metrics = ((name, metric_named(name)) for name in task.evaluation.metrics)
    return {name: float(metric.value(metric.count(scores, labels))) for name, metric in metrics}
