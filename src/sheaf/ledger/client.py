"""The one way to a chain, whatever host runs it: sign, send, confirm, read logs.

Built over web3's provider and nothing above it: requests and transactions are encoded here once,
because web3's contract objects and formatters cost milliseconds a call. What "confirmed" means is
the host's affair and is handed in: the embedded host mines a block at the runner's time, a remote
one waits for finality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coincurve import PrivateKey
from eth_utils.crypto import keccak
from rlp.codec import encode_raw
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from sheaf.ledger.engine import ZERO_ADDRESS, Log, Receipt
from sheaf.ledger.errors import Reverted, TransactionRefused
from sheaf.ledger.wire import (
    data,
    decode_bytes,
    decode_log,
    decode_quantity,
    decode_receipt,
    quantity,
)
from sheaf.protocol.errors import LedgerUnavailable

_BATCH = 100
"""Requests sent at once; nodes refuse batches of thousands."""

_DYNAMIC_FEE = b"\x02"
"""EIP-1559's transaction type."""

Confirm = Callable[[], object]
"""Makes a block with what was sent final; called again while some of it is not in a block."""


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction to send; `to` None creates a contract from `data`."""

    sender: bytes
    to: bytes | None
    data: bytes
    gas: int
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The latest block as a reader needs it."""

    number: int
    hash: bytes
    timestamp: int


class Client:
    """Sends for the accounts whose 32-byte private keys it holds; reads for anyone.

    Nonces are counted here, so no other sender may use the same keys meanwhile. Errors:
    LedgerUnavailable where the node cannot be reached or does not answer sensibly.
    """

    def __init__(self, web3: Web3, keys: Iterable[bytes] = (), confirm: Confirm | None = None):
        if not isinstance(web3.provider, JSONBaseProvider):
            raise LedgerUnavailable(f"{type(web3.provider).__name__} is not a JSON-RPC provider")
        self._provider = web3.provider
        self._confirm = confirm
        self._keys = {address_of(key): PrivateKey(key) for key in keys}
        self._nonces: dict[bytes, int] = {}
        self.chain_id = decode_quantity(self._ask("eth_chainId"))

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """The addresses it can send for, in the order of their keys."""
        return tuple(self._keys)

    def send(self, calls: Sequence[Call]) -> list[Receipt]:
        """Sign and send the calls in order, and return when each has a final receipt.

        A transaction that reverts has a receipt too: see `Receipt.require`. TransactionRefused
        names the first call that the chain would not take; calls before it may have been taken
        and then stand in a later block.
        """
        if self._confirm is None:
            raise LedgerUnavailable("this client only reads: it was given no way to confirm")
        if not calls:
            return []
        hashes = self._submit(calls)
        receipts: dict[bytes, Receipt] = {}
        while len(receipts) < len(hashes):
            self._confirm()
            missing = [digest for digest in hashes if digest not in receipts]
            answers = self._ask_all(
                "eth_getTransactionReceipt", [[data(digest)] for digest in missing]
            )
            found = [decode_receipt(answer) for answer in answers if answer is not None]
            if not found:
                self._nonces.clear()
                raise TransactionRefused("no block took it", hashes.index(missing[0]))
            receipts.update((receipt.transaction_hash, receipt) for receipt in found)
        return [
            self._explained(receipts[digest], call)
            for digest, call in zip(hashes, calls, strict=True)
        ]

    def call(
        self, to: bytes, calldata: bytes, sender: bytes = ZERO_ADDRESS, block: int | None = None
    ) -> bytes:
        """What a call would return after `block` (None: the head); Reverted if it fails."""
        message = {"from": data(sender), "to": data(to), "data": data(calldata)}
        return decode_bytes(self._ask("eth_call", message, _tag(block)))

    def logs(
        self,
        address: bytes,
        from_block: int = 0,
        to_block: int | None = None,
        topics: Sequence[bytes | None] = (),
    ) -> list[Log]:
        """The contract's logs in chain order, both blocks included; a topic None takes any."""
        wanted = {
            "address": data(address),
            "fromBlock": quantity(from_block),
            "toBlock": _tag(to_block),
            "topics": [None if topic is None else data(topic) for topic in topics],
        }
        return [decode_log(log) for log in self._ask("eth_getLogs", wanted)]

    def head(self) -> Head:
        """The latest block."""
        block = self._ask("eth_getBlockByNumber", "latest", False)
        return Head(
            number=decode_quantity(block["number"]),
            hash=decode_bytes(block["hash"]),
            timestamp=decode_quantity(block["timestamp"]),
        )

    def code(self, address: bytes) -> bytes:
        """The runtime code at an address."""
        return decode_bytes(self._ask("eth_getCode", data(address), "latest"))

    def balance_wei(self, address: bytes) -> int:
        """The balance of an address."""
        return decode_quantity(self._ask("eth_getBalance", data(address), "latest"))

    def _submit(self, calls: Sequence[Call]) -> list[bytes]:
        price, tip = (
            decode_quantity(self._ask(method))
            for method in ("eth_gasPrice", "eth_maxPriorityFeePerGas")
        )
        # Twice the price: the base fee may rise while the transaction waits.
        most = 2 * price
        signed = [self._sign(call, most, min(tip, most)) for call in calls]
        answers = self._responses("eth_sendRawTransaction", [[data(raw)] for raw in signed])
        for index, answer in enumerate(answers):
            if "error" in answer:
                self._nonces.clear()
                raise TransactionRefused(str(answer["error"].get("message")), index)
        return [decode_bytes(answer["result"]) for answer in answers]

    def _sign(self, call: Call, most: int, tip: int) -> bytes:
        key = self._keys.get(call.sender)
        if key is None:
            raise LookupError(f"no key for {data(call.sender)}")
        nonce = self._nonces.get(call.sender)
        if nonce is None:
            asked = self._ask("eth_getTransactionCount", data(call.sender), "pending")
            nonce = decode_quantity(asked)
        self._nonces[call.sender] = nonce + 1
        fields = (nonce, tip, most, call.gas, call.to or b"", call.value_wei, call.data)
        return sign(key, self.chain_id, fields)

    def _explained(self, receipt: Receipt, call: Call) -> Receipt:
        """A failed receipt with its revert data, asked for again where the node left it out.

        The repetition runs on the state after the block, so where a later transaction of the
        block changed what mattered, the data may differ or be empty.
        """
        if receipt.status or receipt.revert_data is not None or call.to is None:
            return receipt
        try:
            self.call(call.to, call.data, call.sender, receipt.block_number)
        except Reverted as reverted:
            return replace(receipt, revert_data=reverted.data)
        return replace(receipt, revert_data=b"")

    def _ask(self, method: str, *parameters: Any) -> Any:
        return self._ask_all(method, [parameters])[0]

    def _ask_all(self, method: str, parameters: Sequence[Sequence[Any]]) -> list[Any]:
        """Results in order; a revert is Reverted, any other error LedgerUnavailable."""
        results = []
        for answer in self._responses(method, parameters):
            if "error" in answer:
                raise _error(method, answer["error"])
            results.append(answer["result"])
        return results

    def _responses(self, method: str, parameters: Sequence[Sequence[Any]]) -> list[RPCResponse]:
        responses: list[RPCResponse] = []
        endpoint = RPCEndpoint(method)
        try:
            if len(parameters) == 1:
                return [self._provider.make_request(endpoint, parameters[0])]
            for start in range(0, len(parameters), _BATCH):
                batch = parameters[start : start + _BATCH]
                answer = self._provider.make_batch_request([(endpoint, each) for each in batch])
                if not isinstance(answer, list) or len(answer) != len(batch):
                    raise LedgerUnavailable(f"{method}: the node does not answer batches")
                responses.extend(answer)
        except OSError as error:
            raise LedgerUnavailable(f"the node does not answer: {error}") from error
        return responses


