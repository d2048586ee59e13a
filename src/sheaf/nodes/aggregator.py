"""The aggregator: when drawn, says which updates it holds, combines the counted ones, votes, and
answers in court for both."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheaf.identity.statement import Step
from sheaf.nodes import court
from sheaf.nodes.effects import (
    Aggregate,
    Aggregated,
    Attest,
    ChunkMissing,
    Collect,
    Collected,
    Effect,
    Published,
    PublishModel,
    Secrets,
)
from sheaf.nodes.seat import SeatState, decide_seat, fold_seat, receipt_of, send, show
from sheaf.nodes.steps import missing_step, result_step
from sheaf.protocol.actions import CommitVerdict, Hold, RevealMissing, RevealVerdict
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO, Missing, Verdict
from sheaf.protocol.state import Role

Finding = Aggregated | ChunkMissing


@dataclass(frozen=True)
class State(SeatState):
    """What an aggregator knows: its last collection and its last finding."""

    collected: Collected | None = None
    finding: Finding | None = None
    published: bytes | None = None


def fold(state: State, event: object) -> State:
    """The state after an event."""
    if isinstance(event, Collected):
        return replace(state, collected=event)
    if isinstance(event, Aggregated | ChunkMissing):
        return replace(state, finding=event)
    if isinstance(event, Published):
        return replace(state, published=event.root)
    return fold_seat(state, event)


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now."""
    trail = state.trail
    if not Phase.HOLD <= trail.phase <= Phase.CHALLENGE:
        return decide_seat(state, Role.AGGREGATOR, now, secrets)
    slot = trail.slot_of(state.account)
    if slot is None:
        return []
    sits = court.sits(trail)
    answers = court.answers(state, _post(state, slot), now) if sits else []
    return answers if now >= trail.deadline else [*answers, *_work(state, slot, secrets)]


def _work(state: State, slot: int, secrets: Secrets) -> list[Effect]:
    """What a member does in a phase of its attempt."""
    trail = state.trail
    place = (trail.attempt, slot)
    if trail.phase == Phase.HOLD:
        return [] if place in trail.now.holds else _hold(state)
    if place not in trail.now.holds:
        return []
    if trail.phase == Phase.VERDICT_COMMIT:
        return [] if place in trail.now.verdict_commits else _commit(state, secrets)
    if trail.phase == Phase.CHALLENGE:
        return []
    open_ = place in trail.now.verdict_commits and place not in trail.now.verdicts
    return _reveal(state, secrets) if open_ else []


def _post(state: State, slot: int) -> court.Post:
    """A member answers for the counted updates that it attested, and for what it voted for."""
    trail = state.trail
    held, claim = trail.now.holds.get((trail.attempt, slot)), trail.now.claim
    bitmap = held.bitmap if held else 0
    mine = tuple(p for p in trail.now.counted_positions(trail.attempt) if bitmap >> p & 1)
    late = court.one_by_one(court.HALF, slot)
    voters = sorted(trail.voters(claim)) if claim else []
    defends = court.one_by_one(court.AT_ONCE, voters.index(slot)) if slot in voters else None
    return court.Post(mine, late, dict.fromkeys(mine, late), defends)


def _hold(state: State) -> list[Effect]:
    trail, collected = state.trail, state.collected
    here = (trail.round, trail.attempt)
    if collected is None or (collected.round, collected.attempt) != here:
        wanted = tuple((p, e.root) for p, e in sorted(trail.now.reveals.items()))
        return [Collect(*here, wanted)]
    return send(state, Hold(trail.task, collected.bitmap))


def _commit(state: State, secrets: Secrets) -> list[Effect]:
    trail, finding = state.trail, _current(state)
    if finding is None:
        counted = trail.now.counted_updates(trail.attempt)
        return [Aggregate(trail.round, trail.attempt, state.base, counted, state.base_state)]
    receipt = receipt_of(state, trail.attempt)
    if receipt is None:
        return [Attest(_step(state, finding))]
    where = (trail.task, trail.round, trail.attempt, state.account)
    salt = secrets.derive("verdict", trail.task, trail.round, trail.attempt)
    if isinstance(finding, ChunkMissing):
        missing = Missing(finding.position, finding.chunk, receipt, salt)
        commitment = trail.deployment.missing_commitment(*where, missing)
    else:
        counted_bitmap = trail.now.counted[trail.attempt]
        roots = (ZERO, trail.model_header(finding.root), trail.state_header(finding.state))
        verdict = Verdict(counted_bitmap, *roots, receipt, salt)
        commitment = trail.deployment.verdict_commitment(*where, verdict)
    return send(state, CommitVerdict(trail.task, commitment))


def _reveal(state: State, secrets: Secrets) -> list[Effect]:
    trail, finding = state.trail, _current(state)
    receipt = receipt_of(state, trail.attempt)
    if finding is None or receipt is None:
        return []
    salt = secrets.derive("verdict", trail.task, trail.round, trail.attempt)
    if isinstance(finding, ChunkMissing):
        opened = (finding.position, finding.chunk, receipt, salt)
        return show(state, receipt) or send(state, RevealMissing(trail.task, *opened))
    if state.published != finding.root:
        publish = PublishModel(trail.round, finding.root, finding.state)
        return [publish, *show(state, receipt)]
    roots = (ZERO, finding.root, finding.state)
    return show(state, receipt) or send(state, RevealVerdict(trail.task, *roots, receipt, salt))


def _step(state: State, finding: Finding) -> Step:
    """What the member is about to say, for its receipt."""
    where = (finding.round, finding.attempt, state.account, (state.base, state.base_state))
    if isinstance(finding, ChunkMissing):
        return missing_step(state.trail, *where, finding.position, finding.chunk)
    return result_step(state.trail, *where, finding.root, finding.state)


def _current(state: State) -> Finding | None:
    """The finding of the running attempt."""
    found, trail = state.finding, state.trail
    here = (trail.round, trail.attempt)
    return found if found is not None and (found.round, found.attempt) == here else None
