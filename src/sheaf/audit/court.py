"""What happened in court: each dispute with its evidence and the transactions that moved it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sheaf.audit.ground import Ground
from sheaf.nodes.chronicle import ruling, subject
from sheaf.nodes.disputes import DisputeTrail
from sheaf.protocol import actions as a
from sheaf.protocol.dispute import combined, entries, weigh
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import NOBODY

Key = tuple[int, int]


def disputes(ground: Ground) -> list[dict[str, Any]]:
    """All disputes, in order of round and number."""
    moves = _moves(ground)
    return [
        _dispute(ground, (found.number, number), dispute, moves[found.number, number])
        for found in ground.rounds
        for number, dispute in sorted(found.disputes.items())
    ]


def _dispute(ground: Ground, key: Key, dispute: DisputeTrail, rows: list[int]) -> dict[str, Any]:
    found = ground.trail.rounds[key[0]]
    closed = dispute.attempt in found.failed or not dispute.pending
    return {
        "round": key[0],
        "number": key[1],
        "attempt": dispute.attempt,
        "opener": ground.places[dispute.opener],
        "about": subject(dispute),
        "coordinate_or_chunk": dispute.at,
        "update": dispute.position if dispute.is_demand else None,
        "bonds": dispute.bonds,
        "deadline": dispute.deadline,
        "ruling": ruling(dispute) if closed else "open",
        "standing": dispute.standing.name.lower(),
        "answerer": None if dispute.answerer == NOBODY else ground.places[dispute.answerer],
        "column": list(_entries(dispute.column)),
        "weighed": _weighed(ground, key[0], dispute, rows),
        "openings": [_opening(opening) for row in rows for opening in _shown(ground, row)],
        "posted": [hash.hex() for step in dispute.hashes for hash in step],
        "supplied": _blob(dispute.chunk) if dispute.chunk else None,
        "transactions": rows,
    }


def _weighed(
    ground: Ground, round: int, dispute: DisputeTrail, rows: list[int]
) -> dict[str, Any] | None:
    """What a challenge held against each other at its coordinate, computed again; None where none
    was filed. Values are lattice integers or, of an optimiser's state, M and V."""
    actions = [ground.steps[row].action for row in rows]
    filed = next((action for action in actions if isinstance(action, a.Challenge)), None)
    if filed is None:
        return None
    found, model = ground.trail.rounds[round], ground.trail.terms.model
    counted = found.counted_updates(dispute.attempt)
    samples = [each for _, _, each in counted]
    held = weigh(model, filed, combined(model, filed.column, samples))
    return {
        "actor": [ground.places[found.cohort[position]] for position, _, _ in counted],
        "samples": samples,
        "entry": entries(filed.column),
        "aggregate": held.aggregate,
        **{
            name: [str(value) for value in getattr(held, name)]
            for name in ("old", "state", "computed", "claimed")
        },
    }


def _entries(column: bytes) -> Iterator[int]:
    """The filed entries: one int32 for each counted update, in cohort order."""
    for start in range(0, len(column) - 3, 4):
        yield int.from_bytes(column[start : start + 4], "little", signed=True)


def _shown(ground: Ground, row: int) -> tuple[Opening, ...]:
    """The openings that a transaction brought before the court."""
    action = ground.steps[row].action
    if isinstance(action, a.Challenge):
        return action.openings
    return (action.opening,) if isinstance(action, a.Refute | a.Supply) else ()


def _opening(opening: Opening) -> dict[str, Any]:
    return {**_blob(opening.chunk), "path": [hash.hex() for hash in opening.path]}


def _blob(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _moves(ground: Ground) -> dict[Key, list[int]]:
    """Rows of the transactions whose events name a dispute."""
    made: dict[Key, list[int]] = defaultdict(list)
    for row, step in enumerate(ground.steps):
        for event in step.events:
            if getattr(event, "task", None) != ground.trail.task:
                continue
            key = getattr(event, "round", None), getattr(event, "number", None)
            if isinstance(key[0], int) and isinstance(key[1], int):
                rows = made[key[0], key[1]]
                if row not in rows[-1:]:
                    rows.append(row)
    return made
