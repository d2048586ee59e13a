"""Kills runs with SIGKILL, goes on with them, and compares what comes out with a run left alone.

A program of its own, so that it may fork: each life of a run is a child process that dies by its
own hand, at a phase or a file call, or by its parent's, at an instant. First each phase kills the
first course (`--every`: all that tell of phases); then runs of all courses are killed at random,
until so many lives have ended at an instant. The tests ask for thirty, `make soak` for a thousand;
the seed is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import torch

from sheaf.nodes.verification import verify
from tests.e2e.courses import Called, Course, Left, courses
from tests.e2e.filecalls import Calls, counted, die
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import Watcher

FOREVER_S = 300.0
"""After which a life that was not to be killed hangs."""


@dataclass(frozen=True)
class Death:
    """How a life ends: `at` the so many-th phase or file call, or after so many seconds; the kind
    `none` is no death at all."""

    kind: str
    at: float = 0


NONE = Death("none")


@dataclass
class Mortal(Watcher):
    """Dies when a phase is told, counted from the run's start."""

    dies_at: int = 0

    def phase(self, round: int, phase: str) -> None:
        super().phase(round, phase)
        if len(self.phases) == self.dies_at:
            die("phase")


@dataclass
class Slaughter:
    """Lets runs of one course live and die below `folder`."""

    course: Course
    folder: Path
    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    phases: int = 0
    calls: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        watcher, calls, started = Watcher(), Calls(), time.monotonic()
        if isinstance(self.course, Called):
            with counted(calls):
                self.course.live(self.folder / "alone", watcher)
        else:
            self._live(self.folder / "alone", NONE)
        self.seconds = time.monotonic() - started
        self.phases, self.calls = len(watcher.phases), len(calls.made)
        self.alone = Left.by(self.course.place(self.folder / "alone"))

    def run(self, deaths: Iterator[Death]) -> None:
        """One run, life after life, until it has ended; an error says what differs."""
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        ended = False
        while not ended:
            death = next(deaths, NONE)
            ended = self._live(folder, death)
            self.kills.update([death.kind] if not ended else [])
        directory = self.course.place(folder)
        left = Left.by(directory)
        if left != self.alone:
            raise AssertionError(
                f"{directory}: found {left.summary}, expected {self.alone.summary}"
            )
        verify(directory)

    def _live(self, folder: Path, death: Death) -> bool:
        """One life; whether it came to the run's end."""
        seconds = death.at if death.kind == "instant" else FOREVER_S
        status, hung = child(lambda: self._work(folder, death), seconds)
        if status == 0:
            return True
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed and (not hung or death.kind == "instant"):
            return False
        raise AssertionError(f"{folder}: a life that was to end by {death} ended with {status}")

    def _work(self, folder: Path, death: Death) -> None:
        watcher = Mortal(dies_at=int(death.at) if death.kind == "phase" else 0)
        with counted(Calls(int(death.at) if death.kind == "file call" else 0, die)):
            self.course.live(folder, watcher)

    def at_random(self, dice: random.Random) -> Iterator[Death]:
        """Four to eight deaths; lives are short, so that a run sees most of them."""
        for _ in range(dice.randint(4, 8)):
            if self.calls and dice.random() < 0.2:
                yield Death("file call", dice.randint(1, self.calls // 4))
            else:
                yield Death("instant", self.seconds * dice.uniform(*self.course.span))


def child(work: Callable[[], None], seconds: float) -> tuple[int, bool]:
    """The wait status of a child that does `work`, and whether it had to be killed after
    `seconds`."""
    ended, alive = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ended)
        os.set_inheritable(alive, True)  # another program in its place is the same child
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run in here
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(alive)  # the pipe ends with the child, which holds its other end
    ready, _, _ = select.select([ended], [], [], seconds)
    if not ready:
        os.kill(process, signal.SIGKILL)
    os.close(ended)
    return os.waitpid(process, 0)[1], not ready


def slaughter(
    folder: Path, instants: int, dice: random.Random, *, every: bool
) -> dict[str, Slaughter]:
    """Kill courses at each of their phases, and all of them in turn at random, until at least so
    many lives ended at an instant, some of each course."""
    found = courses(folder)
    # What is imported late is imported before anybody is timed, or forked.
    Called(plan(schedule=schedule(1))).live(folder / "warm", Watcher())
    told = {name: Slaughter(found[name], folder / name.replace(" ", "-")) for name in found}
    for one in [each for each in told.values() if each.phases][: None if every else 1]:
        one.run(Death("phase", number) for number in range(1, one.phases + 1))
    for one in cycle(told.values()):
        died = [each.kills["instant"] for each in told.values()]
        if sum(died) >= instants and all(died):
            break
        one.run(one.at_random(dice))
        sys.stderr.write(f"{sum(died)} of {instants} instants\n")
    return told


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--instants", type=int, default=1000)
    asked.add_argument("--every", action="store_true")
    asked.add_argument("--seed", type=int, default=None)
    arguments = asked.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    sys.stderr.write(f"seed {seed}\n")
    torch.set_num_threads(1)  # a child must not inherit half of a pool of threads
    with tempfile.TemporaryDirectory() as folder:
        dice = random.Random(seed)
        found = slaughter(Path(folder), arguments.instants, dice, every=arguments.every)
    told = {
        name: {"runs": one.runs, "phases": one.phases, "kills": one.kills}
        for name, one in found.items()
    }
    sys.stdout.write(json.dumps({"seed": seed, "courses": told}) + "\n")


if __name__ == "__main__":
    main()
