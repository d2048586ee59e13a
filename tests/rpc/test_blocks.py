"""A real anvil's blocks, proved: an independent implementation of every root and hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.client import Call, address_of
from sheaf.ledger.finality import Finality
from sheaf.ledger.rpc import Connection, DevelopmentChain, connect
from sheaf.ledger.wire import data
from tests.ledger.chain import CELL_CREATION, CELL_RUNTIME, GWEI, NOTHING, word

ROOT = Path(__file__).parents[2]
CHAIN_ID = 1337
SENDER, SOMEBODY = address_of(DEVELOPMENT_KEY), b"\x11" * 20
CREATION = Call(SENDER, None, CELL_CREATION + CELL_RUNTIME, 200_000)
FORKS = ("london", "shanghai", "cancun", "prague", "osaka")


@pytest.fixture(scope="module", params=FORKS)
def anvil(request: pytest.FixtureRequest) -> Iterator[Anvil]:
    chosen = options(chain_id=CHAIN_ID)
    chosen[chosen.index("--hardfork") + 1] = request.param
    with Anvil(require(ROOT), [*chosen, "--slots-in-an-epoch", "1"]) as anvil:
        yield anvil


@pytest.fixture
def chain(anvil: Anvil) -> Iterator[DevelopmentChain]:
    chain = connect(Connection(anvil.url, CHAIN_ID), [DEVELOPMENT_KEY])
    assert isinstance(chain, DevelopmentChain)
    yield chain
    chain.close()


def ask(chain: DevelopmentChain, method: Any, *parameters: Any) -> Any:
    return chain.endpoint.make_request(method, parameters)["result"]


def kinds(nonce: int, cell: bytes) -> list[dict[str, Any]]:
    """Fields of a legacy transaction, one with an access list and one of a dynamic fee."""
    entry = {"address": to_checksum_address(cell), "storageKeys": [data(word(7))]}
    common = {"to": to_checksum_address(cell), "gas": 100_000, "chainId": CHAIN_ID, "value": 0}
    priced: dict[str, Any] = {"gasPrice": 5 * GWEI}
    dynamic: dict[str, Any] = {"maxFeePerGas": 5 * GWEI, "maxPriorityFeePerGas": 1}
    varied = [
        priced,
        {**priced, "accessList": [entry]},
        dynamic,
        {**dynamic, "accessList": [entry]},
    ]
    return [
        {**common, **each, "nonce": nonce + place, "data": data(word(place))}
        for place, each in enumerate(varied)
    ]


def test_a_block_of_every_kind_is_proved(chain: DevelopmentChain) -> None:
    (receipt,) = chain.client.send([CREATION])
    assert receipt.contract is not None
    nonce = int(ask(chain, "eth_getTransactionCount", data(SENDER), "latest"), 16)
    for fields in kinds(nonce, receipt.contract):
        signed = Account.sign_transaction(fields, DEVELOPMENT_KEY)
        ask(chain, "eth_sendRawTransaction", data(bytes(signed.raw_transaction)))
    chain._confirm()

    head = chain.client.head()
    block = chain.client.proved(head.number)
    assert block.header.hash == head.hash
    assert [sent.kind for sent in block.transactions] == [0, 1, 2, 2]
    assert {sent.sender for sent in block.transactions} == {SENDER}
    # The cell refuses zero.
    assert [receipt.status for receipt in block.receipts] == [0, 1, 1, 1]
    found = chain.client.logs(receipt.contract, head.number)
    assert [log.data for log in found] == [word(1), word(2), word(3)]
    explained = chain.client.transactions(head.number)
    assert [each.receipt.revert_data for each in explained] == [NOTHING, None, None, None]


@pytest.mark.parametrize("rule", ["latest", "3", "safe", "finalized"])
def test_what_is_sent_is_final_when_it_returns(anvil: Anvil, rule: str) -> None:
    chain = connect(Connection(anvil.url, CHAIN_ID, Finality.parse(rule)), [DEVELOPMENT_KEY])
    (receipt,) = chain.client.send([CREATION])
    final, newest = chain.client.head().number, chain.client.block("latest").number
    assert receipt.block_number == final
    # An epoch is one slot here: anvil calls the last but one safe, and the one before it final.
    assert newest - final == {"latest": 0, "3": 3, "safe": 1, "finalized": 2}[rule]
    chain.close()


def test_it_is_left_as_it_was_found(anvil: Anvil) -> None:
    reading = connect(Connection(anvil.url))
    assert isinstance(reading, DevelopmentChain)
    before = ask(reading, "anvil_getAutomine")
    connect(Connection(anvil.url, CHAIN_ID), [DEVELOPMENT_KEY]).close()
    assert ask(reading, "anvil_getAutomine") == before
    reading.close()
