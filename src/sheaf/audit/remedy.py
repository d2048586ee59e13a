"""The court's way to bytes that are missing: what asks for them, at what bond, until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sheaf.nodes.disputes import next_demand
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.actions import Demand, Descend, Roots
from sheaf.protocol.events import Phase, PhaseStarted
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import DISPUTED, Matter


@dataclass(frozen=True)
class Remedy:
    """What to send, about which round and attempt. It is taken before `until` (ledger time in
    seconds, as far as the ledger goes; later phases of the attempt move it), and `now` is the time
    of the ledger's last transaction; `open` says whether it would be taken then."""

    action: Demand | Descend
    round: int
    attempt: int
    until: int
    now: int
    open: bool


def remedy(evidence: Evidence, root: bytes) -> Iterator[Remedy]:
    """What asks for the bytes under a tree root: a `Demand` for a counted update, a `Descend` for a
    claimed model or state; nothing for what no attempt counted or claimed."""
    for number, found in sorted(evidence.trail.rounds.items()):
        for attempt in sorted(found.counted):
            for position, update, _ in found.counted_updates(attempt):
                demand = _demand(evidence, found, attempt, position) if update == root else None
                if demand is not None:
                    yield _placed(evidence, demand, number, attempt, DISPUTED)
        for attempt, claim in sorted(found.claims.items()):
            verdict = next(iter(evidence.trail.voters(claim).values()), None)
            if verdict is None or root not in (verdict.model_root, verdict.state_root):
                continue
            matter = Matter.MODEL if root == verdict.model_root else Matter.STATE
            roots = Roots(verdict.model_root, verdict.state_root, ZERO, ZERO)
            bond = evidence.trail.terms.economics.court_bond
            descend = Descend(evidence.trail.task, matter, roots, bond)
            yield _placed(evidence, descend, number, attempt, (Phase.CHALLENGE,))


def _demand(evidence: Evidence, found: RoundTrail, attempt: int, position: int) -> Demand | None:
    """For the next chunk that may be demanded; None where all were, and are on the ledger."""
    trail = evidence.trail
    disputes, leaves = found.disputes.values(), trail.terms.model.leaves
    bonds, left = next_demand(disputes, attempt, position, leaves)
    if not left:
        return None
    return Demand(trail.task, position, left[0], bonds * trail.terms.economics.court_bond)


def _placed(
    evidence: Evidence,
    action: Demand | Descend,
    round: int,
    attempt: int,
    phases: tuple[Phase, ...],
) -> Remedy:
    trail, now = evidence.trail, evidence.steps[-1].time
    started = [
        event.deadline
        for step in evidence.steps
        for event in step.events
        if isinstance(event, PhaseStarted)
        and (event.task, event.round, event.attempt) == (trail.task, round, attempt)
        and event.phase in phases
    ]
    running = (trail.round, trail.attempt) == (round, attempt) and trail.phase in phases
    # A demand is taken in the window's own time, a descent also in time that answers added.
    own = trail.first_deadline if isinstance(action, Demand) else trail.deadline
    until = own if running else max(started, default=0)
    return Remedy(action, round, attempt, until, now, running and now < until)
