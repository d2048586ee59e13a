"""Stretches of blocks, each executed from the state that the file has before it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from sheaf.ledger import stretches
from sheaf.ledger.database import LedgerFile
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.reexecute import Others, reexecute
from sheaf.ledger.remade import RemadeLedger, Written
from sheaf.protocol.errors import LedgerCorrupt, StoreUnavailable
from tests.ledger.altered import alter, flip, small_ledger
from tests.ledger.chain import START, address_of, raw_transaction


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_ledger(tmp_path / "ledger.db")


@pytest.fixture
def file(path: Path) -> Iterator[LedgerFile]:
    file = LedgerFile.open(path, read_only=True)
    yield file
    file.close()


def test_blocks_are_cut_by_their_transactions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks 1 to 3 hold one, three and no transactions, and what is added one and two."""
    ledger = EmbeddedLedger.open(path)
    for number, count in ((4, 1), (5, 2)):
        for _ in range(count):
            nonce = ledger.engine.nonce(address_of("auditor"))
            nonce += len(ledger.waiting_from(address_of("auditor")))
            ledger.submit(raw_transaction("auditor", nonce, address_of("sponsor"), value_wei=1))
        ledger.mine(START + 20 + number)
    ledger.close()
    file = LedgerFile.open(path, read_only=True)
    expected = {
        1: [range(1, 2), range(2, 3), range(3, 5), range(5, 6)],
        2: [range(1, 3), range(3, 6)],
        5: [range(1, 5), range(5, 6)],
        9: [range(1, 6)],
    }
    for transactions, cut in expected.items():
        monkeypatch.setattr(stretches, "STRETCH_TRANSACTIONS", transactions)
        assert stretches.stretches(file, 0) == cut
    assert stretches.stretches(file, 4) == [range(5, 6)]
    assert stretches.stretches(file, 5) == []
    file.close()


CUTS = [[1, 4], [1, 2, 4], [1, 3, 4], [1, 2, 3, 4]]


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_all_stretches_together_write_what_one_execution_writes(
    file: LedgerFile, cuts: list[int]
) -> None:
    remade = RemadeLedger.of(file, None)
    for first, end in pairwise(cuts):
        written = stretches.executed(file, range(first, end))
        assert written is not None
        assert stretches.answered(stretches.answer(written)) == written
        remade.take(file, range(first, end), written)

    assert remade.height == 3
    assert remade.head() == file.header()
    assert remade.nodes() == len(file.nodes)
    assert all(remade.node(key) == value for key, value in file.nodes.items())


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("blocks", "header", "number = 2"),
        ("transactions", "raw", "block = 2 AND position = 2"),
        ("receipts", "encoded", "block = 2 AND position = 0"),
        ("receipts", "revert_data", "block = 2 AND position = 1"),
        ("logs", "data", "block = 2 AND position = 1"),
        ("blocks", "header", "number = 1"),
    ],
)
def test_what_is_not_as_the_file_has_it_is_no_stretch(
    path: Path, file: LedgerFile, table: str, column: str, where: str
) -> None:
    assert stretches.executed(file, range(2, 3)) is not None
    flip(path, table, column, where)

    served = json.loads(answers_of(path, [2, 3]))

    assert served is None


def test_a_changed_node_is_told_as_by_one(path: Path) -> None:
    """Each by itself, of state, code, headers and look-ups."""
    file = LedgerFile.open(path, read_only=True)
    keys = [key for key, value in file.nodes.items() if value]
    file.close()
    for key in keys:
        where = f"key = x'{key.hex()}'"
        flip(path, "nodes", "value", where)
        difference = reexecute(path).difference
        assert difference is not None
        assert difference.field == f"state node {key.hex()}"
        assert reexecute(path, ahead=each).difference == difference
        flip(path, "nodes", "value", where)
    assert reexecute(path, ahead=each).difference is None


def answers_of(path: Path, *requests: list[int]) -> str:
    asked = [json.dumps(str(path)), *map(json.dumps, requests)]
    answers = io.BytesIO()
    stretches.serve(io.BytesIO("\n".join([*asked, ""]).encode()), answers)
    return answers.getvalue().decode()


def each(file: LedgerFile, after: int) -> Others:
    """Every block is executed ahead, by itself."""

    def others(number: int) -> tuple[range, Written] | None:
        written, block = None, range(number, number + 1)
        with suppress(Exception):  # as `serve` does
            written = stretches.executed(file, block)
        return None if written is None else (block, written)

    return others


@pytest.mark.parametrize("kind", ["more", "less", "another"])
def test_nobody_is_accused_by_what_others_say(path: Path, kind: str) -> None:
    def lying(file: LedgerFile, after: int) -> Others:
        def others(number: int) -> tuple[range, Written] | None:
            found = each(file, after)(number)
            if found is None or number != 2:
                return found
            written = dict(found[1].nodes)
            state = next(key for key in written if len(key) == 32)
            if kind == "more":
                written[bytes(32)] = b"more"
            elif kind == "less":
                del written[state]
            else:
                written[state] += b"more"
            return found[0], replace(found[1], nodes=written)

        return others

    with pytest.raises(StoreUnavailable, match="ahead: found something else than was executed"):
        reexecute(path, ahead=lying)


@pytest.mark.parametrize(
    ("table", "column"), [("logs", "data"), ("receipts", "encoded"), ("receipts", "revert_data")]
)
def test_what_is_changed_after_others_looked_is_found(path: Path, table: str, column: str) -> None:
    """What was compared and what is taken are the same blocks."""
    where = "block = 2 AND position = 1"

    def changing(file: LedgerFile, after: int) -> Others:
        def others(number: int) -> tuple[range, Written] | None:
            found = each(file, after)(number)
            if number == 2:
                flip(path, table, column, where)
            return found

        return others

    found = reexecute(path, ahead=changing).difference
    assert found is not None
    assert found == reexecute(path).difference


@pytest.mark.parametrize("plain", [[], ["00"], ["zz", "00"], ["c2c180", ""], ["ff", ""], 5, {}])
def test_an_answer_that_is_none(plain: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        stretches.answered(plain)


def test_blocks_that_do_not_follow_are_not_taken(file: LedgerFile) -> None:
    remade = RemadeLedger.of(file, None)
    written = stretches.executed(file, range(2, 3))
    assert written is not None
    with pytest.raises(LedgerCorrupt, match="block 2 follows another"):
        remade.take(file, range(2, 3), written)
    assert remade.height == 0


def test_a_row_more_is_found_at_the_end(path: Path) -> None:
    alter(path, "INSERT INTO nodes VALUES (x'01', x'02')")

    found = reexecute(path, ahead=each).difference

    assert found == reexecute(path).difference
    assert found is not None
    assert found.field == "state node 01"
