"""Flipping bits of a finished run, one at a time, to see each found or to see that nothing changed.

`python -m tests.e2e.flips --flips N` goes on for N flips of a seed that it prints.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.nodes.cast import PRIVATE, STORE
from sheaf.nodes.evidence import Report, Witness
from sheaf.nodes.journal import JOURNAL
from sheaf.nodes.verification import CHECKS, NOTHING, verify
from sheaf.protocol.errors import LedgerUnavailable, VerificationFailed
from sheaf.protocol.optimisers import Constants
from sheaf.store.disk import DiskStore
from tests.nodes.plans import committee, economics, plan, schedule
from tests.nodes.stage import Played, evidence_of, play

TABLES = ("genesis", "nodes", "blocks", "transactions", "receipts", "logs")
PLACE = {"transactions": "position", "receipts": "position", "logs": "transaction_position"}
"""Tables whose rows are somebody's, and where they say which transaction they belong to."""

WHAT = {"genesis": ("genesis", "block "), "nodes": ("state node",)}
"""How a verification names what lies in a table, where it is not by its block."""

UNOWNED = ("block", "position", "raw")
"""A row that was moved is nobody's any more; changed signed bytes name whom their logs name."""

LEDGER, SUMMARY, BOOK = "ledger.sqlite", "summary.json", "ledger.json"
UNNAMED = ("cannot be read", "is not as a run writes it")
SIGNATURES = "countersignatures.json"
FOUND = (VerificationFailed, LedgerUnavailable)
"""The latter where SQLite or its header says that this is no ledger at all."""


def smallest(directory: Path) -> Played:
    """Two participants, one aggregator, one round: a verification takes a fraction of a second. The
    server optimiser is one that keeps a state."""
    few: dict[str, Any] = {"participants": 2, "committee": committee(1, 1)}
    adam = replace(plan().algorithm, name="fedadam", server=Constants(10, 100, 2**17, 2**14))
    shape = plan(**few, schedule=schedule(1), economics=economics(1), algorithm=adam)
    return play(directory, shape)


