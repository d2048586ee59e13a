"""The ledger's file: restarts, interrupted writes, and files that are not what they should be."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Block
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.ledger.reexecute import reexecute
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable
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


def test_a_reopened_ledger_goes_on_at_its_head(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = new_ledger(path)
    cell = deploy_cell(ledger, START + 1)
    ledger.submit(raw_transaction("participant 1", 0, cell, word(5)))
    before = ledger.mine(START + 2)
    ledger.submit(raw_transaction("participant 1", 1, cell, word(6)))
    ledger.close()

    opened = EmbeddedLedger.open(path)

    assert opened.engine.head() == before.header
    assert opened.pending == ()
    assert opened.genesis.timestamp == START
    assert opened.engine.storage(cell, slot_of("participant 1")) == 5
    opened.submit(raw_transaction("participant 1", 1, cell, word(6)))
    after = opened.mine(START + 3)
    assert after.header.parent_hash == before.header.hash
    assert opened.engine.storage(cell, slot_of("participant 1")) == 6
    assert opened.engine.storage(cell, slot_of("participant 1"), 2) == 5


def test_a_ledger_that_nobody_closed_is_cleared_away_in_any_thread() -> None:
    file = LedgerFile.create(None)
    # As Python does once nobody knows it any more, in whatever thread it then is.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(file._release).result()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        file._connection.execute("SELECT 1")


class InterruptedEngine(PyEvmEngine):
    """Is stopped after a block is made and before it is committed."""

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        super().apply(raw_transactions, timestamp)
        raise KeyboardInterrupt


def test_an_interrupted_block_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()
    file = LedgerFile.open(path)
    interrupted = EmbeddedLedger(file, InterruptedEngine(1337, file.nodes))
    interrupted.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=1))

    with pytest.raises(KeyboardInterrupt):
        interrupted.mine(START + 1)

    assert interrupted.engine.head().number == 0
    assert interrupted.engine.balance_wei(address_of("auditor")) == FUNDS_WEI
    assert len(interrupted.pending) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from sheaf.ledger.embedded import EmbeddedLedger
from tests.ledger.chain import START, address_of, raw_transaction
ledger = EmbeddedLedger.open(Path(sys.argv[1]))
for nonce in range(40):
    ledger.submit(raw_transaction("sponsor", nonce, address_of("auditor"), value_wei=1))
connection = ledger._file._connection
connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
def kill_at(statement):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
connection.set_trace_callback(kill_at)
ledger.mine(START + 1)
"""


@pytest.mark.parametrize("statement", ["INSERT INTO receipts", "INSERT OR REPLACE", "COMMIT"])
def test_a_process_killed_in_a_write_leaves_no_part_of_a_block(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()

    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), statement], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert reexecute(path).blocks == 1
    opened = EmbeddedLedger.open(path)
    assert opened.engine.head().number == 0
    assert opened.engine.balance_wei(address_of("auditor")) == FUNDS_WEI
    opened.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=1))
    opened.mine(START + 2)
    opened.close()
    assert reexecute(path).difference is None


def test_a_second_writer_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first = new_ledger(path)
    second = EmbeddedLedger.open(path)
    first.mine(START + 1)

    second.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=1))
    with pytest.raises(LedgerUnavailable, match="extended by another process"):
        second.mine(START + 2)

    assert first.engine.balance_wei(address_of("auditor")) == FUNDS_WEI


def test_no_ledger_is_made_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()

    with pytest.raises(LedgerUnavailable, match="already exists"):
        new_ledger(path)


