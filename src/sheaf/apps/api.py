"""Sheaf from Python, as `sheaf.run`, `sheaf.verify` and `sheaf.load`: for notebooks and scripts.

They do what the commands of those names do, and return typed values that show themselves as tables.
What goes wrong is one of the errors of `sheaf.protocol.errors`, with the line a command would
print as its message.
"""

from __future__ import annotations

from pathlib import Path

from sheaf.apps import runs
from sheaf.apps.extras import require
from sheaf.apps.results import RoundResult, RunResult, VerificationResult
from sheaf.apps.runs import Run

__all__ = ["RoundResult", "RunResult", "VerificationResult", "load", "run", "verify"]

Reference = str | Path | RunResult | None
"""How a run is named: its id, a prefix of it, a path, its result, or None for the last one."""


def run(
    project: str | Path = ".",
    *,
    rounds: int | None = None,
    seed: int | None = None,
    directory: str | Path | None = None,
    progress: bool = True,
) -> RunResult:
    """Run the task of a project folder, or of a `sheaf.toml`, on an embedded ledger, to its end.

    `rounds` and `seed` count over the project's own. The run is kept in `directory`, which must be
    new or empty, or else in `.sheaf/runs` as the command does. With `progress`, a line a round is
    shown on stderr. A task that ended early is returned as well: `RunResult.settled` is False.

    Raises `InvalidConfiguration`, `InvalidModel`, `InvalidData`, and whatever else stops a run.
    """
    require("torch", "torch")
    from sheaf.apps.cli.running import begin

    flags = {"algorithm.seed": seed, "schedule.rounds": rounds}
    settings = {key: value for key, value in flags.items() if value is not None}
    place = None if directory is None else Path(directory)
    ran = begin(Path(project), settings, place, quiet=not progress)
    return RunResult.of(ran.run.folder, ran.summary)


def load(run: Reference = None) -> RunResult:
    """A finished run; the last one unless another is named. Raises `RunNotFound`."""
    found = _found(run)
    return RunResult.of(found.folder, found.finished())


def verify(
    run: Reference = None,
    *,
    metrics: bool = False,
    receipts: bool = False,
    head: str | None = None,
    keys: str | Path | None = None,
    project: str | Path | None = None,
    url: str | None = None,
    from_block: int = 0,
) -> VerificationResult:
    """Recompute a run, the last one unless another is named, from its ledger and store.

    With `metrics` the reported metrics, too, which takes torch and executes the project's code: of
    `project`, or of the folder that the run was made from. With `receipts` what the actors signed,
    too. `head` is a head hash got from elsewhere, `keys` a file of addresses that must have
    countersigned the head. `url` is the endpoint of the chain that the run was on, unless that was
    an embedded ledger; its blocks are read from `from_block`, which must not be after the one that
    the contracts are in.

    Raises `VerificationFailed` at the first difference, `RunNotFound`, `InvalidUsage` where the
    project's code is not there any more, and ledger errors.
    """
    from sheaf.apps.anchors import anchor
    from sheaf.apps.checks import Wanted
    from sheaf.apps.subjects import RunSubject

    found, paths = _found(run), [None if p is None else Path(p) for p in (keys, project)]
    subject = RunSubject(found.folder, url, from_block)
    wanted = Wanted.of(subject, metrics=metrics, receipts=receipts, project=paths[1])
    with subject.opened(anchor(head, paths[0])) as case:
        case.verify(*wanted.checks(case))
    return VerificationResult.of(found, case.report)


def _found(run: Reference) -> Run:
    if isinstance(run, RunResult):
        return Run(run.folder)
    home = runs.home(Path.cwd())
    return runs.find(home, None if run is None else str(run), last=run is None)
