"""Every transaction of the task and every event it caused, in columns: a long run has tens of
thousands, and whatever is said once for all rows need not be said in each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.audit.ground import Ground
from sheaf.audit.plainly import Hashes, amount, moment, printable
from sheaf.nodes.respecification import Step
from sheaf.protocol import events as e
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Matter, Role, Standing
from sheaf.protocol.terms import Terms

OTHER = "a call by another contract"
TOLD_ELSEWHERE = (e.Committed, e.Revealed, e.Paid)
"""Events whose values stand in the rounds' contributions."""
LONGEST_BYTES, ADDRESS_BYTES = 64, 20
"""Longer byte strings are named by their SHA-256; so many are an address."""
NAMED: Mapping[str, type[IntEnum]] = {
    "phase": e.Phase,
    "cause": e.Cause,
    "role": Role,
    "matter": Matter,
    "standing": Standing,
}
TOKENS: Mapping[tuple[type[object], str], str] = {
    (e.TaskPublished, "deposit"): "reward",
    (e.Registered, "stake"): "stake",
    (e.Slashed, "amount"): "stake",
    (e.FeePaid, "amount"): "reward",
    (e.TaskEnded, "refund"): "reward",
    (e.SeatClaimed, "stake"): "stake",
    (e.SeatClaimed, "credit"): "reward",
    (e.Withdrawn, "amount"): "own",
    (CourtPaid, "returned"): "stake",
    (CourtPaid, "earned"): "stake",
}
"""The token that an amount is in; a withdrawal names its own."""


def chronology(ground: Ground) -> dict[str, Any]:
    """The timeline: blocks as [number, ledger time, transactions], the transactions' columns, the
    events' columns, and the details of failures and events by their row."""
    steps = ground.steps
    actions = [type(step.action).__name__ if step.action else OTHER for step in steps]
    happened = [event for step in steps for event in step.events]
    kinds = [_kind(event) for event in happened]
    action_names, kind_names = sorted(set(actions)), sorted(set(kinds))
    return {
        "sections": _sections(ground),
        "blocks": _blocks(ground),
        "actions": action_names,
        "transactions": {
            "hash": Hashes.of(step.transaction for step in steps).plain(),
            "sender": [ground.places[step.sender] for step in steps],
            "action": [action_names.index(action) for action in actions],
            "gas": [step.gas for step in steps],
            "events": [len(step.events) for step in steps],
        },
        "failures": [
            {"transaction": row, "reason": printable(str(step.failure))}
            for row, step in enumerate(steps)
            if step.failure is not None
        ],
        "kinds": kind_names,
        "events": [kind_names.index(kind) for kind in kinds],
        "details": _details(ground, happened),
        "others": len(ground.evidence.steps) - len(steps),
    }


def _kind(event: object) -> str:
    return "unreadable" if isinstance(event, str) else type(event).__name__


def _blocks(ground: Ground) -> list[list[int]]:
    made: list[list[int]] = []
    for step in ground.steps:
        if not made or made[-1][0] != step.block:
            made.append([step.block, step.time, 0])
        made[-1][2] += 1
    return made


def _sections(ground: Ground) -> list[dict[str, int]]:
    """Which transactions were sent in which round: 0 before the first, -1 after the task's end."""
    made: list[dict[str, int]] = []
    running = 0
    for step in ground.steps:
        if not made or made[-1]["round"] != running:
            made.append({"round": running, "transactions": 0})
        made[-1]["transactions"] += 1
        running = _round_after(ground, step, running)
    return made


def _round_after(ground: Ground, step: Step, running: int) -> int:
    for event in step.events:
        if getattr(event, "task", None) == ground.trail.task:
            if isinstance(event, e.CohortDrawn):
                running = event.round
            elif isinstance(event, e.TaskEnded):
                running = -1
    return running


def _details(ground: Ground, happened: list[object]) -> dict[str, list[Any]]:
    rows = [row for row, event in enumerate(happened) if not isinstance(event, TOLD_ELSEWHERE)]
    return {
        "event": rows,
        "actor": [_actor(ground, happened[row]) for row in rows],
        "text": [_text(ground, happened[row]) for row in rows],
    }


def _actor(ground: Ground, event: object) -> int | None:
    account = getattr(event, "account", None)
    return ground.places.get(account) if isinstance(account, bytes) else None


def _text(ground: Ground, event: object) -> str:
    """An event's arguments but for those that are said elsewhere, and zero hashes: "none"."""
    if isinstance(event, str):
        return printable(event)
    told = []
    for field in fields(event):  # type: ignore[arg-type]  # every event is a dataclass
        value = getattr(event, field.name)
        nothing = isinstance(value, Terms) or value == ZERO
        if field.name not in ("task", "account") and not nothing:
            told.append(f"{field.name} {_value(ground, event, field.name, value)}")
    return ", ".join(told)


def _value(ground: Ground, event: object, name: str, value: object) -> str:
    """An argument in words: names for numbers that stand for something, tokens for units."""
    kind = TOKENS.get((type(event), name))
    if kind and isinstance(value, int):
        return amount(value, ground.units[_token(ground, event) if kind == "own" else kind])
    if name in NAMED and isinstance(value, int):
        return NAMED[name](value).name.lower().replace("_", " ") if value else "none"
    if name == "deadline" and isinstance(value, int):
        return moment(value)
    if name == "bitmap" and isinstance(value, int):
        return hex(value)
    if isinstance(value, tuple):
        return f"{len(value)} of SHA-256 {hashlib.sha256(b''.join(value)).hexdigest()}"
    if not isinstance(value, bytes):
        return str(value)
    if len(value) == ADDRESS_BYTES:
        return str(to_checksum_address(value))
    if len(value) <= LONGEST_BYTES:
        return value.hex() or "empty"
    return f"{len(value)} bytes of SHA-256 {hashlib.sha256(value).hexdigest()}"


def _token(ground: Ground, event: object) -> str:
    reward = ground.evidence.book.reward_token
    return "reward" if getattr(event, "token", b"") == reward else "stake"
