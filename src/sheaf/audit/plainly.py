"""Others' words and numbers, as text that can do no harm and be read by people."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sheaf.nodes.evidence import brief

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def printable(text: str) -> str:
    """`text` with whatever cannot be seen (controls, marks of direction, halves of characters)
    written out as its code point, and cut as `brief` cuts it: of what is one text of others. A
    sentence of one's own that has some in it is `seen` whole."""
    return seen(brief(text))


def seen(text: str) -> str:
    """All of `text`, with whatever cannot be seen written out: of what is one's own."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def literal(text: str) -> str:
    """Somebody's text with nothing that Markdown or HTML would take for its own."""
    return _MARKUP.sub(r"\\\1", text)


def counted(count: int, noun: str) -> str:
    """A count and its noun: `1 round`, `2,000 rounds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def amount(units: int, token: dict[str, Any]) -> str:
    """An amount in whole tokens, exactly, with the token's symbol."""
    whole, part = divmod(units, 10 ** token["decimals"])
    fraction = f"{part:0{token['decimals']}d}".rstrip("0") if part else ""
    return f"{whole:,}{'.' + fraction if fraction else ''} {token['symbol']}"


def about(units: int, token: dict[str, Any]) -> str:
    """An amount in whole tokens with four decimals at most, for where there is little room."""
    least = 10 ** max(0, token["decimals"] - 4)
    near = units // least * least
    if near == units:
        return amount(units, token)
    return f"≈ {amount(near, token)}" if near else f"< {amount(least, token)}"


def moment(seconds: int) -> str:
    """A ledger time in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


@dataclass(frozen=True)
class Hashes:
    """Many hashes as one text: base64 of their first `width` bytes, one after the other. What has
    none is zeros."""

    width: int
    base64: str

    @classmethod
    def of(cls, hashes: Iterable[bytes], width: int = 32) -> Hashes:
        """The first `width` bytes of each."""
        return cls(width, base64.b64encode(b"".join(h[:width] for h in hashes)).decode())

    def plain(self) -> dict[str, Any]:
        """As the report holds it."""
        return {"bytes": self.width, "base64": self.base64}


def hashes(plain: dict[str, Any]) -> list[bytes]:
    """What `Hashes.plain` holds, one by one."""
    data, width = base64.b64decode(plain["base64"]), plain["bytes"]
    return [data[i : i + width] for i in range(0, len(data), width)]


def abridged(plain: dict[str, Any], width: int) -> dict[str, Any]:
    """The same hashes, `width` bytes of each."""
    return Hashes.of(hashes(plain), width).plain()


def abridged_text(text: str, width: int) -> str:
    """`text` with every hash in it cut to `width` bytes."""
    return re.sub(r"\b[0-9a-f]{64}\b", lambda found: found[0][: 2 * width], text)


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
