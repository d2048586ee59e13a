"""Ledgers that a stranger is pointed to: files and endpoints, each under the name it was given as.

Whatever is wrong with one is told with its name. Where contracts are is asked of a ledger: a hint,
for their code must be what Sheaf ships, and a task's id binds its federation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import NoReturn, Protocol

from web3 import Web3

from sheaf.ledger.archive import Archive, ChainArchive, FileArchive
from sheaf.ledger.database import LedgerFile, LogFilter
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.engine import Block, Header, Log
from sheaf.ledger.errors import Misreported, Reverted
from sheaf.ledger.federation import federation_interface
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.remade import RemadeLedger
from sheaf.nodes.evidence import ORDER, Told, fail, silent
from sheaf.nodes.executing import ALONE, Execution
from sheaf.nodes.payments import Payment, payments_behind, payments_on
from sheaf.nodes.rereading import Ground, Source, execute_again, reread
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable, VerificationFailed
from sheaf.protocol.events import TaskPublished
from sheaf.protocol.hashing import Deployment

Observer = Callable[[Block], None]


@dataclass(frozen=True)
class Place:
    """Where a chain stands: its id, how to read code there, and whether it goes no further. Of an
    endpoint that code is its word: `Ground.code` says more of it afterwards."""

    chain_id: int
    code: Callable[[bytes], bytes]
    last: bool = True


Begin = Callable[[Place], Observer | None]
"""Told where a chain stands; None as long as what is looked for is not there yet. It is shown all
blocks from there on."""

Only = Callable[[], Sequence[bytes]]

Publication = tuple[bytes, TaskPublished]
"""The address of the contract that published a task, and what it said."""

LAG_BLOCKS = 32
"""An endpoint that is further behind another one does not follow the chain."""


class Ledger(Protocol):
    """A ledger that is read under a name."""

    @property
    def name(self) -> str:
        """What it is told by."""
        ...

    @property
    def lag_blocks(self) -> int:
        """How far it may be behind others."""
        ...

    @property
    def embedded(self) -> bool:
        """Whether one process made all of its blocks, at times of its own."""
        ...

    def height(self) -> int:
        """Number of its last final block."""
        ...

    def number_of(self, head: bytes) -> int | None:
        """Number of the final block of this hash, None where it has none."""
        ...

    def hash_of(self, number: int) -> bytes:
        """The hash of a final block."""
        ...

    def publication(self, task: bytes) -> Publication | None:
        """Where a task was published, None where it was not."""
        ...

    def read(self, last: int, begin: Begin, only: Only, told: Told = silent) -> Ground:
        """Check all blocks up to `last`, and show them to what `begin` returned: all or, with
        contracts in `only()`, those that hold logs of theirs. `told` is told of each."""
        ...

    def logs(self, contract: bytes, last: int, topics: Sequence[bytes] = ()) -> list[Log]:
        """A contract's logs that begin with these topics, up to block `last`, in order."""
        ...

    def payments(self, last: int) -> Iterator[Payment]:
        """Native coin that accounts sent each other up to block `last`, in order."""
        ...

    def archive(self) -> AbstractContextManager[Archive]:
        """Its past, for proofs."""
        ...


def ignore(block: Block) -> None:
    """Look at none."""


@contextmanager
def named(name: str) -> Iterator[None]:
    """What is found wrong with a ledger, said with its name."""
    try:
        yield
    except VerificationFailed as error:
        if error.message.startswith(f"{name}: "):
            raise
        raise VerificationFailed(f"{name}: {error.message}") from error
    except (Misreported, LedgerCorrupt) as error:
        raise VerificationFailed(f"{name}: ledger: {error.message}") from error
    except LedgerUnavailable as error:
        if name in error.message:
            raise
        raise LedgerUnavailable(f"{name}: {error.message}", error.hint) from error


