"""Kills runs with SIGKILL, goes on with them, and compares what comes out with a run left alone.

A program of its own, so that it may fork: each life of a run is a child process that dies by its
own hand, at a phase or a file call, or by its parent's, at an instant. The tests ask for some
dozen kills, `make soak` for a thousand; the seed is printed.
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
from pathlib import Path
from typing import Any

import torch

from sheaf.nodes import runner
from sheaf.nodes.record import RECORD
from sheaf.nodes.verification import verify
from tests.e2e.filecalls import Calls, counted, die
from tests.nodes.plans import plan
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


@dataclass(frozen=True)
class Left:
    """What a run left that must not depend on how often it was stopped."""

    summary: dict[str, Any]
    model: bytes

    @classmethod
    def by(cls, directory: Path) -> Left:
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        del summary["run"], summary["journal"]
        for row in summary["rounds"]:
            del row["seconds"]
        return cls(summary, (directory / "model.safetensors").read_bytes())


@dataclass
class Slaughter:
    """Lets runs live and die below `folder`."""

    folder: Path
    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0

    def __post_init__(self) -> None:
        watcher, calls = Watcher(), Calls()
        with counted(calls):
            runner.run(plan(), self.folder / "alone", watcher)
        self.phases, self.calls = len(watcher.phases), len(calls.made)
        self.alone = Left.by(self.folder / "alone")
        started = time.monotonic()  # the first run waited for what is imported late
        runner.run(plan(), self.folder / "again", Watcher())
        self.seconds = time.monotonic() - started

    def run(self, deaths: Iterator[Death]) -> None:
        """One run, life after life, until it has ended; an error says what differs."""
        self.runs += 1
        directory = self.folder / f"run-{self.runs}"
        ended = False
        while not ended:
            death = next(deaths, NONE)
            ended = self._live(directory, death)
            self.kills.update([death.kind] if not ended else [])
        left = Left.by(directory)
        if left != self.alone:
            raise AssertionError(
                f"{directory}: found {left.summary}, expected {self.alone.summary}"
            )
        verify(directory)

    def _live(self, directory: Path, death: Death) -> bool:
        """One life; whether it came to the run's end."""
        seconds = death.at if death.kind == "instant" else FOREVER_S
        status, hung = child(lambda: _work(directory, death), seconds)
        if status == 0:
            return True
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed and (not hung or death.kind == "instant"):
            return False
        raise AssertionError(f"{directory}: a life that was to end by {death} ended with {status}")

    def at_random(self, dice: random.Random) -> Iterator[Death]:
        """Four to twelve deaths; lives are short, so that a run sees most of them."""
        for _ in range(dice.randint(4, 12)):
            kind = dice.choice(("phase", "file call", "instant", "instant"))
            if kind == "phase":
                yield Death(kind, dice.randint(1, self.phases))
            elif kind == "file call":
                yield Death(kind, dice.randint(1, self.calls // 4))
            else:
                yield Death(kind, dice.uniform(0, self.seconds / 2))


def _work(directory: Path, death: Death) -> None:
    watcher = Mortal(dies_at=int(death.at) if death.kind == "phase" else 0)
    with counted(Calls(int(death.at) if death.kind == "file call" else 0, die)):
        if (directory / RECORD).exists():
            runner.resume(directory, watcher)
        else:
            runner.run(plan(), directory, watcher)


def child(work: Callable[[], None], seconds: float) -> tuple[int, bool]:
    """The wait status of a child that does `work`, and whether it had to be killed after
    `seconds`."""
    ended, alive = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ended)
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


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=None)
    arguments = asked.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    sys.stderr.write(f"seed {seed}\n")
    torch.set_num_threads(1)  # a child must not inherit half of a pool of threads
    with tempfile.TemporaryDirectory() as folder:
        found, dice = Slaughter(Path(folder)), random.Random(seed)
        found.run(Death("phase", number) for number in range(1, found.phases + 1))
        while found.kills.total() < arguments.kills:
            found.run(found.at_random(dice))
            sys.stderr.write(f"{found.kills.total()} kills\n")
        told = {"seed": seed, "runs": found.runs, "phases": found.phases, "kills": found.kills}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
