"""What a run leaves: the summary object, the model file, the address book.

Everything but the fields named in `reported` follows from ledger and store; of those, metrics stand
on the ledger as the sponsor reported them, and the rest (`UNCHECKED`) is the run's own word.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import dag_cbor
from eth_utils.address import is_checksum_address, to_canonical_address, to_checksum_address

from sheaf.learning.evaluation import Counts, metric_named
from sheaf.ledger.federation import AddressBook, Reader, token_unit
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.events import (
    Cause,
    FeePaid,
    Paid,
    Phase,
    RoundAborted,
    RoundSettled,
)
from sheaf.protocol.task import Task
from sheaf.store.files import reachable, write_atomically

SUMMARY_VERSION = 1
SETUP, CLOSING = 0, -1
"""Where what belongs to no round is counted: before the first one, and leaving after the last."""
GAS_OF: dict[type[object], str] = {
    a.Commit: "commit",
    a.Reveal: "reveal",
    a.Hold: "hold",
    a.CommitVerdict: "verdict",
    a.RevealVerdict: "verdict",
    a.RevealMissing: "verdict",
    a.Settle: "settle",
}
COURT = "court"
"""Gas of the moves in court: in the row of a round in which there was one, and in no other."""
COURT_ACTIONS = (
    a.Challenge,
    a.Refute,
    a.Descend,
    a.Unfold,
    a.Pick,
    a.Demand,
    a.Supply,
    a.Decide,
)
PARTS = ("train", "ledger", "proof", "total")
MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class Form:
    """What a reported value must look like, since nothing says what it is."""

    words: str
    accepts: Callable[[Any], bool]


def _names(value: Any) -> bool:
    return isinstance(value, dict) and all(
        is_checksum_address(key) and isinstance(name, str) for key, name in value.items()
    )


def _seconds(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and tuple(value) == PARTS
        and all(type(s) is float and 0 <= s < inf for s in value.values())
    )


def _digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


_TEXT = Form("text", lambda value: isinstance(value, str))
UNCHECKED = {
    "run": _TEXT,
    "accounts": Form("a name by checksummed address", _names),
    "project": _TEXT,
    "journal": Form("64 hex digits", _digest),
    "rounds.seconds": Form(f"seconds of {', '.join(PARTS)}", _seconds),
}
REPORTED = (*UNCHECKED, "rounds.metrics", "metrics", "initial_metrics")


@dataclass
class Accounting:
    """Gas and seconds by round, or `SETUP` or `CLOSING`; `replayed` holds a claimed round's
    saturated and stalled coordinates."""

    gas: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    seconds: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    replayed: dict[int, tuple[int, int]] = field(default_factory=dict)

    def spent(self, action: Action, round: int, gas: int) -> None:
        """Count an action's gas; a report belongs to the round it is about."""
        if isinstance(action, a.Report):
            round = action.round
        elif isinstance(action, a.Claim | a.Withdraw):
            round = CLOSING
        usual = COURT if isinstance(action, COURT_ACTIONS) else "other"
        kind, row = GAS_OF.get(type(action), usual), self.gas[round]
        row[kind] = row.get(kind, 0) + gas

    def took(self, part: str, round: int, seconds: float) -> None:
        """Count seconds of `train`, `ledger` or `proof`."""
        row = self.seconds[round]
        row[part] = row.get(part, 0.0) + seconds


@dataclass(frozen=True)
class Place:
    """The ledger a summary is about: its head, and its tokens' symbols and decimals."""

    blocks: int
    head: bytes
    tokens: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, book: AddressBook, blocks: int, head: bytes, read: Reader, host: str = "") -> Place:
        """The place whose head is block `blocks`, asking the tokens for their units at `host`."""
        tokens = {"reward": book.reward_token, "stake": book.stake_token}
        return cls(blocks, head, {kind: token_unit(read, at, host) for kind, at in tokens.items()})


def round_row(trail: Trail, number: int, accounting: Accounting) -> dict[str, Any]:
    """The summary's object of one round."""
    found = trail.rounds[number]
    settled = found.outcome if isinstance(found.outcome, RoundSettled) else None
    attempt = max(found.counted, default=0)
    spent = accounting.gas[number]
    gas = {kind: spent.get(kind, 0) for kind in dict.fromkeys(GAS_OF.values())}
    gas |= {COURT: spent[COURT]} if COURT in spent else {}
    seconds = {part: accounting.seconds[number].get(part, 0.0) for part in PARTS[:-1]}
    saturated, stalled = accounting.replayed.get(number, (0, 0)) if settled else (0, 0)
    return {
        "round": number,
        "attempt": attempt,
        "outcome": _outcome(found),
        "model_root": settled.model_root.hex() if settled else None,
        "cohort": len(found.cohort),
        "committed": len(found.commits),
        "revealed": len(found.reveals),
        "counted": found.counted.get(attempt, 0).bit_count(),
        "metrics": metric_values(trail.metrics.get(number)),
        "gas": {**gas, "total": sum(spent.values())},
        "seconds": {k: round(v, 4) for k, v in seconds.items()}
        | {"total": round(sum(seconds.values()), 4)},
        "saturated": saturated,
        "stalled": stalled,
    }


def _outcome(found: RoundTrail) -> str:
    """`settled`, `running`, or `aborted` with its cause."""
    if isinstance(found.outcome, RoundAborted):
        return f"aborted: {Cause(found.outcome.cause).name.lower()}"
    return "settled" if found.outcome else "running"