class Target:
    """A finished run and a copy of it; after each flip the copy is as it was."""

    def __init__(self, played: Played, copy: Path) -> None:
        self.copy, self.evidence = played.copy(copy), evidence_of(played.directory)
        shutil.copy(played.directory / JOURNAL, copy)
        self.owners = _owners(played.directory)
        self.files = sorted(path for path in copy.rglob("*") if path.is_file())
        self.ledger = (copy / LEDGER).read_bytes()
        with closing(self._connect()) as connection:
            self.dump = _dump(connection)
            self.senders = _senders(connection)
            self.columns = [
                (table, name)
                for table in TABLES
                for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")
            ]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.copy / LEDGER, isolation_level=None)

    def flip_value(self, table: str, column: str, dice: random.Random) -> None:
        """Flip a bit of a value in one of the ledger's tables: found, with whoever sent it."""
        with closing(self._connect()) as connection:
            where, owner = self._alter(connection, table, column, dice)
        what = WHAT.get(table, ("block ",))
        try:
            message = self.verified()
        finally:
            self._restore()
        assert message, f"{where} was changed, and nothing was found"
        assert any(each in message for each in what), f"{where}: {message}"
        assert owner in message or column in UNOWNED, f"{where} is of {owner}: {message}"

    def _alter(
        self, connection: sqlite3.Connection, table: str, column: str, dice: random.Random
    ) -> tuple[str, str]:
        """Where it was done, and the address of whoever sent what is there."""
        name = "key" if table == "nodes" else "rowid"
        rows = [row for (row,) in connection.execute(f"SELECT {name} FROM {table} ORDER BY 1")]
        while True:
            row, own = dice.choice(rows), f"{table} WHERE {name} = ?"
            (value,) = connection.execute(f"SELECT {column} FROM {own}", (row,)).fetchone()
            owner = ""
            if table in PLACE:
                found = connection.execute(f"SELECT block, {PLACE[table]} FROM {own}", (row,))
                owner = self.senders[found.fetchone()]
            changed = f"UPDATE {table} SET {column} = ? WHERE {name} = ?"
            try:
                connection.execute(changed, (_flipped(value, dice), row))
            except sqlite3.IntegrityError:
                continue  # another row has that place
            return f"{table}.{column} of row {row!r}", owner

    def flip_stored_byte(self, dice: random.Random) -> bool:
        """Flip a bit anywhere in the ledger's file: found, or its tables hold what they held.
        Whether it was found."""
        place, bit = dice.randrange(len(self.ledger)), 1 << dice.randrange(8)
        changed = bytearray(self.ledger)
        changed[place] ^= bit
        (self.copy / LEDGER).write_bytes(changed)
        try:
            message = self.verified()
            if not message:
                with closing(self._connect()) as connection:
                    same = _dump(connection) == self.dump
                assert same, f"byte {place}, bit {bit} changed a value, and nothing was found"
            return bool(message)
        finally:
            self._restore()

    def _restore(self) -> None:
        for left in self.copy.glob(f"{LEDGER}-*"):
            left.unlink()
        (self.copy / LEDGER).write_bytes(self.ledger)

    def flip_file_byte(self, path: Path, dice: random.Random) -> None:
        """Flip a bit of another file of the evidence: found, with what it is and whose, or it is a
        reported value's."""
        stored = path.read_bytes()
        place, bit = dice.randrange(len(stored)), 1 << dice.randrange(8)
        changed = bytearray(stored)
        changed[place] ^= bit
        path.write_bytes(changed)
        try:
            message = self.verified() if path.name == BOOK else self.checked()
        finally:
            path.write_bytes(stored)
        where = f"{path.name}: byte {place}, bit {bit}"
        if message:
            told = self.told_of(path, stored, bytes(changed), place)
            assert any(all(word in message for word in each) for each in told), (
                f"{where} is {told}: {message}"
            )
        else:
            assert path.name == SUMMARY, f"{where} was changed, and nothing was found"
            assert unreported(bytes(changed)) == unreported(stored), (
                f"{where} is not a reported value's"
            )

    def told_of(
        self, path: Path, stored: bytes, changed: bytes, place: int
    ) -> Sequence[tuple[str, ...]]:
        """What a verification may tell of a byte of a file: one of these sets of words."""
        if path.is_relative_to(self.copy / STORE):
            owners = self.owners.get(path.name, ["sponsor"])
            return [(path.name, owner) for owner in owners]
        if path.name == JOURNAL:
            return _told_of_journal(changed, stored[:place].count(b"\n"))
        if path.name == SUMMARY:
            return _told_of_summary(_field_at(stored, place))
        if path.name == SIGNATURES:
            # An entry begins with its address.
            entries = json.loads(stored)["countersignatures"]
            number = max(1, stored[: place + 1].count(b'"address":'))
            whose = f"number {number}, of {entries[number - 1]['address']}"
            return [(f"{SIGNATURES} cannot be read",), ("countersignatures: ", whose)]
        return [(path.name,), ("ledger: ",)]

    def verified(self) -> str:
        """What a verification finds; "" for nothing."""
        return _failure(lambda: verify(self.copy))

    def checked(self) -> str:
        """What is found besides the ledger, which was executed again once."""
        store = Witness(DiskStore(self.copy / "store"))
        evidence = replace(self.evidence, directory=self.copy, store=store)

        def check() -> None:
            for each in (*CHECKS, NOTHING.check):
                each(evidence, Report(""))

        return _failure(check)


def _owners(directory: Path) -> dict[str, list[str]]:
    """Names of those who made a blob: they keep it, too. What a challenger keeps, it recomputed."""
    found: dict[str, list[str]] = {}
    for path in sorted((directory / PRIVATE).rglob("*")):
        name = path.relative_to(directory / PRIVATE).parts[0]
        if path.is_file() and name != "challenger":
            found.setdefault(path.name, []).append(f"({name})")
    return found


