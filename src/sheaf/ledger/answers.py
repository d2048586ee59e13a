"""What a node's answers must look like, method by method: shape, sizes and types.

An answer is looked at before anything is made of it. Quantities are 0x and hex digits of so many
bits, data are 0x and whole bytes, of an exact or a largest size; lists have a largest length; of a
record the fields that are used are named, and others are let be, since nodes add their own. What a
method that is not named here gives is nobody's affair in this package.

Shapes after ethereum/execution-apis; sizes from the Yellow Paper and EIP-170, with room for chains
that allow more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Shape = Callable[[Any], None]
"""Raises Wrong for a value of another shape."""

MOST_BYTES = 32 * 2**20
"""Of the body of an answer."""

TEXT = 1_000
_SPARSE_BYTES = 8
"""A node's answer has no more brackets and commas than one to so many bytes: memory is taken by
lists and records, of which a body of nothing else would make thirty times as much."""

_HEX = re.compile(r"0x[0-9a-fA-F]*")


class Wrong(Exception):
    """Part of an answer, at `path`, is not of its shape: `found`, cut short, and `accepted`."""

    def __init__(self, found: str, accepted: str, path: str = "") -> None:
        super().__init__(f"{path or 'the answer'}: found {found}, accepted: {accepted}")
        self.found, self.accepted, self.path = found, accepted, path

    @property
    def told(self) -> str:
        """What was found, and where in the answer."""
        return f"{self.found} as {self.path.lstrip('.')}" if self.path else self.found


def parse(body: bytes) -> Any:
    """The JSON value in a body. Raises Wrong for anything else, for names that come twice in a
    record, for what only Python takes for a number, and for more structure than a node gives."""
    marks = sum(body.count(mark) for mark in (b"{", b"[", b","))
    if marks > 64 + len(body) // _SPARSE_BYTES:
        raise Wrong(f"{marks} brackets and commas in {len(body)} bytes", "an answer of a node")
    try:
        return json.loads(body, object_pairs_hook=_record_of, parse_constant=_no_number)
    except (ValueError, RecursionError):
        # Which would quote the answer, or a part of what it is nested in.
        raise Wrong("something other than JSON", "a JSON-RPC answer") from None


def check(method: str, parameters: Sequence[Any], result: Any) -> None:
    """Raises Wrong for a result that is not of the method's shape."""
    shape = _RESULTS.get(method)
    if method.startswith("eth_getBlockBy"):
        shape = _maybe(_BLOCK if tuple(parameters[1:2]) == (True,) else _NAMES)
    if shape is not None:
        shape(result)


def error_of(told: Any) -> dict[str, Any]:
    """A node's error, whatever shape it gives it, cut to what is used: `message`, and the `data` of
    a revert where it is data (some nodes wrap it once more)."""
    message, returned = told, None
    if isinstance(told, Mapping):
        message, returned = told.get("message"), told.get("data")
    if isinstance(returned, Mapping):
        returned = returned.get("data")
    error: dict[str, Any] = {"message": _shown(message) if message is not None else "no reason"}
    if isinstance(told, Mapping) and type(told.get("code")) is int:
        error["code"] = told["code"]
    try:
        _data_up_to(_CALL_BYTES)(returned)
    except Wrong:
        return error
    return {**error, "data": returned}


def _record_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a name comes twice")
    return record


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _shown(value: Any) -> str:
    """A value for a message: cut short, on one line; of lists and records the kind alone."""
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "a record"
    if isinstance(value, str):
        return " ".join(f"{value[:200]}{'...' if len(value) > 200 else ''}".split()) or "no text"
    return f"{value}"[:80] if isinstance(value, bool | float | None) else "a number"


def _refuse(value: Any, accepted: str) -> None:
    text = f"{value[:40]!r}{'...' if len(value) > 40 else ''}" if isinstance(value, str) else ""
    nothing = "nothing" if value is None else _shown(value)
    raise Wrong(text or nothing, accepted)