def test_a_missing_or_foreign_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match=r"^no ledger at .*absent\.db$"):
        EmbeddedLedger.open(tmp_path / "absent.db")

    noise = tmp_path / "noise.db"
    noise.write_bytes(b"these are not the tables of a ledger" * 40)
    with pytest.raises(LedgerCorrupt, match="file is not a database"):
        EmbeddedLedger.open(noise)

    foreign = tmp_path / "foreign.db"
    sqlite3.connect(foreign).execute("CREATE TABLE cats (name TEXT)").connection.close()
    with pytest.raises(LedgerUnavailable, match="not a Sheaf ledger"):
        EmbeddedLedger.open(foreign)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(LedgerUnavailable, match="format 7; this Sheaf reads format 1"):
        EmbeddedLedger.open(path)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM nodes",
        "DELETE FROM blocks WHERE number = 1",
        "UPDATE blocks SET header = x'c0' WHERE number = 1",
        "UPDATE genesis SET document = '{}'",
        "DELETE FROM genesis",
        "DROP TABLE logs",
        "CREATE TRIGGER quiet DELETE ON logs BEGIN SELECT 1; END",
    ],
)
def test_a_file_that_contradicts_itself_is_not_opened(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "ledger.db"
    ledger = new_ledger(path)
    ledger.mine(START + 1)
    ledger.close()
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()

    with pytest.raises(LedgerCorrupt):
        EmbeddedLedger.open(path)


@pytest.mark.parametrize(
    ("table", "read"),
    [
        ("nodes", lambda file: list(file.nodes)),
        ("nodes", lambda file: len(file.nodes)),
        ("sqlite_autoindex_receipts_1", lambda file: list(file.strays())),
    ],
)
def test_a_damaged_page_is_one_clear_line(
    tmp_path: Path, table: str, read: Callable[[LedgerFile], object]
) -> None:
    path = tmp_path / "ledger.db"
    ledger = new_ledger(path)
    deploy_cell(ledger, START + 1)
    ledger.close()
    connection = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
    (page,) = connection.execute(query, (table,)).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    stored = bytearray(path.read_bytes())
    stored[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(stored)

    file = LedgerFile.open(path, read_only=True)
    with pytest.raises(LedgerCorrupt, match=r"ledger\.db is corrupt: "):
        read(file)
    file.close()
    with pytest.raises(LedgerCorrupt, match=r"ledger\.db is corrupt: "):
        reexecute(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chain_id", '"1337"'),
        ("chain_id", "1.5"),
        ("chain_id", "true"),
        ("chain_id", str(2**64)),
        ("timestamp", "-5"),
        ("timestamp", "null"),
        ("gas_limit", '"x"'),
        ("gas_limit", "4999"),
        ("gas_limit", str(2**63)),
        ("allocation", f'[["{"aa" * 20}", "-1"]]'),
        ("allocation", f'[["{"aa" * 20}", "{2**256}"]]'),
        ("allocation", f'[["{"aa" * 19}", "1"]]'),
        ("allocation", "[" * 100_000),
        ("more", "1"),
    ],
)
def test_a_genesis_of_other_values_is_corrupt(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()
    connection = sqlite3.connect(path)
    (document,) = connection.execute("SELECT document FROM genesis").fetchone()
    fields = {key: json.dumps(value) for key, value in json.loads(document).items()}
    fields[name] = text
    # As `Genesis.document` writes it, so that nothing but the value is wrong.
    changed = ", ".join(f'"{key}": {fields[key]}' for key in sorted(fields))
    connection.execute("UPDATE genesis SET document = ?", (f"{{{changed}}}",))
    connection.commit()
    connection.close()

    for read in (EmbeddedLedger.open, reexecute):
        with pytest.raises(LedgerCorrupt, match=r"ledger\.db is corrupt: unreadable genesis"):
            read(path)


@pytest.mark.parametrize("missing", [1, 2000, 4095, 4096, 5000])
def test_a_file_whose_end_is_cut_off_is_not_opened(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "ledger.db"
    new_ledger(path).close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - missing)
    with pytest.raises(LedgerCorrupt, match=r"is corrupt: (its end is cut off|.* malformed)"):
        EmbeddedLedger.open(path)


def test_a_ledger_thrown_away_leaves_nothing_that_the_next_one_would_roll_back(
    tmp_path: Path,
) -> None:
    path, journal = tmp_path / "ledger.db", tmp_path / "ledger.db-journal"
    new_ledger(path).close()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), "COMMIT"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert journal.stat().st_size > 0
    LedgerFile.remove(path)
    assert list(tmp_path.iterdir()) == []
    LedgerFile.remove(path)
    replaced = EmbeddedLedger.create(path, chain_id=5, allocation={}, timestamp=START, replace=True)
    replaced.close()
    EmbeddedLedger.create(path, chain_id=6, allocation={}, timestamp=START, replace=True).close()
    assert EmbeddedLedger.open(path).genesis.chain_id == 6
