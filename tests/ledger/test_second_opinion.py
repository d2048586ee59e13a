"""The same blocks by py-evm and by the executable specification: the same state roots."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import artifact
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Header
from tests.ledger.chain import (
    GWEI,
    LEGACY,
    START,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    slot_of,
    word,
)
from tests.ledger.played import played_ledger

HERE = Path(__file__).parent
FOLDER = Path(sys.prefix) / "second-opinion"


@pytest.fixture(scope="session")
def specification() -> Path:
    """The folder of the specification, which `make setup` fills."""
    assert FOLDER.is_dir(), f"{FOLDER} is missing: make setup"
    return FOLDER


def headers_of(ledger: EmbeddedLedger) -> list[Header]:
    found = [ledger.header(number) for number in range(ledger.engine.head().number + 1)]
    return [header for header in found if header is not None]


def record(ledger: EmbeddedLedger) -> dict[str, Any]:
    genesis, *later = headers_of(ledger)
    return {
        "chain_id": ledger.engine.chain_id,
        "allocation": [(who.hex(), str(wei)) for who, wei in ledger.genesis.allocation],
        "genesis": genesis.encoded.hex(),
        "blocks": [
            (header.encoded.hex(), [t.raw.hex() for t in ledger.transactions(header.number)])
            for header in later
        ],
    }


def second_opinion(folder: Path, given: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HERE / "second_opinion.py")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


def lively_ledger() -> EmbeddedLedger:
    """Every kind of transaction and outcome that the contracts of Sheaf meet."""
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    token = Interface(artifact("Token").abi)
    creation = token.creation(
        artifact("Token").bytecode, "Reward", "RWD", 6, address_of("sponsor"), 10**12
    )
    ledger.submit(raw_transaction("sponsor", 1, None, creation, gas=3_000_000))
    created = ledger.mine(START + 5).receipts[0].contract
    assert created is not None
    pay = token.calldata("transfer", address_of("participant 1"), 250)
    too_much = token.calldata("transfer", address_of("participant 1"), 10**13)
    warm = [{"address": f"0x{cell.hex()}", "storageKeys": [slot_of("participant 2")]}]
    for raw in (
        raw_transaction("participant 1", 0, cell, word(1)),
        raw_transaction("participant 2", 0, cell, word(0)),
        raw_transaction("sponsor", 2, created, pay),
        raw_transaction("sponsor", 3, created, too_much),
        raw_transaction("aggregator", 0, address_of("auditor"), value_wei=123),
        raw_transaction("auditor", 0, bytes(range(20)), value_wei=1, maxPriorityFeePerGas=GWEI),
        raw_transaction("participant 1", 1, cell, word(5), gas=30_000),
        raw_transaction("participant 2", 1, cell, word(9), accessList=warm),
        raw_transaction("auditor", 1, cell, word(3), **LEGACY),
        raw_transaction("auditor", 2, cell, word(4), **LEGACY, accessList=warm),
    ):
        ledger.submit(raw)
    ledger.mine(START + 60)
    ledger.mine(START + 61)
    ledger.submit(raw_transaction("participant 1", 2, cell, word(0), gas=50_000))
    ledger.submit(raw_transaction("participant 1", 3, cell, word(2)))
    ledger.mine(START + 3600)
    return ledger


def test_both_give_the_same_state_roots(specification: Path) -> None:
    ledger = lively_ledger()

    opinion = second_opinion(specification, record(ledger))

    roots = [header.state_root.hex() for header in headers_of(ledger)]
    assert opinion.returncode == 0, opinion.stderr
    assert opinion.stdout.split() == roots
    assert len(roots) == 6
    assert len(set(roots)) == 5  # one of the blocks is empty


def test_both_give_the_same_state_roots_of_a_whole_task(specification: Path) -> None:
    """Hashes by precompile, guards in transient storage, a contract created by another, calls in
    calls: what the tokens and the cell above do not have."""
    ledger = played_ledger()

    opinion = second_opinion(specification, record(ledger))

    roots = [header.state_root.hex() for header in headers_of(ledger)]
    assert opinion.returncode == 0, opinion.stderr
    assert opinion.stdout.split() == roots
    assert len(roots) > 40


def test_the_specification_refuses_a_block_of_other_transactions(specification: Path) -> None:
    ledger = new_ledger()
    ledger.submit(raw_transaction("sponsor", 0, address_of("auditor"), value_wei=1))
    ledger.mine(START + 1)
    given = record(ledger)
    other = raw_transaction("sponsor", 0, address_of("auditor"), value_wei=2)
    given["blocks"][0] = (given["blocks"][0][0], [other.hex()])

    opinion = second_opinion(specification, given)

    assert opinion.returncode != 0
    assert "InvalidBlock" in opinion.stderr
