"""Who watches a run for the command line: one line a round on stderr, and the run's log."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from rich.console import Console

from sheaf.apps.cli.presentation import number
from sheaf.apps.cli.tables import counted, odds, printable
from sheaf.nodes.plan import Plan
from sheaf.protocol.errors import StoreUnavailable
from sheaf.store.files import reachable

PARTS = ("train", "ledger", "proof")


class Progress:
    """Shows a run on stderr and keeps `log` in its folder, one JSON object a line.

    `resumed` is the id of a run that goes on: all that happened is told again first. A `quiet` one
    keeps the log alone.
    """

    def __init__(self, plan: Plan, folder: Path, resumed: str = "", *, quiet: bool = False) -> None:
        self.began = False
        self.troubles: list[str] = []
        self._plan, self._resumed = plan, resumed
        # A notebook gets lines: it asks for colours, but it cannot take a line away again, and the
        # widgets that could are not there unless somebody installed them.
        self._console = Console(
            stderr=True,
            highlight=False,
            force_terminal=sys.stderr.isatty(),
            force_jupyter=False,
            quiet=quiet,
        )
        self._path = folder / "log"
        with reachable(self._path):
            self._file = self._path.open("a", encoding="utf-8")
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[stamp, structlog.processors.JSONRenderer()],
        )
        # On a terminal the running phase is shown and taken away again; elsewhere it is not.
        self._status = self._console.status("preparing")

    def __enter__(self) -> Progress:
        p = self._plan
        if self._resumed:
            self._note("info", "resumed")
            self._say(f"resuming {self._resumed}; what happened so far is told again")
        sizes = {"participant": p.participants, "aggregator": p.aggregators}
        sizes["round"] = p.schedule.rounds
        self._say(f"{p.name}: {', '.join(counted(n, noun) for noun, n in sizes.items())}")
        c = p.committee
        told = odds(c.capture_ppb, c.adversary, c.seats, c.pool, p.cohort.goal)
        self._say(f"capture odds {told}")
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()
        with suppress(OSError, StoreUnavailable):  # what stopped the run is the better reason
            if error is not None:
                self._note("error", "stopped", error=f"{type(error).__name__}: {error}")
            self._file.close()

    def started(self, info: dict[str, Any]) -> None:
        """The task is on the ledger."""
        self.began = True
        self._note("info", "started", **info)
        if info.get("task"):
            self._say(f"task {info['task']}, on the ledger {info['task_id']}")

    def phase(self, round: int, phase: str) -> None:
        """A phase began."""
        self.began = True
        self._note("info", "phase", round=round, phase=phase)
        words = phase.lower().replace("_", " ")
        where = f"round {round}/{self._plan.schedule.rounds}  " if round else ""
        self._status.update(f"{where}{words}")

    def round_finished(self, row: dict[str, Any]) -> None:
        """A round ended: its line."""
        self._note("info", "round finished", **row)
        self._say(round_line(row, self._plan.schedule.rounds))

    def participant_failed(self, round: int, name: str, error: str) -> None:
        """A participant misses the round by the rules, and the task goes on."""
        self._note("warning", "participant failed", round=round, name=name, error=error)
        self._trouble(f"round {round}: {name} failed and misses the round: {error}")

    def disputed(self, round: int, line: str) -> None:
        """A move in court, or what was decided there."""
        self._note("info", "disputed", round=round, line=line)
        self._say(f"round {round}: {line}")

    def warned(self, line: str) -> None:
        """Something a person should know."""
        self._note("warning", "warned", line=line)
        self._trouble(f"warning: {line}")

    def _trouble(self, line: str) -> None:
        self.troubles.append(line.removeprefix("warning: "))
        self._say(line)

    def _note(self, level: str, event: str, **fields: Any) -> None:
        with reachable(self._path):
            getattr(self._log, level)(event, **fields)

    def _say(self, line: str) -> None:
        self._console.print(printable(line), markup=False, soft_wrap=True)


def round_line(row: dict[str, Any], rounds: int) -> str:
    """A round in one line: outcome, metrics, gas, and its seconds by part."""
    metrics = [f"{name} {number(value)}" for name, value in row["metrics"].items()]
    seconds = row["seconds"]
    split = ", ".join(f"{part} {number(seconds.get(part), 1)}" for part in PARTS)
    width = len(str(rounds))
    return "  ".join(
        [
            f"round {row['round']:>{width}}/{rounds}",
            row.get("outcome", ""),
            *metrics,
            f"gas {row['gas']['total']:,}",
            f"{number(seconds.get('total'), 1)} s ({split})",
        ]
    )
