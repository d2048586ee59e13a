"""Two ways to read a history that nobody verified yet: out of a ledger's file, as it lies there, or
from an endpoint, whose blocks must at least hold by themselves; with what decodes what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from eth_utils.address import to_checksum_address

from sheaf.ledger.database import LedgerFile, LogFilter
from sheaf.ledger.engine import Header, Log, Transaction
from sheaf.ledger.errors import TransactionRefused
from sheaf.ledger.federation import AddressBook, action_of, event_of
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.actions import Publish
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

ABSENT = "nothing"


@dataclass(frozen=True)
class Row:
    """A transaction as it was sent, and what came of it; an endpoint does not tell `revert_data`,
    and has it decoded as `sent`."""

    raw: bytes
    status: int
    gas_used: int
    encoded: bytes
    revert_data: bytes | None = None
    sent: Transaction | None = None

    def came_of(self, *, whole: bool) -> dict[str, Any]:
        """What came of it, as far as any ledger, or as a `whole` file, tells."""
        names = ("status", "gas_used", *(("revert_data",) if whole else ()), "encoded")
        return {name: getattr(self, name) for name in names}


class Chain(Protocol):
    """Blocks to be read, from `first` on. Those of a `closed` one are all that there will be."""

    @property
    def first(self) -> int:
        """The first block that is read."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it ends with its last block."""
        ...

    def height(self) -> int:
        """Number of the last block."""
        ...

    def genesis(self) -> object:
        """What it started from."""
        ...

    def header(self, number: int) -> Header | None:
        """A block's header."""
        ...

    def rows(self, number: int) -> Sequence[Row]:
        """A block's transactions."""
        ...

    def logs(self, number: int) -> Sequence[Log]:
        """A block's logs."""
        ...

    def decoded(self, row: Row) -> Transaction | None:
        """A transaction with its sender; None where its bytes are none."""
        ...


@dataclass(frozen=True)
class ChainInFile:
    """The chain in a ledger's file."""

    file: LedgerFile
    first: int = 0
    closed: bool = True

    def height(self) -> int:
        """As `Chain.height`."""
        return self.file.height()

    def genesis(self) -> object:
        """As `Chain.genesis`."""
        return self.file.genesis()

    def header(self, number: int) -> Header | None:
        """As `Chain.header`."""
        return self.file.header(number)

    def rows(self, number: int) -> list[Row]:
        """As `Chain.rows`."""
        found = self.file.receipts(number)
        return [Row(r.raw, r.status, r.gas_used, r.encoded, r.revert_data) for r in found]

    def logs(self, number: int) -> list[Log]:
        """As `Chain.logs`."""
        return self.file.logs(LogFilter(number, number))

    @cached_property
    def _engine(self) -> PyEvmEngine:
        return PyEvmEngine.begin(self.file.genesis(), {})

    def decoded(self, row: Row) -> Transaction | None:
        """As `Chain.decoded`."""
        try:
            return self._engine.decode(row.raw)
        except TransactionRefused:
            return None


@dataclass(frozen=True)
class ProvedChain:
    """The chain behind an endpoint, up to `last`, or to its final head: that may go on, so it is
    not `closed`."""

    client: ProvingClient
    first: int = 0
    last: int | None = None

    @property
    def closed(self) -> bool:
        """As `Chain.closed`."""
        return self.last is not None

    def height(self) -> int:
        """As `Chain.height`."""
        return self.client.head().number if self.last is None else self.last

    def genesis(self) -> object:
        """As `Chain.genesis`: an endpoint tells the chain's id."""
        return {"chain_id": self.client.chain_id}

    def header(self, number: int) -> Header | None:
        """As `Chain.header`."""
        (found,) = self.client.headers(number, number)
        return found

    def rows(self, number: int) -> list[Row]:
        """As `Chain.rows`."""
        block = self.client.proved(number)
        pairs = zip(block.transactions, block.receipts, strict=True)
        return [Row(t.raw, r.status, r.gas_used, r.encoded, sent=t) for t, r in pairs]

    def logs(self, number: int) -> list[Log]:
        """As `Chain.logs`."""
        return [log for receipt in self.client.proved(number).receipts for log in receipt.logs]

    def decoded(self, row: Row) -> Transaction | None:
        """As `Chain.decoded`."""
        return row.sent


