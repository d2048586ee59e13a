"""A block as a node tells it, put back into the bytes that its hashes are taken over.

The header's fields must hash to the block's hash, and the transactions and receipts must have the
roots that stand in it (Yellow Paper 4.3; EIP-2718 for typed ones), so that a node can leave out,
add or change nothing in a block without changing the block. What no root covers, such as the sender
or the address of a log's block, is computed here and not taken from the node. Not shown: that this
block is the chain's. Transactions of kinds that are not Ethereum's own (roll-ups have some) and
headers hashed in another way (QBFT) cannot be proved and are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import rlp
from coincurve import PublicKey
from eth_utils.crypto import keccak
from trie.hexary import HexaryTrie

from sheaf.ledger.engine import Block, Header, Log, Receipt, Transaction, decode_header
from sheaf.ledger.errors import Misreported
from sheaf.ledger.wire import compact, data, decode_bytes, decode_quantity
from sheaf.protocol.errors import LedgerUnavailable

Plain = Mapping[str, Any]
"""A record as JSON-RPC writes it."""

Item = bytes | list[Any]
"""What RLP encodes."""


def _number(value: Any) -> bytes:
    return compact(decode_quantity(value))


def _recipient(value: Any) -> bytes:
    return b"" if value is None else decode_bytes(value)


def _access_list(entries: Any) -> list[Any]:
    return [
        [decode_bytes(entry["address"]), [decode_bytes(key) for key in entry["storageKeys"]]]
        for entry in entries
    ]


def _authorizations(entries: Any) -> list[Any]:
    return [_items(_AUTHORIZATION, entry) for entry in entries]


def _hashes(values: Any) -> list[bytes]:
    return [decode_bytes(value) for value in values]


Fields = Mapping[str, Callable[[Any], Item]]

_HEADER: Fields = {
    **dict.fromkeys(("parentHash", "sha3Uncles", "miner"), decode_bytes),
    **dict.fromkeys(("stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"), decode_bytes),
    **dict.fromkeys(("difficulty", "number", "gasLimit", "gasUsed", "timestamp"), _number),
    **dict.fromkeys(("extraData", "mixHash", "nonce"), decode_bytes),
}
_HEADER_BY_FORK: Fields = {
    "baseFeePerGas": _number,
    "withdrawalsRoot": decode_bytes,
    "blobGasUsed": _number,
    "excessBlobGas": _number,
    "parentBeaconBlockRoot": decode_bytes,
    "requestsHash": decode_bytes,
}
"""What London, Shanghai, Cancun and Prague added, in this order."""

_AUTHORIZATION: Fields = {
    "chainId": _number,
    "address": decode_bytes,
    **dict.fromkeys(("nonce", "yParity", "r", "s"), _number),
}
_PAYLOAD: Fields = {"gas": _number, "to": _recipient, "value": _number, "input": decode_bytes}
_PRICED: Fields = {"nonce": _number, "gasPrice": _number, **_PAYLOAD}
_DYNAMIC: Fields = {
    **dict.fromkeys(("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas"), _number),
    **_PAYLOAD,
    "accessList": _access_list,
}
_TRANSACTIONS: Mapping[int, Fields] = {
    0: _PRICED,
    1: {"chainId": _number, **_PRICED, "accessList": _access_list},
    2: _DYNAMIC,
    3: {**_DYNAMIC, "maxFeePerBlobGas": _number, "blobVersionedHashes": _hashes},
    4: {**_DYNAMIC, "authorizationList": _authorizations},
}
"""The signed fields of each kind: before EIP-2930, 2930, 1559, 4844, 7702."""

_EIP_155 = 35


def prove_header(plain: Plain) -> Header:
    """The header of an `eth_getBlockBy...` answer; Misreported where its hash is another's."""
    later = [name for name in _HEADER_BY_FORK if plain.get(name) is not None]
    names = {**_HEADER, **{name: _HEADER_BY_FORK[name] for name in later}}
    header = decode_header(rlp.encode(_items(names, plain)))
    _require(header.number, "hash", decode_bytes(plain["hash"]), header.hash)
    return header


def prove_block(plain: Plain, receipts: Sequence[Plain]) -> Block:
    """A block told with its whole transactions, and their receipts.

    Raises Misreported for the first thing that the header, or a transaction's signature, disproves;
    ValueError, KeyError, TypeError or OverflowError for what is no block at all. Receipts come
    without revert data, which no root covers.
    """
    header = prove_header(plain)
    sent = tuple(_transaction(header.number, each) for each in plain["transactions"])
    root = _root([transaction.raw for transaction in sent])
    _require(header.number, "transactions root", header.transactions_root, root)
    root = _root([_encode_receipt(receipt) for receipt in receipts])
    _require(header.number, "receipts root", header.receipts_root, root)
    return Block(header, sent, tuple(_receipts(header, sent, receipts)))


