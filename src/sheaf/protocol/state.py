"""State of a federation: exactly what the contract stores, under the same names.

Actions live in `registration`, `rounds`, `attempts`, `settlement` and, of the court, in `dispute`,
`withholding` and `docket`; they check first and change afterwards, so a rejected action changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from sheaf.protocol import draws, merkle
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Phase, PhaseStarted
from sheaf.protocol.hashing import ZERO, Deployment
from sheaf.protocol.merkle import Kind
from sheaf.protocol.terms import Terms

NOBODY = bytes(20)
DISPUTED = (Phase.VERDICT_COMMIT, Phase.VERDICT_REVEAL, Phase.CHALLENGE)
"""Phases in which disputes are open: demands in all of them, challenges in the last."""


class Role(IntEnum):
    """What a seat is for; an account has at most one seat in a task."""

    PARTICIPANT = 1
    AGGREGATOR = 2


@dataclass(frozen=True)
class Env:
    """Who acts, when (ledger time, seconds), how much a pulled token really delivered (None: as
    much as asked, as tokens without a transfer fee do), and which tokens refuse to pay out."""

    sender: bytes
    now: int
    received: int | None = None
    refusing: frozenset[bytes] = frozenset()

    def delivered(self, asked: int) -> int:
        """What arrived of the tokens `asked` for."""
        return asked if self.received is None else self.received


@dataclass
class Seat:
    """One account in one task.

    `word` holds the nonce hash until opened, then the latest commitment, and, once revealed, the
    update's tree root: one storage slot that is never cleared, so a commit costs a rewrite.
    """

    role: Role
    stake: int
    word: bytes
    credit: int = 0
    opened: bool = False
    index: int = 0
    committed_round: int = 0
    sequence: int = 0
    position: int = 0


class Matter(IntEnum):
    """What a dispute is about: the claimed model or state, or a counted update's chunk, demanded by
    anyone or by a member's opened `Missing`."""

    MODEL = 1
    STATE = 2
    UPDATE = 3
    MISSING = 4


class Standing(IntEnum):
    """How a dispute stands. Up to SERVED it waits for a move; then it is decided.

    FILED: a column, for whoever can refute it. ASKED: hashes or a chunk, from anyone. UNFOLDED: the
    challenger's choice of a child. SERVED: the challenger's column. UPHELD: for the opener.
    DISMISSED: against it. MOOT: without effect, since another dispute had it already.
    """

    FILED = 1
    ASKED = 2
    UNFOLDED = 3
    SERVED = 4
    UPHELD = 5
    DISMISSED = 6
    MOOT = 7


@dataclass
class Dispute:
    """One challenge, descent or demand. `at` is a coordinate once a column is filed, before that
    the index of a node at `level`, or of a chunk; `evidence` is the SHA-256 of the column or of the
    posted hashes, or the node. `answerer` moved last against the opener (zero: nobody);
    `position` is a demand's; `bonds` is how many bonds the opener locked."""

    opener: bytes
    matter: Matter
    standing: Standing
    deadline: int
    at: int
    evidence: bytes = ZERO
    answerer: bytes = NOBODY
    level: int = 0
    position: int = 0
    bonds: int = 1

    @property
    def pending(self) -> bool:
        """Whether it waits for a move."""
        return self.standing <= Standing.SERVED

    @property
    def is_demand(self) -> bool:
        """Whether it is about a counted update."""
        return self.matter >= Matter.UPDATE


@dataclass
class Attempt:
    """One committee's work. Masks have one bit per seat of the committee.

    `first` is how many disputes the round had before; `overturned` is the number of the dispute
    that overturned the claim, 0 if none did; `demands` has the chunks that outsiders demanded, by
    position. `window` is when the challenge window ended before answers moved its end, 0 while none
    did.
    """

    bitmaps: dict[int, int] = field(default_factory=dict)
    words: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    committed: int = 0
    opened: int = 0
    missing: int = 0
    silent: int = 0
    agreed: int = 0
    first: int = 0
    overturned: int = 0
    window: int = 0
    demands: dict[int, set[int]] = field(default_factory=dict)


@dataclass
class Round:
    """One pass. Bitmaps have one bit per cohort position.

    `counted` belongs to the running attempt; `owed` is the last counted set that reached the
    minimum, whose members are paid; `named` are updates an opened `Missing` named; `dropped` are
    updates the court found withheld, and `void` says that one was in the running attempt, which
    therefore cannot settle. Disputes are numbered from 1.
    """

    committed: int = 0
    revealed: int = 0
    salts: bytes = ZERO
    samples: dict[int, int] = field(default_factory=dict)
    counted: int = 0
    owed: int = 0
    duplicates: int = 0
    named: int = 0
    dropped: int = 0
    void: bool = False
    disputes: list[Dispute] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    claim: bytes = ZERO
    settled: Settlement | None = None


@dataclass
class Settlement:
    """A settlement under way: the next step, the samples owed, slashes to share among revealers."""

    step: int
    samples: int
    pool: int
    bonus: int = 0


