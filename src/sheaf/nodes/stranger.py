"""What a stranger verifies: a task by its id, from ledgers and stores that need not be believed.

Nothing of a run's folder is there: no address book, no summary, no model file. Several ledgers
must be one chain to the last block; where they are not, a majority counts for nothing, and whoever
differs is named with what it said. A light verification proves the blocks that hold the contracts'
logs, and reads the bytes of one round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from eth_utils.address import to_checksum_address

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.deployment import WIRED
from sheaf.ledger.federation import AddressBook, Reader, own_address, token_unit
from sheaf.nodes import replay, trust
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.evidence import Evidence, Manner, Origin, Report, Told, Witness, fail
from sheaf.nodes.ledgers import Ledger, Observer, Place, ProvedLedger, Publication, ignore, named
from sheaf.nodes.receipts import note_withheld
from sheaf.nodes.rereading import Ground
from sheaf.nodes.verification import NOTHING, PLAINLY, Further, History, check_code, collected
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import RoundSettled
from sheaf.store.interface import Store

CHECKS: tuple[Further, ...] = (
    replay.check_commitments,
    replay.check_rounds,
    replay.check_disputes,
    replay.check_reports,
    note_withheld,
)
"""What follows from ledger and store."""

FOLDER = (
    "what a run's folder holds besides ledger and store: its model file, its summary, its journal "
    "and countersignatures, and blobs that no counted round needs"
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
    which round the bytes are read (None: the last that settled)."""

    task: bytes
    federation: bytes | None = None
    light: bool = False
    round: int | None = None


@dataclass(frozen=True)
class Replayed:
    """A task's history with what is still to be checked of it. Where only the bytes of one `round`
    are read, that is it."""

    evidence: Evidence
    report: Report
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
    The first of `ledgers` is the one that the others are held against.

    Raises `VerificationFailed` at the first difference, naming the ledger where it is one's;
    `InvalidUsage` for a light round that there is none of; what ledgers and stores raise.
    """
    last, behind = _last(ledgers, anchor)
    reading = _Reading(asked, ledgers[0], keep_steps=manner.steps)
    ground = ledgers[0].read(last, reading.begin, reading.contracts, manner.told)
    known = reading.history()
    report = Report(ground.head.hash.hex(), limits=ground.limits, whole=False)
    report.origin = Origin(
        f"0x{asked.task.hex()}", ANYWHERE, any(each.embedded for each in ledgers)
    )
    report.add("ledger", ground.transactions, ground.detail)
    with named(ledgers[0].name):
        if known.trail.published is None:
            fail(f"ledger: task {asked.task.hex()} is not on this ledger")
        check_code(ground, known.book, report)
    for other in ledgers[1:]:
        _compare(ledgers[0], other, ground, known.book, reading.contracts, manner.told)
    if len(ledgers) > 1:
        names = ", ".join(each.name for each in ledgers)
        detail = "ledgers are one chain, with the same receipts and logs: "
        report.add("sources", len(ledgers), detail + names + behind)
    evidence = collected(known, ground, Witness(store), report, manner=manner)
    report.trust = trust.remaining(evidence.trail.terms)
    report.unfinished = not evidence.trail.over
    if not asked.light:
        report.limits = (*report.limits, FOLDER)
        return Replayed(evidence, report, CHECKS)
    number = _light_round(asked, evidence)
    report.limits = (*report.limits, LIGHT.format(round=number), FOLDER)
    return Replayed(evidence, report, _light(number), number)


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
        book = _book(here.chain_id, federation, here.read, here.code)
        history = History(book, self.asked.task, {}, keep_steps=self.keep_steps)
        self.begun.append(history)
        return history.observe


def contracts_of(asked: Asked, ledger: ProvedLedger) -> AddressBook:
    """Where the contracts of a task are, as a ledger says of which nothing was verified. Raises
    `VerificationFailed` for a task that is not on it, and for a federation that is not Sheaf's."""
    client = ledger.source.client
    with named(ledger.name):
        federation, event = _published(ledger, asked.task)
        book = _book(client.chain_id, asked.federation or federation, client.call, client.code)
        return replace(book, reward_token=event.terms.economics.reward_token)


