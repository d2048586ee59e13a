"""Real runs of the tiny project: assembled, altered, run to the end, and what a watcher saw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sheaf.nodes.cast import Cast, assemble
from sheaf.nodes.plan import Plan
from sheaf.nodes.runner import Runner
from sheaf.nodes.verification import Evidence, Report, verify

Alter = Callable[[Cast], None]


@dataclass
class Watcher:
    """An observer that remembers."""

    starts: list[dict[str, Any]] = field(default_factory=list)
    phases: list[tuple[int, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)

    def started(self, info: dict[str, Any]) -> None:
        self.starts.append(info)

    def phase(self, round: int, phase: str) -> None:
        self.phases.append((round, phase))

    def round_finished(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def participant_failed(self, round: int, name: str, error: str) -> None:
        self.failures.append((round, name, error))

    def disputed(self, round: int, line: str) -> None:
        self.moves.append(f"{round}: {line}")

    def warned(self, line: str) -> None:
        self.warnings.append(line)


@dataclass(frozen=True)
class Played:
    """A finished run."""

    directory: Path
    cast: Cast
    summary: dict[str, Any]
    watcher: Watcher

    @property
    def paid(self) -> dict[str, int]:
        """Payouts by name."""
        return self.named("payouts")

    def named(self, field: str) -> dict[str, int]:
        """A map of the summary's by name instead of address."""
        names = self.summary["accounts"]
        return {names[address]: amount for address, amount in self.summary[field].items()}

    def copy(self, to: Path) -> Path:
        """The run's folder at another place, to tamper with, without what is private to nodes."""
        hidden = shutil.ignore_patterns("private", "journal.jsonl")
        shutil.copytree(self.directory, to, ignore=hidden)
        return to


def play(directory: Path, plan: Plan, alter: Alter = lambda cast: None) -> Played:
    """Run `plan` with a cast that `alter` changed first."""
    directory.mkdir(parents=True)
    cast, watcher = assemble(plan, directory), Watcher()
    alter(cast)
    summary = Runner(cast, directory, watcher).run()
    written = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    assert written == summary
    return Played(directory, cast, summary, watcher)


def evidence_of(directory: Path) -> Evidence:
    """What a verification of a sound run rests on."""
    found: list[Evidence] = []

    def capture(evidence: Evidence, report: Report) -> None:
        found.append(evidence)

    verify(directory, capture)
    return found[0]
