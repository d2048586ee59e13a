"""The embedded ledger through web3, as a node: shapes, values and errors."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import ContractCustomError, TransactionNotFound, Web3RPCError
from web3.types import RPCEndpoint

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import artifact
from sheaf.ledger.inclusion import proved_account, proved_slot
from sheaf.ledger.wire import data
from tests.ledger.chain import (
    CELL_RUNTIME,
    CHAIN_ID,
    FUNDS_WEI,
    GWEI,
    LEGACY,
    NOTHING,
    START,
    STORED,
    Host,
    address_of,
    deploy_cell,
    new_host,
    person,
    raw_transaction,
    slot_of,
    word,
    write,
)


@pytest.fixture
def host() -> Host:
    return new_host()


@pytest.fixture
def cell(host: Host) -> bytes:
    return deploy_cell(host.ledger, START + 1)


def checksummed(address: bytes) -> Any:
    return Web3.to_checksum_address(address)


def test_the_chain_introduces_itself(host: Host) -> None:
    web3 = host.web3

    assert web3.is_connected()
    assert web3.client_version.startswith("sheaf/")
    assert web3.eth.chain_id == CHAIN_ID
    assert web3.net.version == str(CHAIN_ID)
    assert web3.eth.block_number == 0
    assert web3.eth.gas_price == 875_000_000
    assert web3.eth.max_priority_fee == 0


def test_accounts_are_read(host: Host, cell: bytes) -> None:
    web3 = host.web3
    sponsor = checksummed(address_of("sponsor"))
    host.ledger.submit(raw_transaction("participant 1", 0, cell, word(5)))
    host.ledger.mine(START + 2)
    host.ledger.submit(raw_transaction("sponsor", 1, cell, word(6)))

    assert web3.eth.get_balance(checksummed(address_of("auditor"))) == FUNDS_WEI
    assert web3.eth.get_balance(sponsor, "earliest") == FUNDS_WEI
    assert web3.eth.get_transaction_count(sponsor) == 1
    assert web3.eth.get_transaction_count(sponsor, "pending") == 2
    assert bytes(web3.eth.get_code(checksummed(cell))) == CELL_RUNTIME
    slot = slot_of("participant 1")
    assert int.from_bytes(web3.eth.get_storage_at(checksummed(cell), slot)) == 5
    assert int.from_bytes(web3.eth.get_storage_at(checksummed(cell), slot, 1)) == 0


def test_a_sent_transaction_is_found_waiting_and_then_mined(host: Host, cell: bytes) -> None:
    web3 = host.web3
    digest = web3.eth.send_raw_transaction(raw_transaction("participant 1", 0, cell, word(5)))

    assert web3.eth.get_transaction(digest)["blockNumber"] is None
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(digest)

    host.ledger.mine(START + 9)
    mined = web3.eth.get_transaction(digest)
    receipt = web3.eth.get_transaction_receipt(digest)

    assert mined["blockNumber"] == 2
    assert mined["from"] == person("participant 1").address
    assert mined["input"] == word(5)
    assert mined["nonce"] == 0
    assert mined["maxFeePerGas"] == 2 * GWEI
    assert receipt["status"] == 1
    assert receipt["gasUsed"] == 44_675
    assert receipt["from"] == person("participant 1").address
    assert receipt["to"] == checksummed(cell)
    assert receipt["contractAddress"] is None
    target, used = 500_000_000, web3.eth.get_block(1)["gasUsed"]
    base_fee = 875_000_000 - 875_000_000 * (target - used) // target // 8
    assert receipt["effectiveGasPrice"] == mined["gasPrice"] == base_fee
    assert receipt["logs"][0]["topics"][0] == STORED
    assert receipt["blockHash"] == web3.eth.get_block(2)["hash"]
    assert len(receipt["logsBloom"]) == 256


def test_a_failed_receipt_tells_its_revert_data(host: Host, cell: bytes) -> None:
    digest = host.web3.eth.send_raw_transaction(raw_transaction("auditor", 0, cell, word(0)))
    host.ledger.mine(START + 2)

    receipt: Any = host.web3.eth.get_transaction_receipt(digest)

    assert receipt["status"] == 0
    assert receipt["revertReason"] == f"0x{NOTHING.hex()}"


def signed_bytes(shown: Any) -> bytes:
    """The RLP of what a node shows of a transaction: EIP-1559's, or the legacy form."""

    def fields(*names: str) -> list[Any]:
        values = (shown[name] for name in names)
        return [bytes.fromhex(v[2:]) if isinstance(v, str) else v for v in values]

    signature = [shown["v"], *(int.from_bytes(shown[name]) for name in ("r", "s"))]
    call = fields("gas", "to", "value", "input")
    if shown["type"] == 0:
        return bytes(rlp.encode([*fields("nonce", "gasPrice"), *call, *signature]))
    assert shown["v"] == shown["yParity"]
    fees = fields("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas")
    return b"\x02" + bytes(rlp.encode([*fees, *call, [], *signature]))


