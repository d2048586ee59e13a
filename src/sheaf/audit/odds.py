"""Draws and their odds: what chance everybody had, and what the draws were made from."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sheaf.audit.ground import Ground
from sheaf.protocol import draws
from sheaf.protocol.state import Role
from sheaf.protocol.terms import Visibility

KNOWN = (
    "Whoever reveals last sees what a withheld reveal would change, so t openings in one hand "
    "choose among up to 2^t draws; withholding one's own is slashed.",
    "Whoever orders transactions while nonces are opened chooses where its own seats land: the "
    "odds of the first cohort are weaker than those of later ones.",
    "The odds hold for seats. Nothing shows that two seats are two parties.",
)
HIDDEN = "Updates are visible to committees only, so who sits was known before cohorts revealed."


def odds(ground: Ground) -> dict[str, Any]:
    """Each participant's chance of a round's cohort, each aggregator's of a first committee (exact
    ratios), the chance that an adversary fills a quorum, and what these do not cover."""
    trail, task = ground.trail, ground.evidence.task
    participants, aggregators = (len(trail.pools[role]) for role in Role)
    seats, size = task.committee.seats, min(task.cohort.goal, participants)
    hidden = trail.terms.cohort.visibility == Visibility.COMMITTEE
    return {
        "cohort": _draw(size, participants),
        "committee": {**_draw(seats, aggregators), "quorum": draws.quorum(seats)},
        "capture": {
            "adversary": list(task.committee.adversary),
            "stated_ppb": task.committee.capture_ppb,
            "stated_pool": task.committee.pool,
            "found_ppb": _capture(seats, aggregators, task.committee.adversary, size),
        },
        "known": [*KNOWN, *([HIDDEN] if hidden else [])],
    }


def _draw(drawn: int, pool: int) -> dict[str, Any]:
    chance = share(drawn, pool)
    return {"drawn": drawn, "pool": pool, "odds": [chance.numerator, chance.denominator]}


def share(drawn: int, pool: int) -> Fraction:
    """The chance of each of a `pool` to be among so many `drawn`; none of an empty pool."""
    return min(Fraction(1), Fraction(drawn, pool)) if pool else Fraction(0)


def _capture(seats: int, pool: int, adversary: tuple[int, int], cohort: int) -> int | None:
    """The odds in the pool that there was, not in the one that was stated."""
    return draws.capture_ppb(seats, pool, adversary, cohort) if pool >= seats else None
