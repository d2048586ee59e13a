"""The trail: what the ledger says of one task, folded from its events and nothing else.

Nodes decide on it, the challenger reports it, `verify` checks it. `fold` is pure; a trail is never
changed, so any number of nodes may share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from sheaf.nodes.disputes import CourtEvent, DisputeTrail, fold_dispute
from sheaf.protocol import draws, events, hashing
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.court_events import CourtPaid, WindowExtended
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO, Deployment
from sheaf.protocol.merkle import Kind, header
from sheaf.protocol.state import Role, Standing
from sheaf.protocol.terms import Terms

Seat = tuple[int, int]
Verdict = events.VerdictRevealed | events.MissingRevealed
Payment = events.Paid | events.FeePaid | events.Slashed | CourtPaid


@dataclass(frozen=True)
class SeatTrail:
    """One registered account; `index` is None until its nonce was opened."""

    role: Role
    stake: int
    index: int | None = None


@dataclass(frozen=True)
class RoundTrail:
    """One round. Mappings go by cohort position, or by (attempt, slot) for the committee; claims by
    attempt, disputes by number."""

    number: int
    cohort: tuple[bytes, ...]
    seed: bytes = ZERO
    commits: Mapping[int, events.Committed] = field(default_factory=dict)
    reveals: Mapping[int, events.Revealed] = field(default_factory=dict)
    committee_key: bytes = ZERO
    holds: Mapping[Seat, events.Held] = field(default_factory=dict)
    counted: Mapping[int, int] = field(default_factory=dict)
    verdict_commits: Mapping[Seat, events.VerdictCommitted] = field(default_factory=dict)
    verdicts: Mapping[Seat, Verdict] = field(default_factory=dict)
    failures: tuple[events.AttemptFailed, ...] = ()
    claims: Mapping[int, events.Claimed] = field(default_factory=dict)
    disputes: Mapping[int, DisputeTrail] = field(default_factory=dict)
    duplicates: frozenset[int] = frozenset()
    outcome: events.RoundSettled | events.RoundAborted | None = None

    @property
    def failed(self) -> frozenset[int]:
        """Attempts that ended without a result."""
        return frozenset(failure.attempt for failure in self.failures)

    @property
    def claim(self) -> events.Claimed | None:
        """The claim that stands: no more than one does, since an attempt that fails takes its
        claim along."""
        standing = [c for attempt, c in self.claims.items() if attempt not in self.failed]
        return standing[0] if standing else None

    @property
    def dropped(self) -> frozenset[int]:
        """Positions of updates that the court found withheld."""
        upheld = (d for d in self.disputes.values() if d.standing == Standing.UPHELD)
        return frozenset(d.position for d in upheld if d.is_demand)

    @property
    def pending(self) -> Mapping[int, DisputeTrail]:
        """Disputes that wait for a move, by number: the end of an attempt closes its own."""
        running = ((n, d) for n, d in self.disputes.items() if d.attempt not in self.failed)
        return {number: dispute for number, dispute in running if dispute.pending}

    def void(self, attempt: int) -> bool:
        """Whether an update was found withheld in an attempt, which therefore cannot settle."""
        found = (d for d in self.disputes.values() if d.attempt == attempt and d.is_demand)
        return any(d.standing == Standing.UPHELD for d in found)

    def counted_positions(self, attempt: int) -> tuple[int, ...]:
        """Positions of an attempt's counted set, in cohort order."""
        bitmap = self.counted.get(attempt, 0)
        return tuple(i for i in range(len(self.cohort)) if bitmap >> i & 1)

    def counted_updates(self, attempt: int) -> tuple[tuple[int, bytes, int], ...]:
        """An attempt's counted updates as (position, tree root, samples), in cohort order."""
        positions = self.counted_positions(attempt)
        return tuple((p, self.reveals[p].root, self.reveals[p].samples) for p in positions)


