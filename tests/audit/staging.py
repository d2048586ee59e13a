"""Evidence without a chain: orders applied to the specification, folded as a verification folds.

`evidence_of` makes what `examine` hands out from any list of orders; `pageant` plays a task of any
size honestly but for those that `absent` names, in milliseconds a round.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dag_cbor
from eth_utils.address import to_checksum_address

from sheaf.ledger.federation import AddressBook
from sheaf.nodes import trust
from sheaf.nodes.evidence import Evidence, Origin, Report, Witness
from sheaf.nodes.respecification import Step
from sheaf.nodes.summary import Accounting, Place
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO, Verdict
from sheaf.protocol.layout import Tensor
from sheaf.protocol.machine import apply
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Env, Federation
from sheaf.protocol.task import CohortSize, Committee, Task
from sheaf.store.memory import MemoryStore
from tests.nodes.plans import economics, plan, schedule

STAKE, REWARD = b"\x01" * 20, b"\x02" * 20
BOOK = AddressBook(5, b"\x03" * 20, b"\x04" * 20, b"\x05" * 20, STAKE, REWARD)
TOKENS: Mapping[str, Mapping[str, Any]] = {
    "reward": {"symbol": "USDX", "decimals": 6},
    "stake": {"symbol": "SHEAF", "decimals": 18},
}
INITIAL = hashlib.sha256(b"the initial model").digest()


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


@dataclass(frozen=True)
class Order:
    """Somebody acts at a ledger time (seconds)."""

    account: bytes
    now: int
    action: Action
    gas: int = 65_432


def evidence_of(
    task: Task,
    orders: Iterable[Order],
    names: Mapping[bytes, str] | None = None,
    reports: Sequence[tuple[str, int, str]] = (),
) -> tuple[Evidence, Report]:
    """What a verification hands out of a history: rejected orders are in it as failures."""
    federation, steps = Federation(BOOK.deployment, STAKE), []
    for number, order in enumerate(orders):
        env = Env(order.account, order.now)
        events: tuple[object, ...] = ()
        failure = None
        try:
            events = tuple(apply(federation, env, order.action))
        except Rejected as rejected:
            failure = rejected
        place = (order.now // 7, order.now, digest("transaction", number))
        steps.append(Step(*place, order.account, order.action, order.gas, failure, events))
    return _verified(task, steps, names or {}, reports)


def _verified(
    task: Task,
    steps: Sequence[Step],
    names: Mapping[bytes, str],
    reports: Sequence[tuple[str, int, str]],
) -> tuple[Evidence, Report]:
    sponsor = next(step.sender for step in steps if isinstance(step.action, a.Publish))
    trail = Trail(BOOK.deployment, BOOK.deployment.task_id(sponsor, task.cid.digest))
    accounting = Accounting()
    for step in steps:
        assert step.action is not None
        accounting.spent(step.action, trail.round, step.gas)
        for event in step.events:
            trail = fold(trail, event)
    head = digest("head", len(steps))
    place = Place(steps[-1].block, head, TOKENS)
    named = {str(to_checksum_address(account)): name for account, name in names.items()}
    evidence = Evidence(
        directory=Path("staged"),
        book=BOOK,
        trail=trail,
        task=task,
        store=Witness(MemoryStore()),
        accounting=accounting,
        place=place,
        sent=Counter(),
        names=named,
        steps=tuple(steps),
    )
    report = Report(head.hex(), trust=trust.remaining(trail.terms), unfinished=not trail.over)
    report.origin = Origin("staged")
    report.add("specification", len(steps), "protocol transactions gave the specification's events")
    for check in reports:
        report.add(*check)
    return evidence, report


Absent = Callable[[int, int], str]
"""What the participant of a number leaves out in a round: "commit", "reveal", or nothing: ""."""


@dataclass
class Pageant:
    """A task as it is played: participants are numbered as they registered; `copies` says whose
    update somebody copies."""

    task: Task
    participants: int
    absent: Absent = lambda round, number: ""
    samples: Callable[[int], int] = lambda number: 10 + number
    receipts: bool = False
    copies: Mapping[int, int] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    now: int = 1_767_225_600

    def __post_init__(self) -> None:
        self.document = self.task.cid.digest
        self.federation = Federation(BOOK.deployment, STAKE)
        self.sponsor = digest("sponsor")[:20]
        self.people = [digest("participant", n)[:20] for n in range(self.participants)]
        pool = self.task.committee.pool
        self.members = [digest("aggregator", n)[:20] for n in range(pool)]
        self.id = BOOK.deployment.task_id(self.sponsor, self.document)

    @property
    def state(self) -> Any:
        return self.federation.tasks[self.id]

    def act(self, account: bytes, action: Action) -> None:
        """Send in the running block."""
        apply(self.federation, Env(account, self.now), action)
        self.orders.append(Order(account, self.now, action))

    def close(self) -> None:
        """Advance at the running phase's deadline."""
        self.now = self.state.deadline
        self.act(self.sponsor, a.Advance(self.id))
        self.now += 1

    def begin(self) -> None:
        """Publication, registration, opening."""
        terms = self.task.terms()
        published = (terms, self.document, self.task.model.initial, ZERO, terms.escrow)
        self.act(self.sponsor, a.Publish(*published))
        seats = [(p, 1, terms.economics.participant_stake) for p in self.people]
        seats += [(m, 2, terms.economics.aggregator_stake) for m in self.members]
        for account, role, stake in seats:
            hidden = BOOK.deployment.nonce_hash(self.id, account, digest("nonce", account))
            self.act(account, a.Register(self.id, role, hidden, stake))
        self.close()
        for account, _, _ in seats:
            self.act(account, a.Open(self.id, digest("nonce", account)))
        self.close()

    def updates(self) -> None:
        """COMMIT and REVEAL of the running round."""
        round = self.state.round
        drawn = [self.state.participant_at(p) for p in range(self.state.cohort)]
        numbers = {account: self.people.index(account) for account in drawn}
        missing = {account: self.absent(round, number) for account, number in numbers.items()}
        for account in drawn:
            if missing[account] != "commit":
                opened = self.opened(round, account)
                sealed = BOOK.deployment.update_commitment(self.id, round, account, *opened)
                self.act(account, a.Commit(self.id, sealed))
        self.close()
        for account in drawn:
            if not missing[account]:
                self.act(account, a.Reveal(self.id, *self.opened(round, account)))
        self.close()

    def opened(self, round: int, account: bytes) -> tuple[bytes, int, bytes, bytes]:
        """Root, samples, receipt and salt of somebody's update."""
        receipt = digest("receipt", round, account) if self.receipts else ZERO
        number, salt = self.people.index(account), digest("salt", round, account)
        root = digest("update", round, self.people[self.copies.get(number, number)])
        return root, self.samples(number), receipt, salt

    def committee(self) -> bytes:
        """HOLD to CHALLENGE: every member agrees. Returns the new model's tree root."""
        seats = range(self.task.committee.seats)
        members = [self.state.member_at(self.state.attempt, slot) for slot in seats]
        for member in members:
            self.act(member, a.Hold(self.id, self.state.current.revealed))
        self.close()
        root = digest("model", self.state.round, self.state.current.counted)
        header = self.state.header(Kind.MODEL, root)
        where = (self.id, self.state.round, self.state.attempt)
        for member in members:
            receipt = digest("receipt", where, member) if self.receipts else ZERO
            counted = self.state.current.counted
            verdict = Verdict(counted, ZERO, header, ZERO, receipt, digest(member))
            sealed = BOOK.deployment.verdict_commitment(*where, member, verdict)
            self.act(member, a.CommitVerdict(self.id, sealed))
        self.close()
        for member in members:
            receipt = digest("receipt", where, member) if self.receipts else ZERO
            opened = (ZERO, root, ZERO, receipt, digest(member))
            self.act(member, a.RevealVerdict(self.id, *opened))
        self.close()
        for number, other in self.copies.items():
            self.accuse(number, other)
        return root

    def accuse(self, *numbers: int) -> None:
        """Name two equal updates; who committed later is not paid."""
        seats = [self.state.seats[self.people[number]] for number in numbers]
        earlier, later = sorted(seats, key=lambda seat: seat.sequence)
        self.act(self.sponsor, a.Duplicate(self.id, earlier.position, later.position))

    def settle(self, root: bytes) -> None:
        """Pay, in pages, and report metrics."""
        round = self.state.round
        header = self.state.header(Kind.MODEL, root)
        self.now = self.state.deadline
        while self.state.round == round and self.state.phase not in (Phase.DONE, Phase.ENDED):
            self.act(self.sponsor, a.Settle(self.id, 64, ZERO, header, ZERO))
        metrics: Any = {"accuracy": [50 + round % 50, 0, 100]}
        self.act(self.sponsor, a.Report(self.id, round, dag_cbor.encode(metrics)))
        self.now += 1

    def play(self) -> Pageant:
        """The whole task, seats claimed."""
        self.begin()
        for _ in range(self.task.schedule.rounds):
            self.updates()
            self.settle(self.committee())
        for account in (*self.people, *self.members):
            self.act(account, a.Claim(self.id))
        return self


