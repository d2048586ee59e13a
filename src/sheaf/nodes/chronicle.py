"""What happens in court, in plain lines: for whoever watches a run or reads a verification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.nodes.disputes import DisputeTrail
from sheaf.nodes.trail import Trail
from sheaf.protocol import court_events as c
from sheaf.protocol.state import Matter, Standing

WHAT = {
    Matter.MODEL: "the claimed model",
    Matter.STATE: "the claimed optimiser state",
    Matter.UPDATE: "an update",
    Matter.MISSING: "an update",
}
Names = Mapping[bytes, str]


def line(event: object, trail: Trail, names: Names) -> str:
    """An event of this task's court in one line, after `trail` took it in; "" for any other."""
    words = _WORDS.get(type(event))
    found = trail.rounds.get(getattr(event, "round", 0))
    if words is None or found is None or getattr(event, "task", None) != trail.task:
        return ""
    number = getattr(event, "number", 0)
    told = words(event, found.disputes[number], lambda account: _who(account, names))
    return f"dispute {number}: {told}"


def subject(dispute: DisputeTrail) -> str:
    """What a dispute is about."""
    if dispute.is_demand:
        return f"chunk {dispute.at} of update {dispute.position}"
    if dispute.column:
        return f"{WHAT[dispute.matter]} at coordinate {dispute.at}"
    return WHAT[dispute.matter]


def ruling(dispute: DisputeTrail) -> str:
    """What became of a dispute."""
    if dispute.pending:
        return "closed with its attempt"
    if dispute.standing == Standing.MOOT:
        return "moot: the update was dropped already"
    if dispute.is_demand:
        answered = "answered: the chunk is on the ledger"
        return answered if dispute.standing == Standing.DISMISSED else "upheld: update dropped"
    return "dismissed" if dispute.standing == Standing.DISMISSED else "upheld: claim overturned"


def _who(account: bytes, names: Names) -> str:
    return names.get(account) or to_checksum_address(account)


Who = Callable[[bytes], str]


def _descended(event: c.Descended, dispute: DisputeTrail, who: Who) -> str:
    below = f"what is below node {event.index} at level {event.level}"
    asked = f"chunk {event.index}" if event.level == 0 else below
    return f"{who(event.account)} asks for {asked} of {WHAT[dispute.matter]}"


_WORDS: dict[type[object], Callable[[Any, DisputeTrail, Who], str]] = {
    c.Challenged: lambda e, d, who: f"{who(e.account)} challenges {subject(d)}",
    c.Refuted: lambda e, d, who: f"{who(e.account)} refutes the entry of update {e.position}",
    c.Descended: _descended,
    c.Unfolded: lambda e, d, who: f"{who(e.account)} posts {len(e.hashes)} hashes",
    c.Demanded: lambda e, d, who: f"{who(e.account)} demands {subject(d)}",
    c.Supplied: lambda e, d, who: f"{who(e.account)} supplies {len(e.chunk)} bytes",
    c.Decided: lambda e, d, who: ruling(d),
}
