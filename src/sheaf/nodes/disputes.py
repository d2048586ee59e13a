"""Disputes as a trail knows them: folded from the court's events, one record each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sheaf.protocol.court_events import (
    Challenged,
    Decided,
    Demanded,
    Descended,
    Refuted,
    Supplied,
    Unfolded,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import inclusion_path
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import NOBODY, Matter, Standing
from sheaf.protocol.withholding import STEP_LEVELS

CourtEvent = Challenged | Refuted | Descended | Unfolded | Demanded | Supplied | Decided


@dataclass(frozen=True)
class DisputeTrail:
    """One challenge, descent or demand of an attempt, as it stands.

    `at` is a coordinate once a `column` is filed, before that the index of a node at `level`, or of
    a chunk. A descent begins at level `top`; `hashes` are those that its steps posted, the highest
    first. `chunk` is what was supplied, `answerer` who moved last against the opener (zero:
    nobody).
    """

    attempt: int
    opener: bytes
    matter: Matter
    standing: Standing
    deadline: int
    at: int
    level: int = 0
    top: int = 0
    node: bytes = ZERO
    hashes: tuple[tuple[bytes, ...], ...] = ()
    column: bytes = b""
    position: int = 0
    bonds: int = 1
    chunk: bytes = b""
    answerer: bytes = NOBODY

    @property
    def pending(self) -> bool:
        """Whether it waits for a move, unless its attempt has ended."""
        return self.standing <= Standing.SERVED

    @property
    def is_demand(self) -> bool:
        """Whether it is about a counted update."""
        return self.matter >= Matter.UPDATE

    @property
    def overturns(self) -> bool:
        """Whether the claim fell by it."""
        return self.standing == Standing.UPHELD and not self.is_demand

    @property
    def served(self) -> Opening:
        """The chunk that a descent came to, with its path to the claimed root: the siblings among
        what was posted, from the last step up."""
        path: list[bytes] = []
        index, last = self.at, len(self.hashes) - 1
        for step in range(last, -1, -1):
            levels = min(STEP_LEVELS, self.top - STEP_LEVELS * step)
            path += inclusion_path(self.hashes[step], index % (1 << levels))
            index >>= levels
        return Opening(self.chunk, tuple(path))


def next_demand(
    disputes: Iterable[DisputeTrail], attempt: int, position: int, leaves: int
) -> tuple[int, list[int]]:
    """What an outsider may demand next of an update in an attempt: for how many bonds, and which of
    its chunks nobody supplied or waits for. The last one first: of an array of another length than
    the terms say, that one cannot be supplied."""
    on_it = [d for d in disputes if d.is_demand and d.position == position]
    made = sum(d.attempt == attempt and d.matter == Matter.UPDATE for d in on_it)
    known = {d.at for d in on_it if d.chunk or (d.pending and d.attempt == attempt)}
    return made + 1, [chunk for chunk in reversed(range(leaves)) if chunk not in known]


def fold_dispute(
    disputes: Mapping[int, DisputeTrail], event: CourtEvent, attempt: int
) -> dict[int, DisputeTrail]:
    """The round's disputes, by number, after an event in an attempt."""
    found = disputes.get(event.number)
    return {**disputes, event.number: _after(found, event, attempt)}


def _after(found: DisputeTrail | None, event: CourtEvent, attempt: int) -> DisputeTrail:
    match event:
        case Challenged():
            filed = found or _opened(event, attempt)
            moved = replace(filed, standing=Standing.FILED, deadline=event.deadline)
            return replace(moved, at=event.coordinate, column=event.column)
        case Descended():
            asked = found or replace(_opened(event, attempt), top=event.level)
            moved = replace(asked, standing=Standing.ASKED, deadline=event.deadline)
            return replace(moved, at=event.index, level=event.level, node=event.node)
        case Demanded():
            due = replace(_opened(event, attempt), at=event.chunk, position=event.position)
            return replace(due, bonds=event.bonds)
    if found is None:
        raise ValueError(f"found {event}, which goes with no dispute that was opened")
    match event:
        case Refuted():
            return replace(found, standing=Standing.DISMISSED, answerer=event.account)
        case Unfolded():
            posted, move = (*found.hashes, event.hashes), (Standing.UNFOLDED, event.deadline)
            moved = replace(found, standing=move[0], deadline=move[1], hashes=posted)
            return replace(moved, answerer=event.account)
        case Supplied():
            given = replace(found, chunk=event.chunk, answerer=event.account)
            if found.is_demand:
                return replace(given, standing=Standing.DISMISSED)
            return replace(given, standing=Standing.SERVED, deadline=event.deadline)
        case Decided():
            return replace(found, standing=Standing(event.standing))


def _opened(event: Challenged | Descended | Demanded, attempt: int) -> DisputeTrail:
    matter = Matter(event.matter)
    return DisputeTrail(attempt, event.account, matter, Standing.ASKED, event.deadline, 0)
