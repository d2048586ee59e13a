"""Who watches a run: the command line shows progress, a notebook collects rows."""

from __future__ import annotations

from typing import Any, Protocol


class Observer(Protocol):
    """Told what happens; never asked."""

    def started(self, info: dict[str, Any]) -> None:
        """The task is on the ledger: `run`, `task` (its content id), `participants`,
        `aggregators`, `capture_ppb`, `adversary`."""

    def phase(self, round: int, phase: str) -> None:
        """A phase began."""

    def round_finished(self, row: dict[str, Any]) -> None:
        """A round ended; `row` is its object in the summary."""

    def participant_failed(self, round: int, name: str, error: str) -> None:
        """A participant's training raised; it misses the round by the rules."""

    def disputed(self, round: int, line: str) -> None:
        """Something happened in court."""

    def warned(self, line: str) -> None:
        """Something a person should know."""
