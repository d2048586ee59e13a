"""Every file call of a small task fails once: the run ends with one clear line, and goes on.

The tests try some of them, `make soak` all.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sheaf.nodes import runner
from sheaf.nodes.plan import Plan
from sheaf.nodes.record import RECORD
from sheaf.protocol.errors import SheafError
from sheaf.protocol.task import CohortSize
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
    """What a run said whose file call of this number failed; None where it did not mind."""

    number: int
    call: str
    error: SheafError | None


class Sweep:
    """Fails file calls by number, each in a run of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runner.run(small(), folder / "first", Watcher())  # what is imported late makes files, too
        calls = Calls()
        with counted(calls):
            runner.run(small(), folder / "alone", Watcher())
        self.calls, self.places = calls.made, calls.places
        self.alone = Left.by(folder / "alone")

    def over(self, numbers: Iterable[int]) -> Iterator[Failure]:
        """Fail each call; AssertionError where a run does not go on to the same end."""
        for number in numbers:
            directory = self.folder / f"run-{number}"
            failure = self._fail(number, directory)
            if (directory / RECORD).exists():
                runner.resume(directory, Watcher())
            else:
                runner.run(small(), directory, Watcher())
            if Left.by(directory) != self.alone:
                raise AssertionError(f"call {number}: {directory} ended otherwise: {failure}")
            shutil.rmtree(directory)
            yield failure

    def _fail(self, number: int, directory: Path) -> Failure:
        error: SheafError | None = None
        with counted(Calls(number)) as calls:
            try:
                runner.run(small(), directory, Watcher())
            except SheafError as caught:
                error = caught
        return Failure(number, calls.made[number - 1], error)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sweep, told = Sweep(Path(folder)), Counter[str]()
        for failure in sweep.over(range(1, len(sweep.calls) + 1)):
            code = failure.error.exit_code if failure.error else 0
            told[f"{failure.call}: exit {code}"] += 1
            if code not in (0, UNREACHABLE) or (failure.error and "\n" in failure.error.message):
                raise AssertionError(f"{failure} is not one line of exit {UNREACHABLE}")
            if failure.number % 50 == 0:
                sys.stderr.write(f"{failure.number} of {len(sweep.calls)}\n")
    for what, count in sorted(told.items()):
        sys.stdout.write(f"{count:>6}  {what}\n")


if __name__ == "__main__":
    main()
