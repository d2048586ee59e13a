"""A finished run's model, measured on other data. Needs torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from sheaf.apps.cli.models import model_file, task_of
from sheaf.apps.runs import Run
from sheaf.learning import lattice, modules
from sheaf.learning.evaluation import evaluate, metric_named
from sheaf.learning.layout import Layout
from sheaf.learning.scores import scores_of
from sheaf.nodes.bundle import Bundle
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage


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

    Raises `InvalidUsage` for a hook or project that is none, `InvalidModel` for code that makes
    another model than the run's, and what `samples.samples_of` and `evaluation.evaluate` raise.
    """
    task = task_of(run)
    names = tuple(metrics) or task.evaluation.metrics
    if not names:
        raise InvalidUsage("--metric: found none, and the task has none; accepted: --metric NAME")
    chosen = [metric_named(name) for name in names]
    bundle = Bundle.load(_project(run, project))
    data = _data(bundle, hook)
    layout = Layout(task.model.layout)
    module = bundle.call(task.model.entry)
    vector = lattice.encode_model(layout.flatten(load_file(model_file(run))), layout.bits)
    modules.load(module, layout, vector)
    scores, labels = scores_of(module, data, threads=task.algorithm.threads)
    counts = evaluate(names, scores, labels)
    same = bundle.digest == task.model.bundle
    return Measured(
        {metric.name: float(metric.value(counts[metric.name])) for metric in chosen},
        len(labels),
        "" if same else "the project's code has changed since the run",
    )


def _project(run: Run, project: Path | None) -> Path:
    found = project or Path(str(run.finished().get("project")))
    if not found.is_dir():
        raise InvalidUsage(
            f"--project: found no folder {found}, accepted: the project the run was made from"
        )
    return found


def _data(bundle: Bundle, hook: str) -> Any:
    where, _, function = hook.rpartition(":")
    if not where or not function.isidentifier():
        raise InvalidUsage(f"--data: found {hook!r}, accepted: module:function or file.py:function")
    if not where.endswith(".py"):
        return bundle.call(hook)
    file = Path(where).resolve()
    if not file.is_file():
        raise InvalidConfiguration(f"--data: found no file {file}, accepted: file.py:function")
    alone = Bundle(file.parent, hashlib.sha256(file.read_bytes()).digest())
    return alone.call(f"{file.stem}:{function}")
