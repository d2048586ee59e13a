"""A finished run's model: where it lies, and as a file elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from sheaf.apps.runs import Run
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import InvalidDocument, InvalidUsage
from sheaf.protocol.task import Task
from sheaf.store import DiskStore

Writer = Callable[[Path, Path], object]


class Kind(StrEnum):
    """What a model can be exported as."""

    SAFETENSORS = "safetensors"
    TORCH = "torch"


SUFFIX = {Kind.SAFETENSORS: ".safetensors", Kind.TORCH: ".pt"}


def model_file(run: Run) -> Path:
    """The safetensors file of the model a run ended with, which lies in the run's folder.

    Raises `RunNotFound` for a run that did not finish, `InvalidDocument` for any other path.
    """
    model = run.finished().get("model")
    name = model.get("path") if isinstance(model, dict) else None
    if not isinstance(name, str):
        raise InvalidDocument(f"{run.id}: found a summary without model.path, accepted: a file")
    path = (run.folder / name).resolve()
    if not path.is_relative_to(run.folder.resolve()) or not path.is_file():
        raise InvalidDocument(f"{run.id}: model.path: found {name}, accepted: a file of the run")
    return path


def export(run: Run, kind: Kind, out: Path | None, write: Writer = shutil.copyfile) -> Path:
    """Write the model to `out`; `RUN.safetensors` or `RUN.pt` here if that is None.

    `write(source, target)` makes the kind of file out of the safetensors file.

    Raises `InvalidUsage` where a file of that name is there already.
    """
    source = model_file(run)
    target = out or Path(f"{run.id}{SUFFIX[kind]}")
    if target.exists():
        raise InvalidUsage(
            f"{target}: found a file there already, accepted: a new name", hint="--out FILE"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write(source, target)
    return target


def task_of(run: Run) -> Task:
    """The task document of a finished run, out of its store."""
    summary = run.finished()
    content_id = ContentId.parse(str(summary.get("task")))
    return Task.decode(DiskStore(run.folder / "store").get(content_id))
