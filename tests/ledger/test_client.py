"""The client over the embedded host: signing, nonces, receipts, reverts, logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from sheaf.ledger import client as clients
from sheaf.ledger.client import Call, Client, sign
from sheaf.ledger.engine import Log
from sheaf.ledger.errors import Reverted, TransactionRefused
from sheaf.protocol.errors import LedgerUnavailable
from tests.ledger.chain import (
    CELL_CREATION,
    CELL_RUNTIME,
    CHAIN_ID,
    FUNDS_WEI,
    NOTHING,
    START,
    STORED,
    Host,
    address_of,
    deploy_cell,
    key_of,
    new_host,
    raw_transaction,
    word,
    write,
)


@pytest.fixture
def host() -> Host:
    return new_host()


@pytest.fixture
def cell(host: Host) -> bytes:
    return deploy_cell(host.ledger, START + 1)


class TerseProvider(JSONBaseProvider):
    """A node over another that keeps revert reasons out of receipts, as most do."""

    def __init__(self, full: JSONBaseProvider) -> None:
        super().__init__()
        self._full = full

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        answer = self._full.make_request(method, params)
        result = answer.get("result")
        if isinstance(result, dict):
            result.pop("revertReason", None)
        return answer

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        return [self.make_request(*request) for request in requests]


class UnreachableProvider(JSONBaseProvider):
    """Nobody answers."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        raise ConnectionRefusedError("connection refused")


class FalteringProvider(JSONBaseProvider):
    """A node over another that is out of reach the first time it is asked for `method`."""

    def __init__(self, sound: JSONBaseProvider, method: str) -> None:
        super().__init__()
        self._sound = sound
        self._method = method

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == self._method:
            self._method = ""
            raise ConnectionResetError("connection reset")
        return self._sound.make_request(method, params)


@given(
    st.binary(min_size=32, max_size=32).filter(lambda key: 0 < int.from_bytes(key) < 2**255),
    st.tuples(
        st.integers(0, 2**64 - 2),
        st.integers(0, 2**32),
        st.integers(2**32, 2**96),
        st.integers(21_000, 2**40),
        st.one_of(st.just(b""), st.binary(min_size=20, max_size=20)),
        st.integers(0, 2**128),
        st.binary(max_size=80),
    ),
)
def test_signatures_are_those_of_an_independent_signer(
    key: bytes, fields: tuple[int, int, int, int, bytes, int, bytes]
) -> None:
    nonce, tip, most, gas, to, value, data = fields
    expected = Account.sign_transaction(
        {
            "chainId": CHAIN_ID,
            "nonce": nonce,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": most,
            "gas": gas,
            "to": Web3.to_checksum_address(to) if to else b"",
            "value": value,
            "data": data,
        },
        key,
    )

    assert sign(PrivateKey(key), CHAIN_ID, fields) == bytes(expected.raw_transaction)
    assert clients.address_of(key) == bytes.fromhex(Account.from_key(key).address[2:])


def test_a_batch_is_one_block(host: Host, cell: bytes) -> None:
    roles = ("participant 1", "participant 2", "participant 1", "aggregator")

    receipts = host.client.send([write(role, cell, i + 1) for i, role in enumerate(roles)])

    assert [receipt.status for receipt in receipts] == [1, 1, 1, 1]
    assert {receipt.block_number for receipt in receipts} == {2}
    assert [receipt.transaction_index for receipt in receipts] == [0, 1, 2, 3]
    assert receipts[0].gas_used == 44_675
    assert [transaction.nonce for transaction in host.ledger.transactions(2)] == [0, 0, 1, 0]
    assert host.client.send([]) == []


def test_receipts_and_logs_are_those_of_the_ledger(host: Host, cell: bytes) -> None:
    calls = [write("participant 1", cell, 5), write("participant 2", cell, 6)]
    receipts = host.client.send(calls)

    assert receipts[1].logs == (
        Log(
            address=cell,
            topics=(STORED, bytes(12) + address_of("participant 2")),
            data=word(6),
            block_number=2,
            block_hash=host.ledger.engine.head().hash,
            transaction_hash=host.ledger.transactions(2)[1].hash,
            transaction_index=1,
            index=1,
        ),
    )
    assert host.client.logs(cell) == [receipts[0].logs[0], receipts[1].logs[0]]


def test_a_contract_is_created(host: Host) -> None:
    creation = Call(address_of("sponsor"), None, CELL_CREATION + CELL_RUNTIME, 200_000)

    (receipt,) = host.client.send([creation])

    assert receipt.contract is not None
    assert host.client.code(receipt.contract) == CELL_RUNTIME


def test_a_failure_in_the_middle_keeps_its_revert_data(host: Host, cell: bytes) -> None:
    receipts = host.client.send(
        [
            write("participant 1", cell, 5),
            write("participant 2", cell, 0),
            write("aggregator", cell, 7),
        ]
    )

    assert [receipt.status for receipt in receipts] == [1, 0, 1]
    assert receipts[0].require() is receipts[0]
    with pytest.raises(Reverted) as reverted:
        receipts[1].require()
    assert reverted.value.data == NOTHING