def _require(number: int, what: str, found: bytes, expected: bytes) -> None:
    if found != expected:
        raise Misreported(number, what, data(found), data(expected))


def _items(fields: Fields, plain: Plain) -> list[Item]:
    return [encode(plain[name]) for name, encode in fields.items()]


def _root(values: Sequence[bytes]) -> bytes:
    """The root of the trie from RLP of the position to each value."""
    trie = HexaryTrie({}, prune=True)
    for position, value in enumerate(values):
        trie[rlp.encode(position)] = value
    return bytes(trie.root_hash)


def _kind(plain: Plain) -> int:
    return decode_quantity(plain.get("type") or 0)


def _transaction(number: int, plain: Plain) -> Transaction:
    """A transaction whose hash is computed and whose sender is recovered."""
    kind = _kind(plain)
    if kind not in _TRANSACTIONS:
        raise LedgerUnavailable(f"block {number} holds a transaction of kind {kind}, accepted: 0-4")
    fields = _items(_TRANSACTIONS[kind], plain)
    v = decode_quantity(plain["v"] if kind == 0 else plain.get("yParity", plain.get("v")))
    chain_id = decode_quantity(plain["chainId"]) if kind else max(0, (v - _EIP_155) // 2)
    parity = v if kind else (v - _EIP_155) % 2
    r, s = decode_quantity(plain["r"]), decode_quantity(plain["s"])
    prefix = bytes([kind]) if kind else b""
    raw = prefix + rlp.encode([*fields, *map(compact, (v, r, s))])
    protected = [compact(chain_id), b"", b""] if kind == 0 and chain_id else []
    digest = keccak(prefix + rlp.encode([*fields, *protected]))
    signature = r.to_bytes(32) + s.to_bytes(32) + bytes([parity])
    signer = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    sender = keccak(signer.format(compressed=False)[1:])[12:]
    _require(number, "a transaction's hash", decode_bytes(plain["hash"]), keccak(raw))
    _require(number, "a transaction's sender", decode_bytes(plain["from"]), sender)
    price = plain.get("maxFeePerGas" if kind >= 2 else "gasPrice")
    return Transaction(
        hash=keccak(raw),
        raw=raw,
        kind=kind,
        chain_id=chain_id,
        sender=sender,
        nonce=decode_quantity(plain["nonce"]),
        to=_recipient(plain["to"]) or None,
        value_wei=decode_quantity(plain["value"]),
        data=decode_bytes(plain["input"]),
        gas=decode_quantity(plain["gas"]),
        max_fee_wei=decode_quantity(price),
        priority_fee_wei=decode_quantity(plain["maxPriorityFeePerGas"] if kind >= 2 else price),
        access_list=tuple(
            (address, tuple(int.from_bytes(key) for key in keys))
            for address, keys in _access_list(plain.get("accessList") or ())
        ),
        y_parity=parity,
        r=r,
        s=s,
    )


def _encode_receipt(plain: Plain) -> bytes:
    kind = _kind(plain)
    logs = [
        [decode_bytes(log["address"]), _hashes(log["topics"]), decode_bytes(log["data"])]
        for log in plain["logs"]
    ]
    numbers = [_number(plain["status"]), _number(plain["cumulativeGasUsed"])]
    body = rlp.encode([*numbers, decode_bytes(plain["logsBloom"]), logs])
    return (bytes([kind]) if kind else b"") + bytes(body)


def _receipts(
    header: Header, sent: Sequence[Transaction], receipts: Sequence[Plain]
) -> Iterator[Receipt]:
    """Receipts from what the root covers, and from their place."""
    if len(receipts) != len(sent):
        raise ValueError(f"block {header.number} has {len(receipts)} receipts, not {len(sent)}")
    spent = logged = 0
    for index, (transaction, plain) in enumerate(zip(sent, receipts, strict=True)):
        place = partial(
            Log,
            block_number=header.number,
            block_hash=header.hash,
            transaction_hash=transaction.hash,
            transaction_index=index,
        )
        logs = tuple(
            place(
                address=decode_bytes(log["address"]),
                topics=tuple(_hashes(log["topics"])),
                data=decode_bytes(log["data"]),
                index=logged + position,
            )
            for position, log in enumerate(plain["logs"])
        )
        total = decode_quantity(plain["cumulativeGasUsed"])
        yield Receipt(
            transaction_hash=transaction.hash,
            transaction_index=index,
            block_number=header.number,
            block_hash=header.hash,
            status=decode_quantity(plain["status"]),
            gas_used=total - spent,
            cumulative_gas_used=total,
            contract=None if transaction.to else created(transaction.sender, transaction.nonce),
            logs=logs,
            revert_data=None,
            encoded=_encode_receipt(plain),
        )
        spent, logged = total, logged + len(logs)


def created(sender: bytes, nonce: int) -> bytes:
    """The address of the contract that `sender`'s transaction of this nonce creates."""
    return keccak(rlp.encode([sender, nonce]))[12:]
