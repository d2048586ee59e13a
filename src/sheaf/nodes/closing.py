"""Closing what is due: phases whose deadline has passed, and rounds that can be settled.

Both are open to anyone. The sponsor does it because it wants the model; whoever has a bond or
earnings in court does it where the sponsor does not.
"""

from __future__ import annotations

from sheaf.nodes.effects import Effect
from sheaf.nodes.seat import SeatState, send
from sheaf.protocol.actions import Advance, Settle
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO

SETTLE_STEPS = 100
"""Of one transaction, since a step takes up to 88,000 gas where it is a dispute's: within what
`ledger.federation` allows."""


def close(state: SeatState, now: int) -> list[Effect]:
    """What ends the running phase once its deadline has passed; nothing while a court is in its
    way."""
    trail = state.trail
    if now < trail.deadline:
        return []
    if trail.phase == Phase.CHALLENGE and trail.now.pending:
        return []
    if trail.phase == Phase.VERDICT_REVEAL and trail.now.pending and not trail.has_quorum:
        return []
    void = trail.phase == Phase.CHALLENGE and trail.now.void(trail.attempt)
    if trail.phase in (Phase.CHALLENGE, Phase.ABORTED) and not void:
        return send(state, Settle(trail.task, SETTLE_STEPS, *_claimed_roots(state)))
    return send(state, Advance(trail.task))


def _claimed_roots(state: SeatState) -> tuple[bytes, bytes, bytes]:
    """Headers of the running claim; zeros for an aborted round."""
    verdict = state.trail.claimed_verdict(state.trail.round)
    if verdict is None:
        return ZERO, ZERO, ZERO
    return state.trail.headers(verdict)
