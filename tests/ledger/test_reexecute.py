"""Re-execution finds whatever was changed in a ledger file, and says where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sheaf.ledger.engine import Block
from sheaf.ledger.reexecute import Difference, reexecute
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable
from tests.ledger.altered import alter, flip, small_ledger
from tests.ledger.chain import (
    FUNDS_WEI,
    START,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    slot_of,
    word,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_ledger(tmp_path / "ledger.db")


@pytest.mark.parametrize("block", [0, 4, 9999])
@pytest.mark.parametrize("table", ["transactions", "receipts", "logs"])
def test_rows_of_no_block_are_found(path: Path, table: str, block: int) -> None:
    connection = sqlite3.connect(path)
    row = connection.execute(f"SELECT * FROM {table} WHERE block = 2").fetchone()
    connection.close()
    forged = [block, *row[1:]]
    if table == "transactions":
        forged[2] = bytes(32)  # its hash, which must be another
    marks = ", ".join("?" * len(forged))
    alter(path, f"INSERT INTO {table} VALUES ({marks})", *forged)
    expected = Difference(3, f"{table} of no block", "1", "0")
    assert reexecute(path).difference == expected


def test_an_untouched_file_comes_out_as_stored(path: Path) -> None:
    before = path.read_bytes()

    found = reexecute(path)

    assert found.difference is None
    assert (found.blocks, found.transactions) == (4, 4)
    assert found.head.number == 3
    assert found.genesis.timestamp == START
    assert found.engine.head() == found.head
    assert path.read_bytes() == before


def test_the_recomputed_state_can_be_asked(path: Path) -> None:
    seen: list[Block] = []

    found = reexecute(path, seen.append)

    assert [block.header.number for block in seen] == [1, 2, 3]
    cell = seen[0].receipts[0].contract
    assert cell is not None
    assert found.engine.storage(cell, slot_of("aggregator")) == 7


@pytest.mark.parametrize(
    ("table", "column", "where", "block", "field"),
    [
        ("blocks", "header", "number = 2", 2, "header"),
        ("blocks", "hash", "number = 2", 2, "header"),
        ("transactions", "raw", "block = 1", 1, "transaction 0"),
        ("transactions", "raw", "block = 2 AND position = 2", 2, "transaction 2"),
        ("transactions", "hash", "block = 2 AND position = 1", 2, "transaction 1 hash"),
        ("receipts", "encoded", "block = 2 AND position = 0", 2, "receipt 0 encoded"),
        ("receipts", "revert_data", "block = 2 AND position = 1", 2, "receipt 1 revert_data"),
        ("receipts", "contract", "block = 1", 1, "receipt 0 contract"),
        ("logs", "data", "block = 2 AND position = 1", 2, "log 1 data"),
        ("logs", "topic1", "block = 2 AND position = 0", 2, "log 0 topic1"),
        ("logs", "address", "block = 2 AND position = 0", 2, "log 0 address"),
    ],
)
def test_a_flipped_bit_is_found_and_placed(
    path: Path, table: str, column: str, where: str, block: int, field: str
) -> None:
    flip(path, table, column, where)

    difference = reexecute(path).difference

    assert difference is not None
    assert (difference.block, difference.field) == (block, field)


def test_a_flipped_bit_of_state_is_found(path: Path) -> None:
    connection = sqlite3.connect(path)
    keys = connection.execute("SELECT key FROM nodes WHERE length(value) > 0 ORDER BY key")
    chosen = [key.hex() for (key,) in keys][::9]
    connection.close()
    for key in chosen:
        flip(path, "nodes", "value", f"key = x'{key}'")
        difference = reexecute(path).difference
        assert difference is not None
        assert (difference.block, difference.field) == (3, f"state node {key}")
        flip(path, "nodes", "value", f"key = x'{key}'")

    assert len(chosen) > 3
    assert reexecute(path).difference is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM nodes WHERE key = (SELECT max(key) FROM nodes)",
        "INSERT INTO nodes VALUES (x'01', x'02')",
    ],
)
def test_state_taken_out_or_put_in_is_found(path: Path, statement: str) -> None:
    alter(path, statement)

    difference = reexecute(path).difference

    assert difference is not None
    assert difference.field.startswith("state node")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE receipts SET gas_used = gas_used + 1 WHERE block = 2 AND position = 2",
            Difference(2, "receipt 2 gas_used", "44676", "44675", address_of("aggregator")),
        ),
        (
            "UPDATE receipts SET status = 1 WHERE block = 2 AND position = 1",
            Difference(2, "receipt 1 status", "1", "0", address_of("participant 2")),
        ),
        ("DELETE FROM logs WHERE position = 1", Difference(2, "logs", "1", "2")),
        (
            "DELETE FROM receipts WHERE block = 2 AND position = 0",
            Difference(2, "receipts", "2", "3"),
        ),
        (
            "DELETE FROM blocks WHERE number = 2",
            Difference(2, "header", "no such block", "one block for each number"),
        ),
    ],
)
def test_changed_and_missing_rows_are_found(
    path: Path, statement: str, expected: Difference
) -> None:
    alter(path, statement)

    assert reexecute(path).difference == expected


def test_a_transaction_taken_out_changes_the_block(path: Path) -> None:
    alter(path, "DELETE FROM transactions WHERE block = 2 AND position = 0")

    difference = reexecute(path).difference

    assert difference is not None
    assert difference == Difference(2, "transactions at", "[1, 2]", "[0, 1]")


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("INSERT INTO blocks VALUES (-1, x'01', x'02')", "blocks before the first"),
        ("INSERT INTO receipts VALUES (2, 7, 1, 2, 3, NULL, NULL, x'')", "receipts of no"),
        ("INSERT INTO genesis SELECT * FROM genesis", "another genesis"),
        (
            "INSERT INTO logs SELECT block, 7, 9, address, topic0, topic1, topic2, topic3, data"
            " FROM logs WHERE block = 2 AND position = 0",
            "logs",
        ),
        ("UPDATE logs SET topic2 = topic1, topic1 = NULL WHERE block = 2", "log 0 topic1"),
        ("UPDATE transactions SET position = 8 WHERE position = 2", "transactions at"),
    ],
)
def test_rows_that_no_join_would_show_are_found(path: Path, statement: str, field: str) -> None:
    alter(path, statement)

    difference = reexecute(path).difference

    assert difference is not None
    assert difference.field.startswith(field)


def test_a_changed_transaction_is_whose_its_logs_name(tmp_path: Path) -> None:
    """Its bytes recover to an account that nobody has."""
    path = tmp_path / "ledger.db"
    ledger = new_ledger(path)
    cell = deploy_cell(ledger, START + 1)
    ledger.submit(raw_transaction("participant 1", 0, cell, word(5)))
    ledger.mine(START + 2)
    ledger.close()
    flip(path, "transactions", "raw", "block = 2")
    # The cell's own topic is a number; an address is what a topic looks like after twelve zeros.
    topic = bytes(12) + address_of("participant 1")
    alter(path, "UPDATE logs SET topic1 = ?", topic)

    difference = reexecute(path).difference

    assert difference is not None
    assert difference.field == "transaction 0"
    assert (difference.sender, difference.named) == (None, (address_of("participant 1"),))


def test_a_long_value_is_shown_from_where_it_differs(path: Path) -> None:
    flip(path, "receipts", "encoded", "block = 2 AND position = 0", at=200)

    difference = reexecute(path).difference

    assert difference is not None
    assert difference.field == "receipt 0 encoded"
    for text in (difference.found, difference.expected):
        assert " from byte 200 of " in text
        assert len(text) < 100
    assert int(difference.found[2:4], 16) ^ int(difference.expected[2:4], 16) == 1


def test_an_index_that_disagrees_with_its_table_is_corrupt(path: Path) -> None:
    """SQLite reads some values from an index alone."""
    stored = path.read_bytes()
    connection = sqlite3.connect(path)
    (digest,) = connection.execute("SELECT hash FROM transactions WHERE block = 1").fetchone()
    connection.close()
    assert stored.count(digest) == 2  # in the table and in the index of its own
    for place in (stored.index(digest), stored.rindex(digest)):
        changed = bytearray(stored)
        changed[place + 31] ^= 1
        path.write_bytes(changed)

        with pytest.raises(LedgerCorrupt, match=r"is corrupt: row 1 missing from index"):
            reexecute(path)


def test_another_genesis_is_found(path: Path) -> None:
    more = str(FUNDS_WEI * 2)
    alter(path, "UPDATE genesis SET document = replace(document, ?, ?)", str(FUNDS_WEI), more)

    difference = reexecute(path).difference

    assert difference is not None
    assert (difference.block, difference.field) == (0, "state_root")


def test_rewritten_history_is_not_the_head_that_was_noted(tmp_path: Path) -> None:
    """A file made anew is consistent: only a noted head tells the two apart."""
    heads = []
    for value in (1, 2):
        path = tmp_path / f"{value}.db"
        ledger = new_ledger(path)
        ledger.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=value))
        ledger.mine(START + 1)
        ledger.close()
        found = reexecute(path)
        assert found.difference is None
        heads.append(found.head.hash)

    assert heads[0] != heads[1]


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["absent", "empty"]
)
def test_no_file_is_a_typed_error(path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(path)

    with pytest.raises(LedgerUnavailable, match="no ledger at"):
        reexecute(path)
