"""Native coin that accounts sent each other, read from a file and behind a provider."""

from __future__ import annotations

from pathlib import Path

from sheaf.nodes.ledgers import LedgerInFile, proved_file
from sheaf.nodes.payments import Payment
from tests.ledger.chain import START, address_of, deploy_cell, new_ledger, raw_transaction


def test_what_was_paid_is_told_and_nothing_else(tmp_path: Path) -> None:
    """Block 1 creates a contract, 2 pays twice, 3 is empty, 4 sends coin to the contract with
    too little gas and coin of none, 5 pays after the last block that is asked for."""
    ledger = new_ledger(tmp_path / "ledger.sqlite")
    cell = deploy_cell(ledger, START + 1)
    one, two = address_of("participant 1"), address_of("participant 2")
    ledger.submit(raw_transaction("sponsor", 1, one, value_wei=7))
    ledger.submit(raw_transaction("participant 1", 0, two, value_wei=5))
    ledger.mine(START + 2)
    ledger.mine(START + 3)
    ledger.submit(raw_transaction("sponsor", 2, cell, b"\1" * 32, value_wei=9, gas=22_000))
    ledger.submit(raw_transaction("participant 1", 1, two))
    assert [each.status for each in ledger.mine(START + 4).receipts] == [0, 1]
    ledger.submit(raw_transaction("participant 2", 0, one, value_wei=3))
    ledger.mine(START + 5)
    ledger.close()
    paid = {
        Payment(2, address_of("sponsor"), one, 7),
        Payment(2, one, two, 5),
    }
    path = tmp_path / "ledger.sqlite"
    with proved_file("proved", path) as proved:
        for reading in (LedgerInFile("own", path), proved):
            assert {*reading.payments(4)} == paid
            assert [each.wei for each in reading.payments(5)][2:] == [3]
