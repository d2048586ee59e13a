"""What still has to be trusted once a run was verified, in the terms of its own task."""

from __future__ import annotations

from collections.abc import Sequence

from sheaf.protocol import draws
from sheaf.protocol.terms import Terms, Visibility

Assumption = tuple[str, str]
"""What it is about, and who must have done what for it to hold."""


def remaining(terms: Terms) -> Sequence[Assumption]:
    """The assumptions that a verification does not replace, the most important first."""
    seats, move = terms.cohort.committee, _seconds(terms.schedule.challenge_s)
    quorum = draws.quorum(seats)
    hidden = terms.cohort.visibility == Visibility.COMMITTEE
    watcher = "one honest drawn member" if hidden else "one honest challenger"
    return (
        (
            "integrity",
            f"{watcher} that held the counted updates and could send within {move}: then a wrong "
            f"claim falls, whoever voted for it, all {seats} seats included",
        ),
        (
            "availability",
            "one honest holder of each counted update among the more than a third of "
            f"{seats} seats that attested it, from the close of HOLD until the round settled",
        ),
        (
            "progress",
            f"{quorum} honest seats of {seats} in one of two attempts: fewer can delay a round or "
            "make it abort, and are slashed for what is proven",
        ),
        (
            "the chain",
            f"that it is final, and not congested for a whole move of {move}: what one side could "
            "not send in that time counts as silence",
        ),
        (
            "the data",
            "that updates come from training on real data: nothing on the ledger shows it",
        ),
    )


def _seconds(seconds: int) -> str:
    return f"{seconds:,} second{'' if seconds == 1 else 's'}"
