"""What a command is about: a run, by its folder, or a task, by its id with ledgers and stores of
others. Where the evidence of either is, and how it is opened, is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from sheaf.apps import anchors, chains, runs, strangers
from sheaf.audit.histories import Chain, ChainInFile, History, ProvedChain
from sheaf.ledger.database import LedgerFile
from sheaf.nodes import inventory, verification
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.evidence import Evidence, Manner, Origin, Report
from sheaf.nodes.ledgers import Ledger, LedgerInFile, ProvedLedger, Unreachable
from sheaf.nodes.stranger import Asked, contracts_of, replayed_task
from sheaf.nodes.verification import NOTHING, PLAINLY, Further
from sheaf.protocol.errors import InvalidUsage
from sheaf.store import DiskStore
from sheaf.store.several import SeveralStores


@dataclass(frozen=True)
class About:
    """What a command line says of it: a run (`reference`, or the `last` one) with the `url` of the
    chain that it was on, if it was on one; or a task with ledgers, of which so many are `enough`,
    stores and its federation, of which a `light` verification reads the bytes of one `round`.
    Endpoints are read from block `from_block` on; `head` is the hash that must be the last block's.
    """

    reference: str | None = None
    last: bool = False
    url: str | None = None
    from_block: int = 0
    ledgers: Sequence[str] = ()
    stores: Sequence[str] = ()
    federation: str | None = None
    enough: int | None = None
    head: str | None = None
    light: bool = False
    round: int | None = None

    @property
    def says_anything(self) -> bool:
        """Whether anything was said."""
        return self != About()

    def anchor(self, keys: Path | None = None, signatures: Path | None = None) -> Anchor:
        """What to hold against it, with the file of addresses `keys`, whose countersignatures are
        in the file `signatures`. Raises as `anchors.anchor` does."""
        return anchors.anchor(self.head, keys, signatures)

    def subject(self) -> Subject:
        """What it is about. Raises `RunNotFound`, and `InvalidUsage` for options of a task with a
        run, of a run with a task, and for a task without ledgers and stores."""
        task = strangers.task_of(self.reference)
        if task is None:
            said = (self.federation, self.enough, self.round) != (None, None, None)
            if said or self.ledgers or self.stores or self.light:
                raise InvalidUsage(
                    "found an option of a task, accepted: those of a run; a task is 0x and 64 hex "
                    "digits"
                )
            found = runs.find(runs.home(Path.cwd()), self.reference, self.last)
            return RunSubject(found.folder, self.url, self.from_block)
        if self.last or self.url is not None:
            raise InvalidUsage("found an option of a run, accepted: those of a task")
        if not self.ledgers or not self.stores:
            raise InvalidUsage(
                f"found a task with {len(self.ledgers)} ledgers and {len(self.stores)} stores, "
                "accepted: at least one --ledger and one --store"
            )
        if self.round is not None and not self.light:
            raise InvalidUsage("--round: found it without --light, accepted: both or none")
        federation = None if self.federation is None else chains.address(self.federation)
        asked = Asked(task, federation, self.light, self.round, self.enough)
        return TaskSubject(asked, tuple(self.ledgers), tuple(self.stores), self.from_block)


@dataclass(frozen=True)
class Case:
    """The history of a run or a task, applied to the specification, and what is still to be checked
    of it. `ledger` is the one that it was read from. Of a light verification, only the bytes of one
    `round` are read. `closing` is what is noted when all was checked."""

    name: str
    evidence: Evidence
    report: Report
    ledger: Ledger
    checks: Sequence[Further]
    anchor: Anchor = NOTHING
    round: int | None = None
    closing: Sequence[Further] = ()

    def verify(self, *further: Further) -> None:
        """Check all of it, and what is asked for `further`. Raises `VerificationFailed` at the
        first difference."""
        for check in (*self.checks, *further, self.anchor.check, *self.closing):
            check(self.evidence, self.report)


class Subject(Protocol):
    """A run or a task, before anything of it was read."""

    @property
    def kind(self) -> str:
        """Which of the two."""
        ...

    @property
    def name(self) -> str:
        """A run's id; a task's, 0x and 64 hex digits."""
        ...

    @property
    def folder(self) -> Path | None:
        """The run's folder; a task has none."""
        ...

    def opened(
        self, anchor: Anchor = NOTHING, manner: Manner = PLAINLY
    ) -> AbstractContextManager[Case]:
        """Its history, replayed up to the anchored head, if there is one. It can be read until the
        end. Raises `VerificationFailed`, and what ledgers and stores raise."""
        ...

    def history(self) -> AbstractContextManager[History]:
        """Its history as it is, nothing of it verified: for a comparison. Raises `InvalidUsage` for
        a task with several ledgers, of which nobody would know which one was compared, and what
        ledgers and stores raise."""
        ...


