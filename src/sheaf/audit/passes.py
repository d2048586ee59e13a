"""The rounds: who was drawn, what each sent and got, what the committees did, which model came out.

A pass of the federation is one of its rounds; what an update became is in its row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sheaf.audit.ground import Ground, in_model
from sheaf.audit.plainly import Hashes
from sheaf.nodes.summary import metric_values
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol import events as e
from sheaf.protocol.hashing import ZERO

Rows = Mapping[tuple[int, int], int]
"""The transaction's row by (round, cohort position), counted from the round's first."""


def passes(ground: Ground) -> list[dict[str, Any]]:
    """Every round that began, in order."""
    sent = _transactions(ground)
    paid = {
        (payment.round, payment.account): payment
        for payment in ground.trail.payments
        if isinstance(payment, e.Paid)
    }
    times = _times(ground)
    return [_pass(ground, found, sent, paid, times) for found in ground.rounds]


def _pass(
    ground: Ground,
    found: RoundTrail,
    sent: Mapping[type[object], Rows],
    paid: Mapping[tuple[int, bytes], e.Paid],
    times: Mapping[int, tuple[int, int]],
) -> dict[str, Any]:
    aborted = found.outcome if isinstance(found.outcome, e.RoundAborted) else None
    settled = isinstance(found.outcome, e.RoundSettled)
    reported = ground.trail.metrics.get(found.number)
    began, ended = times[found.number]
    return {
        "round": found.number,
        "outcome": "settled" if settled else "aborted" if aborted else "running",
        "cause": e.Cause(aborted.cause).name.lower() if aborted else None,
        "began": began,
        "ended": ended,
        "seed": found.seed.hex(),
        "committee_key": found.committee_key.hex() if found.committee_key != ZERO else None,
        "cohort": len(found.cohort),
        "committed": len(found.commits),
        "revealed": len(found.reveals),
        "counted": len(in_model(found)),
        "attempts": _attempts(ground, found),
        "model": _model(ground, found) if settled else None,
        "metrics": metric_values(reported),
        "gas": dict(sorted(ground.gas[found.number].items())),
        "contributions": _contributions(ground, found, sent, paid),
    }


def _attempts(ground: Ground, found: RoundTrail) -> list[dict[str, Any]]:
    """Committees with what each member did, and what became of their claim."""
    begun = {*found.counted, *found.failed, *(attempt for attempt, _ in found.holds)}
    return [_attempt(ground, found, attempt) for attempt in sorted(begun)]


def _attempt(ground: Ground, found: RoundTrail, attempt: int) -> dict[str, Any]:
    members = ground.trail.committee(found.number, attempt)
    claim = found.claims.get(attempt)
    agreed = ground.trail.voters(claim) if claim else {}
    failure = next((f for f in found.failures if f.attempt == attempt), None)
    stands = claim is not None and failure is None
    return {
        "attempt": attempt,
        "members": [ground.places[account] for account in members],
        "held": [(attempt, slot) in found.holds for slot in range(len(members))],
        "verdict": [_verdict(found, (attempt, slot)) for slot in range(len(members))],
        "agreed": [slot in agreed for slot in range(len(members))],
        "receipt": [_receipt(found, (attempt, slot)) for slot in range(len(members))],
        "counted": list(found.counted_positions(attempt)),
        "claim": claim.claim.hex() if claim else None,
        "outcome": e.Cause(failure.cause).name.lower() if failure else _standing(stands, found),
    }


def _standing(stands: bool, found: RoundTrail) -> str:
    return "settled" if stands and isinstance(found.outcome, e.RoundSettled) else "running"


def _verdict(found: RoundTrail, seat: tuple[int, int]) -> str:
    opened = found.verdicts.get(seat)
    if isinstance(opened, e.MissingRevealed):
        return "missing"
    if opened is not None:
        return "revealed"
    return "committed" if seat in found.verdict_commits else "none"


def _receipt(found: RoundTrail, seat: tuple[int, int]) -> str | None:
    opened = found.verdicts.get(seat)
    return opened.receipt.hex() if opened is not None and opened.receipt != ZERO else None


def _model(ground: Ground, found: RoundTrail) -> dict[str, Any]:
    trail, initial = ground.trail, ground.evidence.task.model.initial
    assert isinstance(found.outcome, e.RoundSettled)
    before = [n for n in range(1, found.number) if _settled(ground, n)]
    state = trail.state_after(found.number)
    return {
        "root": trail.model_after(found.number, initial).hex(),
        "header": found.outcome.model_root.hex(),
        "state": state.hex() if state != ZERO else None,
        "base_round": max(before, default=0),
    }


def _settled(ground: Ground, number: int) -> bool:
    return isinstance(ground.trail.rounds[number].outcome, e.RoundSettled)


def _contributions(
    ground: Ground,
    found: RoundTrail,
    sent: Mapping[type[object], Rows],
    paid: Mapping[tuple[int, bytes], e.Paid],
) -> dict[str, Any]:
    """Columns by cohort position: who, in which transactions, with how many samples, whether the
    update went into the model, what was paid for it (decimal strings in the tokens' own units)."""
    places, counted = range(len(found.cohort)), set(in_model(found))
    payments = [paid.get((found.number, account)) for account in found.cohort]
    reveals = [found.reveals.get(p) for p in places]
    commits = [found.commits.get(p) for p in places]
    receipts = [r.receipt if r else ZERO for r in reveals]
    return {
        "actor": [ground.places[account] for account in found.cohort],
        "commit": [sent[e.Committed].get((found.number, p)) for p in places],
        "reveal": [sent[e.Revealed].get((found.number, p)) for p in places],
        "samples": [r.samples if r else 0 for r in reveals],
        "counted": [int(p in counted) for p in places],
        "reward": [str(p.reward) if p else "0" for p in payments],
        "bonuses": _bonuses(payments),
        "dropped": sorted(found.dropped),
        "duplicates": sorted(found.duplicates),
        "commitment": Hashes.of(c.commitment if c else ZERO for c in commits).plain(),
        "root": Hashes.of(r.root if r else ZERO for r in reveals).plain(),
        "receipt": Hashes.of(receipts).plain() if any(r != ZERO for r in receipts) else None,
    }


def _bonuses(payments: Sequence[e.Paid | None]) -> list[dict[str, Any]]:
    """Shares of others' slashes with the positions that got them: all of a round are equal, but for
    a seat too rich to hold its own."""
    shares: dict[int, list[int]] = defaultdict(list)
    for position, payment in enumerate(payments):
        if payment and payment.bonus:
            shares[payment.bonus].append(position)
    return [{"units": str(units), "positions": places} for units, places in shares.items()]


def _transactions(ground: Ground) -> dict[type[object], dict[tuple[int, int], int]]:
    made: dict[type[object], dict[tuple[int, int], int]] = {e.Committed: {}, e.Revealed: {}}
    first = 0
    for row, step in enumerate(ground.steps):
        for event in step.events:
            if getattr(event, "task", None) != ground.trail.task:
                continue
            if isinstance(event, e.CohortDrawn):
                first = row + 1
            elif isinstance(event, e.Committed | e.Revealed):
                made[type(event)][event.round, event.position] = row - first
    return made


def _times(ground: Ground) -> dict[int, tuple[int, int]]:
    """First and last ledger time (seconds) of each round."""
    made: dict[int, tuple[int, int]] = {}
    running = 0
    for step in ground.steps:
        for event in step.events:
            if isinstance(event, e.CohortDrawn) and event.task == ground.trail.task:
                running = event.round
                made[running] = (step.time, step.time)
        if running:
            made[running] = (made[running][0], step.time)
        if any(isinstance(event, e.TaskEnded) for event in step.events):
            running = 0
    return made