@dataclass(frozen=True)
class ProvedLedger:
    """A chain whose blocks are proved by their headers, from `source.first` on."""

    name: str
    source: Source
    lag_blocks: int = LAG_BLOCKS
    embedded: bool = False

    def height(self) -> int:
        """As `Ledger.height`."""
        with named(self.name):
            return self.source.client.head().number

    def number_of(self, head: bytes) -> int | None:
        """As `Ledger.number_of`."""
        with named(self.name):
            return self.source.client.number_of(head)

    def hash_of(self, number: int) -> bytes:
        """As `Ledger.hash_of`."""
        with named(self.name):
            (header,) = self.source.client.headers(number, number)
            return header.hash

    def publication(self, task: bytes) -> Publication | None:
        """As `Ledger.publication`."""
        with named(self.name):
            client = self.source.client
            logs = client.told_logs(_topics(task), self.source.first)
            return _publication(client.chain_id, task, logs)

    def read(self, last: int, begin: Begin, only: Only, told: Told = silent) -> Ground:
        """As `Ledger.read`."""
        client = self.source.client
        with named(self.name):
            observe = begin(Place(client.chain_id, client.code)) or ignore
            ground = reread(self.source, last, observe, only(), told)

        def code(address: bytes) -> tuple[bytes, str]:
            with named(self.name):
                return ground.code(address)

        @cache  # so that nobody has to be asked again who may have gone
        def read(contract: bytes, calldata: bytes) -> bytes:
            with named(self.name):
                return ground.read(contract, calldata)

        limits = (*ground.limits, ORDER) if self.embedded else ground.limits
        return replace(ground, code=code, read=read, limits=limits)

    def logs(self, contract: bytes, last: int, topics: Sequence[bytes] = ()) -> list[Log]:
        """As `Ledger.logs`."""
        with named(self.name):
            return self.source.client.logs(contract, self.source.first, last, topics)

    def payments(self, last: int) -> Iterator[Payment]:
        """As `Ledger.payments`."""
        with named(self.name):
            yield from payments_behind(self.source.client, self.source.first, last)

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """As `Ledger.archive`."""
        with named(self.name):
            yield ChainArchive(self.source.client)


@dataclass
class _Showing:
    """Shows the blocks up to `last` to whom they are for, from the first one on at which that is
    known; `head` is the header of the last one."""

    last: int
    begin: Begin
    observer: Observer | None = None
    head: Header | None = None

    def observe(self, block: Block, remade: RemadeLedger) -> None:
        """Take in the next block; what has the code after it may stand ahead of it."""
        number = block.header.number
        if number > self.last:
            return
        code = partial(remade.code, number=number)
        self.observer = self.observer or self.begin(Place(remade.chain_id, code, last=False))
        if self.observer is not None:
            self.observer(block)
        self.head = block.header


@dataclass(frozen=True)
class Unreachable:
    """A ledger that could not even be opened: whatever it is asked, it says so."""

    name: str
    error: LedgerUnavailable
    lag_blocks: int = 0
    embedded: bool = False

    def height(self) -> int:
        """As `Ledger.height`."""
        self._fail()

    def number_of(self, head: bytes) -> int | None:
        """As `Ledger.number_of`."""
        self._fail()

    def hash_of(self, number: int) -> bytes:
        """As `Ledger.hash_of`."""
        self._fail()

    def publication(self, task: bytes) -> Publication | None:
        """As `Ledger.publication`."""
        self._fail()

    def read(self, last: int, begin: Begin, only: Only, told: Told = silent) -> Ground:
        """As `Ledger.read`."""
        self._fail()

    def logs(self, contract: bytes, last: int, topics: Sequence[bytes] = ()) -> list[Log]:
        """As `Ledger.logs`."""
        self._fail()

    def payments(self, last: int) -> Iterator[Payment]:
        """As `Ledger.payments`."""
        self._fail()

    def archive(self) -> AbstractContextManager[Archive]:
        """As `Ledger.archive`."""
        self._fail()

    def _fail(self) -> NoReturn:
        with named(self.name):
            raise self.error


