"""The embedded chain: whole blocks, expected values by hand, restarts, interrupted writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sheaf.ledger.database import LogFilter
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Message
from sheaf.ledger.errors import Reverted, TimeNotAdvanced, TransactionRefused
from tests.ledger.chain import (
    CELL_RUNTIME,
    FUNDS_WEI,
    GWEI,
    LEGACY,
    NOTHING,
    START,
    STORED,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    slot_of,
    word,
)

FIRST_BASE_FEE_WEI = 875_000_000
"""A gwei at the genesis, an eighth less after an empty block (EIP-1559)."""

STORE_GAS = 21_000 + 31 * 4 + 16 + 23_535
"""Transaction, 31 zero bytes and one other, and the cell's instructions for a fresh slot.

Those are 3+3+3+3+10 to the jump, 1+3+2+22100 to store, 3+6 into memory, 2+3*3 for the operands of
a log of 375+2*375+8*32, and 3+3 to return.
"""

REFUSE_GAS = 21_000 + 32 * 4 + 22 + 12 + 6
"""Transaction, 32 zero bytes, 22 to the jump not taken, 3+3+6 to memory, 3+3 to revert."""


def test_a_transfer_moves_its_value_and_burns_its_fee() -> None:
    ledger = new_ledger()
    ledger.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=1_000))

    block = ledger.mine(START + 12)

    assert block.header.number == 1
    assert block.header.timestamp == START + 12
    assert block.header.base_fee_wei == FIRST_BASE_FEE_WEI
    assert block.header.gas_used == 21_000
    assert [receipt.status for receipt in block.receipts] == [1]
    fee = 21_000 * FIRST_BASE_FEE_WEI
    assert ledger.engine.balance_wei(address_of("sponsor")) == FUNDS_WEI - 1_000 - fee
    assert ledger.engine.balance_wei(address_of("auditor")) == FUNDS_WEI + 1_000
    assert ledger.engine.nonce(address_of("sponsor")) == 1


def test_a_contract_is_created_and_stores_and_logs() -> None:
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    assert ledger.engine.code(cell) == CELL_RUNTIME

    ledger.submit(raw_transaction("participant 1", 0, cell, word(5)))
    receipt = ledger.mine(START + 2).receipts[0]

    assert receipt.gas_used == STORE_GAS
    assert receipt.revert_data is None
    assert ledger.engine.storage(cell, slot_of("participant 1")) == 5
    (log,) = receipt.logs
    assert log.address == cell
    assert log.topics == (STORED, bytes(12) + address_of("participant 1"))
    assert log.data == word(5)
    assert (log.block_number, log.transaction_index, log.index) == (2, 0, 0)
    assert ledger.logs(LogFilter(0, 2)) == [log]


def test_a_call_answers_and_changes_nothing() -> None:
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)

    assert ledger.engine.call(Message(cell, word(9), address_of("auditor"))) == word(9)
    assert ledger.engine.storage(cell, slot_of("auditor")) == 0
    with pytest.raises(Reverted) as reverted:
        ledger.engine.call(Message(cell, word(0)))
    assert reverted.value.data == NOTHING
    with pytest.raises(Reverted) as starved:
        ledger.engine.call(Message(cell, word(9), gas=30_000))
    assert starved.value.data == b""


def test_estimates_are_the_least_gas_that_succeeds() -> None:
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    sender = address_of("participant 1")

    assert ledger.engine.estimate_gas(Message(address_of("auditor"), b"", sender)) == 21_000
    assert ledger.engine.estimate_gas(Message(cell, word(5), sender)) == STORE_GAS
    with pytest.raises(Reverted) as reverted:
        ledger.engine.estimate_gas(Message(cell, word(0), sender))
    assert reverted.value.data == NOTHING


def test_a_failing_transaction_in_the_middle_leaves_the_others() -> None:
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    for role, number in (("participant 1", 5), ("participant 2", 0), ("aggregator", 7)):
        ledger.submit(raw_transaction(role, 0, cell, word(number)))

    block = ledger.mine(START + 2)

    assert [receipt.status for receipt in block.receipts] == [1, 0, 1]
    assert [receipt.gas_used for receipt in block.receipts] == [STORE_GAS, REFUSE_GAS, STORE_GAS]
    assert [receipt.revert_data for receipt in block.receipts] == [None, NOTHING, None]
    assert block.receipts[2].cumulative_gas_used == 2 * STORE_GAS + REFUSE_GAS
    assert [log.index for receipt in block.receipts for log in receipt.logs] == [0, 1]
    assert ledger.engine.storage(cell, slot_of("aggregator")) == 7
    stored = ledger.receipt(block.receipts[1].transaction_hash)
    assert stored is not None
    assert stored[1] == block.receipts[1]


def test_time_only_moves_forward_and_only_when_told() -> None:
    ledger = new_ledger()
    ledger.mine(START + 5)
    ledger.submit(raw_transaction("sponsor", 0, address_of("auditor")))

    for timestamp in (START + 5, START + 4):
        with pytest.raises(TimeNotAdvanced):
            ledger.mine(timestamp)

    assert ledger.engine.head().number == 1
    assert len(ledger.pending) == 1
    assert len(ledger.mine(START + 6).transactions) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (raw_transaction("sponsor", 1, bytes(20)), "nonce too high: next nonce 0"),
        (raw_transaction("sponsor", 0, bytes(20), chainId=1), "signed for chain 1, not 1337"),
        (raw_transaction("sponsor", 0, bytes(20), gas=20_999), "below the intrinsic 21000"),
        (raw_transaction("sponsor", 0, bytes(20), value_wei=FUNDS_WEI), "insufficient funds"),
        (raw_transaction("sponsor", 0, bytes(20), maxFeePerGas=GWEI // 2), "below the base fee"),
        (raw_transaction("sponsor", 0, bytes(20), gas=10**9 + 1), "exceeds the block's"),
        (raw_transaction("stranger", 0, bytes(20)), "insufficient funds: balance 0"),
        (
            raw_transaction("sponsor", 0, bytes(20), maxPriorityFeePerGas=3 * GWEI),
            "above the maximum fee",
        ),
        (b"", "not a signed transaction"),
        (b"\x02\xc0", "not a signed transaction"),
        (b"\x03" + raw_transaction("sponsor", 0, bytes(20))[1:], "not a signed transaction"),
        (raw_transaction("sponsor", 0, bytes(20))[:-1] + b"\xff", "refused"),
    ],
)
def test_what_no_block_could_hold_is_refused_at_once(raw: bytes, reason: str) -> None:
    ledger = new_ledger()

    with pytest.raises(TransactionRefused, match=reason):
        ledger.submit(raw)

    assert ledger.pending == ()


def test_the_pool_counts_what_already_waits() -> None:
    ledger = new_ledger()
    first = raw_transaction("sponsor", 0, bytes(20), value_wei=FUNDS_WEI * 3 // 4)
    ledger.submit(first)

    with pytest.raises(TransactionRefused, match="already known"):
        ledger.submit(first)
    with pytest.raises(TransactionRefused, match="nonce too low"):
        ledger.submit(raw_transaction("sponsor", 0, bytes(20)))
    with pytest.raises(TransactionRefused, match="insufficient funds"):
        ledger.submit(raw_transaction("sponsor", 1, bytes(20), value_wei=FUNDS_WEI // 2))

    ledger.submit(raw_transaction("sponsor", 1, bytes(20), value_wei=1))
    assert [receipt.status for receipt in ledger.mine(START + 1).receipts] == [1, 1]


def test_what_a_block_cannot_hold_waits_for_the_next() -> None:
    allocation = {address_of("sponsor"): FUNDS_WEI}
    ledger = EmbeddedLedger.create(
        None, chain_id=1337, allocation=allocation, timestamp=START, gas_limit=500_000
    )
    for nonce in range(3):
        ledger.submit(raw_transaction("sponsor", nonce, address_of("auditor")))

    assert len(ledger.mine(START + 1).transactions) == 2
    assert [waiting.nonce for waiting in ledger.pending] == [2]
    with pytest.raises(TransactionRefused, match="next nonce 3"):
        ledger.submit(raw_transaction("sponsor", 2, address_of("auditor"), value_wei=1))
    assert len(ledger.mine(START + 2).transactions) == 1


def test_what_the_base_fee_outgrows_is_dropped_while_it_waits() -> None:
    allocation = {address_of(role): FUNDS_WEI for role in ("sponsor", "participant 1")}
    ledger = EmbeddedLedger.create(
        None, chain_id=1337, allocation=allocation, timestamp=START, gas_limit=100_000
    )
    for nonce in range(4):
        ledger.submit(raw_transaction("sponsor", nonce, bytes(range(20)), gas=21_000))
    late: dict[str, Any] = {"gas": 21_000, "maxFeePerGas": FIRST_BASE_FEE_WEI}
    for nonce in range(2):
        ledger.submit(raw_transaction("participant 1", nonce, bytes(range(20)), **late))
    ledger.submit(raw_transaction("sponsor", 4, bytes(range(20)), gas=21_000))

    assert len(ledger.mine(START + 1).transactions) == 4
    second = ledger.mine(START + 2)

    # 84,000 of gas against a target of 50,000.
    rise = FIRST_BASE_FEE_WEI * 34_000 // 50_000 // 8
    assert second.header.base_fee_wei == FIRST_BASE_FEE_WEI + rise
    assert [transaction.nonce for transaction in second.transactions] == [4]
    assert ledger.pending == ()
    assert ledger.engine.nonce(address_of("participant 1")) == 0


def test_a_legacy_transaction_is_carried_too() -> None:
    ledger = new_ledger()
    ledger.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=4, **LEGACY))

    block = ledger.mine(START + 1)

    assert block.transactions[0].kind == 0
    paid = 4 + 21_000 * 3 * GWEI
    assert ledger.engine.balance_wei(address_of("sponsor")) == FUNDS_WEI - paid


def test_the_same_transactions_give_the_same_chain(tmp_path: Path) -> None:
    heads = []
    for path in (None, tmp_path / "ledger.db"):
        ledger = new_ledger(path)
        cell = deploy_cell(ledger, START + 1)
        ledger.submit(raw_transaction("participant 1", 0, cell, word(5)))
        heads.append(ledger.mine(START + 2).header)

    assert heads[0] == heads[1]


def test_a_copy_goes_its_own_way(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger.db")
    cell = deploy_cell(ledger, START + 1)

    copied = ledger.copy()
    copied.submit(raw_transaction("participant 1", 0, cell, word(5)))
    copied.mine(START + 2)

    assert copied.engine.storage(cell, slot_of("participant 1")) == 5
    assert ledger.engine.storage(cell, slot_of("participant 1")) == 0
    assert ledger.engine.head().number == 1


def test_logs_are_found_by_address_topics_and_blocks() -> None:
    ledger = new_ledger()
    cells = [deploy_cell(ledger, START + 1 + i) for i in range(2)]
    for nonce in range(3):
        for role in ("participant 1", "participant 2"):
            to = cells[nonce % 2]
            ledger.submit(raw_transaction(role, nonce, to, word(10 * nonce + int(role[-1]))))
        ledger.mine(START + 10 + nonce)
    caller = bytes(12) + address_of("participant 2")

    def found(**wanted: tuple[bytes, ...] | tuple[tuple[bytes, ...], ...] | int) -> list[int]:
        chosen: dict[str, object] = {"first_block": 0, "last_block": 9, **wanted}
        logs = ledger.logs(LogFilter(**chosen))  # type: ignore[arg-type]
        return [int.from_bytes(log.data) for log in logs]

    assert found() == [1, 2, 11, 12, 21, 22]
    assert found(addresses=(cells[0],)) == [1, 2, 21, 22]
    assert found(addresses=tuple(cells)) == [1, 2, 11, 12, 21, 22]
    assert found(topics=((STORED,), (caller,))) == [2, 12, 22]
    assert found(topics=((), (caller,)), addresses=(cells[1],)) == [12]
    assert found(topics=((caller,),)) == []
    assert found(topics=((), (), ())) == []
    assert found(first_block=4, last_block=4) == [11, 12]
