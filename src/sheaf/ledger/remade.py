"""A ledger made again, block by block, from the genesis and the transactions of another one.

It lies in memory or, so that who is interrupted can go on, in a file of one's own beside another
one. What is in that file was executed by whoever wrote it and equalled what was executed from; it
serves for a ledger that has the same blocks and perhaps more, and is begun again for any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sheaf.ledger.connections import size_bytes
from sheaf.ledger.database import LedgerFile, LogFilter
from sheaf.ledger.engine import Block, Genesis, Log
from sheaf.ledger.errors import LedgerInUse
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable, SheafError, StoreUnavailable


class RemadeLedger:
    """Blocks made again, up to `height`: the first `known` of them by somebody who had the file
    before. `elsewhere` says whether there are any such, or any that others executed."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self.nodes = file.nodes
        self.engine = PyEvmEngine(file.genesis().chain_id, file.nodes)
        self.known = self.height = file.height()
        self.elsewhere = self.known > 0

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
                    LedgerFile.remove(path)
                    found = _begun(path, genesis)
                return cls(found)
        return cls(_begun(None, genesis))

    def block(self, number: int) -> Block:
        """A block that is held, from the first on."""
        return _stored(self._file, self.engine, number)

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """Make the next block (see `Engine.apply`); it is not kept yet. LedgerCorrupt where the
        state that it needs is none."""
        try:
            return self.engine.apply(raw_transactions, timestamp)
        except BaseException as error:
            self._file.nodes.discard()
            if (
                not self.elsewhere
                or isinstance(error, SheafError)
                or not isinstance(error, Exception)
            ):
                raise
            # Of changed nodes an engine makes errors of every kind.
            raise LedgerCorrupt(f"{self._file.name} is corrupt: {error!r:.200}") from error

    def keep(self, block: Block) -> None:
        """Write the block that was made last. StoreUnavailable where that cannot be done."""
        with _own():
            self._file.commit(block)
        self.height = block.header.number

    def take(self, ledger: LedgerFile, blocks: range, written: Mapping[bytes, bytes]) -> None:
        """Write the blocks that follow, as `ledger` has them, and what executing them wrote.

        LedgerCorrupt where they do not follow, StoreUnavailable where they cannot be written.
        """
        taken = [_stored(ledger, self.engine, number) for number in blocks]
        if taken[0].header.parent_hash != self.engine.head().hash:
            raise LedgerCorrupt(f"{ledger.name} is corrupt: block {blocks.start} follows another")
        self.elsewhere = True
        self.nodes.update(written)
        with _own():
            self._file.commit(*taken)
        self.height = blocks.stop - 1

    def share(self) -> None:
        """Let others have the file: from now on it is only read."""
        self._file.share()

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
        if all(_recorded(file, number) == _recorded(ledger, number) for number in numbers):
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