@dataclass(frozen=True)
class LedgerInFile:
    """An embedded chain in a file, whose transactions are executed again."""

    name: str
    path: Path
    lag_blocks: int = 0
    embedded: bool = True
    execution: Execution = ALONE

    def height(self) -> int:
        """As `Ledger.height`."""
        with self._file() as file:
            return file.height()

    def number_of(self, head: bytes) -> int | None:
        """As `Ledger.number_of`."""
        with self._file() as file:
            header = file.header(head)
            return None if header is None else header.number

    def hash_of(self, number: int) -> bytes:
        """As `Ledger.hash_of`."""
        with self._file() as file:
            header = file.header(number)
            if header is None:
                fail(f"ledger: found no block {number}")
            return header.hash

    def publication(self, task: bytes) -> Publication | None:
        """As `Ledger.publication`."""
        with self._file() as file:
            topics = tuple((topic,) for topic in _topics(task))
            logs = file.logs(LogFilter(0, file.height(), topics=topics))
            return _publication(file.genesis().chain_id, task, logs)

    def read(self, last: int, begin: Begin, only: Only, told: Told = silent) -> Ground:
        """As `Ledger.read`; all of it is executed, and no block held. Contracts are looked for
        after each block, until they are there: before that there is nothing of theirs to show."""
        showing = _Showing(last, begin)
        with named(self.name):
            ground = execute_again(self.path, showing.observe, {}, told, self.execution)
            if showing.observer is None:
                begin(Place(ground.chain_id, lambda address: ground.code(address)[0]))
            return ground if showing.head is None else replace(ground, head=showing.head)

    def logs(self, contract: bytes, last: int, topics: Sequence[bytes] = ()) -> list[Log]:
        """As `Ledger.logs`."""
        with self._file() as file:
            chosen = tuple((topic,) for topic in topics)
            return file.logs(LogFilter(0, last, (contract,), chosen))

    def payments(self, last: int) -> Iterator[Payment]:
        """As `Ledger.payments`."""
        with named(self.name):
            ledger = EmbeddedLedger.open(self.path, read_only=True)
            try:
                yield from payments_on(ledger, last)
            finally:
                ledger.close()

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """As `Ledger.archive`."""
        with named(self.name), FileArchive.opened(self.path) as archive:
            yield archive

    @contextmanager
    def _file(self) -> Iterator[LedgerFile]:
        with named(self.name):
            file = LedgerFile.open(self.path, read_only=True)
            try:
                yield file
            finally:
                file.close()


@contextmanager
def behind(name: str, url: str, first: int) -> Iterator[ProvedLedger | Unreachable]:
    """The chain behind an endpoint, read from block `first` on."""
    endpoint = Endpoint(url)
    try:
        try:
            client = ProvingClient(Web3(endpoint))
        except LedgerUnavailable as error:
            yield Unreachable(name, error)
            return
        yield ProvedLedger(name, Source(client, first))
    finally:
        endpoint.close()


@contextmanager
def proved_file(name: str, path: Path) -> Iterator[ProvedLedger]:
    """The chain in a file, as somebody else's endpoint would serve it: proved, not executed."""
    with named(name):
        ledger = EmbeddedLedger.open(path, read_only=True)
        try:
            client = ProvingClient(Web3(EmbeddedProvider(ledger)))
        except BaseException:
            ledger.close()
            raise
    try:
        yield ProvedLedger(name, Source(client), lag_blocks=0, embedded=True)
    finally:
        ledger.close()


def _topics(task: bytes) -> tuple[bytes, bytes]:
    return federation_interface().topic(TaskPublished), task


def _publication(chain_id: int, task: bytes, logs: Sequence[Log]) -> Publication | None:
    """Whoever emitted a publication that has this id, and what it says."""
    found = publishing(chain_id, task, logs)
    return None if found is None else (found[0].address, found[1])


def publishing(chain_id: int, task: bytes, logs: Sequence[Log]) -> tuple[Log, TaskPublished] | None:
    """The log among these that published the task of this id; anybody may emit others."""
    for log in logs:
        try:
            event = federation_interface().decode_event(log)
        except (ValueError, Reverted):
            continue
        if isinstance(event, TaskPublished):
            named_by = Deployment(chain_id, log.address).task_id(event.sponsor, event.document)
            if named_by == task:
                return log, event
    return None
