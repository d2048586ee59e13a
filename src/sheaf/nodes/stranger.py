"""What a stranger verifies: a task by its id, from ledgers and stores that need not be believed.

Nothing of a run's folder is there: no address book, no summary, no model file. Several ledgers
must agree (`sources`). A light verification proves the blocks that hold the contracts' logs, and
reads the bytes of one round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from eth_utils.address import to_checksum_address

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.deployment import wiring
from sheaf.ledger.federation import AddressBook
from sheaf.nodes import replay, reported, trust
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.evidence import Evidence, Manner, Origin, Report, Witness, fail
from sheaf.nodes.ledgers import Ledger, Observer, Place, ProvedLedger, Publication, named
from sheaf.nodes.receipts import note_withheld
from sheaf.nodes.rereading import Ground
from sheaf.nodes.sources import Read, Sources
from sheaf.nodes.verification import NOTHING, PLAINLY, Further, History, check_code, collected
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import RoundSettled
from sheaf.store.interface import Store

CHECKS: tuple[Further, ...] = (
    replay.check_commitments,
    replay.check_rounds,
    replay.check_disputes,
    reported.check_reports,
    note_withheld,
)
"""What follows from ledger and store."""

FOLDER = (
    "what a run's folder holds besides ledger and store: its model file, its summary, its journal"
    "{}, and blobs that no counted round needs"
)
ANYWHERE = ("--ledger", "URL", "--store", "URL")
"""Options of whoever does it again, where nobody says which were given."""

LIGHT = (
    "rounds other than {round}: their bytes were not read, and transactions that left no log of "
    "the contracts' (those that failed) were not looked at"
)


@dataclass(frozen=True)
class Asked:
    """Which task (32 bytes); the federation's address, where somebody named it; with `light`, of
    which round the bytes are read (None: the last that settled); how many ledgers are `enough`
    where others cannot be read (None: all)."""

    task: bytes
    federation: bytes | None = None
    light: bool = False
    round: int | None = None
    enough: int | None = None


@dataclass(frozen=True)
class Replayed:
    """A task's history with what is still to be checked of it. Where only the bytes of one `round`
    are read, that is it; `ledger` is the one that it was read from."""

    evidence: Evidence
    report: Report
    ledger: Ledger
    checks: Sequence[Further]
    round: int | None = None


def examine_task(
    asked: Asked,
    ledgers: Sequence[Ledger],
    store: Store,
    *further: Further,
    anchor: Anchor = NOTHING,
    manner: Manner = PLAINLY,
) -> tuple[Evidence, Report]:
    """Verify a task: the evidence, and what was found. Raises as `replayed_task`, and
    `VerificationFailed` at the first difference."""
    found = replayed_task(asked, ledgers, store, anchor=anchor, manner=manner)
    for check in (*found.checks, *further, anchor.check):
        check(found.evidence, found.report)
    return found.evidence, found.report


def replayed_task(
    asked: Asked,
    ledgers: Sequence[Ledger],
    store: Store,
    *,
    anchor: Anchor = NOTHING,
    manner: Manner = PLAINLY,
) -> Replayed:
    """The evidence of a task's ledgers alone, applied to the specification, with the task document.
    The first of `ledgers` that can be read is the one that the others are held against.

    Raises `VerificationFailed` at the first difference, naming the ledger where it is one's;
    `LedgerUnavailable` where fewer than `asked.enough` can be read to the end; `InvalidUsage` for a
    light round that there is none of; what stores raise.
    """
    sources = Sources(ledgers, asked.enough)
    last = sources.last(anchor.last(asked.task))

    def read(ledger: Ledger) -> tuple[Read, History, Report]:
        reading = _Reading(asked, ledger, keep_steps=manner.steps)
        return reading.held(ledger.read(last, reading.begin, reading.contracts, manner.told))

    first, known, report = sources.first(read)
    ground = first.ground
    sources.compare(first, report, manner.told)
    report.origin = Origin(
        f"0x{asked.task.hex()}", ANYWHERE, any(each.embedded for each in ledgers)
    )
    evidence = collected(known, ground, Witness(store), report, manner=manner)
    report.trust = trust.remaining(evidence.trail.terms)
    report.unfinished = not evidence.trail.over
    folder = FOLDER.format(" and countersignatures" if anchor.made is None else "")
    if not asked.light:
        report.limits = (*report.limits, folder)
        return Replayed(evidence, report, first.ledger, CHECKS)
    number = _light_round(asked, evidence)
    report.limits = (*report.limits, LIGHT.format(round=number), folder)
    return Replayed(evidence, report, first.ledger, _light(number), number)


@dataclass
class _Reading:
    """The history of a ledger while it is read: where the contracts are is known first."""

    asked: Asked
    ledger: Ledger
    keep_steps: bool
    begun: list[History] = field(default_factory=list)

    def history(self) -> History:
        """What was read, its book with the reward token that the task names."""
        (found,) = self.begun
        if found.trail.published is not None:
            token = found.trail.terms.economics.reward_token
            found.book = replace(found.book, reward_token=token)
        return found

    def held(self, ground: Ground) -> tuple[Read, History, Report]:
        """What was read, and a report that says so: the task is there, and the code is right."""
        known = self.history()
        report = Report(ground.head.hash.hex(), limits=ground.limits, whole=False)
        report.add("ledger", ground.transactions, ground.detail)
        with named(self.ledger.name):
            if known.trail.published is None:
                fail(f"ledger: task {self.asked.task.hex()} is not on this ledger")
            check_code(ground, known.book, report)
        return Read.of(self.ledger, ground, known.book, self.contracts()), known, report

    def contracts(self) -> Sequence[bytes]:
        """Whose logs a light verification looks for."""
        book = self.begun[0].book
        return (book.federation, book.vault) if self.asked.light else ()

    @cached_property
    def federation(self) -> bytes | None:
        """Where the contract is, as the ledger hints or somebody said."""
        if self.asked.federation is not None:
            return self.asked.federation
        found = self.ledger.publication(self.asked.task)
        return None if found is None else found[0]

    def begin(self, here: Place) -> Observer | None:
        """Find the contracts, and begin the history as soon as they are there: what a federation
        says of the others it says from its creation on."""
        federation = self.federation
        # A ledger that was changed is found to be so: what is missing is told at the end.
        if not here.last and not (federation and _is_sheaf(here.code(federation))):
            return None
        if federation is None:
            fail(f"ledger: task {self.asked.task.hex()} is not on this ledger")
        book = _book(here.chain_id, federation, here.code)
        history = History(book, self.asked.task, {}, keep_steps=self.keep_steps)
        self.begun.append(history)
        return history.observe


def contracts_of(asked: Asked, ledger: ProvedLedger) -> AddressBook:
    """Where the contracts of a task are, as a ledger says of which nothing was verified. Raises
    `VerificationFailed` for a task that is not on it, and for a federation that is not Sheaf's."""
    client = ledger.source.client
    with named(ledger.name):
        federation, event = _published(ledger, asked.task)
        book = _book(client.chain_id, asked.federation or federation, client.code)
        return replace(book, reward_token=event.terms.economics.reward_token)