def metric_counts(report: bytes) -> dict[str, Counts]:
    """The counts in a report of the sponsor's. Raises `InvalidDocument` for anything else."""
    try:
        plain: Any = dag_cbor.decode(report)
    except Exception as error:  # the codec raises its own tree, and built-in errors on short input
        raise InvalidDocument(f"a metrics report is not dag-cbor: {error}") from error
    rows = plain.items() if isinstance(plain, dict) else [("", plain)]
    for name, row in rows:
        counts = isinstance(row, list) and len(row) == 3 and all(type(n) is int for n in row)
        if not counts:
            raise InvalidDocument(f"a metrics report: {name!r}: found {row!r}, accepted: 3 counts")
    return {name: Counts(*row) for name, row in rows}


def metric_values(report: bytes | None) -> dict[str, float]:
    """What a report's counts come to, rounded to 6 places for people."""
    counts = {} if report is None else metric_counts(report)
    return {n: round(float(metric_named(n).value(c)), 6) for n, c in counts.items()}


def payments(trail: Trail) -> dict[str, dict[str, int]]:
    """Money by checksummed address, each in its token's own unit: `payouts` in the reward token,
    `bonuses` (a share of others' slashes, and what was earned in court) and `slashed` (bonds lost
    in court, too) in the stake token. A bond that returned is neither."""
    paid: dict[str, dict[str, int]] = {"payouts": {}, "bonuses": {}, "slashed": {}}

    def add(kind: str, account: bytes, amount: int) -> None:
        who, row = to_checksum_address(account), paid[kind]
        if amount:
            row[who] = row.get(who, 0) + amount

    for event in trail.payments:
        if isinstance(event, Paid):
            add("payouts", event.account, event.reward)
            add("bonuses", event.account, event.bonus)
        elif isinstance(event, CourtPaid):
            add("bonuses", event.account, event.earned)
        else:
            kind = "payouts" if isinstance(event, FeePaid) else "slashed"
            add(kind, event.account, event.amount)
    return paid


def final_root(trail: Trail, task: Task) -> bytes:
    """Tree root of the model the task ended with."""
    return trail.model_after(trail.round, task.model.initial)


def status_and_cause(trail: Trail) -> tuple[str, str | None]:
    """`settled` for a task that is done and settled a round, otherwise `ended` and why: the task's
    own cause or, where it has none, the last aborted round's."""
    outcomes = [found.outcome for _, found in sorted(trail.rounds.items())]
    if trail.phase == Phase.DONE and any(isinstance(o, RoundSettled) for o in outcomes):
        return "settled", None
    causes = [o.cause for o in outcomes if isinstance(o, RoundAborted)]
    if trail.ended and trail.ended.cause:
        causes.append(trail.ended.cause)
    return "ended", Cause(causes[-1]).name.lower() if causes else None


def recomputed(task: Task, trail: Trail, accounting: Accounting, place: Place) -> dict[str, Any]:
    """The part of a summary that follows from ledger and store."""
    ended, last = trail.ended, max(trail.metrics, default=None)
    status, cause = status_and_cause(trail)
    rows = [round_row(trail, number, accounting) for number in sorted(trail.rounds)]
    for row in rows:
        del row["seconds"]
    return {
        "version": SUMMARY_VERSION,
        "task": str(task.cid),
        "task_id": trail.task.hex(),
        "name": task.name,
        "status": status,
        "cause": cause,
        "rounds": rows,
        "model": {
            "root": trail.model_header(final_root(trail, task)).hex(),
            "path": MODEL_FILE,
        },
        "metrics": metric_values(trail.metrics[last]) if last is not None else {},
        "initial_metrics": metric_values(trail.metrics.get(0)),
        **payments(trail),
        "refund": ended.refund if ended else 0,
        "capture_ppb": task.committee.capture_ppb,
        "adversary": list(task.committee.adversary),
        "seats": task.committee.seats,
        "pool": task.committee.pool,
        "goal": task.cohort.goal,
        "setup_gas": sum(accounting.gas[SETUP].values()),
        "closing_gas": sum(accounting.gas[CLOSING].values()),
        "blocks": place.blocks,
        "head": place.head.hex(),
        "tokens": place.tokens,
        "privacy": {"mechanism": "none"},
        "reported": list(REPORTED),
    }


def book_plain(book: AddressBook, task: bytes) -> dict[str, Any]:
    """Where a run's contracts are, as JSON; `verify` starts here."""
    return {
        "chain_id": book.chain_id,
        "federation": to_checksum_address(book.federation),
        "court": to_checksum_address(book.court),
        "vault": to_checksum_address(book.vault),
        "stake_token": to_checksum_address(book.stake_token),
        "reward_token": to_checksum_address(book.reward_token),
        "task": task.hex(),
    }


def read_book(path: Path) -> tuple[AddressBook, bytes]:
    """What `book_plain` wrote, and the task's id. Raises `InvalidDocument` for anything else."""
    with reachable(path):
        content = path.read_bytes()
    try:
        plain: Any = json.loads(content)
        names = ("federation", "court", "vault", "stake_token", "reward_token")
        addresses = [bytes(to_canonical_address(plain[name])) for name in names]
        chain, task = plain["chain_id"], bytes.fromhex(plain["task"])
        if type(chain) is not int or not 0 <= chain < 2**64 or len(task) != 32:
            raise ValueError(f"found chain {chain!r:.80} and task {task.hex():.80}")
        book = AddressBook(chain, *addresses)
        if json_text(book_plain(book, task)).encode() == content:
            return book, task
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidDocument(f"{path} is not an address book: {error}") from error
    raise InvalidDocument(f"{path} is not an address book as a run writes it")


def json_text(content: Any) -> str:
    """The one text in which a run's files hold `content`."""
    return json.dumps(content, indent=2) + "\n"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_atomically(path, json_text(content).encode())