def test_blocks_are_shown_by_number_and_by_hash(host: Host, cell: bytes) -> None:
    web3 = host.web3
    raws = [
        raw_transaction("participant 1", 0, cell, word(5)),
        raw_transaction("auditor", 0, cell, word(6), **LEGACY),
    ]
    for raw in raws:
        web3.eth.send_raw_transaction(raw)
    made = host.ledger.mine(START + 2)

    block = web3.eth.get_block("latest")
    full: Any = web3.eth.get_block(block["hash"], full_transactions=True)

    assert block["number"] == 2
    assert block["timestamp"] == START + 2
    assert block["hash"] == made.header.hash
    assert block["parentHash"] == web3.eth.get_block(1)["hash"]
    assert block["stateRoot"] == made.header.state_root
    assert block["transactions"] == [Web3.keccak(raw) for raw in raws]
    assert [transaction["nonce"] for transaction in full["transactions"]] == [0, 0]
    # What a transaction shows must give back the very bytes that were signed.
    typed, legacy = full["transactions"]
    assert [signed_bytes(typed), signed_bytes(legacy)] == raws
    assert [typed["from"], legacy["from"]] == [Account.recover_transaction(raw) for raw in raws]
    assert legacy["v"] in (35 + 2 * CHAIN_ID, 36 + 2 * CHAIN_ID)
    assert (legacy["type"], typed["type"]) == (0, 2)
    assert block["size"] == len(made.header.encoded) + sum(map(len, raws)) + 2 + 2 + 3 + 2 + 1


def test_a_block_that_is_not_there_is_null(host: Host) -> None:
    provider = host.web3.provider
    by_number = provider.make_request(RPCEndpoint("eth_getBlockByNumber"), ["0x9", False])
    by_hash = provider.make_request(RPCEndpoint("eth_getBlockByHash"), ["0x" + "11" * 32, False])

    assert by_number["result"] is None
    assert by_hash["result"] is None


def test_a_call_returns_or_reverts_with_its_data(host: Host, cell: bytes) -> None:
    to = checksummed(cell)

    assert bytes(host.web3.eth.call({"to": to, "data": word(9)})) == word(9)
    with pytest.raises(ContractCustomError) as reverted:
        host.web3.eth.call({"to": to, "data": word(0)})
    assert reverted.value.data == f"0x{NOTHING.hex()}"
    with pytest.raises(Web3RPCError, match="header not found"):
        host.web3.eth.call({"to": to, "data": word(9)}, 17)


def test_gas_is_estimated(host: Host, cell: bytes) -> None:
    sender = checksummed(address_of("participant 1"))

    estimate = host.web3.eth.estimate_gas(
        {"from": sender, "to": checksummed(cell), "data": word(5)}
    )

    assert estimate == 44_675


def test_a_refused_transaction_says_why(host: Host) -> None:
    with pytest.raises(Web3RPCError, match="nonce too high"):
        host.web3.eth.send_raw_transaction(raw_transaction("sponsor", 7, bytes(20)))


