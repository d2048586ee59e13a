"""Where two histories part: the first thing that is not the same in two runs' folders.

Both are read as they lie there, ledger first: genesis, then block by block the header, each
transaction with what it asked for, each receipt and each event; then the address book, the task
document, the store's blobs, the model file and what of the summary can be recomputed. Neither run
is verified by that: a history that differs from a verified one is simply another history.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.ledger.database import LedgerFile, LogFilter, ReceiptRow
from sheaf.ledger.engine import Engine, Header, Log
from sheaf.ledger.errors import TransactionRefused
from sheaf.ledger.federation import AddressBook, action_of, event_of
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.nodes import inventory, summary
from sheaf.protocol.actions import Publish
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidDocument,
    InvalidUsage,
)
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore

ABSENT = "nothing"


@dataclass(frozen=True)
class Divergence:
    """The first difference: `where` it is, which `field`, and what either side has there; `block`
    is the last one that the two have in common, None where the ledgers agree. `task` is the first
    field in which the task documents differ, with both values: often the reason of the rest."""

    where: str
    field: str
    left: str
    right: str
    block: int | None = None
    task: tuple[str, str, str] | None = None


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
    """A run's folder with its ledger's file, and what decodes what is in it."""

    folder: Path
    file: LedgerFile
    engine: Engine
    book: AddressBook

    @classmethod
    def open(cls, folder: Path, closing: ExitStack) -> History:
        """The run in `folder`; its file is closed with `closing`. Raises `InvalidUsage` where it
        has no ledger of its own, `InvalidDocument` or ledger errors where that cannot be read."""
        path = folder / inventory.LEDGER
        if not path.is_file() or not (folder / inventory.BOOK).is_file():
            raise InvalidUsage(
                f"{folder}: found no {path.name} with its address book, accepted: "
                "a run on a ledger of its own"
            )
        file = LedgerFile.open(path, read_only=True)
        closing.callback(file.close)
        book, _ = summary.read_book(folder / inventory.BOOK)
        return cls(folder, file, PyEvmEngine.begin(file.genesis(), {}), book)

    def action(self, row: ReceiptRow | None) -> Any:
        """What a transaction asked for: an action, or a call where it is none; None where its bytes
        are no transaction."""
        if row is None:
            return None
        try:
            sent = self.engine.decode(row.raw)
        except TransactionRefused:
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

    def sender(self, row: ReceiptRow | None) -> str:
        """Who sent it."""
        if row is None:
            return ABSENT
        try:
            return to_checksum_address(self.engine.decode(row.raw).sender)
        except TransactionRefused:
            return "bytes that are no transaction"

    def event(self, log: Log | None) -> Any:
        """An event of the protocol's, or the log where it is none."""
        if log is None:
            return None
        try:
            return event_of(self.book, log) or log
        except ValueError:
            return log

    def published(self) -> Iterator[bytes]:
        """The document of the run's own task."""
        for number in range(self.file.height() + 1):
            for row in self.file.receipts(number):
                action = self.action(row)
                if isinstance(action, Publish):
                    yield action.document
                    return

    def document(self, digest: bytes) -> Task | None:
        """The task document of that digest, where the store has it."""
        try:
            store = DiskStore(self.folder / inventory.STORE)
            return Task.decode(store.get(ContentId(DAG_CBOR, SHA2_256, digest)))
        except (BlobMissing, BlobCorrupt, InvalidDocument):
            return None


def first_divergence(left: Path, right: Path) -> Divergence | None:
    """The first difference of the runs in two folders; None where there is none.

    Raises `InvalidUsage` for a run without a ledger of its own, and errors of a ledger that cannot
    be read at all.
    """
    with ExitStack() as closing:
        sides = (History.open(left, closing), History.open(right, closing))
        found = next(chain(_ledgers(*sides), _folders(*sides)), None)
        return found and dataclasses.replace(found, task=_tasks(*sides))


def _tasks(a: History, b: History) -> tuple[str, str, str] | None:
    """How the documents of two runs' tasks differ first, where both can be had."""
    documents = [each.document(digest) for each in (a, b) for digest in each.published()]
    if len(documents) != 2 or None in documents:
        return None
    for field, left, right in _differences("", documents[0], documents[1]):
        return field, _told(left), _told(right)
    return None


def _ledgers(a: History, b: History) -> Iterator[Divergence]:
    yield from _fields("genesis", a.file.genesis(), b.file.genesis(), 0)
    heights = (a.file.height(), b.file.height())
    for number in range(min(heights) + 1):
        yield from _block(a, b, number)
    if heights[0] != heights[1]:
        told = [f"block {h}" for h in heights]
        yield Divergence("ledger", "last block", told[0], told[1], min(heights))


