"""The sponsor: publishes the task, closes phases whose deadline has passed, settles, evaluates.

Closing and settling are open to anyone; the sponsor does it because it wants the model. It waits
for what is open in court, and decides there what nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheaf.nodes import court
from sheaf.nodes.closing import close
from sheaf.nodes.effects import Effect, Evaluate, Evaluated, Secrets
from sheaf.nodes.seat import SeatState, fold_seat, send
from sheaf.protocol.actions import Publish, Report, Withdraw
from sheaf.protocol.events import Phase, RoundSettled


@dataclass(frozen=True)
class State(SeatState):
    """What the sponsor knows: the publication it wants, and metrics by round."""

    publication: Publish | None = None
    evaluates: bool = False
    evaluated: Evaluated | None = None


def fold(state: State, event: object) -> State:
    """The state after an event."""
    if isinstance(event, Evaluated):
        return replace(state, evaluated=event)
    return fold_seat(state, event)


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now; the sponsor has no secrets of its own."""
    trail = state.trail
    if trail.phase == Phase.NONE:
        return send(state, state.publication) if state.publication else []
    report = _report(state)
    if report:
        return report
    if trail.over:
        return _leave(state)
    decided = court.decisions(state, now, court.QUARTER)
    return decided or close(state, now)


def _report(state: State) -> list[Effect]:
    """Metrics of the initial model and of every settled round, once each."""
    trail = state.trail
    if not state.evaluates:
        return []
    settled = {r for r, found in trail.rounds.items() if isinstance(found.outcome, RoundSettled)}
    for number in sorted({0} | settled):
        if number in trail.metrics:
            continue
        if state.evaluated is not None and state.evaluated.round == number:
            return send(state, Report(trail.task, number, state.evaluated.metrics))
        return [Evaluate(number, trail.model_after(number, state.initial_model))]
    return []


def _leave(state: State) -> list[Effect]:
    """Withdraw the refund."""
    trail = state.trail
    token = trail.terms.economics.reward_token
    taken = any(w.account == state.account and w.token == token for w in trail.withdrawals)
    refund = trail.ended.refund if trail.ended else 0
    return send(state, Withdraw(token)) if refund and not taken else []