@dataclass(frozen=True)
class Call:
    """A transaction that is no action of the protocol's: a deployment, a token's business."""

    to: bytes | None
    nonce: int
    value_wei: int
    gas: int
    data: bytes


@dataclass(frozen=True)
class TokenCall:
    """What an account asked of a token, in its own unit."""

    token: str
    function: str
    account: bytes
    amount: int
    nonce: int


TOKEN_CALLS = {bytes.fromhex("a9059cbb"): "transfer", bytes.fromhex("095ea7b3"): "approve"}
"""The selectors of ERC-20 functions that everybody sends: what goes to whom, how much."""


@dataclass(frozen=True)
class History:
    """The chain that the task of this id is on, where its contracts and its bytes are, and the
    run's `folder`, where there is one. A store of directories is `listing` all that it has."""

    name: str
    task: bytes
    chain: Chain
    book: AddressBook
    store: Store
    folder: Path | None = None
    listing: bool = True

    def action(self, row: Row | None) -> Any:
        """What a transaction asked for: an action, or a call where it is none; None where its bytes
        are no transaction."""
        sent = None if row is None else self.chain.decoded(row)
        if sent is None:
            return None
        call = Call(sent.to, sent.nonce, sent.value_wei, sent.gas, sent.data)
        return action_of(self.book, sent.to, sent.data) or self._token(call) or call

    def _token(self, call: Call) -> TokenCall | None:
        kind = {self.book.stake_token: "stake", self.book.reward_token: "reward"}.get(
            call.to or b""
        )
        function = TOKEN_CALLS.get(call.data[:4])
        if kind is None or function is None or len(call.data) != 68:
            return None
        account, amount = call.data[16:36], int.from_bytes(call.data[36:])
        return TokenCall(kind, function, account, amount, call.nonce)

    def sender(self, row: Row | None) -> str:
        """Who sent it."""
        if row is None:
            return ABSENT
        sent = self.chain.decoded(row)
        return "bytes that are no transaction" if sent is None else to_checksum_address(sent.sender)

    def event(self, log: Log | None) -> Any:
        """An event of the protocol's, or the log where it is none."""
        if log is None:
            return None
        try:
            return event_of(self.book, log) or log
        except ValueError:
            return log

    def events(self) -> Iterator[object]:
        """Every event of the protocol's, in order."""
        for number in range(self.chain.first, self.chain.height() + 1):
            for log in self.chain.logs(number):
                if log.address in (self.book.federation, self.book.vault):
                    yield self.event(log)

    @cached_property
    def trail(self) -> Trail:
        """What the ledger says of the task, taken at its word. Raises `InvalidDocument` for events
        that cannot follow one another."""
        trail = Trail(self.book.deployment, self.task)
        try:
            for event in self.events():
                trail = fold(trail, event)
        except (LookupError, ValueError) as error:
            raise InvalidDocument(
                f"{self.name}: found events that do not follow one another ({error!r:.80}); "
                "`sheaf verify` says which"
            ) from error
        return trail

    def published(self) -> Iterator[bytes]:
        """The digest of the task's document."""
        for number in range(self.chain.first, self.chain.height() + 1):
            for row in self.chain.rows(number):
                action, sent = self.action(row), self.chain.decoded(row)
                if isinstance(action, Publish) and sent is not None:
                    task = self.book.deployment.task_id(sent.sender, action.document)
                    if task == self.task:
                        yield action.document
                        return

    def document(self) -> Task | None:
        """The task's document, where it was published and the store has it."""
        for digest in self.published():
            try:
                return Task.decode(self.store.get(ContentId(DAG_CBOR, SHA2_256, digest)))
            except (BlobMissing, BlobCorrupt, InvalidDocument):
                return None
        return None
