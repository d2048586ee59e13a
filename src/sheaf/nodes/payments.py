"""Native coin that one account sent another: whole transactions that succeeded. What a contract
passes on leaves no record in a block and is not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Receipt, Transaction
from sheaf.ledger.proving import ProvingClient

NO_TRANSACTIONS = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
"""The transactions root of a block without any: Keccak-256 of the RLP of nothing, 0x80."""


@dataclass(frozen=True)
class Payment:
    """Who sent how much (wei) to whom, in which block."""

    block: int
    giver: bytes
    taker: bytes
    wei: int


def payments_on(ledger: EmbeddedLedger, last: int) -> Iterator[Payment]:
    """Of an embedded ledger that is open, up to block `last`, in order."""
    for number in range(1, last + 1):
        for sent in ledger.transactions(number):
            found = ledger.receipt(sent.hash) if sent.value_wei else None
            if found is not None:
                yield from _payment(number, sent, found[1])


def payments_behind(client: ProvingClient, first: int, last: int) -> Iterator[Payment]:
    """Of the blocks first..last behind an endpoint, each of which is proved; in order."""
    for header in client.headers(first, last):
        if header.transactions_root != NO_TRANSACTIONS:
            block = client.proved(header.number)
            for sent, receipt in zip(block.transactions, block.receipts, strict=True):
                yield from _payment(header.number, sent, receipt)


def _payment(number: int, sent: Transaction, receipt: Receipt) -> Iterator[Payment]:
    """What a transaction paid: one payment or none."""
    if sent.value_wei and sent.to is not None and receipt.status:
        yield Payment(number, sent.sender, sent.to, sent.value_wei)
