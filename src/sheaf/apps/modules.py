"""A finished run's model in a torch module: the caller's own, or the project's. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from sheaf.apps.models import model_file, task_of
from sheaf.apps.runs import Run
from sheaf.learning import lattice, modules
from sheaf.learning.layout import Layout
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.local import made
from sheaf.nodes.project import project_of
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.task import Task
from sheaf.store.files import require_readable


@dataclass(frozen=True)
class Restored:
    """The project's module with the run's weights; `changed` where the project's code is not what
    the task pins any more."""

    task: Task
    bundle: Bundle
    module: nn.Module
    changed: bool


def tensors(run: Run) -> dict[str, torch.Tensor]:
    """The run's final model as float32 tensors by name.

    Raises what `model_file` raises, `InvalidModel` for a file that holds something else, and
    `StoreUnavailable` for one that cannot be read.
    """
    path = model_file(run)
    require_readable(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidModel(f"{path}: found {error}, accepted: a safetensors file") from error


def load(run: Run, module: nn.Module) -> None:
    """Set the tensors of `module` to the run's final model.

    Raises `InvalidModel`, before anything is changed, for a module of another layout.
    """
    layout = Layout(task_of(run).model.layout)
    arrays = {name: tensor.numpy() for name, tensor in tensors(run).items()}
    vector = lattice.encode_model(layout.flatten(arrays), layout.bits)
    modules.load(module, layout, vector)


def restored(run: Run, project: Path | None) -> Restored:
    """The module that the project's factory makes, with the run's final model in it.

    The project is the one that the run was made from, with the code it had then, unless another is
    given. Raises what `project_of` raises, and `InvalidModel` for code that makes another model.
    """
    task = task_of(run)
    bundle = project_of(run.folder, task, project)
    module = made(bundle, task.model.entry)
    load(run, module)
    return Restored(task, bundle, module, bundle.digest != task.model.bundle)