def test_revert_data_is_asked_for_where_receipts_leave_it_out(host: Host, cell: bytes) -> None:
    provider = host.web3.provider
    assert isinstance(provider, JSONBaseProvider)

    def confirm() -> None:
        host.ledger.mine(host.ledger.engine.head().timestamp + 1)

    keys = [key_of("participant 1"), key_of("participant 2")]
    terse = Client(Web3(TerseProvider(provider)), keys, confirm)
    receipts = terse.send(
        [
            write("participant 1", cell, 0),
            write("participant 2", cell, 5, gas=30_000),
            write("participant 2", cell, 5),
        ]
    )

    assert [receipt.status for receipt in receipts] == [0, 0, 1]
    assert [receipt.revert_data for receipt in receipts] == [NOTHING, b"", None]


def test_nonces_are_counted_here_and_learned_again_after_a_refusal(host: Host, cell: bytes) -> None:
    host.client.send([write("participant 1", cell, 1)])
    for nonce in (1, 2):
        host.ledger.submit(raw_transaction("participant 1", nonce, cell, word(2)))
    host.ledger.mine(START + 100)

    with pytest.raises(TransactionRefused, match="nonce too low") as refused:
        host.client.send([write("participant 2", cell, 1), write("participant 1", cell, 3)])
    assert refused.value.index == 1

    receipts = host.client.send([write("participant 1", cell, 3), write("participant 2", cell, 4)])
    assert [receipt.status for receipt in receipts] == [1, 1]
    assert host.ledger.engine.nonce(address_of("participant 1")) == 4
    assert host.ledger.engine.nonce(address_of("participant 2")) == 2


def test_a_sender_without_a_key_costs_the_others_no_nonce(host: Host, cell: bytes) -> None:
    calls = [write("participant 1", cell, 1), write("stranger", cell, 2)]
    for _ in range(2):
        with pytest.raises(LookupError, match="no key"):
            host.client.send(calls)

    (receipt,) = host.client.send(calls[:1])

    assert receipt.status == 1
    assert host.ledger.transactions(receipt.block_number)[0].nonce == 0


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getTransactionReceipt"])
def test_nonces_are_learned_again_after_a_node_was_out_of_reach(
    host: Host, cell: bytes, method: str
) -> None:
    provider = host.web3.provider
    assert isinstance(provider, JSONBaseProvider)

    def confirm() -> None:
        host.ledger.mine(host.ledger.engine.head().timestamp + 1)

    web3 = Web3(FalteringProvider(provider, method))
    client = Client(web3, [key_of("participant 1")], confirm)
    with pytest.raises(LedgerUnavailable, match="connection reset"):
        client.send([write("participant 1", cell, 1)])

    (receipt,) = client.send([write("participant 1", cell, 2)])

    assert receipt.status == 1
    sent = host.ledger.engine.nonce(address_of("participant 1"))
    assert sent == (1 if method == "eth_sendRawTransaction" else 2)


def test_a_batch_wider_than_a_block_takes_several(host: Host, cell: bytes) -> None:
    calls = [write("participant 1", cell, i + 1, gas=400_000_000) for i in range(3)]

    receipts = host.client.send(calls)

    assert [receipt.block_number for receipt in receipts] == [2, 2, 3]


def test_a_host_that_makes_no_block_is_noticed(host: Host, cell: bytes) -> None:
    idle = Client(host.web3, [key_of("auditor")], confirm=lambda: None)

    with pytest.raises(TransactionRefused, match="no block took it"):
        idle.send([write("auditor", cell, 1)])


def test_reading_needs_no_keys(host: Host, cell: bytes) -> None:
    host.client.send([write("participant 1", cell, 5)])
    reader = Client(host.web3)

    assert reader.call(cell, word(9), address_of("auditor")) == word(9)
    with pytest.raises(Reverted) as reverted:
        reader.call(cell, word(0))
    assert reverted.value.data == NOTHING
    assert reader.balance_wei(address_of("auditor")) == FUNDS_WEI
    head = reader.head()
    assert (head.number, head.timestamp) == (2, START + 2)
    assert head.hash == host.ledger.engine.head().hash
    with pytest.raises(LedgerUnavailable, match="only reads"):
        reader.send([write("auditor", cell, 1)])
    with pytest.raises(LookupError, match="no key"):
        host.client.send([write("stranger", cell, 1)])


def test_logs_are_chosen_by_block_and_topic(host: Host, cell: bytes) -> None:
    for number in (1, 2, 3):
        host.client.send(
            [write("participant 1", cell, number), write("participant 2", cell, 10 + number)]
        )
    caller = bytes(12) + address_of("participant 2")

    def found(first: int = 0, last: int | None = None, **topics: Any) -> list[int]:
        logs = host.client.logs(cell, first, last, **topics)
        return [int.from_bytes(log.data) for log in logs]

    assert found() == [1, 11, 2, 12, 3, 13]
    assert found(3) == [2, 12, 3, 13]
    assert found(3, 3) == [2, 12]
    assert found(topics=[STORED, caller]) == [11, 12, 13]
    assert found(topics=[None, caller]) == [11, 12, 13]


def test_an_unreachable_node_is_one_typed_error() -> None:
    with pytest.raises(LedgerUnavailable, match="the node does not answer"):
        Client(Web3(UnreachableProvider()))


def test_a_client_survives_the_restart_of_its_ledger(tmp_path: Path) -> None:
    first = new_host(tmp_path / "ledger.db")
    cell = deploy_cell(first.ledger, START + 1)
    first.client.send([write("participant 1", cell, 5)])
    first.ledger.close()
    second = Host.reopen(tmp_path / "ledger.db")

    (receipt,) = second.client.send([write("participant 1", cell, 6)])

    assert receipt.status == 1
    assert [int.from_bytes(log.data) for log in second.client.logs(cell)] == [5, 6]