def _told_of_journal(changed: bytes, line: int) -> list[tuple[str, ...]]:
    """Of a byte changed in this line, from 0: that it is none, or that it or the next one does not
    follow the one before it, and whose that is."""
    told: list[tuple[str, ...]] = [(f"line {line + 1} is not a journal entry",)]
    lines = changed.splitlines()
    if line + 1 == len(lines):  # which none follows, but for the summary
        told.append((f"{JOURNAL} ends in",))
    for number in (line, line + 1):
        with suppress(ValueError, KeyError, IndexError):
            entry = json.loads(lines[number - 1])["entry"]
            whose = "a turn" if entry["type"] == "Turn" else f"an answer of {entry['node']}"
            told.append((f"line {number + 1} does not follow the one before it, {whose}",))
    return told


def _told_of_summary(field: str) -> list[tuple[str, ...]]:
    """Of a byte of this field: what is found there. Another number that could be one, but is not
    written so, such as 8.3650, names no field; another digest of the journal is its journal's."""
    named = "accounts" if field.startswith("accounts.") else field  # looked at all together
    told: list[tuple[str, ...]] = [(f"{SUMMARY} {what}",) for what in UNNAMED]
    if field == "journal":
        told.append(("journal: ", "ends in"))
    return told + [(f"summary: {named}{end}", "found") for end in (":", ".", "[")]


def _field_at(summary: bytes, place: int) -> str:
    """The field of the summary that a byte is part of, down to the account that it is about."""
    field = whose = ""
    for line in summary[: summary.index(b"\n", place)].decode().splitlines():
        if line.startswith('  "'):
            field = line.split('"')[1]
        whose = line.split('"')[1] if line.startswith('    "0x') else ""
    return f"{field}.{whose}" if whose else field


def unreported(summary: bytes) -> Any:
    """A summary without the values that nobody can recompute."""
    content = json.loads(summary)
    reported = [content.pop(name) for name in ("run", "accounts", "project")]
    reported += [row.pop("seconds") for row in content["rounds"]]
    assert len(reported) == 3 + len(content["rounds"])
    return content


def _failure(check: Callable[[], object]) -> str:
    """What was found, if it is told in one line."""
    try:
        check()
    except FOUND as error:
        return error.message if "\n" not in error.message else ""
    return ""


def _flipped(value: Any, dice: random.Random) -> Any:
    """`value` with one bit flipped; NULL becomes a byte."""
    if isinstance(value, int):
        number = value.to_bytes(8, "big", signed=True)
        return int.from_bytes(_flip(number, dice), "big", signed=True)
    if isinstance(value, str):
        return _flip(value.encode(), dice, bits=7).decode()  # the document is ASCII
    return _flip(value, dice) if value else b"\x01"


def _flip(data: bytes, dice: random.Random, bits: int = 8) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(bits)
    return bytes(changed)


def _dump(connection: sqlite3.Connection) -> list[Any]:
    """All that the file says."""
    return [
        connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        for table in TABLES[1:]
    ] + [
        connection.execute("SELECT * FROM genesis").fetchall(),
        connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall(),
    ]


def _senders(connection: sqlite3.Connection) -> dict[tuple[int, int], str]:
    """Addresses by block and position."""
    engine = PyEvmEngine(1337, {})
    rows = connection.execute("SELECT block, position, raw FROM transactions")
    return {(b, p): to_checksum_address(engine.decode(raw).sender) for b, p, raw in rows}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--flips", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=None)
    arguments = asked.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    sys.stderr.write(f"seed {seed}\n")
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        played, dice = smallest(Path(folder) / "run"), random.Random(seed)
        target = Target(played, Path(folder) / "copy")
        while done.total() < arguments.flips:
            table, column = dice.choice(target.columns)
            target.flip_value(table, column, dice)
            target.flip_stored_byte(dice)
            done.update([table, "ledger file"])
            for path in target.files:
                if path.name != LEDGER:
                    target.flip_file_byte(path, dice)
                    done[path.name if path.suffix else "blob"] += 1
            sys.stderr.write(f"{done.total()} flips\n")
    sys.stdout.write(json.dumps({"seed": seed, "flips": done}) + "\n")


if __name__ == "__main__":
    main()
