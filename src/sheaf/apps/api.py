"""Sheaf from Python, as `sheaf.run`, `sheaf.verify` and `sheaf.load`: for notebooks and scripts.

They do what the commands of those names do, and return typed values that show themselves as tables.
What goes wrong is one of the errors of `sheaf.protocol.errors`, with the line a command would
print as its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from sheaf.apps import runs
from sheaf.apps.extras import require
from sheaf.apps.results import RoundResult, RunResult, VerificationResult
from sheaf.apps.runs import Run
from sheaf.protocol.errors import InvalidUsage

if TYPE_CHECKING:
    from sheaf.apps.subjects import About

__all__ = ["RoundResult", "RunResult", "VerificationResult", "load", "run", "verify"]

Reference = str | Path | RunResult | None
"""How a run is named: its id, a prefix of it, a path, its result, or None for the last one."""

Places = str | Path | Sequence[str | Path]
"""Files, folders or addresses, as a command line names them; one may stand by itself."""


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
    shown on stderr. A task that ended early is returned as well: `RunResult.settled` is False,
    `troubles` has what was told on the way, and where no round settled `model` raises `TaskEnded`.

    Raises `InvalidConfiguration`, `InvalidModel`, `InvalidData`, `InvalidUsage` for what is no
    path, and whatever else stops a run.
    """
    require("torch", "torch")
    from sheaf.apps.cli.running import begin

    flags = {"algorithm.seed": seed, "schedule.rounds": rounds}
    settings = {key: value for key, value in flags.items() if value is not None}
    folder, place = Path(_text("project", project)), _path("directory", directory)
    ran = begin(folder, settings, place, quiet=not progress)
    return RunResult.of(ran.run.folder, ran.summary, ran.troubles)


def load(run: Reference = None) -> RunResult:
    """A finished run; the last one unless another is named. Raises `RunNotFound`."""
    found = _found(run)
    return RunResult.of(found.folder, found.finished())


def verify(  # noqa: PLR0913 - what can be asked is its parameters
    subject: Reference = None,
    *,
    metrics: bool = False,
    receipts: bool = False,
    head: str | None = None,
    keys: str | Path | None = None,
    signatures: str | Path | None = None,
    project: str | Path | None = None,
    url: str | None = None,
    from_block: int = 0,
    ledger: Places = (),
    store: Places = (),
    federation: str | None = None,
    enough: int | None = None,
    light: bool = False,
    round: int | None = None,
    jobs: int = 1,
    state: str | Path | None = None,
) -> VerificationResult:
    """Recompute a run, the last one unless another is named, from its ledger and store; or a task,
    named by its id (0x and 64 hex digits), from those of others.

    With `metrics` the reported metrics, too, which takes torch and executes the project's code: of
    `project`, or of the folder that the run was made from. With `receipts` what the actors signed,
    too. `head` is a head hash got from elsewhere, `keys` a file of addresses that must have
    countersigned the head. What is read from an endpoint is read from block `from_block` on, which
    must not be after the one that the contracts are in.

    Of a run, `url` is the endpoint of the chain that it was on, unless that was an embedded ledger.
    Of a task, `ledger` names endpoints and ledgers' files, which must agree, or `enough` of them;
    `store` names addresses and folders, tried in order; `federation` the contract's address, which
    is looked up else; `signatures` a file of countersignatures, for `keys`. With `light` headers,
    proofs, and the bytes of one `round` are read (the last that settled if none).

    The work is shared among so many processes as there are `jobs`; what is done is noted in the
    file `state`, if there is one, and a verification that was interrupted goes on from there.

    Raises `VerificationFailed` at the first difference, `RunNotFound`, `InvalidUsage` for a value
    of another kind, for what belongs to a run with a task or the other way round, and where the
    project's code is not there any more, and what ledgers and stores raise.
    """
    from sheaf.apps.subjects import About

    named = (_reference("subject", subject), subject is None, _word("url", url))
    first = _number("from_block", from_block, 0) or 0
    places = (_texts("ledger", ledger), _texts("store", store), _word("federation", federation))
    demanded = (_number("enough", enough, 1), _word("head", head), light)
    about = About(*named, first, *places, *demanded, _number("round", round, 1))
    return _verified(about, (metrics, receipts), (keys, signatures, project, state), jobs)


def _verified(
    about: About, wanted: tuple[bool, bool], files: tuple[str | Path | None, ...], jobs: int
) -> VerificationResult:
    """Verify it: with metrics and receipts, or not; `files` are of keys and of signatures, a
    project's folder, and where to note what is done."""
    from sheaf.apps.checks import Wanted
    from sheaf.apps.strangers import manner_of
    from sheaf.nodes.evidence import silent

    names = ("keys", "signatures", "project", "state")
    keys, signatures, project, state = map(_path, names, files)
    jobs = _number("jobs", jobs, 1) or 1
    subject, (metrics, receipts) = about.subject(), wanted
    asked = Wanted.of(subject, metrics=metrics, receipts=receipts, project=project)
    manner = manner_of(state, jobs, subject.folder, silent, steps=receipts)
    with subject.opened(about.anchor(keys, signatures), manner) as case:
        case.verify(*asked.checks(case))
    return VerificationResult.of(subject, case.report)


def _found(run: Reference) -> Run:
    if isinstance(run, RunResult):
        return Run(run.folder)
    return runs.find(runs.home(Path.cwd()), _reference("run", run), last=run is None)


def _reference(name: str, named: Reference) -> str | None:
    if isinstance(named, RunResult):
        return str(named.folder)
    return None if named is None else _text(name, named, ", or a RunResult")


def _texts(name: str, places: Places) -> tuple[str, ...]:
    several = places if isinstance(places, Iterable) else [places]
    if isinstance(places, str | bytes):  # whose own items are no places
        several = [places]
    return tuple(_text(name, place, ", or several") for place in several)


def _path(name: str, given: str | Path | None) -> Path | None:
    return None if given is None else Path(_text(name, given))


def _text(name: str, given: object, more: str = "") -> str:
    """A path, or an address, as text. Raises `InvalidUsage` for anything that is no path."""
    text = fspath(given) if isinstance(given, str | PathLike) else given
    if isinstance(text, str) and "\0" not in text:
        return text
    found = "a zero byte" if isinstance(text, str) else type(given).__name__
    raise InvalidUsage(f"{name}: found {found}, accepted: a path, as str or Path{more}")


def _word(name: str, given: object) -> str | None:
    """A hash or an address, if one is given. Raises `InvalidUsage` for anything that is no text."""
    if given is None or isinstance(given, str):
        return given
    raise InvalidUsage(f"{name}: found {type(given).__name__}, accepted: str")


def _number(name: str, given: object, least: int) -> int | None:
    """A whole number, if one is given, numpy's as well. Raises `InvalidUsage` for anything else,
    and for one below `least`."""
    if given is None:
        return None
    accepted = f"accepted: int, at least {least}"
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise InvalidUsage(f"{name}: found {type(given).__name__}, {accepted}")
    if given < least:
        raise InvalidUsage(f"{name}: found {given}, {accepted}")
    return int(given)
