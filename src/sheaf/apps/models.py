"""A finished run's model and task document: where they lie. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from sheaf.apps.runs import Run
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.task import Task
from sheaf.store import DiskStore
from sheaf.store.files import is_file


def model_file(run: Run) -> Path:
    """The safetensors file of the model a run ended with, which lies in the run's folder.

    Raises `RunNotFound` for a run that did not finish, `InvalidDocument` for any other path.
    """
    model = run.finished().get("model")
    name = model.get("path") if isinstance(model, dict) else None
    if not isinstance(name, str):
        raise InvalidDocument(f"{run.id}: found a summary without model.path, accepted: a file")
    path = (run.folder / name).resolve()
    if not path.is_relative_to(run.folder.resolve()) or not is_file(path):
        raise InvalidDocument(f"{run.id}: model.path: found {name}, accepted: a file of the run")
    return path


def task_of(run: Run) -> Task:
    """The task document of a finished run, out of its store."""
    summary = run.finished()
    content_id = ContentId.parse(str(summary.get("task")))
    return Task.decode(DiskStore(run.folder / "store").get(content_id))
