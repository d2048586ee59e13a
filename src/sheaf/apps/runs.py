"""Runs on disk: `.sheaf/runs/ID/`, one folder a run, found by id, prefix, path or age."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.protocol.errors import InvalidDocument, InvalidUsage, RunNotFound, StoreUnavailable
from sheaf.store.files import is_file, is_folder, reachable, sync_directory
from sheaf.transport.address import like_address

HOME = Path(".sheaf")
REQUIRED = ("run", "status", "rounds", "model", "payouts", "slashed", "head")
LEDGER = "ledger.sqlite"
RECORD = "run.json"
FEW = 5
"""So many runs are named where more than one could be meant, so many troubles of one are shown."""
HIDDEN = "."
"""What the names of folders begin with that are no run yet."""
STAMP = "%Y%m%dT%H%M%SZ"
_STARTED = re.compile(r"(\d{8}T\d{6}Z)-")


@dataclass(frozen=True)
class Run:
    """A run's folder; its name is the run's id."""

    folder: Path

    @property
    def id(self) -> str:
        """The run's id."""
        return self.folder.name

    @property
    def started(self) -> str:
        """When it began, ISO-8601 in UTC, as its id says; "" where the folder was renamed."""
        stamp = _STARTED.match(self.id)
        try:
            began = datetime.strptime(stamp[1] if stamp else "", STAMP)
        except ValueError:
            return ""
        return began.replace(tzinfo=UTC).isoformat()

    def summary(self) -> dict[str, Any] | None:
        """The summary object, or None while there is none.

        Raises `InvalidDocument` for a file that holds something else, `StoreUnavailable` for one
        that cannot be read.
        """
        path = self.folder / SUMMARY_FILE
        if not is_file(path):
            return None
        try:
            found = read_summary(self.folder)
        except InvalidDocument as error:
            again = f"; then `sheaf run --resume {self.id}` writes it again"
            error.hint = f"remove it{again if is_file(self.folder / RECORD) else ''}"
            raise
        absent = [key for key in REQUIRED if key not in found]
        if absent:
            raise InvalidDocument(f"{path}: found no {absent[0]!r}, accepted: a summary")
        return found

    def finished(self) -> dict[str, Any]:
        """The summary object. Raises `RunNotFound` for a run that did not finish."""
        found = self.summary()
        if found is None:
            raise RunNotFound(
                f"{self.id}: found a run without {SUMMARY_FILE}, accepted: a finished run",
                hint=self._prospects(),
            )
        return found

    def _prospects(self) -> str:
        """What becomes of a run that did not finish."""
        from sheaf.nodes.hold import holder  # here, for its lock takes long to load

        at_work = holder(self.folder)
        if at_work:
            return f"{at_work} is at work on it"
        if not is_file(self.folder / RECORD):
            return "it was stopped, and left no record to go on from"
        return f"it was stopped; `sheaf run --resume {self.id}` goes on with it"


def home(start: Path) -> Path:
    """`.sheaf` in `start`, or in the nearest folder above that has one with runs in it."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if is_folder(folder / HOME / "runs"):
            return folder / HOME
    return start / HOME


def create(home: Path, name: str, now: datetime, record: Callable[[Path], None]) -> Run:
    """A fresh folder for a run of the task called `name` that begins `now` (UTC).

    What `record` writes into it, at least one file, is there from the first: however early the run
    is killed, there is a folder that can be gone on with, or none.
    """
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:40] or "task"
    stem = f"{now.strftime(STAMP)}-{slug}"
    try:
        (home / "runs").mkdir(parents=True, exist_ok=True)
        fresh = home / "runs" / f"{HIDDEN}{secrets.token_hex(8)}"
        fresh.mkdir()
        try:
            record(fresh)
            for number in range(1, 1000):
                folder = home / "runs" / (stem if number == 1 else f"{stem}-{number}")
                if _renamed(fresh, folder):
                    return Run(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise StoreUnavailable(f"{home}: cannot be written: {error.strerror}") from error
    raise StoreUnavailable(f"{home}: found a thousand runs of this second")


def _renamed(fresh: Path, folder: Path) -> bool:
    """Whether `folder` was not there, and now is."""
    try:
        fresh.rename(folder)
    except OSError:
        if folder.exists():
            return False
        raise
    sync_directory(folder.parent)
    return True


def create_at(folder: Path, record: Callable[[Path], None]) -> Run:
    """A run in a folder of one's own, which must be new or empty; its name is the run's id.

    What `record` writes into it is there before anything else. Raises `InvalidUsage` for any other
    folder, `StoreUnavailable` where it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidUsage(f"{folder}: found something in it, accepted: a new or empty folder")
    except FileExistsError as error:
        raise InvalidUsage(f"{folder}: found a file, accepted: a new or empty folder") from error
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be written: {error.strerror}") from error
    record(folder)
    return Run(folder.resolve())


def listed(home: Path) -> list[Run]:
    """All runs, the oldest first."""
    folder = home / "runs"
    if not is_folder(folder):
        return []
    with reachable(folder):
        found = [f for f in folder.iterdir() if is_folder(f) and not f.name.startswith(HIDDEN)]
    return sorted(map(Run, found), key=lambda run: _order(run.id))


def _order(id: str) -> tuple[str, int, str]:
    """By second, then by the number that a second run of the same task in it got."""
    number = re.search(r"-(\d{1,3})$", id)
    return id[:16], int(number[1]) if number else 1, id


def find(home: Path, reference: str | None, last: bool = False) -> Run:
    """The run called `reference`: its id, a prefix that no other run has, or a path; or the last.

    Raises `RunNotFound`, naming what there is.
    """
    known = listed(home)
    if reference is None:
        if not last:
            raise RunNotFound("found no RUN, accepted: a run's id, a prefix of it, a path, --last")
        if not known:
            raise RunNotFound(f"found no run in {home / 'runs'}", hint="`sheaf run` makes one")
        return known[-1]
    path = Path(reference)
    if reference and any(is_file(path / name) for name in (SUMMARY_FILE, LEDGER, RECORD)):
        return Run(path.resolve())
    matching = [run for run in known if run.id == reference] or [
        run for run in known if reference and run.id.startswith(reference)
    ]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(run.id for run in matching[:FEW])
    names += f" and {len(matching) - FEW} more" if len(matching) > FEW else ""
    told = "RUN" if not reference or like_address(reference) else reference
    raise RunNotFound(
        f"{told}: found {f'more than one run: {names}' if names else 'no such run'}, "
        "accepted: a run's id, a prefix that no other run has, a path, --last",
        hint="`sheaf list` shows them",
    )
