"""Plays a task in a world, phase by phase, and tells in plain lines what happened.

Participants go by cohort position, aggregators by committee slot, as the protocol sees them. Each
phase method acts, then closes the phase at its deadline; the lines it returns are what the closing
caused. A line names a participant `P0` and a member `A1.0` (attempt, slot).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest

from sheaf.protocol.actions import (
    Action,
    Advance,
    Commit,
    CommitVerdict,
    Hold,
    Open,
    Publish,
    Register,
    Reveal,
    RevealMissing,
    RevealVerdict,
    Settle,
)
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO, Deployment, Missing, Verdict
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Role, Task
from sheaf.protocol.terms import Cohort, Economics, Model, Schedule, Terms
from tests.lines import lines
from tests.worlds import DEPLOYMENT, REWARD, World, account

ROUND_PHASES = (Phase.CHALLENGE, Phase.ABORTED)

# Every duration and every amount differs, so that one taken for another shows.
MODEL_TERMS = Model(10, 10, 16, 4, 0, 0, 0, 0, 0, 0, 0, 0)
SCHEDULE = Schedule(2, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700)
COHORT = Cohort(minimum=2, goal=3, committee=3, weight_cap=1000, visibility=0)
ECONOMICS = Economics(
    reward_token=REWARD,
    round_reward=1000,
    committee_fee=100,
    participant_stake=100,
    aggregator_stake=200,
    court_bond=5,
    slash_nonce=7,
    slash_commit=11,
    slash_reveal=13,
    slash_withheld=17,
    slash_silent=19,
    slash_overturned=23,
)
TERMS = Terms(MODEL_TERMS, SCHEDULE, COHORT, ECONOMICS)
MOMENTUM = {"optimiser": 1, "mean_divisor": 10, "rate": 2**20}
ADAGRAD = {**MOMENTUM, "optimiser": 2, "floor": 2**14}
ADAM = {**ADAGRAD, "optimiser": 3, "square_divisor": 100}
YOGI = {**ADAM, "optimiser": 4}
DEPOSIT = 2200

A = TypeVar("A")
Vote = str | tuple[int, int] | None
"""A model's name, a (position, chunk) that is missing, or nothing."""


def digest(*parts: object) -> bytes:
    """32 bytes that stand for something a test does not compute: a root, a salt, a nonce."""
    return hashlib.sha256(repr(parts).encode()).digest()


def changed(terms: Terms, **values: int | bytes) -> Terms:
    """`terms` with some fields of its parts replaced."""
    parts = {}
    for name in ("model", "schedule", "cohort", "economics"):
        part = getattr(terms, name)
        own = {k: values.pop(k) for k in tuple(values) if hasattr(part, k)}
        parts[name] = replace(part, **own)
    assert not values, values
    return replace(terms, **parts)


def altered(action: A, **values: Any) -> A:
    """`action` with some of its arguments replaced."""
    return replace(cast(Any, action), **values)  # type: ignore[no-any-return]


