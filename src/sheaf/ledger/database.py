"""The embedded ledger's file: one SQLite database that holds state, blocks, receipts and logs.

A block is written in one SQLite transaction, so a process that is killed leaves either the whole
block or none of it. Logs have tables of their own because reading them back through receipts
takes seconds where an index takes milliseconds.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sheaf.ledger.connections import connect, pragma, settle, size_bytes, take, translated
from sheaf.ledger.engine import Block, Genesis, Header, Log, Receipt, decode_header
from sheaf.ledger.node_table import NodeTable
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable

APPLICATION = 0x53486561
"""SQLite's application id of a Sheaf ledger ("SHea")."""

FORMAT = 1
"""Of the tables below; a file of another format is refused."""

_SCHEMA = (
    "CREATE TABLE genesis (document TEXT NOT NULL) STRICT",
    "CREATE TABLE nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " header BLOB NOT NULL) STRICT",
    "CREATE TABLE transactions (block INTEGER NOT NULL, position INTEGER NOT NULL,"
    " hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL, PRIMARY KEY (block, position)) STRICT",
    "CREATE TABLE receipts (block INTEGER NOT NULL, position INTEGER NOT NULL,"
    " status INTEGER NOT NULL, gas_used INTEGER NOT NULL, cumulative_gas_used INTEGER NOT NULL,"
    " contract BLOB, revert_data BLOB, encoded BLOB NOT NULL,"
    " PRIMARY KEY (block, position)) STRICT",
    "CREATE TABLE logs (block INTEGER NOT NULL, position INTEGER NOT NULL,"
    " transaction_position INTEGER NOT NULL, address BLOB NOT NULL, topic0 BLOB, topic1 BLOB,"
    " topic2 BLOB, topic3 BLOB, data BLOB NOT NULL, PRIMARY KEY (block, position)) STRICT",
    "CREATE INDEX logs_by_address ON logs (address, block)",
    "CREATE INDEX logs_by_topics ON logs (topic0, topic1, block)",
)

_TOPICS = ("topic0", "topic1", "topic2", "topic3")
LOG_COLUMNS = ("block", "position", "transaction_position", "address", *_TOPICS, "data")
"""Of the table of logs, in the order of `log_row`."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs: blocks first..last inclusive, any of `addresses`, and per topic any of its set.

    An empty set at a place, or no addresses, takes everything there. `transaction` is a position
    in its block.
    """

    first_block: int
    last_block: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()
    transaction: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt as stored, with its transaction's bytes and without its logs."""

    block: int
    position: int
    hash: bytes
    raw: bytes
    status: int
    gas_used: int
    cumulative_gas_used: int
    contract: bytes | None
    revert_data: bytes | None
    encoded: bytes

    def receipt(self, block_hash: bytes, logs: tuple[Log, ...]) -> Receipt:
        """The receipt, given the block's hash and this transaction's logs."""
        return Receipt(
            transaction_hash=self.hash,
            transaction_index=self.position,
            block_number=self.block,
            block_hash=block_hash,
            status=self.status,
            gas_used=self.gas_used,
            cumulative_gas_used=self.cumulative_gas_used,
            contract=self.contract,
            logs=logs,
            revert_data=self.revert_data,
            encoded=self.encoded,
        )


