"""What happened in a task, as far as it does not hang on where it happened: hashes of the protocol
are bound to a chain, a federation and a task, so that of two tasks none of these agree, but who
took part, what each update was, which ones counted and which models came out may.

A draw hangs on the task's id, too: where cohorts are smaller than the pool they differ by that.
"""

from __future__ import annotations

from collections.abc import Iterator

from eth_utils.address import to_checksum_address

from sheaf.audit.histories import History
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol import events as e

Entry = tuple[str, str, str]
"""Where, which field, and its value."""


def course(history: History) -> Iterator[Entry]:
    """Everything in order: seats, then round by round what was drawn, sent, counted and made."""
    trail = history.trail
    for account, seat in sorted(trail.seats.items()):
        yield f"seat of {_who(account)}", "role", seat.role.name.lower()
        yield f"seat of {_who(account)}", "stake", str(seat.stake)
    for number, found in sorted(trail.rounds.items()):
        yield from _round(trail, number, found)
    ended = trail.ended
    yield "the end", "reached", "no" if ended is None else "yes"
    if ended is not None:
        yield "the end", "cause", e.Cause(ended.cause).name.lower() if ended.cause else "none"
        yield "the end", "refund", str(ended.refund)


def _round(trail: Trail, number: int, found: RoundTrail) -> Iterator[Entry]:
    where = f"round {number}"
    yield where, "cohort", _listed(found.cohort)
    updates = sorted(found.reveals.values(), key=lambda reveal: reveal.account)
    yield where, "revealed by", _listed(reveal.account for reveal in updates)
    for reveal in updates:
        yield f"{where}, update of {_who(reveal.account)}", "tree root", reveal.root.hex()
        yield f"{where}, update of {_who(reveal.account)}", "samples", str(reveal.samples)
    for attempt in sorted(found.counted):
        counted = (found.cohort[position] for position in found.counted_positions(attempt))
        yield f"{where}, attempt {attempt}", "counted", _listed(counted)
    for attempt, claim in sorted(found.claims.items()):
        verdict = next(iter(trail.voters(claim).values()), None)
        root = verdict.model_root.hex() if isinstance(verdict, e.VerdictRevealed) else "none"
        yield f"{where}, attempt {attempt}", "claimed model", root
    for place, dispute in sorted(found.disputes.items()):
        yield f"{where}, dispute {place}", "opened by", _who(dispute.opener)
        yield f"{where}, dispute {place}", "standing", dispute.standing.name.lower()
    outcome = found.outcome
    aborted = isinstance(outcome, e.RoundAborted)
    told = "running" if outcome is None else "aborted" if aborted else "settled"
    yield where, "outcome", told


def _listed(accounts: Iterator[bytes] | tuple[bytes, ...]) -> str:
    return ", ".join(sorted(map(_who, accounts))) or "nobody"


def _who(account: bytes) -> str:
    return str(to_checksum_address(account))
