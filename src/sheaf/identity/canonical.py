"""JSON of one form: sorted keys, no spaces, ASCII. One content, one text, one hash."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sheaf.protocol.errors import InvalidDocument


def canonical(content: Any) -> bytes:
    """`content` as JSON of that form. Raises `ValueError` for what is no number."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def parsed(data: bytes, what: str, most_bytes: int) -> dict[str, Any]:
    """The object that `data` is the one form of. Raises `InvalidDocument`, which says of `what`,
    for anything else: another form, a key twice, no object, more than `most_bytes`."""
    if len(data) > most_bytes:
        raise InvalidDocument(f"{what}: found {len(data)} bytes, accepted: at most {most_bytes}")
    try:
        content = json.loads(data, object_pairs_hook=unique)
        same = canonical(content) == data
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"{what}: found no JSON: {error}, accepted: an object") from error
    if not isinstance(content, dict) or not same:
        raise InvalidDocument(
            f"{what}: found JSON of another form, accepted: an object with sorted keys, no spaces, "
            "in ASCII"
        )
    return content


def misread(error: Exception) -> str:
    """What was found where reading something of somebody's raised `error`, in words for a
    message."""
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error}"
    if isinstance(error, UnicodeDecodeError):
        return "no text"
    if isinstance(error, KeyError):
        return f"no field {error.args[0]!r:.80}"
    if isinstance(error, IndexError):
        return "fewer values than it needs"
    if isinstance(error, RecursionError):
        return "values nested too deep"
    if isinstance(error, ValueError):
        return f"a value that cannot be read: {str(error).removeprefix('found '):.200}"
    return "a value of another kind"


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice, of which readers take different ones: for
    `json.loads`. Raises `ValueError`."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key stands there twice")
    return content