def _published(ledger: Ledger, task: bytes) -> Publication:
    found = ledger.publication(task)
    if found is None:
        fail(f"ledger: task {task.hex()} is not on this ledger")
    return found


def _book(
    chain_id: int, federation: bytes, read: Reader, code: Callable[[bytes], bytes]
) -> AddressBook:
    """A federation's contracts, but for the reward token, which a task names."""
    if not _is_sheaf(code(federation)):
        where = to_checksum_address(federation)
        fail(f"code: the contract at {where} is not the Federation that Sheaf ships")
    own = {name: own_address(read, federation, getter) for name, getter in WIRED}
    return AddressBook(chain_id, federation, reward_token=bytes(20), **own)


def _is_sheaf(code: bytes) -> bool:
    """Whether it is that of the federation that Sheaf ships."""
    return artifact("Federation").is_runtime(code)


def _last(ledgers: Sequence[Ledger], anchor: Anchor) -> tuple[int, str]:
    """The block to go to, and who ends in it though others go on: the one that is anchored, else
    the last that all have."""
    heights = {each.name: each.height() for each in ledgers}
    if anchor.head is not None:
        return _anchored(ledgers, heights, anchor.head), ""
    furthest = max(heights, key=lambda name: heights[name])
    behind = [each for each in ledgers if heights[each.name] < heights[furthest]]
    for each in behind:
        lag = heights[furthest] - heights[each.name]
        if lag > each.lag_blocks:
            fail(
                f"{each.name}: ledger: lags: its last final block is {heights[each.name]}, "
                f"{furthest} has {heights[furthest]}"
            )
    told = [f"{each.name} ends in block {heights[each.name]}" for each in behind]
    more = f"; {', '.join(told)}, {furthest} in {heights[furthest]}" if told else ""
    return min(heights.values()), more


def _anchored(ledgers: Sequence[Ledger], heights: dict[str, int], head: bytes) -> int:
    numbers = set()
    for each in ledgers:
        number = each.number_of(head)
        if number is None:
            fail(
                f"{each.name}: head: found no block {head.hex()}, which was asked for; its last "
                f"final block is {heights[each.name]}"
            )
        numbers.add(number)
    # A hash binds its number, and each ledger proved the hash.
    (number,) = numbers
    return number


def _compare(
    first: Ledger,
    other: Ledger,
    ground: Ground,
    book: AddressBook,
    contracts: Callable[[], Sequence[bytes]],
    told: Told,
) -> None:
    """Check another ledger by itself, then hold it against the first one."""

    def named_told(what: str, done: int, of: int) -> None:
        told(f"{other.name}: {what}", done, of)

    found = other.read(ground.head.number, lambda here: ignore, contracts, named_told)
    with named(other.name):
        if found.chain_id != ground.chain_id:
            fail(f"ledger: found chain {found.chain_id}, {first.name} is {ground.chain_id}")
        if found.head.hash != ground.head.hash:
            _fail_fork(first, other, ground.head.number)
        check_code(found, book, Report(""))
        for token in (book.stake_token, book.reward_token):
            units = token_unit(found.read, token), token_unit(ground.read, token)
            if units[0] != units[1]:
                fail(
                    f"code: token {to_checksum_address(token)}: found {units[0]}, "
                    f"{first.name} has {units[1]}"
                )


def _fail_fork(first: Ledger, other: Ledger, last: int) -> None:
    """Name the first block in which two chains differ that hold each by itself."""
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        if first.hash_of(middle) == other.hash_of(middle):
            low = middle + 1
        else:
            high = middle
    fail(
        f"ledger: block {low}: found {other.hash_of(low).hex()}, {first.name} has "
        f"{first.hash_of(low).hex()}; each chain holds by itself, and --head says which is meant"
    )


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

    return (replay.check_commitments, check_round, replay.check_reports)
