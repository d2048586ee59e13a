"""Every file call of a small task fails once: it ends with one clear line, and goes on.

What changes files fails while a task runs; what reads them while `sheaf run` carries one out, while
`sheaf run --resume` goes on with one that was stopped, and while `sheaf verify` verifies one. The
tests try some of the calls, `make soak` all.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sheaf.nodes import runner
from sheaf.nodes.plan import Plan
from sheaf.nodes.record import RECORD
from sheaf.protocol.errors import SheafError
from sheaf.protocol.task import CohortSize
from tests.e2e.command import Said, carried_out, project
from tests.e2e.courses import Left
from tests.e2e.filecalls import Calls, counted
from tests.nodes.plans import committee, plan
from tests.nodes.stage import Watcher

UNREACHABLE = 4


def small() -> Plan:
    """Two participants, one aggregator, two rounds."""
    return plan(participants=2, committee=committee(1, 1), cohort=CohortSize(2, 2, 1000))


@dataclass(frozen=True)
class Failure:
    """What was said when the file call of this number failed, and the exit code: 0 where it was
    not minded."""

    number: int
    call: str
    place: str
    code: int
    said: str

    def require_clear(self) -> None:
        """AssertionError for anything but one line and the exit code of what cannot be reached."""
        sound = self.code in (0, UNREACHABLE) and "\n" not in self.said
        if not sound or bool(self.code) != bool(self.said):
            raise AssertionError(f"{self} is not one line of exit {UNREACHABLE}")


class Sweep(ABC):
    """Fails file calls by number, each in a folder of its own: those that change files or, with
    `reads`, those that read them."""

    reads = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alone = self._alone(folder / "alone")  # what is imported late makes file calls, too
        calls = Calls(reads=self.reads)
        self._alone(folder / "counted", calls)
        self.calls, self.places = calls.made, calls.places

    def _alone(self, directory: Path, calls: Calls | None = None) -> object:
        self.begin(directory)
        work = self.life(directory)
        with counted(calls or Calls()):
            ended = work()
        if ended.code:
            raise AssertionError(f"{directory}: nothing was to fail: {ended}")
        return self.left(directory, ended)

    @abstractmethod
    def begin(self, directory: Path) -> None:
        """Lay what is there before the first call."""

    @abstractmethod
    def life(self, directory: Path) -> Callable[[], Said]:
        """What the calls are made in: to begin, or go on, to the end; how it ended."""

    @abstractmethod
    def left(self, directory: Path, ended: Said) -> object:
        """What must not depend on whether a call failed before."""

    def over(self, numbers: Iterable[int]) -> Iterator[Failure]:
        """Fail each call; AssertionError where it does not go on to the same end."""
        for number in numbers:
            directory = self.folder / f"run-{number}"
            self.begin(directory)
            failure = self._fail(number, directory)
            ended = self.life(directory)()
            if self.left(directory, ended) != self.alone:
                raise AssertionError(f"{directory} ended otherwise, with {ended}: {failure}")
            shutil.rmtree(directory)
            yield failure

    def _fail(self, number: int, directory: Path) -> Failure:
        work = self.life(directory)
        with counted(Calls(number, reads=self.reads)) as calls:
            ended = work()
        if not ended.code and self.left(directory, ended) != self.alone:
            raise AssertionError(f"{directory}: a failure was passed over: {calls.made[-1]}")
        return Failure(
            number, calls.made[number - 1], calls.places[number - 1], ended.code, ended.error
        )


class Writing(Sweep):
    """Fails what changes files while a task runs."""

    def begin(self, directory: Path) -> None:
        """Nothing: the run makes its own."""

    def life(self, directory: Path) -> Callable[[], Said]:
        """By the functions that the command calls."""
        begun = (directory / RECORD).exists()

        def work() -> Said:
            try:
                if begun:
                    runner.resume(directory, Watcher())
                else:
                    runner.run(small(), directory, Watcher())
            except SheafError as error:
                return Said(error.exit_code, error=error.message)
            return Said(0)

        return work

    def left(self, directory: Path, ended: Said) -> object:
        """Summary and model."""
        return Left.by(directory)


class Reading(Sweep):
    """Fails what `sheaf run` reads."""

    reads = True

    def __init__(self, folder: Path) -> None:
        self.project = project(folder / "flowers")
        super().__init__(folder)

    def begin(self, directory: Path) -> None:
        """A folder to run in."""
        directory.mkdir()

    def life(self, directory: Path) -> Callable[[], Said]:
        """The command, in that folder."""
        begun = [path.parent.name for path in directory.glob(f".sheaf/runs/*/{RECORD}")]
        more = ["--resume", *begun] if begun else [str(self.project)]
        return lambda: carried_out(directory, "run", *more)

    def left(self, directory: Path, ended: Said) -> object:
        """Summary and model."""
        (run,) = directory.glob(".sheaf/runs/*")
        return Left.by(run)


class Resuming(Reading):
    """Fails what `sheaf run --resume` reads, of a run that was stopped half-way."""

    def __init__(self, folder: Path) -> None:
        self._stopped = folder / "stopped"
        super().__init__(folder)

    def begin(self, directory: Path) -> None:
        """A copy of the run that was stopped."""
        if not self._stopped.exists():
            writes = Calls()
            self._run(self.folder / "whole", writes)
            self._run(self._stopped, Calls(len(writes.made) // 2))
        shutil.copytree(self._stopped, directory)

    def _run(self, directory: Path, calls: Calls) -> None:
        directory.mkdir()
        with counted(calls):
            carried_out(directory, "run", str(self.project))


class Verifying(Reading):
    """Fails what `sheaf verify` reads: it says the same of the run as before, or nothing."""

    def begin(self, directory: Path) -> None:
        """A copy of a finished run."""
        finished = self.folder / "finished"
        if not finished.exists():
            finished.mkdir()
            carried_out(finished, "run", str(self.project))
        shutil.copytree(finished, directory)

    def life(self, directory: Path) -> Callable[[], Said]:
        """The command, in that folder."""
        return lambda: carried_out(directory, "verify", "--last", "--format", "json")

    def left(self, directory: Path, ended: Said) -> object:
        """What it prints, and every byte that it looked at."""
        files = [path for path in directory.rglob("*") if path.is_file()]
        return ended.out, {path.relative_to(directory): path.read_bytes() for path in files}


SWEEPS = (Writing, Reading, Resuming, Verifying)


def sampled(sweeps: Sequence[Sweep], each: int, dice: random.Random) -> Iterator[Failure]:
    """Fail so many calls of each kind, in whichever sweeps make such."""
    kinds: dict[str, list[tuple[Sweep, int]]] = {}
    for sweep in sweeps:
        for number, call in enumerate(sweep.calls, start=1):
            kinds.setdefault(call, []).append((sweep, number))
    for calls in kinds.values():
        for sweep, number in dice.sample(calls, min(each, len(calls))):
            yield from sweep.over([number])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=[kind.__name__ for kind in SWEEPS])
    only = asked.parse_args().only
    for kind in SWEEPS:
        if only in (None, kind.__name__):
            with tempfile.TemporaryDirectory() as folder:
                sys.stdout.write(f"{kind.__name__}\n{_whole(kind(Path(folder)))}")


def _whole(sweep: Sweep) -> str:
    """Fail every call; how many ended how, by kind."""
    told = Counter[str]()
    for failure in sweep.over(range(1, len(sweep.calls) + 1)):
        failure.require_clear()
        told[f"{failure.call}: exit {failure.code}"] += 1
        if failure.number % 50 == 0:
            sys.stderr.write(f"{failure.number} of {len(sweep.calls)}\n")
    return "".join(f"{count:>6}  {what}\n" for what, count in sorted(told.items()))


if __name__ == "__main__":
    main()
