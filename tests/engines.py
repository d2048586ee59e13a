"""Which engine the contracts' tests run on, and what must be ended after them."""

from __future__ import annotations

from typing import Protocol

ENGINES = ("embedded", "anvil")
CHOSEN = [ENGINES[0]]


class Running(Protocol):
    """Something that does not end by itself."""

    def close(self) -> None:
        """End it."""


RUNNING: list[Running] = []
