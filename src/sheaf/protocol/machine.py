"""The machine: applies one action to a federation, or raises `Rejected` and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheaf.protocol import actions as a
from sheaf.protocol import (
    attempts,
    dispute,
    docket,
    registration,
    rounds,
    settlement,
    withholding,
)
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.state import Env, Federation, Task

Transition = Callable[[Federation, Task, int], None]

CLOSINGS: dict[Phase, Transition] = {
    Phase.REGISTER: registration.close_registration,
    Phase.OPEN: registration.close_opening,
    Phase.COMMIT: rounds.close_commits,
    Phase.REVEAL: rounds.close_reveals,
    Phase.HOLD: attempts.close_holds,
    Phase.VERDICT_COMMIT: attempts.close_verdict_commits,
    Phase.VERDICT_REVEAL: attempts.close_verdicts,
    Phase.CHALLENGE: docket.close_window,
}


def advance(federation: Federation, env: Env, action: a.Advance) -> None:
    """Close the running phase once its deadline has passed. A round is ended by `settle`: only a
    void attempt's CHALLENGE is closed here."""
    task = federation.task(action.task)
    settles = task.phase == Phase.CHALLENGE and not task.current.void
    if task.phase not in CLOSINGS or settles:
        raise Rejected(Reason.WRONG_PHASE)
    if env.now < task.deadline:
        raise Rejected(Reason.NOT_YET)
    CLOSINGS[task.phase](federation, task, env.now)


HANDLERS: dict[type[object], Callable[[Federation, Env, Any], None]] = {
    a.Publish: registration.publish,
    a.Register: registration.register,
    a.Open: registration.open_seat,
    a.Advance: advance,
    a.Commit: rounds.commit,
    a.Reveal: rounds.reveal,
    a.Report: rounds.report,
    a.Hold: attempts.hold,
    a.CommitVerdict: attempts.commit_verdict,
    a.RevealVerdict: attempts.reveal_verdict,
    a.RevealMissing: attempts.reveal_missing,
    a.Duplicate: settlement.duplicate,
    a.Settle: settlement.settle,
    a.Claim: settlement.claim,
    a.Withdraw: settlement.withdraw,
    a.Challenge: dispute.challenge,
    a.Refute: dispute.refute,
    a.Descend: withholding.descend,
    a.Unfold: withholding.unfold,
    a.Pick: withholding.pick,
    a.Demand: withholding.demand,
    a.Supply: withholding.supply,
    a.Decide: docket.decide,
}


def apply(federation: Federation, env: Env, action: a.Action) -> list[object]:
    """Apply `action` sent by `env.sender` at `env.now`; returns the events it caused."""
    before = len(federation.events)
    HANDLERS[type(action)](federation, env, action)
    return federation.events[before:]
