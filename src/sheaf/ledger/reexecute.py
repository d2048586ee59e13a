"""Run a ledger file's transactions again from its genesis and compare everything it stores.

Needs no keys and trusts nothing in the file but the genesis and the signed transactions: headers,
receipts, logs and state must all come out as stored. What it shows is that the stored results
follow from these transactions, not that this is the only history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eth_utils.crypto import keccak

from sheaf.ledger.database import LOG_COLUMNS, LedgerFile, LogFilter, log_row
from sheaf.ledger.engine import Block, Engine, Genesis, Header
from sheaf.ledger.errors import TimeNotAdvanced, TransactionRefused
from sheaf.ledger.remade import RemadeLedger, Written
from sheaf.protocol.errors import LedgerCorrupt, StoreUnavailable

_HEADER_FIELDS = (
    "number",
    "parent_hash",
    "timestamp",
    "transactions_root",
    "gas_used",
    "receipts_root",
    "state_root",
    "logs_bloom",
)
_SHOWN_BYTES = 32
"""Of a longer value, only what follows the first difference is shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that is not as re-execution makes it.

    `sender` sent the transaction that it belongs to; where that one's bytes do not tell any more,
    `named` are the accounts in its stored logs. A block's or the state's fields are nobody's.
    """

    block: int
    field: str
    found: str
    expected: str
    sender: bytes | None = None
    named: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Reexecution:
    """What re-executing found; `remade` holds the recomputed state, whatever the file says."""

    genesis: Genesis
    blocks: int
    transactions: int
    head: Header
    difference: Difference | None
    remade: RemadeLedger

    @property
    def engine(self) -> Engine:
        """Where the recomputed chain ends."""
        return self.remade.engine

    @property
    def known(self) -> int:
        """How many of the blocks after the genesis were executed at an earlier time."""
        return self.remade.known


Others = Callable[[int], tuple[range, Written] | None]
"""The stretch of blocks that begins with this one, if others executed it and found it as it is
stored, and what that wrote (`stretches`)."""

Ahead = Callable[[LedgerFile, int], Others]
"""Has others execute a ledger's blocks from the one after this on."""


class Remade(Protocol):
    """What blocks are compared with: those up to `height` were made before."""

    @property
    def engine(self) -> Engine:
        """Where it stands."""

    @property
    def height(self) -> int:
        """The last block that was made."""

    def block(self, number: int) -> Block:
        """One that was made."""

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """Make the next one (see `Engine.apply`)."""


def reexecute(
    path: Path,
    observe: Callable[[Block], None] | None = None,
    started: Callable[[RemadeLedger, int], None] | None = None,
    beside: Path | None = None,
    ahead: Ahead | None = None,
) -> Reexecution:
    """Re-execute the ledger in `path`, which is only read, up to the first difference.

    `started` is told where the blocks are made, and the last one's number, before anything is
    executed. `observe` is shown every block as re-execution made it, once it equals the
    stored one; none is held after that. What was made is kept in a file `beside` a path of the
    caller's, if there is one, and what is found there is not executed again (`remade`), nor what
    others executed `ahead`: of such blocks the state is ahead.

    LedgerUnavailable or LedgerCorrupt where the file cannot be read at all; StoreUnavailable where
    the other one cannot be written, or holds, or others say, something else than was executed.
    """
    file = LedgerFile.open(path, read_only=True)
    try:
        file.require_sound()
        remade = RemadeLedger.of(file, beside)
        try:
            others = None if ahead is None else ahead(file, remade.height)
            found = _executed(file, remade, observe, started, others)
            if found.difference is None or not remade.elsewhere:
                return found
        except LedgerCorrupt:
            if not remade.elsewhere:
                raise
        except BaseException:
            remade.close()  # at once: whoever asks again may hold the traceback
            raise
        remade.close()
        # Nobody is accused by what was not executed here: it may be that which is wrong.
        found = _executed(file, RemadeLedger.of(file, None))
        if found.difference is not None:
            return found
        remade.remove()
        where = f"{remade.path}, now removed" if remade.path else "what others executed ahead"
        raise StoreUnavailable(
            f"{where}: found something else than was executed here",
            hint="verify again, with one job; everything is executed then",
        )
    finally:
        file.close()


def _executed(
    file: LedgerFile,
    remade: RemadeLedger,
    observe: Callable[[Block], None] | None = None,
    started: Callable[[RemadeLedger, int], None] | None = None,
    others: Others | None = None,
) -> Reexecution:
    blocks = transactions = 0
    difference: Difference | None = None
    height = file.height()
    if started is not None:
        started(remade, height)
    for number in range(height + 1):
        stretch = others(number) if others is not None and number > remade.height else None
        if stretch is not None:
            remade.take(file, *stretch)
        rows = file.transaction_rows(number)
        made, difference = check_block(file, remade, number, rows)
        if difference is not None:
            break
        if made is not None:
            if number > remade.height:
                remade.keep(made)
            if observe is not None:
                observe(made)
        blocks, transactions = blocks + 1, transactions + len(rows)
    if difference is None:
        difference = _check_state(file, remade)
    head = remade.head()
    return Reexecution(file.genesis(), blocks, transactions, head, difference, remade)


