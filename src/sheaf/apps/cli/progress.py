"""Who watches a run for the command line: one line a round on stderr, and the run's log."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from rich.console import Console

from sheaf.apps.cli.presentation import number
from sheaf.apps.cli.tables import odds, printable
from sheaf.nodes.plan import Plan

PARTS = ("train", "ledger", "proof")


class Progress:
    """Shows a run on stderr and keeps `log` in its folder, one JSON object a line."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.began = False
        self.troubles: list[str] = []
        self._plan = plan
        self._console = Console(stderr=True, highlight=False)
        self._file = (folder / "log").open("a", encoding="utf-8")
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[stamp, structlog.processors.JSONRenderer()],
        )
        # On a terminal the running phase is shown and taken away again; elsewhere it is not.
        self._status = self._console.status("preparing")

    def __enter__(self) -> Progress:
        p = self._plan
        self._say(
            f"{p.name}: {p.participants} participants, {p.aggregators} aggregators, "
            f"{p.schedule.rounds} rounds"
        )
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
        if error is not None:
            self._log.error("stopped", error=f"{type(error).__name__}: {error}")
        self._file.close()

    def started(self, info: dict[str, Any]) -> None:
        """The task is on the ledger."""
        self.began = True
        self._log.info("started", **info)
        if info.get("task"):
            self._say(f"task {info['task']}")

    def phase(self, round: int, phase: str) -> None:
        """A phase began."""
        self.began = True
        self._log.info("phase", round=round, phase=phase)
        words = phase.lower().replace("_", " ")
        where = f"round {round}/{self._plan.schedule.rounds}  " if round else ""
        self._status.update(f"{where}{words}")

    def round_finished(self, row: dict[str, Any]) -> None:
        """A round ended: its line."""
        self._log.info("round finished", **row)
        self._say(round_line(row, self._plan.schedule.rounds))

    def participant_failed(self, round: int, name: str, error: str) -> None:
        """A participant misses the round by the rules, and the task goes on."""
        self._log.warning("participant failed", round=round, name=name, error=error)
        self._trouble(f"round {round}: {name} failed and misses the round: {error}")

    def warned(self, line: str) -> None:
        """Something a person should know."""
        self._log.warning("warned", line=line)
        self._trouble(f"warning: {line}")

    def _trouble(self, line: str) -> None:
        self.troubles.append(line.removeprefix("warning: "))
        self._say(line)

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
