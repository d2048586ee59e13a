"""JSON-RPC's way of writing records (ethereum/execution-apis), both directions.

A quantity is hex without leading zeros, data is hex of whole bytes; addresses go out in lower
case, which every client accepts and none needs to checksum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import rlp

from sheaf.ledger.engine import Header, Log, Receipt, Transaction

_TYPED_RECEIPTS_END = 0xC0
"""A receipt that starts below this byte is preceded by its type; RLP lists start at it."""


def quantity(number: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(number)


def data(octets: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return f"0x{octets.hex()}"


def compact(number: int) -> bytes:
    """RLP's integers: big-endian without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def decode_bytes(text: Any) -> bytes:
    """Bytes from hex (or bytes, which web3 may pass on); ValueError otherwise."""
    if isinstance(text, bytes | bytearray):
        return bytes(text)
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"expected 0x and hex digits, found {text!r}")
    return bytes.fromhex(text[2:])


def decode_quantity(text: Any) -> int:
    """A number from hex (or an int); ValueError otherwise."""
    if isinstance(text, int):
        return text
    if not isinstance(text, str):
        raise ValueError(f"expected a quantity, found {text!r}")
    return int(text, 16)


def log_object(log: Log) -> dict[str, Any]:
    """A log as `eth_getLogs` returns it."""
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.block_number),
        "blockHash": data(log.block_hash),
        "transactionHash": data(log.transaction_hash),
        "transactionIndex": quantity(log.transaction_index),
        "logIndex": quantity(log.index),
        "removed": False,
    }


def decode_log(plain: Mapping[str, Any]) -> Log:
    """A log from a node's answer."""
    return Log(
        address=decode_bytes(plain["address"]),
        topics=tuple(decode_bytes(topic) for topic in plain["topics"]),
        data=decode_bytes(plain["data"]),
        block_number=decode_quantity(plain["blockNumber"]),
        block_hash=decode_bytes(plain["blockHash"]),
        transaction_hash=decode_bytes(plain["transactionHash"]),
        transaction_index=decode_quantity(plain["transactionIndex"]),
        index=decode_quantity(plain["logIndex"]),
    )


def receipt_object(transaction: Transaction, receipt: Receipt, header: Header) -> dict[str, Any]:
    """A receipt as `eth_getTransactionReceipt` returns it, with `revertReason` if it failed."""
    plain = {
        "transactionHash": data(receipt.transaction_hash),
        "transactionIndex": quantity(receipt.transaction_index),
        "blockNumber": quantity(receipt.block_number),
        "blockHash": data(receipt.block_hash),
        "from": data(transaction.sender),
        "to": None if transaction.to is None else data(transaction.to),
        "contractAddress": None if receipt.contract is None else data(receipt.contract),
        "status": quantity(receipt.status),
        "type": quantity(transaction.kind),
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(transaction.price_wei(header.base_fee_wei)),
        "logs": [log_object(log) for log in receipt.logs],
        "logsBloom": data(_bloom(receipt.encoded)),
    }
    if receipt.revert_data is not None:
        plain["revertReason"] = data(receipt.revert_data)
    return plain


def decode_receipt(plain: Mapping[str, Any]) -> Receipt:
    """A receipt from a node's answer; `revert_data` stays None where the node does not tell it."""
    reason = plain.get("revertReason")
    return Receipt(
        transaction_hash=decode_bytes(plain["transactionHash"]),
        transaction_index=decode_quantity(plain["transactionIndex"]),
        block_number=decode_quantity(plain["blockNumber"]),
        block_hash=decode_bytes(plain["blockHash"]),
        status=decode_quantity(plain["status"]),
        gas_used=decode_quantity(plain["gasUsed"]),
        cumulative_gas_used=decode_quantity(plain["cumulativeGasUsed"]),
        contract=decode_bytes(plain["contractAddress"]) if plain.get("contractAddress") else None,
        logs=tuple(decode_log(log) for log in plain["logs"]),
        revert_data=None if reason is None else decode_bytes(reason),
    )


def transaction_object(
    transaction: Transaction, header: Header | None, index: int
) -> dict[str, Any]:
    """A transaction as `eth_getTransactionByHash` returns it; `header` None while it waits."""
    price = transaction.price_wei(header.base_fee_wei) if header else transaction.max_fee_wei
    plain: dict[str, Any] = {
        "hash": data(transaction.hash),
        "blockHash": None if header is None else data(header.hash),
        "blockNumber": None if header is None else quantity(header.number),
        "transactionIndex": None if header is None else quantity(index),
        "from": data(transaction.sender),
        "to": None if transaction.to is None else data(transaction.to),
        "nonce": quantity(transaction.nonce),
        "value": quantity(transaction.value_wei),
        "input": data(transaction.data),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(price),
        "type": quantity(transaction.kind),
        "chainId": quantity(transaction.chain_id),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if transaction.kind == 0:
        # EIP-155: a legacy transaction carries its chain in v.
        plain["v"] = quantity(35 + 2 * transaction.chain_id + transaction.y_parity)
        return plain
    plain["v"] = plain["yParity"] = quantity(transaction.y_parity)
    plain["accessList"] = [
        {"address": data(address), "storageKeys": [data(slot.to_bytes(32)) for slot in slots]}
        for address, slots in transaction.access_list
    ]
    if transaction.kind == 2:
        plain["maxFeePerGas"] = quantity(transaction.max_fee_wei)
        plain["maxPriorityFeePerGas"] = quantity(transaction.priority_fee_wei)
    return plain


def block_object(
    header: Header, transactions: Sequence[Transaction], *, full: bool
) -> dict[str, Any]:
    """A block as `eth_getBlockByNumber` returns it, with whole transactions if `full`."""
    # In a block's RLP a typed transaction is a byte string, a legacy one a list.
    body = [t.raw if t.kind else rlp.decode(t.raw) for t in transactions]
    return {
        "number": quantity(header.number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "timestamp": quantity(header.timestamp),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "withdrawalsRoot": data(header.withdrawals_root),
        "parentBeaconBlockRoot": data(header.parent_beacon_root),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.logs_bloom),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "baseFeePerGas": quantity(header.base_fee_wei),
        "blobGasUsed": quantity(0),
        "excessBlobGas": quantity(0),
        "difficulty": quantity(0),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "extraData": data(header.extra_data),
        "size": quantity(len(rlp.encode([rlp.decode(header.encoded), body, [], []]))),
        "uncles": [],
        "withdrawals": [],
        "transactions": [
            transaction_object(transaction, header, index) if full else data(transaction.hash)
            for index, transaction in enumerate(transactions)
        ],
    }


def _bloom(encoded_receipt: bytes) -> bytes:
    typed = encoded_receipt[0] < _TYPED_RECEIPTS_END
    fields = rlp.decode(encoded_receipt[1:] if typed else encoded_receipt)
    return bytes(fields[2])