def _published(ledger: Ledger, task: bytes) -> Publication:
    found = ledger.publication(task)
    if found is None:
        fail(f"ledger: task {task.hex()} is not on this ledger")
    return found


def _book(chain_id: int, federation: bytes, code: Callable[[bytes], bytes]) -> AddressBook:
    """A federation's contracts, but for the reward token, which a task names."""
    try:
        own = wiring(code(federation))
    except ValueError:
        where = to_checksum_address(federation)
        fail(f"code: the contract at {where} is not the Federation that Sheaf ships")
    return AddressBook(chain_id, federation, reward_token=bytes(20), **own)


def _is_sheaf(code: bytes) -> bool:
    """Whether it is that of the federation that Sheaf ships."""
    return artifact("Federation").is_runtime(code)


def _light_round(asked: Asked, evidence: Evidence) -> int:
    """Of which round the bytes are read. Raises `InvalidUsage` for one that did not settle."""
    rounds = evidence.trail.rounds
    settled = [n for n, found in rounds.items() if isinstance(found.outcome, RoundSettled)]
    number = max(settled, default=None) if asked.round is None else asked.round
    if number not in settled:
        told = "no settled round" if number is None else f"round {number}"
        listed = ", ".join(map(str, sorted(settled))) or "none"
        raise InvalidUsage(f"--round: found {told}, accepted: a settled round, of which: {listed}")
    return number


def _light(number: int) -> tuple[Further, ...]:
    """What is checked where one round's bytes are read."""

    def check_round(evidence: Evidence, report: Report) -> None:
        replay.check_settled(evidence, report, number)

    return (replay.check_commitments, check_round, reported.check_reports)