def address_of(key: bytes) -> bytes:
    """The address of a 32-byte private key."""
    return keccak(PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


def sign(
    key: PrivateKey, chain_id: int, fields: tuple[int, int, int, int, bytes, int, bytes]
) -> bytes:
    """A signed EIP-1559 transaction without access list.

    `fields`: nonce, most tip, most fee (wei per gas), gas, recipient (empty to create), value
    (wei), data.
    """
    items: list[object] = [_compact(chain_id)]
    items += [_compact(field) if isinstance(field, int) else field for field in fields]
    items.append([])
    digest = keccak(_DYNAMIC_FEE + encode_raw(items))
    signature = key.sign_recoverable(digest, hasher=None)
    items.append(_compact(signature[64]))
    items += [signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")]
    return _DYNAMIC_FEE + bytes(encode_raw(items))


def _compact(number: int) -> bytes:
    """RLP's integers: big-endian without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _tag(block: int | None) -> str:
    return "latest" if block is None else quantity(block)


def _error(method: str, error: Mapping[str, Any] | str) -> Reverted | LedgerUnavailable:
    if isinstance(error, str):
        return LedgerUnavailable(f"{method}: {error}")
    returned = error.get("data")
    # Some nodes wrap the data once more.
    if isinstance(returned, Mapping):
        returned = returned.get("data")
    if isinstance(returned, str) and returned.startswith("0x"):
        return Reverted(decode_bytes(returned))
    if "revert" in str(error.get("message")):
        return Reverted(b"")
    return LedgerUnavailable(f"{method}: {error.get('message')}")
