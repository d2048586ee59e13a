"""What a verifier noted for itself of rounds that it recomputed, so that it need not do so again.

A note is keyed by all that a round's result follows from: the task document, the roots of base,
state and counted updates, and their samples. So it holds whatever ledger names these again, and a
ledger that names others finds none. What it cannot say is whether the bytes are still there: each
note names the copies that were read, and counts only while all of them look untouched (of a file:
its inode, size and time of change). That is less than reading them, and the report says so.

The file is the verifier's own word to itself. Nobody should take one from somebody else. It is a
line of JSON for each note, written through to disk before the verification goes on, so that one
that was killed loses no round that it had finished; a line that was cut off counts for nothing.
Several verifications may write to one file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sheaf.learning.rules import RoundStatistics
from sheaf.nodes.aggregation import Given, Result, vector_id
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidDocument, SheafError, StoreUnavailable
from sheaf.protocol.hashing import ZERO, word
from sheaf.store.files import exists, reachable, write_atomically
from sheaf.store.interface import Store

HEAD = {"notes": "rounds that were verified", "version": 2}
"""The first line of the file."""


def key_of(given: Given) -> str:
    """A digest of all that a round's result follows from, in hex."""
    updates = b"".join(root + word(samples) for _, root, samples in given.counted)
    whole = given.task.cid.to_bytes() + given.base + given.state + updates
    return hashlib.sha256(whole).hexdigest()


@dataclass
class Checkpoints:
    """The notes in a file, by key; without a `path` there are none, and none are made.

    `used` are the rounds that were not recomputed, since a note stood for them.
    """

    path: Path | None = None
    notes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path | None) -> Checkpoints:
        """The notes in a file, none where it is not there yet.

        Raises `InvalidDocument` for a file that holds something else, `StoreUnavailable` where it
        cannot be read.
        """
        if path is None or not exists(path):
            return cls(path)
        with reachable(path):
            head, *lines = path.read_bytes().splitlines() or [b""]
        if _read(head) != HEAD:
            raise _refused(path, head)
        notes: dict[str, Mapping[str, Any]] = {}
        for line in lines:
            note = _read(line)
            if note is None:
                continue  # cut off, when whoever wrote it was killed
            if _result(note) is None:
                raise _refused(path, line)
            notes[note["key"]] = note
        return cls(path, notes)

    def known(self, number: int, given: Given, store: Store) -> Result | None:
        """What the round of `number` gave, while the copies that were read look untouched."""
        note = self.notes.get(key_of(given))
        found = None if note is None else _result(note)
        if note is None or found is None or note["copies"] != _seen(store, _ids(given)):
            return None
        self.used.append(number)
        return found

    def add(self, given: Given, result: Result) -> None:
        """Note what a round gave, unless nothing tells the copies that were read from others.

        Raises `StoreUnavailable` where the file cannot be written.
        """
        copies = {str(content_id): identity for content_id, identity in result.copies.items()}
        if self.path is None or not all(copies.values()):
            return
        key = key_of(given)
        note: dict[str, Any] = {
            "key": key,
            "root": result.root.hex(),
            "state": result.state_root.hex(),
            "statistics": asdict(result.statistics),
            "copies": copies,
        }
        if self.notes.get(key) != note:
            _append(self.path, note)
            self.notes[key] = note


def _append(path: Path, note: Mapping[str, Any]) -> None:
    """Write a line, durably."""
    if not exists(path):
        write_atomically(path, _line(HEAD))
    with reachable(path), path.open("r+b") as file:
        # Behind what was cut off, so that it spoils no more than itself.
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        cut = file.read(1) != b"\n"
    with reachable(path), path.open("ab", buffering=0) as file:
        file.write(b"\n" * cut + _line(note))
        os.fsync(file.fileno())


def _line(plain: Mapping[str, Any]) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _refused(path: Path, line: bytes) -> InvalidDocument:
    return InvalidDocument(
        f"{path}: found {line[:40]!r}, accepted: what `sheaf verify --state` wrote",
        hint="name another file, or remove this one to start again",
    )


def _ids(given: Given) -> list[ContentId]:
    """What is read for a round."""
    roots = [given.base, given.state, *(root for _, root, _ in given.counted)]
    return [vector_id(given.task, root) for root in roots if root != ZERO]


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


def _result(note: Any) -> Result | None:
    """What a note says, None where it is none."""
    try:
        counts = [note["statistics"][name] for name in ("coordinates", "saturated", "stalled")]
        roots = bytes.fromhex(note["root"]), bytes.fromhex(note["state"])
        sound = all(type(count) is int for count in counts) and [*map(len, roots)] == [32, 32]
        sound = sound and isinstance(note["copies"], dict) and isinstance(note["key"], str)
        return Result(*roots, RoundStatistics(*counts)) if sound else None
    except (KeyError, TypeError, ValueError, SheafError):
        return None
