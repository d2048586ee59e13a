"""How far a verification is: on a terminal's last line, and nowhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console


class Watching:
    """Shows on stderr what is done of what, and takes it away again at the end."""

    def __init__(self, console: Console | None = None) -> None:
        terminal = sys.stderr.isatty()
        self._console = console or Console(
            stderr=True, highlight=False, force_terminal=terminal, force_jupyter=False
        )
        self._status = self._console.status("reading the ledger")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def told(self, what: str, done: int, of: int) -> None:
        """So many of so many are done."""
        self._status.update(f"{what}: {done} of {of}")
