"""The auditor: recomputes every claim while it can still be acted on, and reports what differs.

It takes no seat. What it can do about a wrong claim before the court exists is to say so; equal
updates it points out on chain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheaf.nodes.effects import Aggregate, Aggregated, ChunkMissing, Effect, Secrets
from sheaf.nodes.seat import SeatState, fold_seat, send
from sheaf.protocol.actions import Duplicate
from sheaf.protocol.events import Phase


@dataclass(frozen=True)
class Finding:
    """A claim that is not what the counted updates give."""

    round: int
    attempt: int
    claimed: bytes
    recomputed: bytes


@dataclass(frozen=True)
class State(SeatState):
    """What an auditor knows: which attempts it has replayed, and what it found."""

    replayed: frozenset[tuple[int, int]] = frozenset()
    findings: tuple[Finding, ...] = ()


def fold(state: State, event: object) -> State:
    """The state after an event."""
    if isinstance(event, ChunkMissing):
        return replace(state, replayed=state.replayed | {(event.round, event.attempt)})
    if not isinstance(event, Aggregated):
        return fold_seat(state, event)
    done = replace(state, replayed=state.replayed | {(event.round, event.attempt)})
    verdict = state.trail.claimed_verdict(event.round)
    if verdict is None or verdict.model_root == event.root:
        return done
    found = Finding(event.round, event.attempt, verdict.model_root, event.root)
    return replace(done, findings=(*state.findings, found))


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now; an auditor has no secrets."""
    trail = state.trail
    if not trail.rounds:
        return []
    named = _name_duplicates(state)
    if trail.phase != Phase.CHALLENGE or (trail.round, trail.attempt) in state.replayed:
        return named
    reveals = trail.now.reveals
    positions = trail.now.counted_positions(trail.attempt)
    counted = tuple((p, reveals[p].root, reveals[p].samples) for p in positions)
    base = trail.settled_root(trail.round - 1) or state.initial_model
    return [*named, Aggregate(trail.round, trail.attempt, base, counted)]


def _name_duplicates(state: State) -> list[Effect]:
    """Pairs of equal counted updates whose later commitment is still to be paid."""
    trail = state.trail
    if not Phase.VERDICT_COMMIT <= trail.phase <= Phase.ABORTED or not trail.now.counted:
        return []
    owed = trail.owed_positions()
    order = [p for p in trail.now.commits if p in owed]  # mappings keep the order of commitments
    first: dict[bytes, int] = {}
    for position in order:
        earlier = first.setdefault(trail.now.reveals[position].root, position)
        if earlier != position and position not in trail.now.duplicates:
            return send(state, Duplicate(trail.task, earlier, position))
    return []