class LedgerFile:
    """The tables of one ledger. Not for use by several threads."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name
        self.nodes = NodeTable(connection, name)
        # A file that failed to open, or that nobody closed, must not linger until Python warns.
        self._release = weakref.finalize(self, connection.close)

    @classmethod
    def create(cls, path: Path | None, *, alone: bool = False) -> LedgerFile:
        """An empty file (in memory for None); LedgerUnavailable where one already is, `alone` as
        for `open`."""
        if path is None:
            return cls(connect(":memory:"), "the ledger in memory")
        if size_bytes(path):
            raise LedgerUnavailable(f"{path} already exists; a new ledger needs a new file")
        with translated(str(path)):
            connection = connect(str(path))
            file = cls(connection, str(path))
            if alone:
                take(connection)
            settle(connection, alone=alone)
        return file

    @staticmethod
    def remove(path: Path) -> None:
        """Throw a file away, and what a killed writer left beside it; LedgerUnavailable where that
        cannot be done."""
        try:
            # First: SQLite would roll a left journal back into the next file of this name.
            for left in ("journal", "wal", "shm"):
                path.with_name(f"{path.name}-{left}").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LedgerUnavailable(f"{path} cannot be removed: {error.strerror}") from error

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, alone: bool = False) -> LedgerFile:
        """The ledger in `path`; LedgerUnavailable or LedgerCorrupt with one line saying why.

        To be had `alone` (LedgerInUse where somebody has it) and written faster (`settle`).
        """
        if not size_bytes(path):
            raise LedgerUnavailable(f"no ledger at {path}")
        if read_only and size_bytes(path.with_name(f"{path.name}-journal")) is not None:
            # A writer was killed: SQLite undoes what it left half written, which reading cannot.
            cls.open(path).close()
        with translated(str(path)):
            mode = "ro" if read_only else "rw"
            connection = connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True)
            file = cls(connection, str(path))
            if alone:
                take(connection)
            application = pragma(connection, "application_id")
            version = pragma(connection, "user_version")
            # Whoever began it was stopped before it had anything in it.
            begun = application or not alone or file.schema()
        if not begun:
            raise LedgerCorrupt(f"{path} is corrupt: there is nothing in it")
        if application != APPLICATION:
            raise LedgerUnavailable(f"{path} is a database, but not a Sheaf ledger")
        if version != FORMAT:
            raise LedgerUnavailable(
                f"{path} is a ledger of format {version}; this Sheaf reads format {FORMAT}"
            )
        with translated(str(path)):
            settle(connection, alone=alone)
            promised = pragma(connection, "page_count") * pragma(connection, "page_size")
        # SQLite itself takes the end of a last page that is cut off for zeros.
        if (size_bytes(path) or 0) < promised:
            raise LedgerCorrupt(f"{path} is corrupt: its end is cut off")
        # Strict tables hold what their columns say, so nothing later has to ask for types.
        if file.schema() != set(_SCHEMA):
            raise LedgerCorrupt(f"{path} is corrupt: its tables are not a ledger's")
        return file

    def copy(self) -> LedgerFile:
        """The same tables in memory, to go on from here without touching the file."""
        copied = LedgerFile.create(None)
        with translated(self.name):
            self._connection.backup(copied._connection)
        return copied

    def close(self) -> None:
        """Release the file; anything not committed is gone."""
        self._release()

    def begin(self, genesis: Genesis, make_block: Callable[[], Block]) -> None:
        """Lay the tables, and write the genesis and the block that is made over the nodes."""
        with self._writing():
            for statement in _SCHEMA:
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
            self._connection.execute("INSERT INTO genesis VALUES (?)", (genesis.document(),))
            self._insert(make_block())

    def commit(self, *blocks: Block) -> None:
        """Write blocks and all the state they made, at once, or nothing."""
        with self._writing():
            for block in blocks:
                if self.height() != block.header.number - 1:
                    raise LedgerUnavailable(f"{self.name} was extended by another process")
                self._insert(block)

    def genesis(self) -> Genesis:
        """What the chain started from."""
        with translated(self.name):
            row = self._connection.execute("SELECT document FROM genesis").fetchone()
        if row is None:
            raise LedgerCorrupt(f"{self.name} is corrupt: it has no genesis")
        try:
            return Genesis.parse(row[0])
        except ValueError as error:
            raise LedgerCorrupt(f"{self.name} is corrupt: {error}") from error

    def header(self, at: int | bytes | None = None) -> Header | None:
        """The header of a block number or hash, the last for None; None if there is no such."""
        where = "ORDER BY number DESC LIMIT 1"
        if at is not None:
            where = "WHERE hash = ?" if isinstance(at, bytes) else "WHERE number = ?"
        with translated(self.name):
            row = self._connection.execute(
                f"SELECT number, hash, header FROM blocks {where}", () if at is None else (at,)
            ).fetchone()
            if row is None:
                return None
            header = decode_header(row[2])
        if (header.number, header.hash) != (row[0], row[1]):
            raise LedgerCorrupt(f"{self.name} is corrupt: block {row[0]} is not what its hash says")
        return header

    def schema(self) -> set[str]:
        """The statements that made the file's tables and indices."""
        with translated(self.name):
            rows = self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {sql for (sql,) in rows}

    def height(self) -> int:
        """The number of the last block."""
        with translated(self.name):
            row = self._connection.execute("SELECT max(number) FROM blocks").fetchone()
        return -1 if row[0] is None else int(row[0])

    def strays(self) -> Iterator[tuple[str, int]]:
        """Rows that belong to nothing, by name, and how many; a sound file has none."""
        queries = {"blocks before the first": "SELECT count(*) FROM blocks WHERE number < 0"}
        for table in ("transactions", "receipts", "logs"):
            outside = f"block < 1 OR block > {self.height()}"
            queries[f"{table} of no block"] = f"SELECT count(*) FROM {table} WHERE {outside}"
        queries["receipts of no transaction"] = (
            "SELECT count(*) FROM receipts r WHERE NOT EXISTS (SELECT 1 FROM transactions t"
            " WHERE t.block = r.block AND t.position = r.position)"
        )
        queries["another genesis"] = "SELECT count(*) - 1 FROM genesis"
        for what, query in queries.items():
            with translated(self.name):
                (count,) = self._connection.execute(query).fetchone()
            if count:
                yield what, count

    def require_sound(self) -> None:
        """LedgerCorrupt where SQLite itself finds the file's pages or indices wrong."""
        with translated(self.name):
            (found,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise LedgerCorrupt(f"{self.name} is corrupt: {' '.join(found.split())}")

    def raw_transactions(self, number: int) -> list[bytes]:
        """The signed bytes of a block's transactions, in order."""
        return [raw for _, _, raw in self.transaction_rows(number)]

    def transaction_rows(self, number: int) -> list[tuple[int, bytes, bytes]]:
        """Position, hash and signed bytes of a block's transactions, in order."""
        query = "SELECT position, hash, raw FROM transactions WHERE block = ? ORDER BY position"
        with translated(self.name):
            return self._connection.execute(query, (number,)).fetchall()

    def counts(self, after: int) -> list[tuple[int, int]]:
        """The numbers of the blocks after `after` that hold transactions, and of how many."""
        query = "SELECT block, count(*) FROM transactions WHERE block > ? GROUP BY block"
        with translated(self.name):
            return self._connection.execute(f"{query} ORDER BY block", (after,)).fetchall()

    def receipt(self, transaction_hash: bytes) -> ReceiptRow | None:
        """A transaction with its receipt, or None."""
        rows = self._receipts("t.hash = ?", transaction_hash)
        return rows[0] if rows else None

    def receipts(self, number: int) -> list[ReceiptRow]:
        """The transactions of a block with their receipts, in order."""
        return self._receipts("t.block = ?", number)

    def logs(self, wanted: LogFilter) -> list[Log]:
        """Logs in chain order."""
        where, values = ["l.block BETWEEN ? AND ?"], [wanted.first_block, wanted.last_block]
        choices: list[object] = list(values)
        for column, accepted in _choices(wanted):
            where.append(f"l.{column} IN ({', '.join('?' * len(accepted))})")
            choices.extend(accepted)
        if wanted.transaction is not None:
            where.append("l.transaction_position = ?")
            choices.append(wanted.transaction)
        # A filter of n topics only matches logs that have at least n.
        if wanted.topics:
            where.append(f"l.topic{len(wanted.topics) - 1} IS NOT NULL")
        with translated(self.name):
            rows = self._connection.execute(
                "SELECT l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data, l.block,"
                " b.hash, t.hash, l.transaction_position, l.position FROM logs l"
                " JOIN blocks b ON b.number = l.block"
                " JOIN transactions t ON t.block = l.block AND t.position = l.transaction_position"
                f" WHERE {' AND '.join(where)} ORDER BY l.block, l.position",
                choices,
            ).fetchall()
        return [
            Log(row[0], tuple(topic for topic in row[1:5] if topic is not None), *row[5:])
            for row in rows
        ]

    def log_rows(self, number: int) -> list[tuple[object, ...]]:
        """The logs of a block as their table has them, in order."""
        query = f"SELECT {', '.join(LOG_COLUMNS)} FROM logs WHERE block = ? ORDER BY position"
        with translated(self.name):
            return self._connection.execute(query, (number,)).fetchall()

    def _receipts(self, where: str, value: object) -> list[ReceiptRow]:
        with translated(self.name):
            rows = self._connection.execute(
                "SELECT t.block, t.position, t.hash, t.raw, r.status, r.gas_used,"
                " r.cumulative_gas_used, r.contract, r.revert_data, r.encoded FROM transactions t"
                " JOIN receipts r ON r.block = t.block AND r.position = t.position"
                f" WHERE {where} ORDER BY t.block, t.position",
                (value,),
            ).fetchall()
        return [ReceiptRow(*row) for row in rows]

    def _insert(self, block: Block) -> None:
        number = block.header.number
        run = self._connection.executemany
        run(
            "INSERT INTO blocks VALUES (?, ?, ?)",
            [(number, block.header.hash, block.header.encoded)],
        )
        run(
            "INSERT INTO transactions VALUES (?, ?, ?, ?)",
            [(number, i, t.hash, t.raw) for i, t in enumerate(block.transactions)],
        )
        run(
            "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number,
                    r.transaction_index,
                    r.status,
                    r.gas_used,
                    r.cumulative_gas_used,
                    r.contract,
                    r.revert_data,
                    r.encoded,
                )
                for r in block.receipts
            ],
        )
        run(
            "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [log_row(log) for receipt in block.receipts for log in receipt.logs],
        )
        self.nodes.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One SQLite transaction, in which the waiting nodes become durable or are forgotten."""
        with translated(self.name):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self._connection.execute("COMMIT")
                    self.nodes.keep()
                except BaseException:
                    # SQLite has already rolled back by itself after some errors.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            finally:
                self.nodes.discard()


def log_row(log: Log) -> tuple[object, ...]:
    """A log as the columns of its table."""
    topics = (*log.topics, None, None, None, None)[:4]
    return (log.block_number, log.index, log.transaction_index, log.address, *topics, log.data)


def _choices(wanted: LogFilter) -> Iterator[tuple[str, Sequence[bytes]]]:
    if wanted.addresses:
        yield "address", wanted.addresses
    for position, accepted in enumerate(wanted.topics):
        if accepted:
            yield f"topic{position}", accepted
