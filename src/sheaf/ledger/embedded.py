"""The embedded host: a chain in this process, in one file, with no node to operate.

Transactions wait in a pool until `mine` puts them into one block at the time it is told; no clock
is read. The pool takes what the next block can hold and refuses the rest at once, as a node does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sheaf.ledger.database import LedgerFile, LogFilter, ReceiptRow
from sheaf.ledger.engine import (
    DEFAULT_GAS_LIMIT,
    Block,
    Engine,
    Genesis,
    Header,
    Log,
    Receipt,
    Transaction,
)
from sheaf.ledger.errors import TransactionRefused
from sheaf.ledger.inclusion import StateProof, state_proof
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.protocol.errors import LedgerCorrupt


class EmbeddedLedger:
    """A chain and its pool. Not for use by several threads; one process writes at a time."""

    def __init__(self, file: LedgerFile, engine: Engine) -> None:
        self._file = file
        self.engine = engine
        self._pool: dict[bytes, Transaction] = {}
        self._waiting: dict[bytes, tuple[Transaction, ...]] = {}

    @classmethod
    def create(
        cls,
        path: Path | None,
        *,
        chain_id: int,
        allocation: Mapping[bytes, int],
        timestamp: int,
        gas_limit: int = DEFAULT_GAS_LIMIT,
        replace: bool = False,
    ) -> EmbeddedLedger:
        """A new chain in `path` (None: in memory); `allocation` maps addresses to wei.

        LedgerUnavailable if the file exists, unless it is to be replaced.
        """
        genesis = Genesis(chain_id, timestamp, tuple(sorted(allocation.items())), gas_limit)
        if path is not None and replace:
            LedgerFile.remove(path)
        file = LedgerFile.create(path)
        file.begin(genesis, lambda: Block(PyEvmEngine.begin(genesis, file.nodes).head(), (), ()))
        return cls(file, PyEvmEngine(chain_id, file.nodes))

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> EmbeddedLedger:
        """Go on at the head of the chain in `path`, or only read it.

        LedgerUnavailable if there is none or it is foreign; LedgerCorrupt if it contradicts
        itself.
        """
        file = LedgerFile.open(path, read_only=read_only)
        ledger = cls(file, PyEvmEngine(file.genesis().chain_id, file.nodes))
        head = file.header()
        if head is None or head != ledger.engine.head():
            file.close()
            raise LedgerCorrupt(f"{path} is corrupt: its last block is not the head of its state")
        return ledger

    def copy(self) -> EmbeddedLedger:
        """The same chain in memory with an empty pool; what happens there stays there."""
        file = self._file.copy()
        return EmbeddedLedger(file, PyEvmEngine(self.engine.chain_id, file.nodes))

    def close(self) -> None:
        """Release the file; transactions that were not mined are gone."""
        self._file.close()

    @property
    def genesis(self) -> Genesis:
        """What the chain started from."""
        return self._file.genesis()

    @property
    def pending(self) -> tuple[Transaction, ...]:
        """Transactions waiting for a block, in order."""
        return tuple(self._pool.values())

    def waiting_from(self, sender: bytes) -> tuple[Transaction, ...]:
        """A sender's transactions in the pool, in order."""
        return self._waiting.get(sender, ())

    def submit(self, raw: bytes) -> bytes:
        """Put a signed transaction into the pool; its hash, or TransactionRefused."""
        transaction = self.engine.decode(raw)
        if transaction.hash in self._pool:
            raise TransactionRefused("already known")
        waiting = self.waiting_from(transaction.sender)
        nonce = self.engine.nonce(transaction.sender) + len(waiting)
        if transaction.nonce != nonce:
            low = "low" if transaction.nonce < nonce else "high"
            raise TransactionRefused(
                f"nonce too {low}: next nonce {nonce}, transaction nonce {transaction.nonce}"
            )
        balance = self.engine.balance_wei(transaction.sender)
        cost = transaction.most_wei + sum(other.most_wei for other in waiting)
        if cost > balance:
            raise TransactionRefused(f"insufficient funds: balance {balance}, needed {cost} wei")
        base_fee = self.engine.next_base_fee_wei()
        if transaction.max_fee_wei < base_fee:
            raise TransactionRefused(
                f"max fee {transaction.max_fee_wei} is below the base fee {base_fee} wei"
            )
        limit = self.engine.head().gas_limit
        if transaction.gas > limit:
            raise TransactionRefused(f"gas {transaction.gas} exceeds the block's {limit}")
        self._pool[transaction.hash] = transaction
        self._waiting[transaction.sender] = (*waiting, transaction)
        return transaction.hash

    def mine(self, timestamp: int) -> Block:
        """One block of what waits, at `timestamp` seconds; it is durable when this returns.

        Where the pool's gas exceeds a block's, the later transactions wait on, and what the base
        fee has outgrown meanwhile is dropped. TimeNotAdvanced if the time is not after the head's;
        the chain and the pool are then as before.
        """
        chosen = self._choose()
        while True:
            try:
                block = self.engine.apply([transaction.raw for transaction in chosen], timestamp)
            except TransactionRefused as refused:
                self._drop(self.waiting_from(chosen[refused.index].sender))
                chosen = self._choose()
                continue
            except BaseException:
                self._file.nodes.discard()
                raise
            self._file.commit(block)
            self._drop(chosen)
            return block

    def _choose(self) -> list[Transaction]:
        """The first of the pool that a block's gas covers."""
        room = self.engine.head().gas_limit
        chosen: list[Transaction] = []
        for transaction in self._pool.values():
            room -= transaction.gas
            if room < 0:
                break
            chosen.append(transaction)
        return chosen

    def _drop(self, transactions: Sequence[Transaction]) -> None:
        """Out of the pool; of each sender these are the first that wait, since nonces are."""
        for transaction in transactions:
            del self._pool[transaction.hash]
            left = self._waiting.pop(transaction.sender)[1:]
            if left:
                self._waiting[transaction.sender] = left

    def header(self, at: int | bytes | None = None) -> Header | None:
        """The header of a number or hash (None: the head), or None if there is no such block."""
        return self._file.header(at)

    def transactions(self, number: int) -> tuple[Transaction, ...]:
        """The transactions of a block, in order."""
        return tuple(self.engine.decode(raw) for raw in self._file.raw_transactions(number))

    def receipt(self, transaction_hash: bytes) -> tuple[Transaction, Receipt, Header] | None:
        """A mined transaction, its receipt and its block's header, or None."""
        row = self._file.receipt(transaction_hash)
        if row is None:
            return None
        header = self.header(row.block)
        if header is None:
            raise LedgerCorrupt(f"{self._file.name} is corrupt: block {row.block} is missing")
        return self.engine.decode(row.raw), self._receipt(row, header), header

    def state_proof(
        self, at: int | None, address: bytes, slots: Sequence[int]
    ) -> tuple[bytes, StateProof]:
        """The state root after a block (None: the head), and under it the proof of an account and
        of some of its slots.

        ValueError for an account that is not there, LookupError for a block that is not."""
        header = self.header(at)
        if header is None:
            raise LookupError(f"no block {at}")
        root = header.state_root
        return root, state_proof(self._file.nodes, root, address, slots)

    def logs(self, wanted: LogFilter) -> list[Log]:
        """Logs in chain order."""
        return self._file.logs(wanted)

    def _receipt(self, row: ReceiptRow, header: Header) -> Receipt:
        logs = self.logs(LogFilter(row.block, row.block, transaction=row.position))
        return row.receipt(header.hash, tuple(logs))