def crowd() -> tuple[Evidence, Report]:
    """A hundred participants in a hundred rounds: receipts, absences, bonuses, names, nothing of
    what takes room is missing. On an embedded ledger its 20,000 transactions would take minutes;
    here each goes through the specification, as it does when a run of that size is verified."""

    def absent(round: int, number: int) -> str:
        if round * number % 37 == 1:
            return "commit"
        return "reveal" if (round + number) % 41 == 3 else ""

    made = pageant(100, 100, absent=absent, receipts=True)
    names = {account: f"participant-{n}" for n, account in enumerate(made.people, 1)}
    names |= {account: f"aggregator-{n}" for n, account in enumerate(made.members, 1)}
    return played(made, names)


def task_of(
    participants: int, rounds: int, goal: int | None = None, seats: int = 3, pool: int = 9
) -> Task:
    """A tiny model's task of such a size, called as nobody should be able to call one."""
    made = plan(
        name='<script>alert("1")</script>',
        schedule=schedule(rounds),
        economics=economics(rounds),
        cohort=CohortSize(minimum=1, goal=goal or participants, weight_cap=1000),
        committee=Committee(seats, pool, (1, 5), 0),
        participants=participants,
    )
    layout = (Tensor("weight", (5,), "trainable", 16),)
    task = made.task(layout, digest("bundle"), INITIAL, REWARD)
    odds = replace(task.committee, capture_ppb=task.capture_ppb())
    return Task.decode(replace(task, committee=odds).encode())


def pageant(participants: int, rounds: int, goal: int | None = None, **changes: Any) -> Pageant:
    """A played task."""
    return Pageant(task_of(participants, rounds, goal), participants, **changes).play()


def played(made: Pageant, names: Mapping[bytes, str] | None = None) -> tuple[Evidence, Report]:
    """What a verification of it hands out."""
    return evidence_of(made.task, made.orders, names)
