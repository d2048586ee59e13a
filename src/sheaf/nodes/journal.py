"""The journal: every effect before it happens, its answer after, one JSON object a line.

A node that was killed is rebuilt from the ledger's events and the answers journalled here. Bytes
are hex behind `0x`; a dataclass carries its name. The file is its owner's alone (mode 0600).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from sheaf.nodes import effects
from sheaf.protocol import actions, terms
from sheaf.protocol.errors import LedgerCorrupt


@dataclass(frozen=True)
class Entry:
    """One line: which node, the block after which it was written, and what; `kind` is `effect` or
    `answer`."""

    node: str
    block: int
    kind: str
    content: object


S = TypeVar("S")


class Journal:
    """An append-only file of entries. One process writes it."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")

    def effect(self, node: str, block: int, effect: effects.Effect) -> None:
        """Note an effect about to happen."""
        self._write(node, block, "effect", effect)

    def answer(self, node: str, block: int, answer: effects.LocalEvent) -> None:
        """Note what an effect gave."""
        self._write(node, block, "answer", answer)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _write(self, node: str, block: int, kind: str, content: object) -> None:
        line = {"node": node, "block": block, "kind": kind, "content": plain(content)}
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def read(path: Path) -> Iterator[Entry]:
    """The entries of a journal; a last line cut short by a kill is left out.

    Raises `LedgerCorrupt` for any other line that is not an entry.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found = json.loads(line)
            content = typed(found["content"])
            yield Entry(found["node"], found["block"], found["kind"], content)
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerCorrupt(f"{path}: line {number} is not a journal entry") from error


def rebuilt(
    state: S,
    fold: Callable[[S, object], S],
    blocks: Iterable[Iterable[object]],
    entries: Iterable[Entry],
) -> S:
    """The state of a node that was killed: `state` as it began, after the ledger's events (by block
    number) and its own journalled answers, each between the blocks where it was given."""
    given: dict[int, list[object]] = defaultdict(list)
    for entry in entries:
        if entry.kind == "answer":
            given[entry.block].append(entry.content)
    for number, events in enumerate(blocks):
        for event in (*events, *given[number]):
            state = fold(state, event)
    return state


def plain(value: object) -> Any:
    """`value` as JSON: dataclasses by name, bytes as hex."""
    if is_dataclass(value):
        body = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return {"type": type(value).__name__, **body}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def typed(value: Any) -> object:
    """The inverse of `plain` for effects, answers and actions."""
    if isinstance(value, dict):
        kind = _KINDS[value["type"]]
        hints = get_type_hints(kind)
        return kind(**{name: _field(value[name], hints[name]) for name in hints})
    if isinstance(value, list):
        return tuple(typed(item) for item in value)
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return value


def _field(value: Any, hint: Any) -> object:
    """Text stays text: an error message may start with 0x."""
    return value if hint is str else typed(value)


_KINDS: dict[str, Any] = {
    name: kind
    for module in (terms, actions, effects)
    for name, kind in vars(module).items()
    if is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
}
