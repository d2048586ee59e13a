"""The journal: what all nodes want of a turn before any of it happens, and each answer after.

One JSON object a line. A turn is one line, so a kill leaves all of its effects or none. Its answers
follow in the order of its effects, so their number says how far it came. A run that was killed goes
through its journal again: answered effects are not done again, the last turn is finished.

Each line names the SHA-256 of the line before it, and the run's summary that of the last one. So a
journal goes with its run, to the byte.

The file is its owner's alone (mode 0600). It is durable before a block rests on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sheaf.nodes.codec import plain, typed
from sheaf.nodes.effects import Effect, LocalEvent
from sheaf.protocol.errors import LedgerCorrupt
from sheaf.store.files import exists, reachable

JOURNAL = "journal.jsonl"
NO_LINE = "0" * 64
"""What the first line names as the one before it."""


@dataclass(frozen=True)
class Turn:
    """What the nodes, by name, want after `block` at ledger time `time`, in the order in which it
    is done: what is sent to the ledger comes last."""

    block: int
    time: int
    effects: tuple[tuple[str, Effect], ...]


@dataclass(frozen=True)
class Answer:
    """What the next effect of the running turn gave, and the seconds it took (reported)."""

    node: str
    content: LocalEvent
    seconds: float


class Journal:
    """An append-only file. One process writes it. `head` is the SHA-256 of its last line in hex,
    zeros before the first.

    Every method raises `StoreUnavailable` where the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        """Opens `path`, or makes it; a last line that a kill cut short is cut off."""
        self.path = path
        with reachable(path):
            as_it_is = getattr(os, "O_BINARY", 0)  # or Windows would end lines in its own way
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | as_it_is
            descriptor = os.open(path, flags, 0o600)
            # Unbuffered: what could not be written must not be tried again on closing.
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            content = self._file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                self._file.truncate(whole)
        self.head = _head(content)

    def turn(self, turn: Turn) -> None:
        """Note what is about to happen."""
        self._write(turn)

    def answer(self, answer: Answer) -> None:
        """Note what an effect gave."""
        self._write(answer)

    def sync(self) -> None:
        """Make what was noted durable."""
        with reachable(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _write(self, entry: Turn | Answer) -> None:
        content = {"before": self.head, "entry": plain(entry)}
        line = json.dumps(content, separators=(",", ":")).encode()
        rest = line + b"\n"
        with reachable(self.path):
            while rest:
                rest = rest[self._file.write(rest) :]
        self.head = sha256(line).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A journalled turn and its answers, as far as they were given."""

    turn: Turn
    answers: tuple[Answer, ...]


def read(path: Path) -> list[Recorded]:
    """The turns of a journal; a last line cut short by a kill is left out, and there are none
    where there is no file.

    Raises `LedgerCorrupt` for any other line that is not an entry, or an answer to nothing.
    """
    turns: list[tuple[Turn, list[Answer]]] = []
    for number, entry in _entries(path):
        if isinstance(entry, Turn):
            turns.append((entry, []))
        elif turns and len(turns[-1][1]) < len(turns[-1][0].effects):
            turns[-1][1].append(entry)
        else:
            raise LedgerCorrupt(f"{path}: line {number} answers no effect")
    return [Recorded(turn, tuple(answers)) for turn, answers in turns]


def head(path: Path) -> str:
    """The head of a journal that is whole: with all lines, and nothing after the last.

    Raises `LedgerCorrupt` for any other.
    """
    content = _content(path)
    for _ in _entries(path):
        pass
    if content and not content.endswith(b"\n"):
        raise LedgerCorrupt(f"{path}: found more after its last line")
    return _head(content)


def _entries(path: Path) -> Iterator[tuple[int, Turn | Answer]]:
    before, last = NO_LINE, ""
    for number, line in enumerate(_content(path).split(b"\n")[:-1], start=1):
        try:
            found = json.loads(line)
            named, entry = found["before"], typed(found["entry"], Turn | Answer)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LedgerCorrupt(f"{path}: line {number} is not a journal entry") from error
        if named != before:
            raise LedgerCorrupt(f"{path}: line {number} does not follow the one before it{last}")
        before = sha256(line).hexdigest()
        last = f", an answer of {entry.node}" if isinstance(entry, Answer) else ", a turn"
        yield number, entry


def _content(path: Path) -> bytes:
    with reachable(path):
        return path.read_bytes() if exists(path) else b""


def _head(content: bytes) -> str:
    lines = content.split(b"\n")[:-1]
    return sha256(lines[-1]).hexdigest() if lines else NO_LINE
