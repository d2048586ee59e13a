"""Blocks as nodes tell them: put back into the bytes that their hashes are taken over."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3

from sheaf.ledger.client import address_of
from sheaf.ledger.engine import Block
from sheaf.ledger.errors import Misreported
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.ledger.rpc_records import _transaction, created, prove_block, prove_header
from sheaf.ledger.wire import data, quantity
from sheaf.protocol.errors import LedgerUnavailable
from tests.ledger.chain import (
    CHAIN_ID,
    GWEI,
    LEGACY,
    START,
    Host,
    deploy_cell,
    key_of,
    new_ledger,
    raw_transaction,
    word,
)

Told = dict[str, Any]
OTHER = "0x" + "11" * 32
KEY = key_of("participant 1")
SOMEBODY = bytes(range(20))


@pytest.fixture(scope="module")
def host() -> Host:
    """A block of five: a legacy write, one with an access list, a failing one, a transfer and a
    creation."""
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    listed = [{"address": Web3.to_checksum_address(cell), "storageKeys": [data(word(5))]}]
    ledger.submit(raw_transaction("sponsor", 1, cell, word(4), **LEGACY))
    ledger.submit(raw_transaction("participant 1", 0, cell, word(5), accessList=listed))
    ledger.submit(raw_transaction("participant 2", 0, cell, word(0)))
    ledger.submit(raw_transaction("participant 1", 1, SOMEBODY, value_wei=7))
    ledger.submit(raw_transaction("participant 2", 1, None, b"\x00"))
    ledger.mine(START + 2)
    return Host.over(ledger)


@pytest.fixture
def told(host: Host) -> tuple[Told, list[Told]]:
    """The block and its receipts, for a test to change."""
    provider = EmbeddedProvider(host.ledger)

    def ask(method: Any, *params: Any) -> Any:
        return copy.deepcopy(provider.make_request(method, params)["result"])

    return ask("eth_getBlockByNumber", "0x2", True), ask("eth_getBlockReceipts", "0x2")


def block_of(host: Host, number: int) -> Block:
    """What the engine recorded, without what no root covers."""
    header = host.ledger.header(number)
    assert header is not None
    sent = host.ledger.transactions(number)
    found = [host.ledger.receipt(transaction.hash) for transaction in sent]
    receipts = tuple(each[1] for each in found if each is not None)
    return Block(header, sent, receipts)


def test_a_block_is_proved_to_be_what_the_engine_made(
    host: Host, told: tuple[Told, list[Told]]
) -> None:
    made, proved = block_of(host, 2), prove_block(*told)
    assert proved.header == made.header
    assert proved.transactions == made.transactions
    assert [receipt.status for receipt in proved.receipts] == [1, 1, 0, 1, 1]
    for found, expected in zip(proved.receipts, made.receipts, strict=True):
        for field in expected.__dataclass_fields__:
            if field != "revert_data":
                assert getattr(found, field) == getattr(expected, field), field


def test_an_empty_block_is_proved(host: Host) -> None:
    method: Any = "eth_getBlockByNumber"
    answer = EmbeddedProvider(new_ledger()).make_request(method, ["0x0", True])
    assert prove_block(answer["result"], []).receipts == ()


HEADER_LIES = {
    "parentHash": OTHER,
    "sha3Uncles": OTHER,
    "miner": "0x" + "11" * 20,
    "stateRoot": OTHER,
    "transactionsRoot": OTHER,
    "receiptsRoot": OTHER,
    "logsBloom": "0x" + "11" * 256,
    "difficulty": "0x1",
    "number": "0x3",
    "gasLimit": "0x1",
    "gasUsed": "0x1",
    "timestamp": quantity(START + 3),
    "extraData": "0x11",
    "mixHash": OTHER,
    "nonce": "0x" + "11" * 8,
    "baseFeePerGas": "0x1",
    "withdrawalsRoot": OTHER,
    "blobGasUsed": "0x1",
    "excessBlobGas": "0x1",
    "parentBeaconBlockRoot": OTHER,
    "requestsHash": OTHER,
    "hash": OTHER,
}


@pytest.mark.parametrize("field", HEADER_LIES)
def test_a_header_that_was_changed_has_another_hash(
    told: tuple[Told, list[Told]], field: str
) -> None:
    block, _ = told
    block[field] = HEADER_LIES[field]
    with pytest.raises(Misreported, match="hash: found 0x"):
        prove_header(block)


def _of_transaction(index: int, **changes: Any) -> Callable[[Told, list[Told]], object]:
    return lambda block, receipts: block["transactions"][index].update(changes)


def _of_receipt(index: int, **changes: Any) -> Callable[[Told, list[Told]], object]:
    return lambda block, receipts: receipts[index].update(changes)


def _of_log(index: int, **changes: Any) -> Callable[[Told, list[Told]], object]:
    return lambda block, receipts: receipts[index]["logs"][0].update(changes)


BODY_LIES: dict[str, tuple[Callable[[Told, list[Told]], object], str]] = {
    "value": (_of_transaction(3, value="0x8"), "a transaction's hash"),
    "input": (_of_transaction(1, input="0x11"), "a transaction's hash"),
    "nonce": (_of_transaction(0, nonce="0x0"), "a transaction's hash"),
    "recipient": (_of_transaction(3, to=None), "a transaction's hash"),
    "access list": (_of_transaction(1, accessList=[]), "a transaction's hash"),
    "hash": (_of_transaction(0, hash=OTHER), "a transaction's hash"),
    "sender": (_of_transaction(0, **{"from": "0x" + "11" * 20}), "a transaction's sender"),
    "order": (lambda block, receipts: block["transactions"].reverse(), "transactions root"),
    "dropped": (lambda block, receipts: block["transactions"].pop(), "transactions root"),
    "repeated": (
        lambda block, receipts: block["transactions"].append(block["transactions"][0]),
        "transactions root",
    ),
    "status": (_of_receipt(2, status="0x1"), "receipts root"),
    "gas": (_of_receipt(0, cumulativeGasUsed="0x1"), "receipts root"),
    "kind": (_of_receipt(0, type="0x1"), "receipts root"),
    "no logs": (_of_receipt(0, logs=[]), "receipts root"),
    "bloom": (_of_receipt(0, logsBloom="0x" + "11" * 256), "receipts root"),
    "log data": (_of_log(0, data=data(word(6))), "receipts root"),
    "log address": (_of_log(0, address="0x" + "11" * 20), "receipts root"),
    "log topics": (_of_log(0, topics=[]), "receipts root"),
    "receipt dropped": (lambda block, receipts: receipts.pop(), "receipts root"),
}


@pytest.mark.parametrize("lie", BODY_LIES)
def test_a_body_that_was_changed_has_another_root(told: tuple[Told, list[Told]], lie: str) -> None:
    change, what = BODY_LIES[lie]
    change(*told)
    with pytest.raises(Misreported, match=f"in block 2: {what}: found 0x[0-9a-f]+, proved 0x"):
        prove_block(*told)


def test_what_no_root_covers_is_not_taken_from_the_node(told: tuple[Told, list[Told]]) -> None:
    true = prove_block(*copy.deepcopy(told))
    for receipt in told[1]:
        receipt |= {"transactionHash": OTHER, "blockNumber": "0x9", "gasUsed": "0x1"}
        receipt |= {"contractAddress": "0x" + "11" * 20, "blockHash": OTHER, "from": None}
        for log in receipt["logs"]:
            log |= {"logIndex": "0x9", "transactionHash": OTHER, "blockHash": OTHER}
    assert prove_block(*told) == true


BLOB = {"maxFeePerBlobGas": 3 * GWEI, "blobVersionedHashes": [b"\x01" + bytes(31)]}
AUTHORIZATION = {"chainId": CHAIN_ID, "address": SOMEBODY, "nonce": 3}
KINDS: dict[int, dict[str, Any]] = {
    0: LEGACY,
    1: {**LEGACY, "accessList": [{"address": data(SOMEBODY), "storageKeys": [data(word(1))]}]},
    2: {},
    3: BLOB,
    4: {"authorizationList": [Account.from_key(KEY).sign_authorization(AUTHORIZATION)]},
}


def told_of(fields: Told, signed: Any, kind: int) -> Told:
    """How execution-apis writes a transaction of these fields."""
    plain: Told = {"type": hex(kind), "hash": data(signed.hash), "from": data(address_of(KEY))}
    plain["accessList"] = []
    for name, value in fields.items():
        plain["input" if name == "data" else name] = value
        if isinstance(value, int):
            plain[name] = hex(value)
        elif isinstance(value, bytes):
            plain["input" if name == "data" else name] = data(value)
    plain |= {"r": hex(signed.r), "s": hex(signed.s), "v": hex(signed.v), "yParity": hex(signed.v)}
    if kind == 3:
        plain["blobVersionedHashes"] = [data(each) for each in fields["blobVersionedHashes"]]
    if kind == 4:
        entries = [entry.model_dump(by_alias=True) for entry in fields["authorizationList"]]
        plain["authorizationList"] = [
            {name: value if name == "address" else hex(value) for name, value in entry.items()}
            for entry in entries
        ]
    return plain


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_as_an_independent_signer_writes_it(kind: int) -> None:
    fields: Told = {"nonce": 9, "to": SOMEBODY, "data": b"\x01\x02", "value": 5, "gas": 90_000}
    fields |= {"chainId": CHAIN_ID, "maxFeePerGas": 2 * GWEI, "maxPriorityFeePerGas": 1}
    fields = {name: value for name, value in {**fields, **KINDS[kind]}.items() if value is not None}
    signed = Account.sign_transaction(fields, KEY)
    plain = told_of(fields, signed, kind)
    found = _transaction(1, plain)
    assert (found.raw, found.hash) == (bytes(signed.raw_transaction), bytes(signed.hash))
    assert (found.sender, found.kind, found.chain_id) == (address_of(KEY), kind, CHAIN_ID)


def test_a_transaction_of_another_kind_is_refused(told: tuple[Told, list[Told]]) -> None:
    told[0]["transactions"][1]["type"] = "0x7e"
    with pytest.raises(LedgerUnavailable, match="block 2 holds a transaction of kind 126"):
        prove_block(*told)


def test_where_a_contract_is_created() -> None:
    # From the yellow paper's rule; the pair is the first contract of a well-known deployer.
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert created(sender, 0).hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert created(sender, 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"
