"""What a verifier noted for itself of rounds that it recomputed, so that it need not do so again.

A note is keyed by all that a round's result follows from: the task document, the roots of base,
state and counted updates, and their samples. So it holds whatever ledger names these again, and a
ledger that names others finds none. What it cannot say is whether the bytes are still there: each
note names the copies that were read, and counts only while all of them look untouched (of a file:
its inode, size and time of change). That is less than reading them, and the report says so.

The file is the verifier's own word to itself. Nobody should take one from somebody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sheaf.learning.rules import RoundStatistics
from sheaf.nodes.aggregation import Result, vector_id
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidDocument, SheafError, StoreUnavailable
from sheaf.protocol.hashing import ZERO, word
from sheaf.protocol.task import Task
from sheaf.store.files import reachable, write_atomically
from sheaf.store.interface import Store

_VERSION = 1


@dataclass(frozen=True)
class Given:
    """All that a round's result follows from: tree roots, and (position, root, samples) of each
    counted update."""

    task: Task
    base: bytes
    state: bytes
    counted: Sequence[tuple[int, bytes, int]]

    @property
    def key(self) -> str:
        """A digest of it, in hex."""
        updates = b"".join(root + word(samples) for _, root, samples in self.counted)
        whole = self.task.cid.to_bytes() + self.base + self.state + updates
        return hashlib.sha256(whole).hexdigest()

    def blobs(self, result: Result) -> list[ContentId]:
        """What was read for it, and what came of it."""
        roots = (self.base, self.state, *(root for _, root, _ in self.counted))
        roots = (*roots, result.root, result.state_root)
        return [vector_id(self.task, root) for root in roots if root != ZERO]


@dataclass
class Checkpoints:
    """The notes in a file, by key; without a `path` there are none, and none are made.

    `used` are the rounds that were not recomputed, since a note stood for them.
    """

    path: Path | None = None
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path | None) -> Checkpoints:
        """The notes in a file, none where it is not there yet.

        Raises `InvalidDocument` for a file that holds something else, `StoreUnavailable` where it
        cannot be read.
        """
        if path is None or not path.exists():
            return cls(path)
        with reachable(path):
            content = path.read_bytes()
        try:
            plain: Any = json.loads(content)
            notes = plain["rounds"]
            if plain["version"] != _VERSION or any(
                _result(each) is None for each in notes.values()
            ):
                raise ValueError("of another form")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidDocument(
                f"{path}: found {error}, accepted: what `sheaf verify --state` wrote",
                hint="name another file, or remove this one to start again",
            ) from error
        return cls(path, notes)

    def known(self, number: int, given: Given, store: Store) -> Result | None:
        """What the round of `number` gave, while the copies that were read look untouched."""
        note = self.notes.get(given.key)
        found = None if note is None else _result(note)
        if note is None or found is None or note["copies"] != _seen(store, given.blobs(found)):
            return None
        self.used.append(number)
        return found

    def add(self, given: Given, result: Result, store: Store) -> None:
        """Note what a round gave. Raises `StoreUnavailable` where the file cannot be written."""
        copies = None if self.path is None else _seen(store, given.blobs(result))
        if self.path is None or copies is None:
            return
        self.notes[given.key] = {
            "root": result.root.hex(),
            "state": result.state_root.hex(),
            "statistics": asdict(result.statistics),
            "copies": copies,
        }
        plain = {"version": _VERSION, "rounds": self.notes}
        write_atomically(self.path, (json.dumps(plain, indent=1) + "\n").encode())


def _seen(store: Store, ids: Iterable[ContentId]) -> dict[str, str] | None:
    """What tells that the first copy of each blob is the one that it was; None where that cannot be
    told of all."""
    found = {}
    for content_id in ids:
        try:
            copy = next(store.copies(content_id))
        except (BlobMissing, StoreUnavailable):
            return None
        if not copy.identity:
            return None
        found[str(content_id)] = copy.identity
    return found


def _result(note: Mapping[str, Any]) -> Result | None:
    """What a note says, None where it is none."""
    try:
        counts = [note["statistics"][name] for name in ("coordinates", "saturated", "stalled")]
        roots = bytes.fromhex(note["root"]), bytes.fromhex(note["state"])
        sound = all(type(count) is int for count in counts) and [*map(len, roots)] == [32, 32]
        sound = sound and isinstance(note["copies"], dict)
        return Result(*roots, RoundStatistics(*counts)) if sound else None
    except (KeyError, TypeError, ValueError, SheafError):
        return None
