"""A model as an ONNX graph, compared with torch before it is written. Needs torch and ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from sheaf.apps.modules import Restored, restored
from sheaf.apps.runs import Run
from sheaf.learning.samples import samples_of
from sheaf.learning.training import output_of, repeatable
from sheaf.protocol.errors import InvalidModel, InvalidUsage
from sheaf.store.files import write_atomically

MOST_SAMPLES = 256
LEAST_SAMPLES = 2
"""Torch takes a batch of one for a fixed size."""

INPUT, OUTPUT = "features", "scores"
TOLERANCE = 1e-3
"""Of the largest score, or of 1 where all are smaller: beyond it, the graph is another model."""


@dataclass(frozen=True)
class Comparison:
    """By how much the graph's scores differ from torch's at most, over how many samples, and
    whether those are `held-out` ones or `made-up`."""

    difference: float
    samples: int
    inputs: str


def write(run: Run, project: Path | None, target: Path) -> Comparison:
    """Write the run's final model to `target`: a batch of features in, scores out.

    The graph's metadata name the task, the round after which the model stood, and its root.

    Raises what `modules.restored` raises; `InvalidUsage` where the task has neither held-out data
    nor features to make some up from; `InvalidModel` for a module that torch cannot export, or
    whose graph gives other scores.
    """
    found = restored(run, project)
    module = found.module.eval()
    features, inputs = _features(found)
    threads = found.task.algorithm.threads
    with found.bundle.running(), repeatable(0, threads), torch.no_grad():
        graph = _exported(module, features, _metadata(run))
        expected = output_of(module, features).numpy()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (scores,) = session.run([OUTPUT], {INPUT: features.numpy()})
    difference = float(np.abs(scores - expected).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise InvalidModel(f"found scores of the ONNX graph that differ by {difference:g} from it")
    write_atomically(target, graph)
    return Comparison(difference, len(features), inputs)


def _features(found: Restored) -> tuple[torch.Tensor, str]:
    """A batch to compare on, as the module takes it."""
    task, dtype = found.task, next(found.module.parameters()).dtype
    if task.evaluation.entry:
        samples = samples_of(found.bundle.call(task.evaluation.entry))
        rows = [row % samples.count for row in range(max(LEAST_SAMPLES, samples.count))]
        features, inputs = samples.batch(rows[:MOST_SAMPLES])[0], "held-out"
    elif task.data.features:
        wanted = task.data.features[0]
        generator = torch.Generator().manual_seed(0)
        made = torch.randn(MOST_SAMPLES, *wanted.shape, generator=generator)
        features, inputs = made.to(getattr(torch, wanted.dtype)), "made-up"
    else:
        raise InvalidUsage(
            "found a task without evaluation.entry and data.features, accepted: a task with one "
            "of them, since the graph is compared with torch before it is written"
        )
    return features.to(dtype) if features.is_floating_point() else features, inputs


def _metadata(run: Run) -> Mapping[str, str]:
    summary = run.finished()
    settled = [row["round"] for row in summary["rounds"] if row.get("outcome") == "settled"]
    return {
        "sheaf.task": str(summary.get("task", "")),
        "sheaf.task_id": str(summary.get("task_id", "")),
        "sheaf.round": str(max(settled, default=0)),
        "sheaf.model_root": str(summary["model"]["root"]),
    }


def _exported(module: nn.Module, features: torch.Tensor, metadata: Mapping[str, str]) -> bytes:
    """The bytes of the graph, for batches of any size."""
    try:
        with _quiet():
            program = torch.onnx.export(
                module,
                (features,),
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            )
    except Exception as error:
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise InvalidModel(f"found a module that torch cannot export to ONNX ({reason})") from error
    assert program is not None  # which is what `dynamo` promises
    program.model.metadata_props.update(metadata)
    for node in program.model.graph:
        node.metadata_props.clear()  # stack traces, with the names of folders on this machine
    graph: bytes = program.model_proto.SerializeToString()
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Torch's exporter warns of its own future, logs packages that nobody asked for, and prints how
    far it came with a module that it cannot export."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(before)
