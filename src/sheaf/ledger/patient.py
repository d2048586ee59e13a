"""The client of somebody who sends beside others and waits for nobody.

Signing, handing in and asking what became of it are apart, so that what was signed can be written
down before it is handed in: a process that dies in between hands in the same bytes again, and of
two transactions of one nonce a chain takes one.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from sheaf.ledger.client import Call, Head, sign
from sheaf.ledger.engine import Receipt
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.wire import data, decode_quantity, quantity

KNOWN = ("already known", "already imported", "known transaction")
"""How nodes say that they have a transaction already."""


@dataclass(frozen=True)
class Fees:
    """What is offered for a unit of gas: the most in all, and the tip in it, in wei."""

    most: int
    tip: int

    def above(self, other: Fees) -> Fees:
        """These, or as much more than `other` as nodes ask of a replacement (an eighth)."""
        return Fees(
            max(self.most, other.most + other.most // 8 + 1),
            max(self.tip, other.tip + other.tip // 8 + 1),
        )


@dataclass(frozen=True)
class Fate:
    """What became of a transaction that is in a final block, and what its gas cost in wei."""

    receipt: Receipt
    fee_wei: int


class PatientClient(ProvingClient):
    """A `ProvingClient` of one account; see the module."""

    def latest(self) -> Head:
        """The newest block, final or not: its time is the ledger's."""
        return self.block("latest")

    def time_of(self, number: int) -> int:
        """The time of a block, final or not, as the node tells it."""
        method = "eth_getBlockByNumber"
        return self._ask(lambda b: decode_quantity(b["timestamp"]), method, quantity(number), False)

    def fees(self) -> Fees:
        """What makes it into a block soon, though the base fee doubles meanwhile."""
        most = 2 * self.gas_price_wei()
        return Fees(most, min(self._ask(decode_quantity, "eth_maxPriorityFeePerGas"), most))

    def sent_count(self, account: bytes, block: int | None = None) -> int:
        """How many of the account's transactions are in blocks, up to `block` (None: the newest):
        the next nonce."""
        tag = "latest" if block is None else quantity(block)
        return self._ask(decode_quantity, "eth_getTransactionCount", data(account), tag)

    def signed(self, call: Call, nonce: int, fees: Fees) -> bytes:
        """The bytes of a transaction, which nobody has seen yet."""
        fields = (nonce, fees.tip, fees.most, call.gas, call.to or b"", call.value_wei, call.data)
        return sign(self._keys[call.sender], self.chain_id, fields)

    def hand_in(self, raw: bytes) -> str:
        """Give the node a signed transaction; why it does not take it, "" where it does or has."""
        (refusal,) = super(ProvingClient, self)._broadcast([raw])
        told = refusal or ""
        return "" if any(known in told.lower() for known in KNOWN) else told

    def knows(self, digest: bytes) -> bool:
        """Whether the node has a transaction, in a block or waiting for one."""
        (found,) = self._ask_all("eth_getTransactionByHash", [[data(digest)]])
        return found is not None

    def fate(self, digest: bytes) -> Fate | None:
        """What became of a transaction; None while it is in no final block."""
        receipt = self._final_receipts([digest]).get(digest)
        if receipt is None:
            return None
        block = self.proved(receipt.block_number)
        sent = block.transactions[receipt.transaction_index]
        call = Call(sent.sender, sent.to, sent.data, sent.gas, sent.value_wei)
        fee = receipt.gas_used * sent.price_wei(block.header.base_fee_wei)
        return Fate(self._explained(receipt, call), fee)


def digest_of(raw: bytes) -> bytes:
    """The hash that a signed transaction goes by."""
    return keccak(raw)