def _block(a: History, b: History, number: int) -> Iterator[Divergence]:
    """What differs in a block: when it was made and what was sent, then what came of that."""
    before, where = max(0, number - 1), f"block {number}, header"
    headers = (_header(a, number), _header(b, number))
    made = [{"timestamp": header.get("timestamp")} for header in headers]
    yield from _fields(where, made[0], made[1], before)
    rows = zip_longest(a.file.receipts(number), b.file.receipts(number))
    for place, (one, other) in enumerate(rows):
        sent = f"block {number}, transaction {place}"
        if one is None or other is None or one.raw != other.raw:
            yield from _transaction(a, b, sent, one, other, before)
        else:
            yield from _fields(f"{sent}, receipt", _came_of(one), _came_of(other), before)
    span = LogFilter(number, number)
    for place, pair in enumerate(zip_longest(a.file.logs(span), b.file.logs(span))):
        if _plain_log(pair[0]) != _plain_log(pair[1]):
            events = (a.event(pair[0]), b.event(pair[1]))
            named = [_name(each) for each in events]
            if named[0] != named[1]:
                yield Divergence(
                    f"block {number}, event {place}", "kind", named[0], named[1], before
                )
            yield from _fields(f"block {number}, event {place}, {named[0]}", *events, before)
    yield from _fields(where, *headers, before)


def _header(history: History, number: int) -> dict[str, Any]:
    """A block's header without what is a hash of the rest."""
    header = history.file.header(number)
    named = dataclasses.fields(Header) if header else ()
    return {f.name: getattr(header, f.name) for f in named if f.name not in ("hash", "encoded")}


def _came_of(row: ReceiptRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("status", "gas_used", "revert_data", "encoded")}


def _plain_log(log: Log | None) -> object:
    return None if log is None else (log.address, log.topics, log.data, log.transaction_index)


def _transaction(
    a: History,
    b: History,
    where: str,
    one: ReceiptRow | None,
    other: ReceiptRow | None,
    before: int,
) -> Iterator[Divergence]:
    """Who sent what, field by field."""
    senders = (a.sender(one), b.sender(other))
    if senders[0] != senders[1]:
        named = (
            f"{_name(a.action(one))} of {senders[0]}",
            f"{_name(b.action(other))} of {senders[1]}",
        )
        yield Divergence(where, "sender", *named, before)
    actions = (a.action(one), b.action(other))
    yield from _fields(f"{where}, {_name(actions[0])}", *actions, before)
    yield Divergence(
        where, "signed bytes", _told(one and one.raw), _told(other and other.raw), before
    )


def _folders(a: History, b: History) -> Iterator[Divergence]:
    """What lies beside two ledgers that agree."""
    yield from _fields("ledger.json", a.book, b.book, None)
    yield from _stores(DiskStore(a.folder / inventory.STORE), DiskStore(b.folder / inventory.STORE))
    files = [each.folder / summary.MODEL_FILE for each in (a, b)]
    contents = [file.read_bytes() if file.is_file() else None for file in files]
    if contents[0] != contents[1]:
        yield Divergence(summary.MODEL_FILE, "bytes", _told(contents[0]), _told(contents[1]))
    plain = [_summary(each.folder) for each in (a, b)]
    yield from _fields(summary.SUMMARY_FILE, plain[0], plain[1], None)


def _stores(a: DiskStore, b: DiskStore) -> Iterator[Divergence]:
    for content in sorted({*a.ids(), *b.ids()}, key=str):
        found = []
        for store in (a, b):
            try:
                found.append(f"{len(store.get(content))} bytes")
            except BlobMissing:
                found.append(ABSENT)
            except BlobCorrupt:
                found.append("other bytes than the id says")
        if found[0] != found[1]:
            yield Divergence("store", str(content), found[0], found[1])


def _summary(folder: Path) -> Any:
    """The summary without what the run only reports; None where it cannot be read."""
    try:
        plain = json.loads((folder / summary.SUMMARY_FILE).read_text(encoding="utf-8"))
        for name in summary.UNCHECKED:
            listed, _, field = name.rpartition(".")
            for row in plain[listed] if listed else [plain]:
                row.pop(field, None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return plain


def _fields(where: str, one: Any, other: Any, block: int | None) -> Iterator[Divergence]:
    """The fields, of dataclasses, mappings and sequences, in which two values differ."""
    for field, left, right in _differences("", one, other):
        yield Divergence(where, field or "the whole", _told(left), _told(right), block)


def _differences(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        for each in dataclasses.fields(one):
            inner = f"{path}.{each.name}".lstrip(".")
            yield from _differences(inner, getattr(one, each.name), getattr(other, each.name))
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            inner = f"{path}.{key}".lstrip(".")
            yield from _differences(inner, one.get(key), other.get(key))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for index, (left, right) in enumerate(zip_longest(one, other)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif one != other:
        yield path, one, other


def _name(action: Any) -> str:
    return ABSENT if action is None else type(action).__name__


def _told(value: Any) -> str:
    """A value on one line, its beginning where it is long."""
    if value is None:
        return ABSENT
    if isinstance(value, bytes):
        return f"{value[:32].hex()}{'...' if len(value) > 32 else ''} ({len(value)} bytes)"
    return f"{value:.200}" if isinstance(value, str) else f"{value!r:.200}"