def test_what_is_not_offered_or_malformed_is_an_error_answer(host: Host) -> None:
    def code(method: str, *parameters: object) -> int:
        answer: Any = host.web3.provider.make_request(RPCEndpoint(method), list(parameters))
        return int(answer["error"]["code"])

    assert code("evm_increaseTime", 10) == -32601
    assert code("eth_getBalance") == -32602
    assert code("eth_getBalance", "sponsor", "latest") == -32602
    assert code("eth_getBlockByNumber", "last", False) == -32602
    assert code("eth_call", {"to": "0x" + "11" * 19 + "1"}) == -32602


def test_logs_are_filtered(host: Host, cell: bytes) -> None:
    web3 = host.web3
    for nonce in range(2):
        for role in ("participant 1", "participant 2"):
            web3.eth.send_raw_transaction(raw_transaction(role, nonce, cell, word(nonce + 1)))
        host.ledger.mine(START + 5 + nonce)
    caller = "0x" + (bytes(12) + address_of("participant 2")).hex()

    def found(**wanted: Any) -> list[int]:
        chosen: Any = wanted
        return [int.from_bytes(log["data"]) for log in web3.eth.get_logs(chosen)]

    assert found(fromBlock=0) == [1, 1, 2, 2]
    assert found() == [2, 2]
    assert found(fromBlock=0, toBlock=2) == [1, 1]
    assert found(fromBlock=0, address=checksummed(cell), topics=[None, caller]) == [1, 2]
    assert found(fromBlock=0, address=checksummed(address_of("auditor"))) == []
    assert found(blockHash=web3.eth.get_block(2)["hash"]) == [1, 1]


def test_fee_history_covers_the_next_block(host: Host) -> None:
    host.ledger.mine(START + 1)

    history = host.web3.eth.fee_history(5, "latest", [50])

    assert history["oldestBlock"] == 0
    assert history["baseFeePerGas"] == [10**9, 875_000_000, 765_625_000]
    assert history["gasUsedRatio"] == [0.0, 0.0]
    assert history["reward"] == [[0], [0]]


def test_web3_contract_objects_work(host: Host) -> None:
    token = artifact("Token")
    interface = Interface(token.abi)
    creation = interface.creation(token.bytecode, "Reward", "RWD", 6, address_of("sponsor"), 1_000)
    host.ledger.submit(raw_transaction("sponsor", 0, None, creation, gas=3_000_000))
    address = host.ledger.mine(START + 1).receipts[0].contract
    assert address is not None

    contract = host.web3.eth.contract(checksummed(address), abi=list(token.abi))
    sponsor, auditor = person("sponsor"), person("auditor")
    call = contract.functions.transfer(auditor.address, 7)
    sent = call.build_transaction({"from": sponsor.address, "nonce": 1})
    host.web3.eth.send_raw_transaction(sponsor.sign_transaction(sent).raw_transaction)
    host.ledger.mine(START + 2)

    assert contract.functions.balanceOf(auditor.address).call() == 7
    assert contract.functions.decimals().call() == 6
    (event,) = contract.events.Transfer().get_logs(from_block=2)
    assert event["args"] == {"from": sponsor.address, "to": auditor.address, "value": 7}


def test_an_account_is_proved_as_web3_reads_it(host: Host, cell: bytes) -> None:
    host.client.send([write("participant 1", cell, 5)])
    slot = slot_of("participant 1")
    eth: Any = host.web3.eth
    found = eth.get_proof(checksummed(cell), [slot])
    header = host.ledger.header()
    assert header is not None
    account = proved_account(header.state_root, cell, tuple(map(bytes, found["accountProof"])))
    assert (found["nonce"], found["balance"]) == (account.nonce, account.balance_wei) == (1, 0)
    assert bytes(found["codeHash"]) == account.code_hash == keccak(CELL_RUNTIME)
    (proof,) = found["storageProof"]
    assert int.from_bytes(bytes(proof["value"])) == 5
    assert proved_slot(account.storage_root, slot, tuple(map(bytes, proof["proof"]))) == word(5)
    told: Any = host.web3.provider.make_request(
        "eth_getProof",  # type: ignore[arg-type]
        [data(b"\x11" * 20), [], "latest"],
    )
    assert told["error"]["code"] == -32602