@dataclass(frozen=True)
class Trail:
    """One task. `first_deadline` is the running phase's, before answers in court moved it;
    `metrics` go by round, 0 for the initial model; `payments` holds what was earned and lost in all
    rounds; `withdrawals` are those since the task's end, of whatever task's money."""

    deployment: Deployment
    task: bytes
    published: events.TaskPublished | None = None
    phase: Phase = Phase.NONE
    round: int = 0
    attempt: int = 0
    deadline: int = 0
    first_deadline: int = 0
    seats: Mapping[bytes, SeatTrail] = field(default_factory=dict)
    pools: Mapping[Role, tuple[bytes, ...]] = field(default_factory=lambda: dict.fromkeys(Role, ()))
    rounds: Mapping[int, RoundTrail] = field(default_factory=dict)
    metrics: Mapping[int, bytes] = field(default_factory=dict)
    payments: tuple[Payment, ...] = ()
    withdrawals: tuple[events.Withdrawn, ...] = ()
    claims: Mapping[bytes, events.SeatClaimed] = field(default_factory=dict)
    ended: events.TaskEnded | None = None

    @property
    def terms(self) -> Terms:
        """The published terms; an error before publication."""
        if self.published is None:
            raise ValueError("the task is not published")
        return self.published.terms

    @property
    def now(self) -> RoundTrail:
        """The running (or last) round."""
        return self.rounds[self.round]

    @property
    def over(self) -> bool:
        """Whether the task has ended."""
        return self.phase in (Phase.DONE, Phase.ENDED)

    def slot_of(self, account: bytes) -> int | None:
        """The account's slot in the running committee, None if it has none."""
        seat, size = self.seats.get(account), self.terms.cohort.committee
        if seat is None or seat.role != Role.AGGREGATOR or seat.index is None or not self.attempt:
            return None
        pool = len(self.pools[Role.AGGREGATOR])
        position = draws.position_of(self.now.committee_key, pool, seat.index)
        slot = position - (self.attempt - 1) * size
        return slot if 0 <= slot < size else None

    def committee(self, round: int, attempt: int) -> tuple[bytes, ...]:
        """The accounts on a committee's seats."""
        pool, size = self.pools[Role.AGGREGATOR], self.terms.cohort.committee
        key = self.rounds[round].committee_key
        places = range((attempt - 1) * size, attempt * size)
        return tuple(pool[draws.permute(key, len(pool), place)] for place in places)

    def owed_positions(self) -> tuple[int, ...]:
        """Positions of the running round that are owed the reward: the last counted set that
        reached the minimum."""
        least = self.terms.cohort.minimum
        for attempt in sorted(self.now.counted, reverse=True):
            positions = self.now.counted_positions(attempt)
            if len(positions) >= least:
                return positions
        return ()

    def model_header(self, tree_root: bytes) -> bytes:
        """Header of a model's tree root under the published terms."""
        m = self.terms.model
        return header(Kind.MODEL, ELEMENT_BYTES, m.coordinates, m.leaves, tree_root)

    def state_header(self, tree_root: bytes) -> bytes:
        """Header of an optimiser state's tree root under the published terms; of zero, zero."""
        m = self.terms.model
        if tree_root == ZERO:
            return ZERO
        shape = (m.server.element_bytes, m.trainable, m.state_leaves)
        return header(Kind.OPTIMISER_STATE, *shape, tree_root)

    def headers(self, verdict: events.VerdictRevealed) -> tuple[bytes, bytes, bytes]:
        """A verdict's headers of weights, model and state, which its claim is made of."""
        model, state = self.model_header(verdict.model_root), self.state_header(verdict.state_root)
        return verdict.weights_root, model, state

    def claimed_verdict(self, round: int) -> events.VerdictRevealed | None:
        """An opened verdict that equals the claim of the round that stands."""
        claim = self.rounds[round].claim
        return None if claim is None else next(iter(self.voters(claim).values()), None)

    def voters(self, claim: events.Claimed) -> dict[int, events.VerdictRevealed]:
        """The opened verdicts that equal a claim, by slot."""
        found = self.rounds[claim.round]
        where = (self.task, claim.round, claim.attempt, found.counted[claim.attempt])
        return {
            slot: verdict
            for (attempt, slot), verdict in sorted(found.verdicts.items())
            if attempt == claim.attempt
            and isinstance(verdict, events.VerdictRevealed)
            and self.deployment.claim(*where, self.headers(verdict)) == claim.claim
        }

    @property
    def has_quorum(self) -> bool:
        """Whether enough verdicts of the running attempt agree."""
        opened = (v for (attempt, _), v in self.now.verdicts.items() if attempt == self.attempt)
        results = (self.headers(v) for v in opened if isinstance(v, events.VerdictRevealed))
        need = draws.quorum(self.terms.cohort.committee)
        return any(count >= need for count in Counter(results).values())

    def model_after(self, round: int, initial: bytes) -> bytes:
        """Tree root of the model that stood after `round`: `initial` until a round settles."""
        verdict = self._settled_verdict(round)
        return verdict.model_root if verdict else initial

    def state_after(self, round: int) -> bytes:
        """Tree root of the optimiser's state that stood after `round`: zero until a round settles,
        and where there is no optimiser."""
        verdict = self._settled_verdict(round)
        return verdict.state_root if verdict else ZERO

    def _settled_verdict(self, round: int) -> events.VerdictRevealed | None:
        """An opened verdict of the claim that last settled, up to `round`."""
        for number in range(round, 0, -1):
            verdict = self.claimed_verdict(number)
            if verdict and isinstance(self.rounds[number].outcome, events.RoundSettled):
                return verdict
        return None


def fold(trail: Trail, event: object) -> Trail:
    """The trail after `event`; events of other tasks and kinds leave it as it is."""
    if isinstance(event, events.Withdrawn):
        return replace(trail, withdrawals=(*trail.withdrawals, event)) if trail.over else trail
    step = _STEPS.get(type(event))
    if step is None or getattr(event, "task", None) != trail.task:
        return trail
    return step(trail, event)


def _published(trail: Trail, e: events.TaskPublished) -> Trail:
    return replace(trail, published=e)


