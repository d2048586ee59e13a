"""A run with a liar in it, and what the court made of that: moves, gas, money, the model.

The same task is run twice on embedded ledgers with the same chain id, addresses and seeds: with the
liar, and as the rules would have it, so that the final models can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eth_utils.address import to_canonical_address

from sheaf.ledger.engine import Block
from sheaf.ledger.federation import AddressBook
from sheaf.ledger.reexecute import reexecute
from sheaf.nodes import chronicle
from sheaf.nodes.cast import BOOK, Cast, assemble
from sheaf.nodes.hold import held
from sheaf.nodes.host import LEDGER
from sheaf.nodes.observer import Observer
from sheaf.nodes.plan import Plan
from sheaf.nodes.respecification import Step, steps
from sheaf.nodes.runner import Runner
from sheaf.nodes.summary import read_book
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.actions import Action, Challenge, Descend, Settle
from sheaf.protocol.court_events import Challenged, CourtPaid, Demanded, Descended
from sheaf.protocol.events import AttemptFailed, Cause, RoundSettled, Slashed
from sheaf.simulation import liars

COURT_CAUSES: Mapping[int, str] = MappingProxyType(
    {
        Cause.OVERTURNED: "voted for it",
        Cause.WITHHELD: "withheld it",
        Cause.DISMISSED: "loses its bond",
    }
)
"""Why a court slashes, in words."""


class Liar(StrEnum):
    """Who breaks the rules."""

    COMMITTEE = "committee"
    PARTICIPANT = "participant"
    CHALLENGER = "challenger"
    SERVER = "server"


Alter = Callable[[Cast], None]


@dataclass(frozen=True)
class Scenario:
    """Who lies in which round, and whether what it lies about is withheld, too."""

    liar: Liar
    round: int
    withholds: bool

    @property
    def lying(self) -> Alter:
        """What makes a cast lie."""
        if self.liar is Liar.PARTICIPANT:
            return partial(liars.withholding_participant, round=self.round)
        lies = {
            Liar.COMMITTEE: liars.lying_committee,
            Liar.SERVER: liars.lying_server,
            Liar.CHALLENGER: liars.lying_challenger,
        }
        return partial(lies[self.liar], round=self.round, withholds=self.withholds)

    @property
    def honest(self) -> Alter:
        """What the rules make of it: an update that nobody can have is in no model."""
        if self.liar is Liar.PARTICIPANT:
            return partial(liars.unattested_participant, round=self.round)
        return _unaltered


@dataclass(frozen=True)
class Movement:
    """What a settlement gave an account or, negative, took from it, and why, in units of the stake
    token."""

    account: bytes
    why: str
    amount: int


@dataclass(frozen=True)
class Move:
    """A transaction in which something happened in court: `told` in words; `locked` units of the
    stake token went into bonds."""

    block: int
    time: int
    account: bytes
    action: str
    told: str
    gas: int
    locked: int
    moved: Sequence[Movement]


@dataclass(frozen=True)
class Outcome:
    """A run with a liar in it. Roots are those of the final models."""

    summary: Mapping[str, Any]
    moves: Sequence[Move]
    overturned: int
    slashed: Mapping[bytes, int]
    earned: Mapping[bytes, int]
    model_root_honest: str
    model_root_final: str

    @property
    def gas(self) -> int:
        """Gas of the moves in court; a settlement that pays for them is none."""
        return sum(move.gas for move in self.moves if move.action != Settle.__name__)


def play(
    plan: Plan, scenario: Scenario, directory: Path, twin: Path, observers: Sequence[Observer]
) -> Outcome:
    """Run `plan` with the liar in `directory` and without it in `twin`, watched by one observer
    each; raises what a run raises."""
    found = _run(plan, directory, scenario.lying, observers[0])
    honest = _run(plan, twin, scenario.honest, observers[1])
    names = {bytes(to_canonical_address(k)): name for k, name in found["accounts"].items()}
    court = _Court(*read_book(directory / BOOK), names)
    reexecute(directory / LEDGER, court.observe)
    return Outcome(
        found,
        court.moves,
        court.overturned,
        court.slashed,
        court.earned,
        honest["model"]["root"],
        found["model"]["root"],
    )


def _run(plan: Plan, directory: Path, alter: Alter, observer: Observer) -> dict[str, Any]:
    """A whole run with an altered cast. It leaves no record to go on with: who went on would be
    honest."""
    with held(directory):
        cast = assemble(plan, directory)
        alter(cast)
        return Runner(cast, directory, observer).run()


def _unaltered(cast: Cast) -> None:
    """Everybody is honest."""


class _Court:
    """What the blocks of a ledger say of one task's disputes."""

    def __init__(self, book: AddressBook, task: bytes, names: Mapping[bytes, str]) -> None:
        self.moves: list[Move] = []
        self.overturned = 0
        self.slashed: Counter[bytes] = Counter()
        self.earned: Counter[bytes] = Counter()
        self._book, self._names = book, names
        self._trail = Trail(book.deployment, task)

    def observe(self, block: Block) -> None:
        """Take in a block."""
        for step in steps(self._book, [block]):
            if step.failure is None:
                self._take(step, block.header.timestamp)

    def _take(self, step: Step, time: int) -> None:
        told: list[str] = []
        locked, moved = 0, list[Movement]()
        for event in step.events:
            self._trail = fold(self._trail, event)
            if getattr(event, "task", None) != self._trail.task:
                continue
            told += filter(None, [self._told(event)])
            locked += self._bonds(event, step.action)
            match event:
                case Slashed() if event.cause in COURT_CAUSES:
                    moved.append(Movement(event.account, COURT_CAUSES[event.cause], -event.amount))
                    self.slashed[event.account] += event.amount
                case CourtPaid():
                    moved += _payments(event)
                    self.earned[event.account] += event.earned
                case AttemptFailed():
                    self.overturned += event.cause == Cause.OVERTURNED
        if told or moved:
            action = type(step.action).__name__
            where = (step.block, time, step.sender, action)
            self.moves.append(Move(*where, "; ".join(told), step.gas, locked, moved))

    def _told(self, event: object) -> str:
        """What an event says that belongs to a dispute, or to its end."""
        match event:
            case AttemptFailed() if event.cause in (Cause.OVERTURNED, Cause.WITHHELD):
                return f"attempt {event.attempt} fails: {Cause(event.cause).name.lower()}"
            case RoundSettled() if self._trail.rounds[event.round].disputes:
                return f"round {event.round} settles"
        return chronicle.line(event, self._trail, self._names)

    def _bonds(self, event: object, action: Action | None) -> int:
        """What a dispute that was opened locks."""
        bond = self._trail.terms.economics.court_bond
        if isinstance(event, Demanded):
            return event.bonds * bond
        opens = isinstance(action, Descend) or (isinstance(action, Challenge) and not action.number)
        return bond if opens and isinstance(event, Challenged | Descended) else 0


def _payments(event: CourtPaid) -> list[Movement]:
    parts = (("its bond returns", event.returned), ("earns", event.earned))
    return [Movement(event.account, why, amount) for why, amount in parts if amount]
