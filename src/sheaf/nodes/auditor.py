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
    """A claim that is not what the counted updates give: tree roots of `what`, the recomputed one
    None where the update at `missing` could not be had."""

    round: int
    attempt: int
    claimed: bytes
    recomputed: bytes | None
    missing: int | None = None
    what: str = "model"

    def __str__(self) -> str:
        place = f"round {self.round}, attempt {self.attempt}"
        if self.recomputed is None:
            return f"{place}: the claim cannot be checked: update {self.missing} is not to be had"
        return (
            f"{place}: the committee claims {self.what} {self.claimed.hex()}, "
            f"the counted updates give {self.recomputed.hex()}"
        )


@dataclass(frozen=True)
class State(SeatState):
    """What an auditor knows: which attempts it has replayed, and what it found."""

    replayed: frozenset[tuple[int, int]] = frozenset()
    findings: tuple[Finding, ...] = ()


def fold(state: State, event: object) -> State:
    """The state after an event."""
    if not isinstance(event, Aggregated | ChunkMissing):
        return fold_seat(state, event)
    place = (event.round, event.attempt)
    replayed = replace(state, replayed=state.replayed | {place})
    verdict = state.trail.claimed_verdict(event.round)
    if verdict is None:
        return replayed
    if isinstance(event, ChunkMissing):
        found = Finding(*place, verdict.model_root, None, event.position)
    elif event.root != verdict.model_root:
        found = Finding(*place, verdict.model_root, event.root)
    elif event.state != verdict.state_root:
        found = Finding(*place, verdict.state_root, event.state, what="optimiser state")
    else:
        return replayed
    return replace(replayed, findings=(*state.findings, found))


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now; an auditor has no secrets."""
    trail = state.trail
    if not trail.rounds:
        return []
    named = _name_duplicates(state)
    if trail.phase != Phase.CHALLENGE or (trail.round, trail.attempt) in state.replayed:
        return named
    counted = trail.now.counted_updates(trail.attempt)
    replay = Aggregate(trail.round, trail.attempt, state.base, counted, state.base_state)
    return [*named, replay]


def _name_duplicates(state: State) -> list[Effect]:
    """Of the pairs of equal counted updates whose later one is still to be paid, the first."""
    trail = state.trail
    if not Phase.VERDICT_COMMIT <= trail.phase <= Phase.ABORTED or not trail.now.counted:
        return []
    owed = trail.owed_positions()
    order = [p for p in trail.now.commits if p in owed]  # mappings keep the order of commitments
    first: dict[bytes, int] = {}
    for position in order:
        earlier = first.setdefault(trail.now.reveals[position].root, position)
        if earlier != position and position not in trail.now.duplicates:
            named = send(state, Duplicate(trail.task, earlier, position))
            if named:
                return named
    return []