def check_block(
    file: LedgerFile, remade: Remade, number: int, rows: Rows
) -> tuple[Block | None, Difference | None]:
    """The block as re-execution makes it (the genesis has none), and how the stored one differs;
    `rows` are the stored transactions. Raises LedgerCorrupt where one or the other is none."""
    try:
        stored = file.header(number)
    except LedgerCorrupt as error:
        corrupt = Difference(number, "header", error.message, "a header that matches its hash")
        return None, corrupt
    if stored is None:
        return None, Difference(number, "header", "no such block", "one block for each number")
    if number == 0:
        return None, _first(number, _header_pairs(stored, remade.block(0).header))
    if number <= remade.height:
        block = remade.block(number)
        return block, _first(number, _block_pairs(file, stored, rows, block))
    places = [position for position, _, _ in rows]
    if places != [*range(len(rows))]:
        return None, _difference(number, "transactions at", places, [*range(len(rows))])
    try:
        block = remade.apply([raw for _, _, raw in rows], stored.timestamp)
    except TransactionRefused as refused:
        return None, _refused(file, remade.engine, number, rows, refused)
    except TimeNotAdvanced as error:
        late = Difference(number, "timestamp", error.message, "a later time than the parent's")
        return None, late
    return block, _first(number, _block_pairs(file, stored, rows, block))


def _refused(
    file: LedgerFile, engine: Engine, number: int, rows: Rows, refused: TransactionRefused
) -> Difference:
    """The difference of a transaction that no block can hold, and whose it is or was."""
    _, digest, raw = rows[refused.index]
    field, wanted = f"transaction {refused.index}", "a transaction that the block can hold"
    if digest == keccak(raw):
        with suppress(TransactionRefused):
            sender = engine.decode(raw).sender
            return Difference(number, field, refused.reason, wanted, sender)
    # Changed bytes recover to an account that nobody has.
    logs = file.logs(LogFilter(number, number, transaction=refused.index))
    topics = [topic for log in logs for topic in log.topics[1:]]
    named = tuple(dict.fromkeys(topic[12:] for topic in topics if not any(topic[:12])))
    return Difference(number, field, refused.reason, wanted, named=named)


def _check_state(file: LedgerFile, remade: RemadeLedger) -> Difference | None:
    """The stored trie nodes, code and look-ups against the recomputed ones."""
    head = file.height()
    count = 0
    for key, value in file.nodes.items():
        count += 1
        made = remade.node(key)
        if made != value:
            return _difference(head, f"state node {key.hex()}", value, made)
    if count != remade.nodes():
        return _difference(head, "state nodes", count, remade.nodes())
    for what, rows in file.strays():
        return _difference(head, what, rows, 0)
    return None


Rows = list[tuple[int, bytes, bytes]]
"""A block's stored transactions: position, hash, signed bytes."""

Pair = tuple[str, object, object, bytes | None]
"""A field's name, its stored value, the recomputed one, and who sent what it belongs to."""


def _header_pairs(stored: Header, made: Header) -> Iterator[Pair]:
    for field in _HEADER_FIELDS:
        yield field, getattr(stored, field), getattr(made, field), None
    yield "hash", stored.hash, made.hash, None


def _block_pairs(file: LedgerFile, stored: Header, rows: Rows, block: Block) -> Iterator[Pair]:
    number, senders = block.header.number, [each.sender for each in block.transactions]
    for (index, digest, _), made in zip(rows, block.transactions, strict=True):
        yield f"transaction {index} hash", digest, made.hash, made.sender
    yield from _header_pairs(stored, block.header)
    receipts = file.receipts(number)
    yield "receipts", len(receipts), len(block.receipts), None
    for index, (row, receipt) in enumerate(zip(receipts, block.receipts, strict=True)):
        again = row.receipt(stored.hash, receipt.logs)
        for field in again.__dataclass_fields__:
            pair = getattr(again, field), getattr(receipt, field)
            yield f"receipt {index} {field}", *pair, senders[index]
    kept = file.log_rows(number)
    logs = [log for receipt in block.receipts for log in receipt.logs]
    yield "logs", len(kept), len(logs), None
    for columns, log in zip(kept, logs, strict=True):
        for name, found, made_of in zip(LOG_COLUMNS, columns, log_row(log), strict=True):
            yield f"log {log.index} {name}", found, made_of, senders[log.transaction_index]


def _first(number: int, pairs: Iterator[Pair]) -> Difference | None:
    for field, found, expected, sender in pairs:
        if found != expected:
            return _difference(number, field, found, expected, sender)
    return None


def _difference(
    number: int, field: str, found: object, expected: object, sender: bytes | None = None
) -> Difference:
    return Difference(number, field, *_texts(found, expected), sender)


def _texts(found: object, expected: object) -> tuple[str, str]:
    """Both as text: bytes as hex, long ones from where they differ."""
    start = 0
    if isinstance(found, bytes) and isinstance(expected, bytes):
        pairs = enumerate(zip(found, expected, strict=False))
        start = next((i for i, (a, b) in pairs if a != b), min(len(found), len(expected)))
    return _text(found, start), _text(expected, start)


def _text(value: object, start: int) -> str:
    if not isinstance(value, bytes):
        return "nothing" if value is None else str(value)
    if len(value) <= _SHOWN_BYTES:
        return f"0x{value.hex()}"
    shown = value[start : start + _SHOWN_BYTES].hex()
    return f"0x{shown} from byte {start} of {len(value)}"
