"""Carrying out `sheaf run`: a fresh run or one that was stopped, and how a stopped one goes on."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from sheaf.apps import runs
from sheaf.apps.cli.progress import Progress
from sheaf.apps.config import read
from sheaf.apps.config.training import check_training
from sheaf.apps.figure import draw
from sheaf.apps.models import ending
from sheaf.apps.runs import RECORD, Run
from sheaf.nodes import record, runner
from sheaf.nodes.hold import held
from sheaf.protocol.errors import (
    Interrupted,
    LedgerUnavailable,
    SheafError,
    StoreUnavailable,
    TaskEnded,
)
from sheaf.store.files import is_file

STOPS = (Interrupted, LedgerUnavailable, StoreUnavailable)
"""Errors after which a run can go on as it is."""


@dataclass(frozen=True)
class Ran:
    """A run that came to its end, and what troubles were told on the way."""

    run: Run
    summary: dict[str, Any]
    troubles: Sequence[str]

    def require_settled(self) -> None:
        """Raise `TaskEnded` for a task that ended early, with the first trouble that was told."""
        if self.summary["status"] != "settled":
            raise TaskEnded(ending(self.summary), "; ".join(self.troubles[:1]))


def begin(
    path: Path,
    settings: Mapping[str, object],
    directory: Path | None = None,
    *,
    quiet: bool = False,
) -> Ran:
    """Run the project in `path` with `settings` (section.key) over its own; the run is kept in
    `directory`, or else in `.sheaf`. A `quiet` one shows nothing on stderr."""
    plan, sources = read(path, settings)
    check_training(plan, sources)
    recorded = partial(record.write, plan=plan)
    if directory is None:
        kept = runs.create(runs.home(Path.cwd()), plan.name, datetime.now(UTC), recorded)
    else:
        kept = runs.create_at(directory, recorded)
    progress = Progress(plan, kept.folder, quiet=quiet)
    try:
        with _stoppable(kept), progress:
            summary = runner.resume(kept.folder, progress)  # it got no further than its record
    except SheafError as error:
        # Nothing happened that anybody would look for, or go on with.
        if not progress.began and not (isinstance(error, STOPS) and _is_recorded(kept)):
            shutil.rmtree(kept.folder, ignore_errors=True)
        raise
    return _drawn(Ran(kept, summary, progress.troubles))


def go_on(found: Run) -> Ran:
    """Go on with a run that was stopped."""
    with _stoppable(found):
        with held(found.folder):  # before anything is told; the runner holds it once more
            plan = record.read(found.folder)
        with Progress(plan, found.folder, resumed=found.id) as progress:
            summary = runner.resume(found.folder, progress)
    return _drawn(Ran(found, summary, progress.troubles))


def _drawn(ran: Ran) -> Ran:
    """With the picture of its rounds beside the summary, where it can be drawn."""
    try:
        draw(ran.summary, ran.run.folder)
    except StoreUnavailable as error:
        error.hint = f"the run is finished; `sheaf show {_reference(ran.run)}` shows it"
        raise
    return ran


@contextmanager
def _stoppable(run: Run) -> Iterator[None]:
    """Ctrl-C, and a kill that asks, end as `Interrupted`; whatever can be gone on with says how."""
    in_charge = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if in_charge else None
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("; ".join(filter(None, ["interrupted", _advice(run)]))) from None
    except (LedgerUnavailable, StoreUnavailable) as error:
        error.hint = error.hint or _advice(run)
        raise
    finally:
        if in_charge:
            signal.signal(signal.SIGTERM, before)


def _is_recorded(run: Run) -> bool:
    try:
        return is_file(run.folder / RECORD)
    except StoreUnavailable:  # what stopped the run is the better reason
        return False


def _advice(run: Run) -> str:
    """How a run goes on, if it can."""
    return f"`sheaf run --resume {_reference(run)}` goes on with it" if _is_recorded(run) else ""


def _reference(run: Run) -> str:
    """How a command run from here names the run."""
    own = runs.home(Path.cwd()) / "runs" / run.id
    return run.id if own == run.folder.resolve() else str(run.folder)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
