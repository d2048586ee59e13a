"""A small ledger's file, and changes in one that nobody executed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.ledger.chain import START, deploy_cell, new_ledger, raw_transaction, word


def small_ledger(path: Path) -> Path:
    """Block 1 creates a cell; block 2 stores, fails and stores; block 3 is empty."""
    ledger = new_ledger(path)
    cell = deploy_cell(ledger, START + 1)
    for role, number in (("participant 1", 5), ("participant 2", 0), ("aggregator", 7)):
        ledger.submit(raw_transaction(role, 0, cell, word(number)))
    ledger.mine(START + 2)
    ledger.mine(START + 9)
    ledger.close()
    return path


def alter(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    changed = connection.execute(statement, values).rowcount
    connection.commit()
    connection.close()
    assert changed > 0


def flip(path: Path, table: str, column: str, where: str, at: int = -1) -> None:
    """Change one bit of one stored byte."""
    connection = sqlite3.connect(path)
    (stored,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
    connection.close()
    changed = bytearray(stored)
    changed[at] ^= 1
    alter(path, f"UPDATE {table} SET {column} = ? WHERE {where}", bytes(changed))
