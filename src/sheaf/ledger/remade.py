"""A ledger made again, block by block, from the genesis and the transactions of another one.

It lies in memory or, so that who is interrupted can go on, in a file of one's own beside another
one. What is in that file was executed by whoever wrote it and equalled what was executed from; it
serves for a ledger that has the same blocks and perhaps more, and is begun again for any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sheaf.ledger.connections import size_bytes
from sheaf.ledger.database import LedgerFile, LogFilter
from sheaf.ledger.engine import Block, Genesis, Header, Log, Message
from sheaf.ledger.errors import LedgerInUse
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable, SheafError, StoreUnavailable


@dataclass(frozen=True)
class Written:
    """What executing some blocks wrote, and what tells these blocks from others (`digest_of`)."""

    nodes: Mapping[bytes, bytes]
    digest: bytes


def digest_of(blocks: Sequence[Block]) -> bytes:
    """SHA-256 of blocks with all that came of them."""
    return hashlib.sha256(repr([*blocks]).encode()).digest()


class RemadeLedger:
    """Blocks made again, up to `height`: the first `known` of them by somebody who had the file
    before. `elsewhere` says whether any of it may come from a file or from others, so that it
    accuses nobody."""

    def __init__(self, file: LedgerFile, path: Path | None = None) -> None:
        self._file, self.path = file, path
        self.engine = PyEvmEngine(file.genesis().chain_id, file.nodes)
        self.known = self.height = file.height()
        self.elsewhere = path is not None

    @classmethod
    def of(cls, ledger: LedgerFile, beside: Path | None) -> RemadeLedger:
        """What is made of `ledger`'s blocks already, in a file `beside` that path: nothing where
        there is no such file, or another history is in it. In memory for None, and as long as
        somebody else has the file.

        StoreUnavailable where it cannot be written or is no ledger.
        """
        genesis = ledger.genesis()
        if beside is not None:
            path = place(beside, genesis)
            with suppress(LedgerInUse), _own():
                found = _found(path, ledger)
                if found is None:
                    if size_bytes(path):
                        LedgerFile.remove(path)
                    found = _begun(path, genesis)
                return cls(found, path)
        return cls(_begun(None, genesis))

    @property
    def chain_id(self) -> int:
        """The chain's."""
        return self.engine.chain_id

    def head(self) -> Header:
        """The last block's header."""
        with _own():
            return self.engine.head()

    def code(self, address: bytes, number: int | None = None) -> bytes:
        """The code of an account after a block, the last for None."""
        with _own():
            return self.engine.code(address, number)

    def call(self, message: Message) -> bytes:
        """What a call returns after the last block (see `Engine.call`)."""
        with _own():
            return self.engine.call(message)

    def node(self, key: bytes) -> bytes | None:
        """What the engine keeps under a key."""
        with _own():
            return self._file.nodes.get(key)

    def nodes(self) -> int:
        """How much the engine keeps."""
        with _own():
            return len(self._file.nodes)

    def block(self, number: int) -> Block:
        """A block that is held, from the first on."""
        with _own():
            return _stored(self._file, self.engine, number)

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """Make the next block (see `Engine.apply`); it is not kept yet. LedgerCorrupt where the
        state that it needs is none."""
        try:
            with _own():
                return self.engine.apply(raw_transactions, timestamp)
        except BaseException as error:
            self._file.nodes.discard()
            unheard = not isinstance(error, SheafError) and isinstance(error, Exception)
            if not (self.elsewhere and unheard):
                raise
            # Of changed nodes an engine makes errors of every kind.
            raise LedgerCorrupt(f"{self._file.name} is corrupt: {error!r:.200}") from error

    def keep(self, block: Block) -> None:
        """Write the block that was made last. StoreUnavailable where that cannot be done."""
        with _own():
            self._file.commit(block)
        self.height = block.header.number

    def take(self, ledger: LedgerFile, blocks: range, written: Written) -> None:
        """Write the blocks that follow, as `ledger` has them, and what executing them wrote.

        LedgerCorrupt where they do not follow, or are others than were executed; StoreUnavailable
        where they cannot be written.
        """
        self.elsewhere = True
        taken = [_stored(ledger, self.engine, number) for number in blocks]
        if taken[0].header.parent_hash != self.head().hash:
            raise LedgerCorrupt(f"{ledger.name} is corrupt: block {blocks.start} follows another")
        if digest_of(taken) != written.digest:
            raise LedgerCorrupt(f"{ledger.name} was changed meanwhile, in block {blocks.start} on")
        self._file.nodes.update(written.nodes)
        with _own():
            self._file.commit(*taken)
        self.height = blocks.stop - 1

    def remove(self) -> None:
        """Throw its file away, if it has one."""
        self.close()
        if self.path is not None:
            with _own():
                LedgerFile.remove(self.path)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


@contextmanager
def _own() -> Iterator[None]:
    """What is wrong with one's own file is not said of the ledger."""
    try:
        yield
    except LedgerInUse:
        raise
    except LedgerUnavailable as error:
        raise StoreUnavailable(error.message, error.hint) from error


def _stored(file: LedgerFile, engine: PyEvmEngine, number: int) -> Block:
    header = file.header(number)
    if header is None:
        raise LedgerCorrupt(f"{file.name} is corrupt: block {number} is missing")
    logs: dict[int, list[Log]] = {}
    for log in file.logs(LogFilter(number, number)):
        logs.setdefault(log.transaction_index, []).append(log)
    rows = file.receipts(number)
    if len(rows) != len(file.transaction_rows(number)):
        raise LedgerCorrupt(f"{file.name} is corrupt: block {number} lacks a receipt")
    return Block(
        header,
        tuple(engine.decode(row.raw) for row in rows),
        tuple(row.receipt(header.hash, tuple(logs.get(row.position, ()))) for row in rows),
    )


def _begun(path: Path | None, genesis: Genesis) -> LedgerFile:
    file = LedgerFile.create(path, alone=True)
    file.begin(genesis, lambda: Block(PyEvmEngine.begin(genesis, file.nodes).head(), (), ()))
    return file


def _found(path: Path, ledger: LedgerFile) -> LedgerFile | None:
    """The file in `path`, if `ledger` begins as it does."""
    if not size_bytes(path):
        return None
    try:
        file = LedgerFile.open(path, alone=True)
    except LedgerCorrupt:
        return None
    try:
        numbers = range(file.height() + 1)
        if file.genesis() == ledger.genesis() and all(
            _recorded(file, number) == _recorded(ledger, number) for number in numbers
        ):
            return file
    except LedgerCorrupt:
        pass
    file.close()
    return None


def _recorded(file: LedgerFile, number: int) -> object:
    """All that a block is made of, and what was made of it."""
    return file.header(number), file.transaction_rows(number)


def place(beside: Path, genesis: Genesis) -> Path:
    """The file of a chain with this genesis beside that path."""
    digest = hashlib.sha256(genesis.document().encode()).hexdigest()
    return beside.with_name(f"{beside.name}-{digest[:8]}.sqlite")
