"""When a block of a chain counts as final: the one rule of a configuration."""

from __future__ import annotations

from dataclasses import dataclass

from sheaf.protocol.errors import InvalidConfiguration

TAGS = ("latest", "safe", "finalized")
MOST_BLOCKS = 10_000
ACCEPTED = f"{', '.join(TAGS)}, or a number of blocks up to {MOST_BLOCKS}"


@dataclass(frozen=True)
class Finality:
    """A block is final once it is the chain's `tag` block, or as many `blocks` before it."""

    tag: str = "latest"
    blocks: int = 0

    @classmethod
    def parse(cls, value: str | int) -> Finality:
        """The rule as a configuration writes it: a tag, or how many blocks lie on top.

        Raises InvalidConfiguration for anything else.
        """
        if value in TAGS:
            return cls(str(value))
        text = str(value)
        if text.isascii() and text.isdigit() and int(text) <= MOST_BLOCKS:
            return cls("latest", int(text))
        raise InvalidConfiguration(f"finality: found {value!r}, accepted: {ACCEPTED}")

    def __str__(self) -> str:
        plural = "" if self.blocks == 1 else "s"
        return f"{self.blocks} block{plural}" if self.blocks else self.tag


LATEST = Finality()
