"""A finished run's model and task document: where they lie, and whether the model was trained.
Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sheaf.apps.runs import Run
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import InvalidDocument, TaskEnded
from sheaf.protocol.task import Task
from sheaf.store import DiskStore
from sheaf.store.files import is_file


def ending(summary: Mapping[str, Any]) -> str:
    """When and why a task ended early, as its run's summary says."""
    rounds = len(summary["rounds"])
    begun = f"after round {rounds}" if rounds else "before round 1"
    return f"the task ended {begun}: {summary['cause']}"


def require_trained(run: Run, summary: Mapping[str, Any], troubles: Sequence[str] = ()) -> None:
    """Raise `TaskEnded` where no round settled, with the first of the troubles that were told: the
    run's model is the one that it began with."""
    rounds = summary["rounds"]
    if summary["status"] != "ended" or any(row["outcome"] == "settled" for row in rounds):
        return
    hint = troubles[0] if troubles else f"{run.folder / 'log'} has what was told"
    raise TaskEnded(f"{run.id}: found no trained model, for {ending(summary)}", hint)


def model_file(run: Run) -> Path:
    """The safetensors file of the model a run ended with, which lies in the run's folder.

    Raises `RunNotFound` for a run that did not finish, `TaskEnded` for one of which no round
    settled, `InvalidDocument` for a file that is not there and for any other path.
    """
    summary = run.finished()
    try:
        require_trained(run, summary)
    except (KeyError, TypeError) as error:
        raise InvalidDocument(f"{run.id}: found a summary without {error}") from error
    model = summary.get("model")
    name = model.get("path") if isinstance(model, dict) else None
    if not isinstance(name, str):
        raise InvalidDocument(f"{run.id}: found a summary without model.path, accepted: a file")
    path = (run.folder / name).resolve()
    inside = path.is_relative_to(run.folder.resolve())
    if not inside or not is_file(path):
        found = f"no {name}" if inside else name
        raise InvalidDocument(f"{run.id}: model.path: found {found}, accepted: a file of the run")
    return path


def task_of(run: Run) -> Task:
    """The task document of a finished run, out of its store."""
    summary = run.finished()
    content_id = ContentId.parse(str(summary.get("task")))
    return Task.decode(DiskStore(run.folder / "store").get(content_id))