@dataclass(frozen=True)
class RunSubject:
    """A run, in its folder; its blocks are in that, too, or behind an endpoint."""

    folder: Path
    url: str | None = None
    from_block: int = 0
    kind: str = "run"

    @property
    def name(self) -> str:
        """As `Subject.name`."""
        return self.folder.name

    @contextmanager
    def opened(self, anchor: Anchor = NOTHING, manner: Manner = PLAINLY) -> Iterator[Case]:
        """As `Subject.opened`; raises `RunNotFound`, too, and `InvalidUsage` for signatures from
        elsewhere than its folder."""
        if anchor.made is not None:
            raise InvalidUsage(
                "--signatures: found it for a run, accepted: for a task; a run's are in its folder"
            )
        chain = chains.source_of(self.folder, self.url, self.from_block)
        with closing(manner.execution), chain as source:
            evidence, report = verification.replayed(self.folder, source, manner)
            ledger: Ledger = LedgerInFile(inventory.LEDGER, self.folder / inventory.LEDGER)
            if source is not None and self.url is not None:
                ledger = ProvedLedger(strangers.told(self.url, "--url"), source)
                report.origin = Origin(self.name, self._options(), embedded=False)
            yield Case(self.name, evidence, report, ledger, verification.CHECKS, anchor)

    @contextmanager
    def history(self) -> Iterator[History]:
        """As `Subject.history`; raises `RunNotFound` and `VerificationFailed` where there is no
        address book, or none that can be read."""
        with chains.source_of(self.folder, self.url, self.from_block) as source, ExitStack() as end:
            book, task = verification.address_book(self.folder)
            if source is None:
                file = LedgerFile.open(self.folder / inventory.LEDGER, read_only=True)
                end.callback(file.close)
                chain: Chain = ChainInFile(file)
            else:
                last = verification.reported_blocks(self.folder)
                chain = ProvedChain(source.client, source.first, last)
            store = DiskStore(self.folder / inventory.STORE)
            yield History(self.name, task, chain, book, store, self.folder)

    def _options(self) -> tuple[str, ...]:
        return ("--url", strangers.told(self.url or "", "--url"), *_from_block(self.from_block))


@dataclass(frozen=True)
class TaskSubject:
    """A task, with the ledgers and stores that somebody named."""

    asked: Asked
    ledgers: Sequence[str]
    stores: Sequence[str]
    from_block: int = 0
    folder: None = None
    kind: str = "task"

    @property
    def name(self) -> str:
        """As `Subject.name`."""
        return f"0x{self.asked.task.hex()}"

    @contextmanager
    def opened(self, anchor: Anchor = NOTHING, manner: Manner = PLAINLY) -> Iterator[Case]:
        """As `Subject.opened`; raises `InvalidUsage` for ledgers and stores that are none."""
        if anchor.keys and anchor.made is None:
            raise InvalidUsage(
                "--keys: found it for a task without --signatures, accepted: both; no ledger has "
                "countersignatures, a run's folder and whoever made one do"
            )
        strangers.require_different(self.ledgers)
        with ExitStack() as stack:
            stack.callback(manner.execution.close)
            reading = partial(
                strangers.ledger,
                first=self.from_block,
                proved=self.asked.light,
                execution=manner.execution,
            )
            opened = [
                stack.enter_context(reading(name, text))
                for name, text in strangers.named(self.ledgers, "--ledger")
            ]
            named = strangers.named(self.stores, "--store")
            several = SeveralStores([stack.enter_context(strangers.store(*each)) for each in named])
            found = replayed_task(self.asked, opened, several, anchor=anchor, manner=manner)
            report = found.report
            report.origin = replace(report.origin, options=self._options())

            def troubled(evidence: Evidence, report: Report) -> None:
                report.outside += several.troubles

            known = (found.evidence, report, found.ledger, found.checks, anchor, found.round)
            yield Case(self.name, *known, closing=(troubled,))

    @contextmanager
    def history(self) -> Iterator[History]:
        """As `Subject.history`."""
        if len(self.ledgers) > 1:
            raise InvalidUsage(
                f"--diff: found {len(self.ledgers)} ledgers of a task, accepted: one, since none "
                "is verified"
            )
        with ExitStack() as stack:
            (named,) = strangers.named(self.ledgers, "--ledger")
            ledger = stack.enter_context(strangers.ledger(*named, self.from_block, proved=True))
            if isinstance(ledger, Unreachable):
                raise ledger.error
            assert isinstance(ledger, ProvedLedger)
            chain: Chain = ProvedChain(ledger.source.client, ledger.source.first)
            if ledger.embedded:
                file = LedgerFile.open(strangers.ledger_file(named[1]), read_only=True)
                stack.callback(file.close)
                chain = ChainInFile(file)
            book = contracts_of(self.asked, ledger)
            known = strangers.named(self.stores, "--store")
            stores = [stack.enter_context(strangers.store(*each)) for each in known]
            listing = all(isinstance(store, DiskStore) for _, store in stores)
            task, several = self.asked.task, SeveralStores(stores)
            yield History(self.name, task, chain, book, several, listing=listing)

    def _options(self) -> tuple[str, ...]:
        asked, words = self.asked, list[str]()
        for option, texts in (("--ledger", self.ledgers), ("--store", self.stores)):
            for text in texts:
                words += [option, strangers.told(text, option)]
        if asked.federation is not None:
            words += ["--federation", f"0x{asked.federation.hex()}"]
        words += ["--enough", str(asked.enough)] if asked.enough is not None else []
        words += ["--light"] if asked.light else []
        words += ["--round", str(asked.round)] if asked.round is not None else []
        return (*words, *_from_block(self.from_block))


def _from_block(first: int) -> tuple[str, ...]:
    return ("--from-block", str(first)) if first else ()