def _quantity(bits: int) -> Shape:
    def check(value: Any) -> None:
        fits = isinstance(value, str) and 2 < len(value) <= 2 + bits // 4
        if not (fits and _HEX.fullmatch(value)):
            _refuse(value, f"a quantity of at most {bits} bits")

    return check


def _data(size: int) -> Shape:
    def check(value: Any) -> None:
        fits = isinstance(value, str) and len(value) == 2 + 2 * size
        if not (fits and _HEX.fullmatch(value)):
            _refuse(value, f"data of {size} bytes")

    return check


def _data_up_to(most: int) -> Shape:
    def check(value: Any) -> None:
        fits = isinstance(value, str) and len(value) <= 2 + 2 * most and len(value) % 2 == 0
        if not (fits and _HEX.fullmatch(value)):
            _refuse(value, f"data of at most {most} bytes")

    return check


def _text(value: Any) -> None:
    if not (isinstance(value, str) and len(value) <= TEXT):
        _refuse(value, f"text of at most {TEXT} characters")


def _scalar(value: Any) -> None:
    """What commands of development chains answer with."""
    if not (value is None or type(value) in (bool, int)):
        _text(value)


def _maybe(shape: Shape) -> Shape:
    def check(value: Any) -> None:
        if value is not None:
            shape(value)

    return check


def _listed(shape: Shape, most: int) -> Shape:
    def check(value: Any) -> None:
        if not isinstance(value, list):
            _refuse(value, "a list")
        if len(value) > most:
            raise Wrong(f"a list of {len(value)}", f"a list of at most {most}")
        for place, each in enumerate(value):
            _at(f"[{place}]", shape, each)

    return check


def _record(needed: Mapping[str, Shape], others: Mapping[str, Shape] | None = None) -> Shape:
    """With fields that must be there, and `others` that may be."""

    def check(value: Any) -> None:
        if not isinstance(value, Mapping):
            _refuse(value, "a record")
        for name, shape in needed.items():
            _at(f".{name}", shape, value.get(name))
        for name, shape in (others or {}).items():
            _at(f".{name}", _maybe(shape), value.get(name))

    return check


def _at(place: str, shape: Shape, value: Any) -> None:
    try:
        shape(value)
    except Wrong as wrong:
        raise Wrong(wrong.found, wrong.accepted, place + wrong.path) from None


_CALL_BYTES = _CODE_BYTES = 2**20
_INPUT_BYTES = 2**22
_MANY = 2**17
_NODE_BYTES, _NODES = 1024, 65
_Q8, _Q64, _Q256, _ADDRESS, _WORD = (
    _quantity(8),
    _quantity(64),
    _quantity(256),
    _data(20),
    _data(32),
)

_HEADER = {
    **dict.fromkeys(("hash", "parentHash", "sha3Uncles", "stateRoot"), _WORD),
    **dict.fromkeys(("transactionsRoot", "receiptsRoot", "mixHash"), _WORD),
    **dict.fromkeys(("number", "gasLimit", "gasUsed", "timestamp"), _Q64),
    "miner": _ADDRESS,
    "logsBloom": _data(256),
    "difficulty": _Q256,
    "extraData": _data_up_to(2**12),
    "nonce": _data(8),
}
_HEADER_BY_FORK = {
    **dict.fromkeys(("withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash"), _WORD),
    **dict.fromkeys(("blobGasUsed", "excessBlobGas"), _Q64),
    "baseFeePerGas": _Q256,
}
_SENT = {
    "hash": _WORD,
    "from": _ADDRESS,
    "to": _maybe(_ADDRESS),
    "nonce": _Q64,
    "value": _Q256,
    "input": _data_up_to(_INPUT_BYTES),
    "gas": _Q64,
    "r": _Q256,
    "s": _Q256,
}
_ACCESS = _listed(_record({"address": _ADDRESS, "storageKeys": _listed(_WORD, _MANY)}), _MANY)
_AUTHORIZATION = {
    "address": _ADDRESS,
    "nonce": _Q64,
    **dict.fromkeys(("chainId", "yParity", "r", "s"), _Q256),
}
_CHAIN, _PRICE = {"chainId": _Q256}, {"gasPrice": _Q256}
_FEES = dict.fromkeys(("maxFeePerGas", "maxPriorityFeePerGas"), _Q256)
_PARITY = dict.fromkeys(("yParity", "v"), _quantity(8))
_TYPED = {**_SENT, **_CHAIN, "accessList": _ACCESS}
_BLOBS = {"maxFeePerBlobGas": _Q256, "blobVersionedHashes": _listed(_WORD, _MANY)}
_TRANSACTIONS = (
    _record({**_SENT, **_PRICE, "v": _Q256}),
    _record({**_TYPED, **_PRICE}, _PARITY),
    _record({**_TYPED, **_FEES}, _PARITY),
    _record({**_TYPED, **_FEES, **_BLOBS}, _PARITY),
    _record(
        {**_TYPED, **_FEES, "authorizationList": _listed(_record(_AUTHORIZATION), _MANY)}, _PARITY
    ),
)
"""By their type."""


