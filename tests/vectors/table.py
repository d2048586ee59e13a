"""The table of named vectors: each plays in a world and says what must come out, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.worlds import World

Script = Callable[[World], None]


@dataclass(frozen=True)
class Vector:
    """A script, and the tax of the stake token in the world it plays in."""

    name: str
    script: Script
    stake_tax_bps: int


VECTORS: dict[str, Vector] = {}


def vector(stake_tax_bps: int = 0) -> Callable[[Script], Script]:
    """Enter a script into the table under its own name."""

    def enter(script: Script) -> Script:
        name = script.__name__
        assert name not in VECTORS, f"two vectors are named {name}"
        VECTORS[name] = Vector(name, script, stake_tax_bps)
        return script

    return enter