def _registered(trail: Trail, e: events.Registered) -> Trail:
    return replace(trail, seats={**trail.seats, e.account: SeatTrail(Role(e.role), e.stake)})


def _opened(trail: Trail, e: events.Opened) -> Trail:
    role = Role(e.role)
    seat = replace(trail.seats[e.account], index=e.index)
    pools = {**trail.pools, role: (*trail.pools[role], e.account)}
    return replace(trail, seats={**trail.seats, e.account: seat}, pools=pools)


def _phase(trail: Trail, e: events.PhaseStarted) -> Trail:
    here = replace(trail, phase=Phase(e.phase), round=e.round, attempt=e.attempt)
    return replace(here, deadline=e.deadline, first_deadline=e.deadline)


def _cohort(trail: Trail, e: events.CohortDrawn) -> Trail:
    pool, key = trail.pools[Role.PARTICIPANT], hashing.cohort_key(e.seed)
    cohort = tuple(pool[draws.permute(key, len(pool), i)] for i in range(e.size))
    return replace(trail, rounds={**trail.rounds, e.round: RoundTrail(e.round, cohort, e.seed)})


def _ended(trail: Trail, e: events.TaskEnded) -> Trail:
    return replace(trail, ended=e, phase=Phase(e.phase))


def _claimed_seat(trail: Trail, e: events.SeatClaimed) -> Trail:
    return replace(trail, claims={**trail.claims, e.account: e})


def _reported(trail: Trail, e: events.Reported) -> Trail:
    return replace(trail, metrics={**trail.metrics, e.round: e.metrics})


def _in_round(change: Callable[[RoundTrail, Any], dict[str, Any]]) -> Callable[[Trail, Any], Trail]:
    """A step that changes the event's round."""

    def step(trail: Trail, event: Any) -> Trail:
        found = trail.rounds[event.round]
        changed = replace(found, **change(found, event))
        return replace(trail, rounds={**trail.rounds, event.round: changed})

    return step


def _counted(trail: Trail, e: events.Counted) -> Trail:
    """A counted set that reaches the minimum is owed the reward, and no duplicate is named yet."""
    found = trail.rounds[e.round]
    renewed = e.bitmap.bit_count() >= trail.terms.cohort.minimum
    changed = replace(
        found,
        counted={**found.counted, e.attempt: e.bitmap},
        duplicates=frozenset() if renewed else found.duplicates,
    )
    return replace(trail, rounds={**trail.rounds, e.round: changed})


def _payment(trail: Trail, event: Payment) -> Trail:
    return replace(trail, payments=(*trail.payments, event))


def _outcome(found: RoundTrail, event: events.RoundSettled | events.RoundAborted) -> dict[str, Any]:
    return {"outcome": event}


def _dispute(trail: Trail, event: CourtEvent) -> Trail:
    """A court's event belongs to the attempt that runs."""
    found = trail.rounds[event.round]
    changed = replace(found, disputes=fold_dispute(found.disputes, event, trail.attempt))
    return replace(trail, rounds={**trail.rounds, event.round: changed})


def _extended(trail: Trail, e: WindowExtended) -> Trail:
    return replace(trail, deadline=e.deadline)


def _verdict(found: RoundTrail, event: Verdict) -> dict[str, Any]:
    return {"verdicts": {**found.verdicts, (event.attempt, event.slot): event}}


_STEPS: dict[type[object], Callable[[Trail, Any], Trail]] = {
    events.TaskPublished: _published,
    events.Registered: _registered,
    events.Opened: _opened,
    events.PhaseStarted: _phase,
    events.CohortDrawn: _cohort,
    events.Committed: _in_round(lambda r, e: {"commits": {**r.commits, e.position: e}}),
    events.Revealed: _in_round(lambda r, e: {"reveals": {**r.reveals, e.position: e}}),
    events.CommitteeDrawn: _in_round(lambda r, e: {"committee_key": e.key}),
    events.Held: _in_round(lambda r, e: {"holds": {**r.holds, (e.attempt, e.slot): e}}),
    events.Counted: _counted,
    events.AttemptFailed: _in_round(lambda r, e: {"failures": (*r.failures, e)}),
    events.VerdictCommitted: _in_round(
        lambda r, e: {"verdict_commits": {**r.verdict_commits, (e.attempt, e.slot): e}}
    ),
    events.VerdictRevealed: _in_round(_verdict),
    events.MissingRevealed: _in_round(_verdict),
    events.Claimed: _in_round(lambda r, e: {"claims": {**r.claims, e.attempt: e}}),
    events.DuplicateFound: _in_round(lambda r, e: {"duplicates": r.duplicates | {e.later}}),
    events.Slashed: _payment,
    events.Paid: _payment,
    events.FeePaid: _payment,
    CourtPaid: _payment,
    **dict.fromkeys(get_args(CourtEvent), _dispute),
    WindowExtended: _extended,
    events.RoundAborted: _in_round(_outcome),
    events.RoundSettled: _in_round(_outcome),
    events.Reported: _reported,
    events.SeatClaimed: _claimed_seat,
    events.TaskEnded: _ended,
}
