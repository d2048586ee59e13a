"""What was executed once is not executed again, and nobody is accused by what lies beside."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Block
from sheaf.ledger.reexecute import Difference, Others, Reexecution, reexecute
from sheaf.ledger.remade import RemadeLedger, Written, place
from sheaf.protocol.errors import StoreUnavailable
from tests.ledger.altered import alter, flip, small_ledger
from tests.ledger.chain import (
    START,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    slot_of,
)


class Stopped(Exception):
    """Somebody pulled the plug."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_ledger(tmp_path / "ledger.db")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "mine" / "state.json"


@pytest.fixture(autouse=True)
def folder(state: Path) -> None:
    state.parent.mkdir()


def executed(path: Path, state: Path, stop_at: int = 99) -> tuple[Reexecution, list[Block]]:
    """What came out, and what was shown on the way."""
    shown: list[Block] = []

    def observe(block: Block) -> None:
        shown.append(block)
        if block.header.number == stop_at:
            raise Stopped

    found = reexecute(path, observe, beside=state)
    found.remade.close()
    return found, shown


def stopped(path: Path, state: Path, at: int) -> None:
    with pytest.raises(Stopped):
        executed(path, state, at)


def copy_of(state: Path) -> Path:
    (found,) = state.parent.glob(f"{state.name}-*.sqlite")
    return found


@pytest.mark.parametrize("at", [1, 2, 3])
def test_who_was_stopped_goes_on(path: Path, state: Path, at: int) -> None:
    expected, blocks = executed(path, state.with_name("another"))
    stopped(path, state, at)

    found, shown = executed(path, state)

    assert (found.known, expected.known) == (at, 0)
    assert shown == blocks
    assert found.difference is None
    assert (found.blocks, found.transactions, found.head) == (4, 4, expected.head)
    cell = shown[0].receipts[0].contract
    assert cell is not None
    again = reexecute(path, beside=state)
    assert again.known == 3
    assert again.engine.storage(cell, slot_of("aggregator")) == 7
    again.remade.close()


def test_what_was_executed_serves_a_ledger_that_has_grown(path: Path, state: Path) -> None:
    executed(path, state)
    ledger = EmbeddedLedger.open(path)
    ledger.submit(raw_transaction("sponsor", 1, address_of("auditor"), value_wei=1))
    ledger.mine(START + 20)
    ledger.close()

    found, shown = executed(path, state)

    assert (found.known, found.blocks, found.difference) == (3, 5, None)
    assert [block.header.number for block in shown] == [1, 2, 3, 4]
    assert executed(path, state)[0].known == 4


def test_another_history_is_executed_from_its_start(
    path: Path, state: Path, tmp_path: Path
) -> None:
    """Of the same genesis: a shorter one, and one that parted."""
    executed(path, state)
    shorter, other = tmp_path / "shorter.db", tmp_path / "other.db"
    ledger = new_ledger(shorter)
    deploy_cell(ledger, START + 1)
    ledger.close()
    shutil.copy(shorter, other)
    ledger = EmbeddedLedger.open(other)
    ledger.mine(START + 3)
    ledger.mine(START + 4)
    ledger.close()

    for each in (other, path, shorter):
        found, _ = executed(each, state)
        assert (found.known, found.difference) == (0, None)
    assert executed(path, state)[0].known == 1  # which begins as the shorter one does
    assert len([*state.parent.iterdir()]) == 1


def test_ledgers_of_another_genesis_have_a_file_each(
    path: Path, state: Path, tmp_path: Path
) -> None:
    another = tmp_path / "another.db"
    funds = {address_of("sponsor"): 10**20}
    EmbeddedLedger.create(another, chain_id=5, allocation=funds, timestamp=START).close()
    executed(path, state)
    executed(another, state)

    assert executed(path, state)[0].known == 3
    assert len([*state.parent.iterdir()]) == 2


CHANGED = [
    ("blocks", "header", "number = 2"),
    ("blocks", "hash", "number = 2"),
    ("transactions", "raw", "block = 1"),
    ("transactions", "raw", "block = 2 AND position = 2"),
    ("transactions", "hash", "block = 2 AND position = 1"),
    ("receipts", "encoded", "block = 2 AND position = 0"),
    ("receipts", "revert_data", "block = 2 AND position = 1"),
    ("logs", "data", "block = 2 AND position = 1"),
    ("logs", "address", "block = 2 AND position = 0"),
    ("nodes", "value", "length(value) > 100"),
]


@pytest.mark.parametrize("changed", CHANGED, ids="{0[0]} {0[1]} {0[2]}".format)
def test_what_was_changed_since_is_told_as_without(
    path: Path, state: Path, changed: tuple[str, str, str]
) -> None:
    executed(path, state)
    flip(path, *changed)

    expected = reexecute(path).difference

    assert expected is not None
    assert reexecute(path, beside=state).difference == expected


def test_a_row_put_in_since_is_told_as_without(path: Path, state: Path) -> None:
    executed(path, state)
    alter(path, "INSERT INTO nodes VALUES (x'01', x'02')")

    expected = Difference(3, "state node 01", "0x02", "nothing")
    assert reexecute(path, beside=state).difference == expected


def test_a_receipt_that_a_copy_has_lost_accuses_nobody(path: Path, state: Path) -> None:
    executed(path, state)
    alter(copy_of(state), "DELETE FROM receipts WHERE block = 2 AND position = 2")

    with pytest.raises(StoreUnavailable, match="now removed: found something else"):
        executed(path, state)


