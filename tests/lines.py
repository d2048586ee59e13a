"""What happened, in plain lines: one for each event that a vector wants to read.

A line names a participant `P0` and a member `A1.0` (attempt, slot); a time is how far ahead it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sheaf.protocol import court_events as c
from sheaf.protocol import events as e
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.state import Matter, Role, Standing


def lines(happened: Iterable[object], names: dict[bytes, str], now: int) -> Iterable[str]:
    """One line for each event that a vector wants to read; the others speak by the state."""
    for event in happened:
        if type(event) in TOLD:
            yield TOLD[type(event)](event, lambda a: names.get(a, "unnamed"), now)


def _what(event: Any) -> str:
    return Matter(event.matter).name


Name = Callable[[bytes], str]

TOLD: dict[type[object], Callable[[Any, Name, int], str]] = {
    e.Opened: lambda x, who, now: f"opened {Role(x.role).name} {x.index}",
    e.PhaseStarted: lambda x, who, now: (
        f"{Phase(x.phase).name} {x.round}.{x.attempt} in {x.deadline - now}"
    ),
    e.CohortDrawn: lambda x, who, now: f"cohort of {x.size}",
    e.Committed: lambda x, who, now: f"{who(x.account)} committed",
    e.Revealed: lambda x, who, now: f"{who(x.account)} revealed {x.samples}",
    e.Held: lambda x, who, now: f"{who(x.account)} holds {x.bitmap:b}",
    e.Counted: lambda x, who, now: f"counted {x.bitmap:b}",
    e.AttemptFailed: lambda x, who, now: f"attempt {x.attempt} failed {Cause(x.cause).name}",
    e.VerdictCommitted: lambda x, who, now: f"{who(x.account)} voted",
    e.VerdictRevealed: lambda x, who, now: f"{who(x.account)} opened",
    e.MissingRevealed: lambda x, who, now: f"{who(x.account)} misses P{x.position}/{x.chunk}",
    e.Claimed: lambda x, who, now: f"claimed in {x.attempt}",
    e.RoundAborted: lambda x, who, now: f"aborted {Cause(x.cause).name}",
    e.DuplicateFound: lambda x, who, now: f"P{x.later} repeats P{x.earlier}",
    e.Slashed: lambda x, who, now: f"{who(x.account)} -{x.amount} {Cause(x.cause).name}",
    e.Paid: lambda x, who, now: f"{who(x.account)} +{x.reward} bonus {x.bonus}",
    e.FeePaid: lambda x, who, now: f"{who(x.account)} fee {x.amount}",
    e.RoundSettled: lambda x, who, now: f"settled {x.round}",
    e.TaskEnded: lambda x, who, now: (
        f"{Phase(x.phase).name} refund {x.refund} {Cause(x.cause).name if x.cause else '-'}"
    ),
    e.SeatClaimed: lambda x, who, now: f"claims {x.stake} and {x.credit}",
    e.Withdrawn: lambda x, who, now: f"withdrew {x.amount}",
    c.Challenged: lambda x, who, now: (
        f"{who(x.account)} files {x.number}: {_what(x)} {x.coordinate} in {x.deadline - now}"
    ),
    c.Refuted: lambda x, who, now: f"{who(x.account)} refutes {x.number} at P{x.position}",
    c.Descended: lambda x, who, now: (
        f"{who(x.account)} asks {x.number}: {_what(x)} {x.level}/{x.index} in {x.deadline - now}"
    ),
    c.Unfolded: lambda x, who, now: (
        f"{who(x.account)} unfolds {x.number} into {len(x.hashes)} in {x.deadline - now}"
    ),
    c.Demanded: lambda x, who, now: (
        f"{who(x.account)} demands {x.number}: {_what(x)} P{x.position}/{x.chunk}"
        f" for {x.bonds} in {x.deadline - now}"
    ),
    c.Supplied: lambda x, who, now: (
        f"{who(x.account)} supplies {x.number}" + (f" in {x.deadline - now}" if x.deadline else "")
    ),
    c.Decided: lambda x, who, now: f"decided {x.number} {Standing(x.standing).name}",
    c.WindowExtended: lambda x, who, now: f"window {x.round}.{x.attempt} in {x.deadline - now}",
    c.CourtPaid: lambda x, who, now: (
        f"{who(x.account)} back {x.returned} earned {x.earned} by {x.number}"
    ),
}
