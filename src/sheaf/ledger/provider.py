"""The embedded ledger as a web3 provider: `Web3(EmbeddedProvider(ledger))` sees a JSON-RPC node.

Answers have the shapes and errors of a real node (execution-apis; geth's error 3 for a revert, and
Besu's `revertReason` in the receipt of a failed transaction). Not offered: filters and
subscriptions, accounts held by the node, proofs that something is not there, and anything that sets
the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

import sheaf
from sheaf.ledger.database import LogFilter
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Message
from sheaf.ledger.errors import Reverted, TransactionRefused
from sheaf.ledger.inclusion import proved_account
from sheaf.ledger.wire import (
    block_object,
    data,
    decode_bytes,
    decode_quantity,
    log_object,
    quantity,
    receipt_object,
    transaction_object,
)

_LATEST = ("latest", "pending", "safe", "finalized")
_REVERTED = 3
_REFUSED = -32000
_NO_METHOD = -32601
_BAD_PARAMETERS = -32602


class EmbeddedProvider(JSONBaseProvider):
    """A web3 provider over an `EmbeddedLedger`; requests never leave the process."""

    def __init__(self, ledger: EmbeddedLedger) -> None:
        super().__init__()
        self._ledger = ledger
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_blockNumber": lambda: quantity(ledger.engine.head().number),
            "eth_call": self._call,
            "eth_chainId": lambda: quantity(ledger.engine.chain_id),
            "eth_estimateGas": self._estimate_gas,
            "eth_feeHistory": self._fee_history,
            "eth_gasPrice": lambda: quantity(ledger.engine.next_base_fee_wei()),
            "eth_getBalance": self._balance,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getCode": self._code,
            "eth_getLogs": self._logs,
            "eth_getProof": self._proof,
            "eth_getStorageAt": self._storage,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionCount": self._nonce,
            "eth_getTransactionReceipt": self._receipt,
            "eth_maxPriorityFeePerGas": lambda: quantity(0),
            "eth_sendRawTransaction": lambda raw: data(ledger.submit(decode_bytes(raw))),
            "net_version": lambda: str(ledger.engine.chain_id),
            "web3_clientVersion": lambda: f"sheaf/{sheaf.__version__}/py-evm",
        }

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one request; whatever goes wrong comes back as a JSON-RPC error."""
        answer: RPCResponse = {"jsonrpc": "2.0", "id": next(self.request_counter)}
        serve = self._methods.get(method)
        if serve is None:
            answer["error"] = {"code": _NO_METHOD, "message": f"no method {method}"}
            return answer
        try:
            answer["result"] = serve(*params)
        except Reverted as reverted:
            answer["error"] = {
                "code": _REVERTED,
                "message": "execution reverted",
                "data": data(reverted.data),
            }
        except TransactionRefused as refused:
            answer["error"] = {"code": _REFUSED, "message": refused.reason}
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            answer["error"] = {"code": _BAD_PARAMETERS, "message": f"{method}: {error}"}
        except LookupError as error:
            answer["error"] = {"code": _REFUSED, "message": f"header not found: {error}"}
        return answer

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Answer requests in order."""
        return [self.make_request(method, params) for method, params in requests]

    def _number(self, tag: Any) -> int | None:
        """The block a tag means; None is the head, as the engine has it."""
        if tag in _LATEST:
            return None
        return 0 if tag == "earliest" else decode_quantity(tag)

    def _message(self, call: Mapping[str, Any]) -> Message:
        sent = call["input"] if call.get("input") is not None else call.get("data", "0x")
        return Message(
            to=decode_bytes(call["to"]) if call.get("to") else None,
            data=decode_bytes(sent),
            sender=decode_bytes(call["from"]) if call.get("from") else bytes(20),
            value_wei=decode_quantity(call.get("value", 0)),
            gas=decode_quantity(call["gas"]) if call.get("gas") is not None else None,
        )

    def _call(self, call: Mapping[str, Any], tag: Any = "latest") -> str:
        return data(self._ledger.engine.call(self._message(call), self._number(tag)))

    def _estimate_gas(self, call: Mapping[str, Any], tag: Any = "latest") -> str:
        return quantity(self._ledger.engine.estimate_gas(self._message(call), self._number(tag)))

    def _balance(self, address: Any, tag: Any = "latest") -> str:
        engine = self._ledger.engine
        return quantity(engine.balance_wei(decode_bytes(address), self._number(tag)))

    def _code(self, address: Any, tag: Any = "latest") -> str:
        return data(self._ledger.engine.code(decode_bytes(address), self._number(tag)))

    def _storage(self, address: Any, slot: Any, tag: Any = "latest") -> str:
        engine = self._ledger.engine
        word = engine.storage(decode_bytes(address), decode_quantity(slot), self._number(tag))
        return data(word.to_bytes(32))

    def _proof(self, address: Any, slots: Any, tag: Any = "latest") -> dict[str, Any]:
        account, number = decode_bytes(address), self._number(tag)
        wanted = [decode_quantity(slot) for slot in slots]
        root, found = self._ledger.state_proof(number, account, wanted)
        proved, engine = proved_account(root, account, found.account), self._ledger.engine
        return {
            "address": data(account),
            "accountProof": [data(node) for node in found.account],
            "balance": quantity(proved.balance_wei),
            "codeHash": data(proved.code_hash),
            "nonce": quantity(proved.nonce),
            "storageHash": data(proved.storage_root),
            "storageProof": [
                {
                    "key": quantity(slot),
                    "value": quantity(engine.storage(account, slot, number)),
                    "proof": [data(node) for node in nodes],
                }
                for slot, nodes in zip(wanted, found.slots, strict=True)
            ],
        }

    def _nonce(self, address: Any, tag: Any = "latest") -> str:
        account = decode_bytes(address)
        nonce = self._ledger.engine.nonce(account, self._number(tag))
        if tag == "pending":
            nonce += len(self._ledger.waiting_from(account))
        return quantity(nonce)

    def _block_by_number(self, tag: Any, full: bool = False) -> dict[str, Any] | None:
        return self._block(self._number(tag), full)

    def _block_by_hash(self, digest: Any, full: bool = False) -> dict[str, Any] | None:
        return self._block(decode_bytes(digest), full)

    def _block(self, at: int | bytes | None, full: bool) -> dict[str, Any] | None:
        header = self._ledger.header(at)
        if header is None:
            return None
        return block_object(header, self._ledger.transactions(header.number), full=full)

    def _transaction(self, digest: Any) -> dict[str, Any] | None:
        wanted = decode_bytes(digest)
        for waiting in self._ledger.pending:
            if waiting.hash == wanted:
                return transaction_object(waiting, None, 0)
        found = self._ledger.receipt(wanted)
        if found is None:
            return None
        transaction, receipt, header = found
        return transaction_object(transaction, header, receipt.transaction_index)

    def _receipt(self, digest: Any) -> dict[str, Any] | None:
        found = self._ledger.receipt(decode_bytes(digest))
        return None if found is None else receipt_object(*found)

    def _block_receipts(self, tag: Any) -> list[dict[str, Any] | None]:
        number = self._number(tag)
        at = self._ledger.engine.head().number if number is None else number
        return [self._receipt(data(sent.hash)) for sent in self._ledger.transactions(at)]

    def _logs(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        head = self._ledger.engine.head().number
        if wanted.get("blockHash") is not None:
            header = self._ledger.header(decode_bytes(wanted["blockHash"]))
            if header is None:
                raise LookupError(f"no block {wanted['blockHash']}")
            first = last = header.number
        else:
            bounds = [self._number(wanted.get(name, "latest")) for name in ("fromBlock", "toBlock")]
            first, last = (head if bound is None else bound for bound in bounds)
        chosen = LogFilter(
            first,
            last,
            addresses=_any_of(wanted.get("address")),
            topics=tuple(_any_of(topic) for topic in wanted.get("topics") or ()),
        )
        return [log_object(log) for log in self._ledger.logs(chosen)]

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        head = self._ledger.engine.head()
        last = self._number(newest)
        last = head.number if last is None else last
        oldest = max(0, last - decode_quantity(count) + 1)
        headers = [self._ledger.header(number) for number in range(oldest, last + 2)]
        known = [header for header in headers if header is not None]
        fees = [header.base_fee_wei for header in known]
        if last == head.number:
            fees.append(self._ledger.engine.next_base_fee_wei())
        blocks = known[: last - oldest + 1]
        history: dict[str, Any] = {
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": [quantity(fee) for fee in fees],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in blocks],
        }
        if percentiles:
            history["reward"] = [[quantity(0)] * len(percentiles) for _ in blocks]
        return history


def _any_of(choice: Any) -> tuple[bytes, ...]:
    """A filter's place: absent, one value, or a list of alternatives."""
    if choice is None:
        return ()
    if isinstance(choice, list | tuple):
        return tuple(decode_bytes(value) for value in choice)
    return (decode_bytes(choice),)
