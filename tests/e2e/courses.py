"""Runs to kill and to go on with: as a function and as a command, with a state, with a court.

Each can be lived in a process that was forked, so that no life waits for what is imported late.
"""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from sheaf.apps.cli.outcome import execute
from sheaf.nodes import effects as e
from sheaf.nodes import record, runner
from sheaf.nodes.cast import Cast, assemble, reassemble
from sheaf.nodes.hold import held
from sheaf.nodes.plan import Plan
from sheaf.nodes.record import RECORD
from sheaf.nodes.runner import Runner
from sheaf.protocol.optimisers import Constants
from sheaf.protocol.task import CohortSize
from sheaf.simulation import liars
from tests.e2e.command import SHEAF, environment, project
from tests.nodes import faults
from tests.nodes.plans import committee, economics, plan, schedule
from tests.nodes.stage import Watcher


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


class Course(ABC):
    """A run, from its beginning or from wherever it was stopped, in a folder of its own."""

    span = (0.0, 0.5)
    """Which part of the seconds that a whole run takes a life is killed in."""

    @abstractmethod
    def live(self, folder: Path, watcher: Watcher) -> None:
        """Begin, or go on, to the end."""

    @abstractmethod
    def place(self, folder: Path) -> Path:
        """The directory of the run in `folder`."""


@dataclass(frozen=True)
class Called(Course):
    """A run of a plan, by the functions that the command calls; or of a cast that was altered."""

    plan: Plan
    alter: Callable[[Cast], None] | None = None

    def place(self, folder: Path) -> Path:
        return folder

    def live(self, folder: Path, watcher: Watcher) -> None:
        begun = (folder / RECORD).exists()
        if self.alter:
            folder.mkdir(parents=True, exist_ok=True)
            with held(folder):
                if not begun:
                    record.write(folder, self.plan)
                cast = (reassemble if begun else assemble)(self.plan, folder)
                self.alter(cast)
                Runner(cast, folder, watcher).run()
        elif begun:
            runner.resume(folder, watcher)
        else:
            runner.run(self.plan, folder, watcher)


@dataclass(frozen=True)
class Commanded(Course):
    """`sheaf run` of a project, then `sheaf run --resume`, in a process that ends by it."""

    project: Path

    def place(self, folder: Path) -> Path:
        (found,) = (kept.parent for kept in folder.glob(f".sheaf/runs/*/{RECORD}"))
        return found

    def live(self, folder: Path, watcher: Watcher) -> None:
        folder.mkdir(exist_ok=True)
        begun = any(folder.glob(f".sheaf/runs/*/{RECORD}"))
        more = ["--resume", self.place(folder).name] if begun else [str(self.project)]
        with (folder / "told").open("ab") as told:
            os.dup2(told.fileno(), sys.stdout.fileno())
            os.dup2(told.fileno(), sys.stderr.fileno())
        os.chdir(folder)
        self.command(folder, "run", *more)

    def command(self, folder: Path, *arguments: str) -> NoReturn:
        """Carry out a command and end."""
        os.environ |= {"XDG_CONFIG_HOME": str(folder)}
        os._exit(execute(arguments))


class Anew(Commanded):
    """The same as a program that is started anew, and takes most of its time to begin."""

    span = (0.4, 1.0)

    def command(self, folder: Path, *arguments: str) -> NoReturn:
        os.execve(sys.executable, [*SHEAF, *arguments], environment(folder))


def two_rounds() -> Course:
    """FedAvg."""
    return Called(_small())


def a_state() -> Course:
    """FedAdam, whose state goes from round to round."""
    algorithm = replace(plan().algorithm, name="fedadam", server=Constants(10, 100, 2**17, 2**14))
    return Called(_small(algorithm=algorithm))


def a_court() -> Course:
    """Who is drawn first claims a wrong model, is overturned in court, and a second attempt is
    right."""
    lies: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(liars.wrong_at(-1))}
    shape = {"committee": committee(1, 2), "chunk_bytes": 16}
    contested = _small(schedule=schedule(1), economics=economics(1), **shape)
    return Called(contested, lambda cast: faults.equip(cast, "aggregator", lies))


def _small(**changes: Any) -> Plan:
    """Two participants and one aggregator."""
    few = {"participants": 2, "committee": committee(1, 1), "cohort": CohortSize(2, 2, 1000)}
    return plan(**few | changes)


def courses(folder: Path) -> Mapping[str, Course]:
    """All of them by name; a project is made in `folder`."""
    flowers = project(folder / "flowers")
    return {
        "two rounds": two_rounds(),
        "a state": a_state(),
        "a court": a_court(),
        "the command": Commanded(flowers),
        "the command anew": Anew(flowers),
    }