def test_a_copy_that_was_hardly_begun_is_begun_again(path: Path, state: Path) -> None:
    """Whoever began it was stopped before there was anything in it."""
    file = LedgerFile.open(path, read_only=True)
    at = place(state, file.genesis())
    file.close()
    LedgerFile.create(at, alone=True).close()
    assert at.stat().st_size == 4096

    assert executed(path, state)[0].known == 0
    assert executed(path, state)[0].known == 3


def test_two_that_go_on_at_once_do_not_disturb_each_other(path: Path, state: Path) -> None:
    """Whoever was killed leaves the file as the next one finds it."""
    stopped(path, state, 1)
    file = LedgerFile.open(path, read_only=True)
    first, second = (RemadeLedger.of(file, state) for _ in range(2))
    assert (first.known, first.path, second.known, second.path) == (1, copy_of(state), 0, None)
    for remade in (second, first):
        for number in range(remade.height + 1, 4):
            header = file.header(number)
            assert header is not None
            remade.keep(remade.apply(file.raw_transactions(number), header.timestamp))
        assert remade.head() == file.header()
        remade.close()
    file.close()
    assert executed(path, state)[0].known == 3


def test_a_file_of_somebody_else_is_not_removed(path: Path, state: Path) -> None:
    """Others are wrong while it is in use: it was not even looked at."""
    file = LedgerFile.open(path, read_only=True)
    holder = RemadeLedger.of(file, state)

    def wrong(file: LedgerFile, after: int) -> Others:
        def others(number: int) -> tuple[range, Written] | None:
            return range(number, number + 1), Written({}, bytes(32))

        return others

    with pytest.raises(StoreUnavailable, match=r"^what others executed ahead: found"):
        reexecute(path, beside=state, ahead=wrong)

    assert copy_of(state).exists()
    holder.close()
    file.close()


KEPT = [
    ("receipts", "encoded", "block = 2 AND position = 0"),
    ("logs", "data", "block = 2 AND position = 1"),
    ("nodes", "value", "length(value) > 100"),
]


@pytest.mark.parametrize("changed", KEPT, ids="{0[0]} {0[1]} {0[2]}".format)
def test_nobody_is_accused_by_a_changed_copy(
    path: Path, state: Path, changed: tuple[str, str, str]
) -> None:
    executed(path, state)
    flip(copy_of(state), *changed)

    with pytest.raises(StoreUnavailable, match=r"state\.json-.*something else than was executed"):
        executed(path, state)

    found, _ = executed(path, state)
    assert (found.known, found.difference) == (0, None)


@pytest.mark.parametrize("changed", CHANGED[:3], ids="{0[0]} {0[1]} {0[2]}".format)
def test_a_copy_of_other_blocks_is_none(
    path: Path, state: Path, changed: tuple[str, str, str]
) -> None:
    executed(path, state)
    flip(copy_of(state), *changed)

    found, _ = executed(path, state)

    assert (found.known, found.difference) == (0, None)


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_a_copy_that_was_cut_off_is_none(path: Path, state: Path, kept: int) -> None:
    executed(path, state)
    copy = copy_of(state)
    copy.write_bytes(copy.read_bytes()[:kept])

    assert executed(path, state)[0].known == 0
    assert executed(path, state)[0].known == 3


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM nodes WHERE length(value) > 100",
        "UPDATE nodes SET value = x'c0' WHERE length(value) > 100",
        "UPDATE nodes SET value = substr(value, 1, 90) WHERE length(value) > 100",
    ],
)
def test_a_spoilt_state_goes_on_to_nowhere(path: Path, state: Path, statement: str) -> None:
    """Executing the next block needs what the copy has lost."""
    stopped(path, state, 1)
    alter(copy_of(state), statement)

    with pytest.raises(StoreUnavailable, match="something else than was executed"):
        executed(path, state)
    assert executed(path, state)[0].difference is None


def test_what_a_killed_process_left_is_gone_on_with(path: Path, state: Path) -> None:
    """It leaves the file and what SQLite has not put into it yet."""
    file = LedgerFile.open(path, read_only=True)
    remade = RemadeLedger.of(file, state)
    for number in (1, 2):
        header = file.header(number)
        assert header is not None
        remade.keep(remade.apply(file.raw_transactions(number), header.timestamp))
    left = copy_of(state)
    assert left.with_name(left.name + "-wal").stat().st_size > 0
    again = state.with_name("again.json")
    for each in [*state.parent.iterdir()]:
        shutil.copy(each, each.with_name(each.name.replace("state", "again")))
    remade.close()
    file.close()

    found, _ = executed(path, again)

    assert (found.known, found.difference) == (2, None)


def test_one_at_a_time_uses_it(path: Path, state: Path) -> None:
    file = LedgerFile.open(path, read_only=True)
    first = RemadeLedger.of(file, state)

    found, _ = executed(path, state)

    assert (found.known, found.difference) == (0, None)
    first.close()
    file.close()
    assert executed(path, state)[0].known == 0
    assert executed(path, state)[0].known == 3


def test_a_database_of_somebody_s_is_left_alone(path: Path, state: Path) -> None:
    file = LedgerFile.open(path, read_only=True)
    foreign = place(state, file.genesis())
    file.close()
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = foreign.read_bytes()

    with pytest.raises(StoreUnavailable, match="a database, but not a Sheaf ledger"):
        executed(path, state)

    assert foreign.read_bytes() == before


def test_a_file_that_cannot_be_written_is_not_said_of_the_ledger(path: Path, state: Path) -> None:
    file = LedgerFile.open(path, read_only=True)
    place(state, file.genesis()).mkdir()
    file.close()

    with pytest.raises(StoreUnavailable, match=r"state\.json-"):
        executed(path, state)