@dataclass
class Task:
    """One task from publication to payment. Money in `dust` is being divided or what division
    left; `burned_stake` is in the stake token; `escrow`, `dust`, `burned` are in the reward token.
    """

    id: bytes
    sponsor: bytes
    document: bytes
    terms: Terms
    model_root: bytes
    state_root: bytes
    deadline: int
    escrow: int
    phase: Phase = Phase.REGISTER
    round: int = 0
    aborts: int = 0
    nonces: bytes = ZERO
    seed: bytes = ZERO
    cohort_key: bytes = ZERO
    committee_key: bytes = ZERO
    participants: list[bytes] = field(default_factory=list)
    aggregators: list[bytes] = field(default_factory=list)
    seats: dict[bytes, Seat] = field(default_factory=dict)
    registered: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(Role, 0))
    current: Round = field(default_factory=Round)
    dust: int = 0
    burned: int = 0
    burned_stake: int = 0

    @property
    def attempt(self) -> int:
        """Number of the running attempt; 0 before the first."""
        return len(self.current.attempts)

    @property
    def open_disputes(self) -> int:
        """How many disputes of the running attempt wait for a move."""
        current = self.current
        if not current.attempts or self.phase not in DISPUTED:
            return 0
        return sum(d.pending for d in current.disputes[current.attempts[-1].first :])

    @property
    def locked_bonds(self) -> int:
        """How many bonds of the round's disputes settlement has not moved yet."""
        if self.phase in (Phase.DONE, Phase.ENDED):
            return 0  # the last round's disputes, which nothing has replaced
        settled = self.current.settled
        moved = max(0, settled.step - 2 * self.cohort) if settled else 0
        return sum(d.bonds for d in self.current.disputes[moved:])

    @property
    def cohort(self) -> int:
        """Cohort size: `min(goal, opened participants)`."""
        return min(self.terms.cohort.goal, len(self.participants))

    def member_at(self, attempt: int, slot: int) -> bytes:
        """Account on a committee's seat."""
        position = (attempt - 1) * self.terms.cohort.committee + slot
        pool = self.aggregators
        return pool[draws.permute(self.committee_key, len(pool), position)]

    def participant_at(self, position: int) -> bytes:
        """Account at a cohort position."""
        pool = self.participants
        return pool[draws.permute(self.cohort_key, len(pool), position)]

    def header(self, kind: Kind, root: bytes) -> bytes:
        """The header of a tree root by the shape the terms give it; the zero root is "none"."""
        m = self.terms.model
        if root == ZERO:
            return ZERO
        if kind == Kind.OPTIMISER_STATE:
            return merkle.header(kind, m.server.element_bytes, m.trainable, m.state_leaves, root)
        return merkle.header(kind, ELEMENT_BYTES, m.coordinates, m.leaves, root)

    def expect(self, phase: Phase, now: int, closed: Reason) -> None:
        """Raise unless `phase` is running and its deadline lies ahead."""
        if self.phase != phase:
            raise Rejected(Reason.WRONG_PHASE)
        if now >= self.deadline:
            raise Rejected(closed)

    def opened_seat(self, account: bytes, role: Role) -> Seat | None:
        """The account's seat, if it has that role and opened its nonce."""
        seat = self.seats.get(account)
        return seat if seat is not None and seat.role == role and seat.opened else None


@dataclass
class TokenAccount:
    """The vault's books of one token."""

    deposits: int = 0
    withdrawals: int = 0
    withdrawable: dict[bytes, int] = field(default_factory=dict)

    def credit(self, account: bytes, amount: int) -> None:
        """Make `amount` withdrawable."""
        if amount:
            self.withdrawable[account] = self.withdrawable.get(account, 0) + amount


@dataclass
class Federation:
    """All tasks of one deployment, its vault, and the events so far."""

    deployment: Deployment
    stake_token: bytes
    tasks: dict[bytes, Task] = field(default_factory=dict)
    vault: dict[bytes, TokenAccount] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)

    def task(self, id: bytes) -> Task:
        """The task, or `Rejected(UNKNOWN_TASK)`."""
        if id not in self.tasks:
            raise Rejected(Reason.UNKNOWN_TASK)
        return self.tasks[id]

    def account(self, token: bytes) -> TokenAccount:
        """The vault's books of `token`."""
        return self.vault.setdefault(token, TokenAccount())

    def emit(self, event: object) -> None:
        """Record an event."""
        self.events.append(event)

    def start(self, task: Task, phase: Phase, deadline: int) -> None:
        """Enter a phase."""
        task.phase, task.deadline = phase, deadline
        self.emit(PhaseStarted(task.id, task.round, task.attempt, phase, deadline))

    def buckets(self, token: bytes) -> dict[str, int]:
        """Where every unit of `token` is. Their sum is `deposits - withdrawals`, always."""
        books = self.vault.get(token, TokenAccount())
        found = dict.fromkeys(("stakes", "bonds", "escrow", "rewards", "burned", "dust"), 0)
        for task in self.tasks.values():
            for name, amount in self._held(task, token):
                found[name] += amount
        found["withdrawable"] = sum(books.withdrawable.values())
        return found

    def _held(self, task: Task, token: bytes) -> Iterator[tuple[str, int]]:
        if token == self.stake_token:
            settled = task.current.settled
            yield "stakes", sum(s.stake for s in task.seats.values())
            yield "bonds", task.locked_bonds * task.terms.economics.court_bond
            yield "burned", task.burned_stake
            yield "dust", settled.pool if settled else 0
        if token == task.terms.economics.reward_token:
            yield "escrow", task.escrow
            yield "rewards", sum(s.credit for s in task.seats.values())
            yield "burned", task.burned
            yield "dust", task.dust
