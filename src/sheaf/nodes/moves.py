"""The moves that a challenger makes in its own name, written down before anybody sees them.

One JSON object a line, durable before a transaction is handed in. Whatever a kill leaves is one of
three: not signed, so that it is decided again; signed, so that the same bytes are handed in again;
ended, so that it is not sent again where it failed. The file is its owner's alone (mode 0600).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sheaf.ledger.patient import Fees, digest_of
from sheaf.nodes.codec import plain, typed
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import LedgerCorrupt
from sheaf.store.files import reachable

MOVES = "moves.jsonl"


@dataclass(frozen=True)
class Signed:
    """A transaction that may have been handed in: its nonce, the newest block then, its bytes, what
    it offers for gas, and what it is: an action, or in words what else."""

    nonce: int
    block: int
    raw: bytes
    most: int
    tip: int
    action: Action | None
    told: str

    @property
    def digest(self) -> bytes:
        """The hash that it goes by."""
        return digest_of(self.raw)

    @property
    def fees(self) -> Fees:
        """What it offers for gas."""
        return Fees(self.most, self.tip)


@dataclass(frozen=True)
class Ended:
    """What became of a transaction: the final block it is in, its gas and what that cost in wei,
    and how it failed, if it did."""

    digest: bytes
    block: int
    gas: int
    fee_wei: int
    failure: str


@dataclass(frozen=True)
class Dropped:
    """A transaction that no block will take: refused, replaced, or of no use any more."""

    digest: bytes
    why: str


Entry = Signed | Ended | Dropped


@dataclass
class Moves:
    """All of them, in a file. One process writes it; raises `StoreUnavailable` where the file
    system refuses, `LedgerCorrupt` for a line that is no entry."""

    path: Path
    live: dict[bytes, Signed] = field(default_factory=dict)
    ended: list[tuple[Signed, Ended]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with reachable(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            # Unbuffered: what could not be written must not be tried again on closing.
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        with reachable(self.path):
            content = self._file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):  # a line that a kill cut short was handed in by nobody
                self._file.truncate(whole)
        for entry in _entries(self.path, content[:whole]):
            self._take(entry)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def note(self, entry: Entry) -> None:
        """Write an entry down for good."""
        rest = json.dumps(plain(entry), separators=(",", ":")).encode() + b"\n"
        with reachable(self.path):
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        self._take(entry)

    def is_live(self, action: Action) -> bool:
        """Whether a transaction with this action is on its way."""
        return any(signed.action == action for signed in self.live.values())

    @property
    def spent_wei(self) -> int:
        """What gas has cost so far."""
        return sum(ended.fee_wei for _, ended in self.ended)

    @property
    def gas(self) -> int:
        """The gas used so far."""
        return sum(ended.gas for _, ended in self.ended)

    def failures(self, first: int, last: int) -> list[tuple[Signed, Ended]]:
        """The actions that failed in blocks `first` to `last`, in the order of their blocks."""
        found = [
            (signed, ended)
            for signed, ended in self.ended
            if signed.action is not None and ended.failure and first <= ended.block <= last
        ]
        return sorted(found, key=lambda each: each[1].block)

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, Signed):
            self.live[entry.digest] = entry
            return
        signed = self.live.pop(entry.digest, None)
        if signed is None:
            raise LedgerCorrupt(f"{self.path}: found the end of a transaction that it never began")
        if isinstance(entry, Ended):
            self.ended.append((signed, entry))


def _entries(path: Path, content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            entry: Entry = typed(json.loads(line), Entry)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LedgerCorrupt(f"{path}: line {number} is not an entry") from error
        yield entry
