"""The project of a run: the only code that reading a run ever executes.

A run names the folder that it was made from, and whoever sends a run may have written anything
there. So that name counts for a folder of one's own alone: a whole path, outside of the run, whose
code is still the one that the task pins. A reader may name another folder instead.
"""

from __future__ import annotations

from pathlib import Path

from sheaf.nodes.bundle import Bundle
from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.protocol.errors import InvalidDocument, InvalidUsage
from sheaf.protocol.task import Task
from sheaf.store.files import is_folder

HINT = "--project PATH names the project the run was made from"


def project_of(directory: Path, task: Task, chosen: Path | None = None) -> Bundle:
    """The code to look at the run in `directory` with. Nothing of it has been executed.

    Of a `chosen` project this is whatever code is there; the one that the run names must hold the
    code that `task` pins. Raises `InvalidUsage` where it does not, where there is no such folder,
    and for a folder inside of the run; `InvalidConfiguration` for a folder without code.
    """
    folder = _named(directory) if chosen is None else chosen
    if not is_folder(folder):
        raise InvalidUsage(f"--project: found no folder {folder}, accepted: a project", HINT)
    if folder.resolve().is_relative_to(directory.resolve()):
        raise InvalidUsage(
            f"--project: found {folder}, which lies in the run, accepted: a project of your own",
            "code that came with a run is not executed",
        )
    bundle = Bundle.load(folder)
    if chosen is None:
        require_pinned(bundle, task)
    return bundle


def require_pinned(bundle: Bundle, task: Task) -> None:
    """Raise `InvalidUsage` unless `bundle` is the code that `task` pins."""
    found, wanted = bundle.digest.hex(), task.model.bundle.hex()
    if found != wanted:
        raise InvalidUsage(
            f"--project: the code in {bundle.folder} hashes to {found}, accepted: {wanted}, which "
            "the task pins",
            HINT,
        )


def _named(directory: Path) -> Path:
    """The project that the summary names."""
    try:
        named = Path(read_summary(directory)["project"])
    except (InvalidDocument, KeyError, TypeError):
        named = Path()
    if not named.is_absolute():
        raise InvalidUsage(
            f"{directory.name}: found no whole path of a project in its {SUMMARY_FILE}, "
            "accepted: --project PATH",
            HINT,
        )
    return named
