"""The one way to a chain, whatever host runs it: sign, send, confirm, read logs.

Built over web3's provider and nothing above it: requests and transactions are encoded here once,
because web3's contract objects and formatters cost milliseconds a call. What "confirmed" means is
the host's affair and is handed in: the embedded host mines a block at the runner's time, a remote
one waits for finality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from coincurve import PrivateKey
from eth_utils.crypto import keccak
from rlp.codec import decode, encode_raw
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.engine import ZERO_ADDRESS, Log, Receipt
from sheaf.ledger.errors import Reverted, TransactionRefused, Unfunded
from sheaf.ledger.wire import (
    compact,
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

T = TypeVar("T")

_DYNAMIC_FEE = b"\x02"
_DATA = 7
"""Of such a transaction's fields, the place of its data."""
"""EIP-1559's transaction type."""

Confirm = Callable[[], object]
"""Makes a block with what was sent, or waits for one; called again until all of it is final."""


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction to send; `to` None creates a contract from `data`."""

    sender: bytes
    to: bytes | None
    data: bytes
    gas: int
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction in a block, with its receipt; `to` None created a contract."""

    sender: bytes
    to: bytes | None
    data: bytes
    receipt: Receipt


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

    patience = 1
    """After how many confirmations without any new receipt a transaction counts as refused."""

    def __init__(self, web3: Web3, keys: Iterable[bytes] = (), confirm: Confirm | None = None):
        if not isinstance(web3.provider, JSONBaseProvider):
            raise LedgerUnavailable(f"{type(web3.provider).__name__} is not a JSON-RPC provider")
        self._provider = web3.provider
        self._confirm = confirm
        self._keys = {address_of(key): PrivateKey(key) for key in keys}
        self._nonces: dict[bytes, int] = {}
        self.chain_id = self._ask(decode_quantity, "eth_chainId")

    @property
    def host(self) -> str:
        """Who answers, as it may be told; "" for a ledger of this process."""
        return self._provider.name if isinstance(self._provider, Endpoint) else ""

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """The addresses it can send for, in the order of their keys."""
        return tuple(self._keys)

    def send(self, calls: Sequence[Call]) -> list[Receipt]:
        """Sign and send the calls in order, and return when each has a final receipt.

        A transaction that reverts has a receipt too: see `Receipt.require`. TransactionRefused
        names the first call that the chain would not take; calls before it, and later ones of
        other senders, may have been taken and then stand in a later block.
        """
        if self._confirm is None:
            raise LedgerUnavailable("this client only reads: it was given no way to confirm")
        for call in calls:
            if call.sender not in self._keys:
                raise LookupError(f"no key for {data(call.sender)}")
        try:
            return self._send(calls, self._confirm) if calls else []
        except BaseException:
            # How many of the nonces are used only the node knows now.
            self._nonces.clear()
            raise

    def call(
        self, to: bytes, calldata: bytes, sender: bytes = ZERO_ADDRESS, block: int | None = None
    ) -> bytes:
        """What a call would return after `block` (None: the head); Reverted if it fails."""
        message = {"from": data(sender), "to": data(to), "data": data(calldata)}
        return self._ask(decode_bytes, "eth_call", message, _tag(block))

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
        return self._ask(_all_of(decode_log), "eth_getLogs", wanted)

    def head(self) -> Head:
        """The latest final block."""
        return self.block("latest")

    def block(self, tag: str) -> Head:
        """The block that a node calls `latest`, `safe` or `finalized`."""
        return self._ask(_decode_head, "eth_getBlockByNumber", tag, False)

    def transactions(self, number: int) -> list[Included]:
        """The transactions of a block, in order."""
        sent = self._ask(_decode_transactions, "eth_getBlockByNumber", quantity(number), True)
        receipts = self._final_receipts([digest for digest, _ in sent]) if sent else {}
        if len(receipts) < len(sent):
            raise LedgerUnavailable(f"the node has no receipts for block {number}")
        return [
            Included(call.sender, call.to, call.data, self._explained(receipts[digest], call))
            for digest, call in sent
        ]

    def code(self, address: bytes) -> bytes:
        """The runtime code at an address."""
        return self._ask(decode_bytes, "eth_getCode", data(address), "latest")

    def balance_wei(self, address: bytes) -> int:
        """The balance of an address."""
        return self._ask(decode_quantity, "eth_getBalance", data(address), "latest")

    def _send(self, calls: Sequence[Call], confirm: Confirm) -> list[Receipt]:
        hashes = self._submit(calls)
        receipts: dict[bytes, Receipt] = {}
        idle = 0
        while len(receipts) < len(hashes):
            confirm()
            known, receipts = len(receipts), self._final_receipts(hashes)
            idle = 0 if len(receipts) > known else idle + 1
            if idle == self.patience:
                missing = next(digest for digest in hashes if digest not in receipts)
                raise TransactionRefused("no block took it", hashes.index(missing))
        return [
            self._explained(receipts[digest], call)
            for digest, call in zip(hashes, calls, strict=True)
        ]

    def gas_price_wei(self) -> int:
        """What a unit of gas costs about now."""
        return self._ask(decode_quantity, "eth_gasPrice")

    def _final_receipts(self, hashes: Sequence[bytes]) -> dict[bytes, Receipt]:
        """Receipts of those of the transactions that are in final blocks."""
        method = "eth_getTransactionReceipt"
        answers = self._ask_all(method, [[data(digest)] for digest in hashes])
        with sensible(method):
            found = [decode_receipt(answer) for answer in answers if answer is not None]
        return {receipt.transaction_hash: receipt for receipt in found}

    def _submit(self, calls: Sequence[Call]) -> list[bytes]:
        # Twice the price: the base fee may rise while the transaction waits.
        most = 2 * self.gas_price_wei()
        tip = self._ask(decode_quantity, "eth_maxPriorityFeePerGas")
        signed = [self._sign(call, most, min(tip, most)) for call in calls]
        for index, refusal in enumerate(self._broadcast(signed)):
            if refusal is not None:
                self._require_funds(calls[: index + 1], most)
                raise TransactionRefused(refusal, index)
        return [keccak(raw) for raw in signed]

    def _broadcast(self, signed: Sequence[bytes]) -> list[str | None]:
        """Hand each to the node once; why it would not take it, or None where it did."""
        answers = self._responses("eth_sendRawTransaction", [[data(raw)] for raw in signed])
        return [_told(answer["error"]) if "error" in answer else None for answer in answers]

    def _require_funds(self, calls: Sequence[Call], price_wei: int) -> None:
        """Unfunded where the balance of the last call's sender is less than its calls may cost."""
        sender = calls[-1].sender
        own = [call for call in calls if call.sender == sender]
        need = sum(call.gas * price_wei + call.value_wei for call in own)
        balance = self.balance_wei(sender)
        if balance < need:
            raise Unfunded(sender, balance, need)

    def _sign(self, call: Call, most: int, tip: int) -> bytes:
        nonce = self._nonces.get(call.sender)
        if nonce is None:
            account = data(call.sender)
            nonce = self._ask(decode_quantity, "eth_getTransactionCount", account, "pending")
        self._nonces[call.sender] = nonce + 1
        fields = (nonce, tip, most, call.gas, call.to or b"", call.value_wei, call.data)
        return sign(self._keys[call.sender], self.chain_id, fields)

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

    def _ask(self, decode: Callable[[Any], T], method: str, *parameters: Any) -> T:
        """One result, decoded; LedgerUnavailable where it cannot be."""
        (result,) = self._ask_all(method, [parameters])
        with sensible(method):
            return decode(result)

    def _ask_all(self, method: str, parameters: Sequence[Sequence[Any]]) -> list[Any]:
        """Results in order; a revert is Reverted, any other error LedgerUnavailable."""
        results = []
        for answer in self._responses(method, parameters):
            if "error" in answer:
                raise _error(method, answer["error"])
            results.append(answer.get("result"))
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
    items: list[object] = [compact(chain_id)]
    items += [compact(field) if isinstance(field, int) else field for field in fields]
    items.append([])
    digest = keccak(_DYNAMIC_FEE + encode_raw(items))
    signature = key.sign_recoverable(digest, hasher=None)
    items.append(compact(signature[64]))
    items += [signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")]
    return _DYNAMIC_FEE + bytes(encode_raw(items))


def data_of(raw: bytes) -> bytes:
    """The data of a transaction that `sign` made."""
    return bytes(decode(raw[len(_DYNAMIC_FEE) :])[_DATA])


def _tag(block: int | None) -> str:
    return "latest" if block is None else quantity(block)


def _decode_head(block: Any) -> Head:
    if block is None:
        raise ValueError("there is no such block")
    return Head(
        number=decode_quantity(block["number"]),
        hash=decode_bytes(block["hash"]),
        timestamp=decode_quantity(block["timestamp"]),
    )


def _decode_transactions(block: Mapping[str, Any]) -> list[tuple[bytes, Call]]:
    """Hash and contents of each."""
    return [
        (
            decode_bytes(sent["hash"]),
            Call(
                decode_bytes(sent["from"]),
                decode_bytes(sent["to"]) if sent["to"] else None,
                decode_bytes(sent["input"]),
                decode_quantity(sent["gas"]),
                decode_quantity(sent["value"]),
            ),
        )
        for sent in block["transactions"]
    ]


def _all_of(decode: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    return lambda results: [decode(result) for result in results]


@contextmanager
def sensible(method: str) -> Iterator[None]:
    """Whatever a node answers, what is made of it is a value or LedgerUnavailable."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise LedgerUnavailable(f"{method}: the node's answer makes no sense: {error}") from error


def _told(error: Mapping[str, Any] | str) -> str:
    """What a node says of an error, whatever shape it gives it."""
    return str(error.get("message")) if isinstance(error, Mapping) else str(error)


def _error(method: str, error: Mapping[str, Any] | str) -> Reverted | LedgerUnavailable:
    told = _told(error)
    returned = error.get("data") if isinstance(error, Mapping) else None
    # Some nodes wrap the data once more.
    if isinstance(returned, Mapping):
        returned = returned.get("data")
    if isinstance(returned, str) and returned.startswith("0x"):
        return Reverted(decode_bytes(returned))
    if "revert" in told:
        return Reverted(b"")
    return LedgerUnavailable(f"{method}: {told}")
