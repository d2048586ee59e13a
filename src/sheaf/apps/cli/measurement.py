"""A finished run's model, measured on other data. Needs torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sheaf.apps.models import task_of
from sheaf.apps.modules import restored
from sheaf.apps.runs import Run
from sheaf.learning.evaluation import evaluate, metric_named
from sheaf.learning.scores import scores_of
from sheaf.nodes.bundle import Bundle
from sheaf.protocol.errors import InvalidUsage
from sheaf.store.files import is_file, reachable

CHANGED = "the project's code is not the one that the task pins"


@dataclass(frozen=True)
class Measured:
    """Metrics of a model on data of somebody's own: nobody but the caller vouches for them."""

    metrics: dict[str, float]
    samples: int
    warning: str


def measure(run: Run, hook: str, project: Path | None, metrics: Sequence[str]) -> Measured:
    """Metrics of the run's model on what `hook` returns.

    `hook` is `module:function` in the project, or `file.py:function` anywhere. The project is the
    one that the run was made from, unless another is given. Without `metrics` the task's own count.

    Raises `InvalidUsage` for a hook that is none, what `modules.restored` raises for the project,
    and what `samples.samples_of` and `evaluation.evaluate` raise.
    """
    names = tuple(metrics) or task_of(run).evaluation.metrics
    if not names:
        raise InvalidUsage("--metric: found none, and the task has none; accepted: --metric NAME")
    chosen = [metric_named(name) for name in names]
    found = restored(run, project)
    data, threads = _data(found.bundle, hook), found.task.algorithm.threads
    with found.bundle.running():
        scores, labels = scores_of(found.module, data, threads=threads)
    counts = evaluate(names, scores, labels)
    values = {metric.name: float(metric.value(counts[metric.name])) for metric in chosen}
    return Measured(values, len(labels), CHANGED if found.changed else "")


def _data(bundle: Bundle, hook: str) -> Any:
    where, _, function = hook.rpartition(":")
    if not where or not function.isidentifier():
        raise InvalidUsage(f"--data: found {hook!r}, accepted: module:function or file.py:function")
    if not where.endswith(".py"):
        return bundle.call(hook)
    file = Path(where).resolve()
    if not is_file(file):
        raise InvalidUsage(f"--data: found no file {file}, accepted: file.py:function")
    with reachable(file):
        alone = Bundle(file.parent, hashlib.sha256(file.read_bytes()).digest())
    return alone.call(f"{file.stem}:{function}")