class Play:
    """One task in a world."""

    def __init__(
        self,
        world: World,
        terms: Terms = TERMS,
        participants: int = 4,
        aggregators: int = 6,
        document: str = "document",
        sponsor: str = "sponsor",
    ) -> None:
        self.world, self.terms = world, terms
        self.sponsor, self.document = account(sponsor), digest(document)
        self.id = DEPLOYMENT.task_id(self.sponsor, self.document)
        self.participants = [account(f"participant {i}") for i in range(participants)]
        self.aggregators = [account(f"aggregator {i}") for i in range(aggregators)]
        self.updates: dict[int, Reveal] = {}
        self.ballots: dict[int, RevealVerdict | RevealMissing] = {}

    @property
    def here(self) -> Deployment:
        """The deployment, whose hashes the accounts compute for themselves."""
        return DEPLOYMENT

    @property
    def task(self) -> Task:
        """The task's state."""
        return self.world.federation.tasks[self.id]

    def participant(self, position: int) -> bytes:
        """The account at a cohort position."""
        return self.task.participant_at(position)

    def member(self, slot: int, attempt: int | None = None) -> bytes:
        """The account on a slot of the running (or the given) attempt's committee."""
        return self.task.member_at(attempt or self.task.attempt, slot)

    def do(self, sender: bytes, action: Action, at: int | None = None) -> list[str]:
        """Act, now or at a given time; the lines of what it caused."""
        names = self._names()
        now = self.world.now + 1 if at is None else at
        return list(lines(self.world.act(sender, action, now), names, now))

    def no(self, sender: bytes, action: Action, at: int | None = None) -> str:
        """Act in vain: the rejection's text. Nothing may have changed."""
        before = copy.deepcopy(self.world.federation)
        with pytest.raises(Rejected) as rejection:
            self.world.act(sender, action, self.world.now + 1 if at is None else at)
        assert self.world.federation == before
        return str(rejection.value)

    def model_root(self, model: str) -> bytes:
        """Tree root of the model of that name."""
        return digest(model)

    def update_root(self, position: int) -> bytes:
        """Tree root of a position's update of this round."""
        return digest("update", self.task.round, self.participant(position))

    def state_root(self, model: str) -> bytes:
        """Tree root of the optimiser's state beside a model; zero where there is no optimiser."""
        return digest("state", model) if self.terms.model.optimiser else ZERO

    # Publication to the first round.

    def publication(self, **changes: Any) -> Publish:
        """The sponsor's action."""
        roots = self.model_root("initial"), self.state_root("initial")
        usual = Publish(self.terms, self.document, *roots, DEPOSIT)
        return replace(usual, **changes)

    def publish(self, **changes: Any) -> list[str]:
        """Publish the task; the escrow is what the terms ask for."""
        deposit = changes.pop("deposit", self.terms.escrow)
        return self.do(self.sponsor, self.publication(deposit=deposit, **changes))

    def registration(self, sender: bytes, **changes: Any) -> Register:
        """An account's registration for the role it has in this play."""
        role = Role.AGGREGATOR if sender in self.aggregators else Role.PARTICIPANT
        stake = 200 if role == Role.AGGREGATOR else 100
        word = self.here.nonce_hash(self.id, sender, digest("nonce", sender))
        return replace(Register(self.id, role, word, stake), **changes)

    def opening(self, sender: bytes) -> Open:
        """An account's nonce."""
        return Open(self.id, digest("nonce", sender))

    def register(self, only: Iterable[bytes] | None = None) -> list[str]:
        """Register all (or some), then close registration."""
        for seat in self.participants + self.aggregators if only is None else only:
            self.do(seat, self.registration(seat))
        return self.close()

    def open(self, without: Iterable[bytes] = ()) -> list[str]:
        """Open all nonces but some, then close opening."""
        closed = set(without)
        for seat in self.participants + self.aggregators:
            if seat not in closed:
                self.do(seat, self.opening(seat))
        return self.close()

    def start(self) -> Play:
        """Everything up to COMMIT of round 1."""
        seats = (*self.participants, *self.aggregators)
        roots = self.model_root("initial"), self.state_root("initial")
        story = (self.terms, self.sponsor, self.document, roots, seats)
        if not self.world.recall(story):
            self.publish()
            self.register()
            self.open()
            self.world.remember(story)
        return self

    def close(self) -> list[str]:
        """Advance at the running phase's deadline (or later, where that has passed)."""
        at = max(self.task.deadline, self.world.now + 1)
        return self.do(account("auditor"), Advance(self.id), at)

    # Rounds.

    def update(self, position: int, **changes: Any) -> Reveal:
        """A position's update of this round: 100, 200, 300, ... samples."""
        seat = (self.task.round, self.participant(position))
        root, salt = self.update_root(position), digest("salt", *seat)
        return replace(Reveal(self.id, root, 100 * (position + 1), ZERO, salt), **changes)

    def commitment(self, position: int, update: Reveal, sender: bytes | None = None) -> Commit:
        """The commitment to an update by its owner (or by somebody else)."""
        owner = sender or self.participant(position)
        opened = (update.root, update.samples, update.receipt, update.salt)
        word = self.here.update_commitment(self.id, self.task.round, owner, *opened)
        return Commit(self.id, word)

    def commit(self, position: int, **changes: Any) -> list[str]:
        """One position commits to its update."""
        self.updates[position] = self.update(position, **changes)
        action = self.commitment(position, self.updates[position])
        return self.do(self.participant(position), action)

    def reveal(self, position: int) -> list[str]:
        """One position reveals what it committed to."""
        return self.do(self.participant(position), self.updates[position])

    def commits(self, *positions: int, **changes: Any) -> list[str]:
        """These positions commit, in this order; COMMIT closes."""
        for position in positions:
            self.commit(position, **changes)
        return self.close()

    def reveals(self, *positions: int) -> list[str]:
        """These positions reveal; REVEAL closes."""
        for position in positions:
            self.reveal(position)
        return self.close()

    # Attempts.

    def holds(self, *bitmaps: int | None) -> list[str]:
        """The committee's bitmaps by slot (None: silent); HOLD closes."""
        for slot, bitmap in enumerate(bitmaps):
            if bitmap is not None:
                self.do(self.member(slot), Hold(self.id, bitmap))
        return self.close()

    def ballot(self, slot: int, vote: str | tuple[int, int]) -> RevealVerdict | RevealMissing:
        """What a slot will open: a result of that name, or a missing chunk."""
        salt = digest("ballot", self.task.round, self.task.attempt, slot)
        if isinstance(vote, str):
            roots = self.model_root(vote), self.state_root(vote)
            return RevealVerdict(self.id, ZERO, *roots, ZERO, salt)
        return RevealMissing(self.id, *vote, ZERO, salt)

    def sealed(
        self, sender: bytes, ballot: RevealVerdict | RevealMissing, counted: int | None = None
    ) -> CommitVerdict:
        """The commitment of `sender` to a ballot."""
        where = (self.id, self.task.round, self.task.attempt, sender)
        if isinstance(ballot, RevealMissing):
            opened = (ballot.position, ballot.chunk, ballot.receipt, ballot.salt)
            return CommitVerdict(self.id, self.here.missing_commitment(*where, Missing(*opened)))
        headers = (
            ballot.weights_root,
            self.task.header(Kind.MODEL, ballot.model_root),
            self.task.header(Kind.OPTIMISER_STATE, ballot.state_root),
        )
        over = self.task.current.counted if counted is None else counted
        verdict = Verdict(over, *headers, ballot.receipt, ballot.salt)
        return CommitVerdict(self.id, self.here.verdict_commitment(*where, verdict))

    def vote(self, slot: int, vote: str | tuple[int, int]) -> list[str]:
        """One slot commits to its verdict."""
        self.ballots[slot] = self.ballot(slot, vote)
        return self.do(self.member(slot), self.sealed(self.member(slot), self.ballots[slot]))

    def votes(self, *votes: Vote) -> list[str]:
        """The committee's verdicts by slot (None: silent); VERDICT_COMMIT closes."""
        self.ballots = {}
        for slot, vote in enumerate(votes):
            if vote is not None:
                self.vote(slot, vote)
        return self.close()

    def opens(self, *slots: int) -> list[str]:
        """These slots open their verdicts; VERDICT_REVEAL closes."""
        for slot in slots:
            self.do(self.member(slot), self.ballots[slot])
        return self.close()

    def settlement(self, model: str | None, steps: int = 2**16 - 1) -> Settle:
        """A page; `model` is the claim's, None for an aborted round."""
        if model is None:
            return Settle(self.id, steps, ZERO, ZERO, ZERO)
        header = self.task.header(Kind.MODEL, self.model_root(model))
        state = self.task.header(Kind.OPTIMISER_STATE, self.state_root(model))
        return Settle(self.id, steps, ZERO, header, state)

    def settle(self, model: str | None = None, steps: int = 2**16 - 1) -> list[str]:
        """Settle the round once its window is over, in pages of `steps`; all lines."""
        names = self._names()
        told: list[str] = []
        number, claim = self.task.round, self.task.phase == Phase.CHALLENGE
        action = self.settlement(model or ("m" if claim else None), steps)
        at = max(self.task.deadline, self.world.now + 1)
        while self.task.round == number and self.task.phase in ROUND_PHASES:
            told += lines(self.world.act(account("auditor"), action, at), names, at)
            at += 1
        return told

    def attempt(self, *votes: Vote, held: int = 0b111) -> list[str]:
        """A whole attempt in which everybody holds the same and opens what it voted."""
        self.holds(*[held] * len(votes))
        self.votes(*votes)
        return self.opens(*(slot for slot, vote in enumerate(votes) if vote is not None))

    def honest_round(self) -> list[str]:
        """A whole round of three participants and three members in which nobody fails."""
        self.commits(0, 1, 2)
        self.reveals(0, 1, 2)
        self.attempt("m", "m", "m")
        return self.settle()

    def places(self, token: bytes) -> dict[str, int]:
        """Where the token is, without empty places."""
        return {k: v for k, v in self.world.federation.buckets(token).items() if v}

    def _names(self) -> dict[bytes, str]:
        """Names of the cohort's and committees' accounts; of everybody before the first draw."""
        task = self.world.federation.tasks.get(self.id)
        if task is None or task.round == 0:
            return {}
        names = {account(label): label for label in ("sponsor", "auditor")}
        names |= {task.participant_at(i): f"P{i}" for i in range(task.cohort)}
        for attempt in range(1, task.attempt + 1):
            for slot in range(task.terms.cohort.committee):
                names[task.member_at(attempt, slot)] = f"A{attempt}.{slot}"
        return names