def _transaction(value: Any) -> None:
    _record({}, {"type": _Q8})(value)
    kind = int(value.get("type") or "0x0", 16)
    if kind >= len(_TRANSACTIONS):
        raise Wrong(f"a transaction of kind {kind}", f"0 to {len(_TRANSACTIONS) - 1}", ".type")
    _TRANSACTIONS[kind](value)


_NAMES = _record({**_HEADER, "transactions": _listed(_WORD, _MANY)}, _HEADER_BY_FORK)
_BLOCK = _record({**_HEADER, "transactions": _listed(_transaction, _MANY)}, _HEADER_BY_FORK)
_PLACE = {
    "blockNumber": _Q64,
    "blockHash": _WORD,
    "transactionHash": _WORD,
    "transactionIndex": _Q64,
}
_LOG = _record(
    {
        **_PLACE,
        "logIndex": _Q64,
        "address": _ADDRESS,
        "topics": _listed(_WORD, 4),
        "data": _data_up_to(_INPUT_BYTES),
    }
)
_RECEIPT = _record(
    {
        **_PLACE,
        **dict.fromkeys(("gasUsed", "cumulativeGasUsed"), _Q64),
        "status": _quantity(4),
        "logs": _listed(_LOG, _MANY),
        "logsBloom": _data(256),
    },
    {"type": _Q8, "contractAddress": _ADDRESS, "revertReason": _data_up_to(_CALL_BYTES)},
)
_NODES_OF = _listed(_data_up_to(_NODE_BYTES), _NODES)
_PROOF = _record(
    {"accountProof": _NODES_OF, "storageProof": _listed(_record({"proof": _NODES_OF}), 1024)}
)
_RESULTS: Mapping[str, Shape] = MappingProxyType(
    {
        **dict.fromkeys(("eth_chainId", "eth_gasPrice", "eth_getBalance"), _Q256),
        "eth_maxPriorityFeePerGas": _Q256,
        "eth_getTransactionCount": _Q64,
        "eth_call": _data_up_to(_CALL_BYTES),
        "eth_getCode": _data_up_to(_CODE_BYTES),
        "eth_getBlockReceipts": _maybe(_listed(_RECEIPT, _MANY)),
        "eth_getTransactionReceipt": _maybe(_RECEIPT),
        "eth_getTransactionByHash": _maybe(_record({"hash": _WORD})),
        "eth_getLogs": _listed(_LOG, _MANY),
        "eth_getProof": _PROOF,
        "eth_sendRawTransaction": _WORD,
        "web3_clientVersion": _text,
        **dict.fromkeys(("anvil_getAutomine", "anvil_getIntervalMining"), _scalar),
        **dict.fromkeys(("anvil_setBalance", "evm_setAutomine", "evm_mine"), _scalar),
        "evm_setNextBlockTimestamp": _scalar,
    }
)
