"""What a run leaves: the summary object, the model file, the address book.

Everything but the fields named in `reported` can be recomputed from ledger and store; metrics stand
on the ledger as the sponsor reported them.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dag_cbor
from eth_utils.address import to_checksum_address
from safetensors.numpy import save

from sheaf.learning import lattice
from sheaf.learning.evaluation import Counts, metric_named
from sheaf.learning.layout import Layout
from sheaf.ledger.federation import AddressBook
from sheaf.nodes.aggregation import Vector, read_vector
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.events import Cause, FeePaid, Paid, Phase, RoundAborted, RoundSettled, Slashed
from sheaf.protocol.task import Task

if TYPE_CHECKING:
    from sheaf.nodes.cast import Cast

SUMMARY_VERSION = 1
GAS_OF: dict[type[object], str] = {
    a.Commit: "commit",
    a.Reveal: "reveal",
    a.Hold: "hold",
    a.CommitVerdict: "verdict",
    a.RevealVerdict: "verdict",
    a.RevealMissing: "verdict",
    a.Settle: "settle",
}
REPORTED = ("rounds.seconds", "rounds.metrics", "metrics", "initial_metrics", "accounts", "project")


@dataclass
class Accounting:
    """Gas and seconds by round, round 0 being everything before the first; `replayed` holds a
    claimed round's saturated and stalled coordinates."""

    gas: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    seconds: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    replayed: dict[int, tuple[int, int]] = field(default_factory=dict)

    def spent(self, action: Action, round: int, gas: int) -> None:
        """Count an action's gas; a report belongs to the round it is about."""
        if isinstance(action, a.Report):
            round = action.round
        kind, row = GAS_OF.get(type(action), "other"), self.gas[round]
        row[kind] = row.get(kind, 0) + gas

    def took(self, part: str, round: int, seconds: float) -> None:
        """Count seconds of `train`, `ledger` or `proof`."""
        row = self.seconds[round]
        row[part] = row.get(part, 0.0) + seconds


def round_row(trail: Trail, number: int, accounting: Accounting) -> dict[str, Any]:
    """The summary's object of one round."""
    found = trail.rounds[number]
    settled = found.outcome if isinstance(found.outcome, RoundSettled) else None
    attempt = max(found.counted, default=0)
    gas = {kind: accounting.gas[number].get(kind, 0) for kind in (*dict.fromkeys(GAS_OF.values()),)}
    seconds = {p: accounting.seconds[number].get(p, 0.0) for p in ("train", "ledger", "proof")}
    saturated, stalled = accounting.replayed.get(number, (0, 0))
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
        "gas": {**gas, "total": sum(accounting.gas[number].values())},
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
        plain = dag_cbor.decode(report)
        if not isinstance(plain, dict):
            raise TypeError(type(plain).__name__)
        return {str(name): Counts(*map(int, row)) for name, row in plain.items()}
    except (ValueError, TypeError) as error:
        raise InvalidDocument(f"a metrics report is not a map of counts: {error}") from error


def metric_values(report: bytes | None) -> dict[str, float]:
    """What a report's counts come to, rounded to 6 places for people."""
    counts = metric_counts(report) if report else {}
    return {n: round(float(metric_named(n).value(c)), 6) for n, c in counts.items()}


def payments(trail: Trail) -> tuple[dict[str, int], dict[str, int]]:
    """Earned in the reward token and lost in the stake token, by checksummed address."""
    earned: dict[str, int] = defaultdict(int)
    lost: dict[str, int] = defaultdict(int)
    for found in trail.rounds.values():
        for event in found.payments:
            who = to_checksum_address(event.account)
            if isinstance(event, Paid):
                earned[who] += event.reward
            elif isinstance(event, FeePaid):
                earned[who] += event.amount
            elif isinstance(event, Slashed):
                lost[who] += event.amount
    return dict(earned), dict(lost)


def final_root(trail: Trail, task: Task) -> bytes:
    """Tree root of the model the task ended with."""
    return trail.settled_root(trail.round) or task.model.initial


def recomputed(
    task: Task, trail: Trail, accounting: Accounting, head: tuple[int, bytes]
) -> dict[str, Any]:
    """The part of a summary that follows from ledger (whose head is number, hash) and store."""
    earned, lost = payments(trail)
    ended, last = trail.ended, max(trail.metrics, default=None)
    rows = [round_row(trail, number, accounting) for number in sorted(trail.rounds)]
    for row in rows:
        del row["seconds"]
    return {
        "version": SUMMARY_VERSION,
        "task": str(task.cid),
        "task_id": trail.task.hex(),
        "name": task.name,
        "status": "settled" if trail.phase == Phase.DONE else "ended",
        "cause": Cause(ended.cause).name.lower() if ended and ended.cause else None,
        "rounds": rows,
        "model": {"root": trail.model_header(final_root(trail, task)).hex()},
        "metrics": metric_values(trail.metrics[last]) if last is not None else {},
        "initial_metrics": metric_values(trail.metrics.get(0)),
        "payouts": earned,
        "slashed": lost,
        "refund": ended.refund if ended else 0,
        "capture_ppb": task.committee.capture_ppb,
        "adversary": list(task.committee.adversary),
        "setup_gas": sum(accounting.gas[0].values()),
        "blocks": head[0],
        "head": head[1].hex(),
        "privacy": {"mechanism": "none"},
    }


def summarise(cast: Cast, trail: Trail, accounting: Accounting, directory: Path) -> dict[str, Any]:
    """The summary of a finished run: what can be recomputed, and what the run reports."""
    head, plan = cast.federation.client.head(), cast.plan
    content = recomputed(cast.task, trail, accounting, (head.number, head.hash))
    content["rounds"] = [round_row(trail, number, accounting) for number in sorted(trail.rounds)]
    content["model"]["path"] = "model.safetensors"
    tokens = {"reward": plan.ledger.reward_token, "stake": plan.ledger.stake_token}
    return {
        "run": directory.name,
        **content,
        "tokens": {k: {"symbol": t.symbol, "decimals": t.decimals} for k, t in tokens.items()},
        "accounts": {to_checksum_address(k): name for k, name in cast.names().items()},
        "project": str(plan.folder),
        "reported": list(REPORTED),
    }


def write_outputs(cast: Cast, trail: Trail, summary: dict[str, Any], directory: Path) -> None:
    """The model file, the address book and the summary, the summary last."""
    vector = read_vector(cast.task, cast.store, final_root(trail, cast.task))
    write_atomically(directory / "model.safetensors", model_file(cast.task, vector))
    write_json(directory / "ledger.json", book_plain(cast.federation.book, trail.task))
    write_json(directory / "summary.json", summary)


def model_file(task: Task, vector: Vector) -> bytes:
    """The safetensors bytes of a model: float32 tensors under their names."""
    layout = Layout(task.model.layout)
    arrays = layout.unflatten(lattice.float_view(vector, layout.bits))
    return bytes(save({name: array.copy() for name, array in arrays.items()}))


def book_plain(book: AddressBook, task: bytes) -> dict[str, Any]:
    """Where a run's contracts are, as JSON; `verify` starts here."""
    return {
        "chain_id": book.chain_id,
        "federation": to_checksum_address(book.federation),
        "vault": to_checksum_address(book.vault),
        "stake_token": to_checksum_address(book.stake_token),
        "reward_token": to_checksum_address(book.reward_token),
        "task": task.hex(),
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def utc(seconds: float) -> str:
    """ISO-8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
