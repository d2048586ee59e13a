"""Run a ledger file's transactions again from its genesis and compare everything it stores.

Needs no keys and trusts nothing in the file but the genesis and the signed transactions: headers,
receipts, logs and state must all come out as stored. What it shows is that the stored results
follow from these transactions, not that this is the only history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sheaf.ledger.database import LedgerFile, LogFilter, log_row
from sheaf.ledger.engine import Block, Engine, Genesis, Header
from sheaf.ledger.errors import TimeNotAdvanced, TransactionRefused
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.protocol.errors import LedgerCorrupt

_HEADER_FIELDS = (
    "number",
    "parent_hash",
    "timestamp",
    "transactions_root",
    "gas_used",
    "receipts_root",
    "state_root",
    "logs_bloom",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that is not as re-execution makes it."""

    block: int
    field: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Reexecution:
    """What re-executing found; `engine` holds the recomputed state, whatever the file says."""

    genesis: Genesis
    blocks: int
    transactions: int
    head: Header
    difference: Difference | None
    engine: Engine


def reexecute(path: Path, observe: Callable[[Block], None] | None = None) -> Reexecution:
    """Re-execute the ledger in `path`, which is only read, up to the first difference.

    `observe` is shown every block as re-execution made it, once it equals the stored one.
    LedgerUnavailable or LedgerCorrupt where the file cannot be read at all.
    """
    file = LedgerFile.open(path, read_only=True)
    try:
        genesis = file.genesis()
        nodes: dict[bytes, bytes] = {}
        engine = PyEvmEngine.begin(genesis, nodes)
        blocks = transactions = 0
        difference: Difference | None = None
        for number in range(file.height() + 1):
            raw = file.raw_transactions(number)
            made, difference = _check_block(file, engine, number, raw)
            if difference is not None:
                break
            if observe is not None and made is not None:
                observe(made)
            blocks, transactions = blocks + 1, transactions + len(raw)
        if difference is None:
            difference = _check_state(file, nodes)
        return Reexecution(genesis, blocks, transactions, engine.head(), difference, engine)
    finally:
        file.close()


def _check_block(
    file: LedgerFile, engine: PyEvmEngine, number: int, raw: list[bytes]
) -> tuple[Block | None, Difference | None]:
    """The block as re-execution makes it (the genesis has none), and how the stored one differs."""
    try:
        stored = file.header(number)
    except LedgerCorrupt as error:
        corrupt = Difference(number, "header", error.message, "a header that matches its hash")
        return None, corrupt
    if stored is None:
        return None, Difference(number, "header", "no such block", "one block for each number")
    if number == 0:
        return None, _first(number, _header_pairs(stored, engine.head()))
    try:
        block = engine.apply(raw, stored.timestamp)
    except TransactionRefused as refused:
        field = f"transaction {refused.index}"
        wanted = "a transaction that the block can hold"
        return None, Difference(number, field, refused.reason, wanted)
    except TimeNotAdvanced as error:
        late = Difference(number, "timestamp", error.message, "a later time than the parent's")
        return None, late
    return block, _first(number, _block_pairs(file, stored, block))


def _check_state(file: LedgerFile, nodes: dict[bytes, bytes]) -> Difference | None:
    """The stored trie nodes, code and look-ups against the recomputed ones."""
    head = file.height()
    count = 0
    for key, value in file.nodes.items():
        count += 1
        if nodes.get(key) != value:
            return _difference(head, f"state node {key.hex()}", value, nodes.get(key))
    if count != len(nodes):
        return _difference(head, "state nodes", count, len(nodes))
    for table, rows in file.strays():
        return _difference(head, f"{table} of no block", rows, 0)
    return None


Pair = tuple[str, object, object]
"""A field's name, its stored value, and the recomputed one."""


def _header_pairs(stored: Header, made: Header) -> Iterator[Pair]:
    for field in _HEADER_FIELDS:
        yield field, getattr(stored, field), getattr(made, field)
    yield "hash", stored.hash, made.hash


def _block_pairs(file: LedgerFile, stored: Header, block: Block) -> Iterator[Pair]:
    yield from _header_pairs(stored, block.header)
    number = block.header.number
    rows = file.receipts(number)
    yield "receipts", len(rows), len(block.receipts)
    for index, (row, made) in enumerate(zip(rows, block.receipts, strict=True)):
        receipt = row.receipt(stored.hash, made.logs)
        for field in receipt.__dataclass_fields__:
            yield f"receipt {index} {field}", getattr(receipt, field), getattr(made, field)
    logs = file.logs(LogFilter(number, number))
    expected = [log for receipt in block.receipts for log in receipt.logs]
    yield "logs", len(logs), len(expected)
    for found, log in zip(logs, expected, strict=True):
        yield f"log {log.index}", log_row(found), log_row(log)


def _first(number: int, pairs: Iterator[Pair]) -> Difference | None:
    for field, found, expected in pairs:
        if found != expected:
            return _difference(number, field, found, expected)
    return None


def _difference(number: int, field: str, found: object, expected: object) -> Difference:
    return Difference(number, field, _text(found), _text(expected))


def _text(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
