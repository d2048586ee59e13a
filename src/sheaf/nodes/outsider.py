"""A challenger from outside: as the one of a run's cast, and it closes what nobody closes.

Whoever runs the task may vanish with the bonds of those who took it to court. So where anything of
its own is at stake, this one goes on to the task's end itself, a while after the sponsor should
have.
"""

from __future__ import annotations

from collections.abc import Iterator

from sheaf.nodes import challenger
from sheaf.nodes.challenger import State
from sheaf.nodes.closing import close
from sheaf.nodes.disputes import DisputeTrail
from sheaf.nodes.effects import Effect, Secrets
from sheaf.nodes.seat import court_credit
from sheaf.nodes.trail import Trail
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.events import Cause, RoundSettled, Slashed

HALVES = 2
"""The sponsor has half a move to close what is due, which includes what it decides late."""


def decide(state: State, now: int) -> list[Effect]:
    """What to do now."""
    wanted = challenger.decide(state, now, Secrets(b""))
    trail = state.trail
    if wanted or trail.over or not (locked(state) or withdrawable(state)):
        return wanted
    disputes = trail.now.disputes.values() if trail.rounds else ()
    due = max([trail.deadline, *(d.deadline for d in disputes if d.attempt == trail.attempt)])
    late = now >= due + trail.terms.schedule.challenge_s // HALVES
    return close(state, now) if late else []


def locked(state: State) -> int:
    """The bonds that are not back yet, in units of the stake token: what it could still lose."""
    if not state.trail.rounds:
        return 0
    bond = state.trail.terms.economics.court_bond
    return bond * sum(dispute.bonds for dispute in _unsettled(state.trail, state.account))


def withdrawable(state: State) -> int:
    """What the vault owes it, in units of the stake token."""
    token, trail = state.stake_token, state.trail
    taken = (w for w in trail.withdrawals if (w.account, w.token) == (state.account, token))
    return court_credit(trail, state.account) - sum(w.amount for w in taken)


def earned(state: State) -> int:
    """What courts paid it besides its bonds."""
    mine = (p for p in state.trail.payments if p.account == state.account)
    return sum(p.earned for p in mine if isinstance(p, CourtPaid))


def lost(state: State) -> int:
    """The bonds that courts took from it."""
    mine = (p for p in state.trail.payments if p.account == state.account)
    return sum(p.amount for p in mine if isinstance(p, Slashed) and p.cause == Cause.DISMISSED)


def _unsettled(trail: Trail, account: bytes) -> Iterator[DisputeTrail]:
    """An account's disputes in rounds whose money has not moved."""
    for number, found in trail.rounds.items():
        settled = isinstance(found.outcome, RoundSettled) or number < trail.round or trail.over
        mine = (d for d in found.disputes.values() if d.opener == account)
        yield from () if settled else mine
