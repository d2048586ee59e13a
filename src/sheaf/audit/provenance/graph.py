"""The lineage of a model: who made what of what, and when, folded out of a verification's evidence.

What every format here is written from. Times are ledger time, seconds since the Unix epoch; on an
embedded ledger they give the order and no more. Names of accounts are the run's own word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eth_utils.address import to_checksum_address

from sheaf.nodes.evidence import Evidence
from sheaf.nodes.model_file import file_parts
from sheaf.nodes.receipts import Owed, acts, kind_of, owed
from sheaf.nodes.summary import final_root, metric_values
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol import events as e
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task

REPORTED = "reported by the sponsor, not recomputed"

LICENSES: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("Apache-2.0", "MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "MPL-2.0", "Unlicense"),
        *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0"),
    )
}
"""Licences by the lower-case name that model cards use, with their SPDX identifier."""


@dataclass(frozen=True)
class Actor:
    """An account: its checksummed address, its role, and the name that the run reports for it."""

    address: str
    role: str
    name: str


@dataclass(frozen=True)
class Update:
    """A revealed update: its cohort position, owner, tree root (hex), the samples it claims,
    whether it was counted, and when it was committed to."""

    round: int
    position: int
    owner: str
    root: str
    samples: int
    counted: bool
    committed: int


@dataclass(frozen=True)
class Model:
    """The model after a round (0: the initial one): tree root, and the header that the ledger has,
    in hex; `transaction` put it there. `base` is the round of the model it was made of."""

    round: int
    tree_root: str
    root: str
    transaction: str
    time: int
    base: int | None
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Round:
    """One round; `base` is the round of the model that it started from, `model` what it made, and
    `voters` are the members whose verdicts agreed. `draw` is the cohort's seed in hex."""

    number: int
    started: int
    ended: int
    outcome: str
    draw: str
    cohort: Sequence[str]
    base: int
    updates: Sequence[Update]
    aggregated: tuple[int, int]
    voters: Sequence[str]
    model: Model | None


@dataclass(frozen=True)
class Signed:
    """A receipt that the ledger names: its id in hex, whose it is, and of which step, by its root
    (hex) or that of what the step is about."""

    id: str
    owner: str
    step: str
    round: int
    attempt: int
    root: str


@dataclass(frozen=True)
class Lineage:
    """A whole task's. `file` is the SHA-256 of the model's file; `checks` say what a verification
    found; `head` is the hash that it was found under."""

    task: Task
    task_id: str
    chain_id: int
    federation: str
    sponsor: str
    actors: Sequence[Actor]
    published: int
    ended: int
    initial: Model
    rounds: Sequence[Round]
    head: str
    blocks: int
    file: str
    receipts: Sequence[Signed] = ()

    @property
    def models(self) -> Iterator[Model]:
        """All models, the initial one first."""
        yield self.initial
        yield from (found.model for found in self.rounds if found.model)

    @property
    def final(self) -> Model:
        """The model that the task ended with."""
        return list(self.models)[-1]

    @property
    def counted(self) -> Mapping[str, Sequence[Update]]:
        """The counted updates behind the models, by their owners."""
        found: dict[str, list[Update]] = {}
        for update in (u for r in self.rounds if r.model for u in r.updates if u.counted):
            found.setdefault(update.owner, []).append(update)
        return found


@dataclass
class _Clock:
    """When, and by which transaction, events happened, by their kind and place in the task."""

    times: dict[tuple[str, int, int], tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: Evidence) -> _Clock:
        clock, task = cls(), evidence.trail.task
        for step in evidence.steps:
            for event in (x for x in step.events if getattr(x, "task", None) == task):
                position = event.position if isinstance(event, e.Committed) else 0
                place = type(event).__name__, getattr(event, "round", 0), position
                clock.times[place] = step.time, step.transaction.hex()
        return clock

    def time(self, kind: type, round: int = 0, position: int = 0) -> int:
        return self.times[kind.__name__, round, position][0]

    def transaction(self, kind: type, round: int = 0) -> str:
        return self.times[kind.__name__, round, 0][1]


def lineage(evidence: Evidence) -> Lineage:
    """The lineage of a verified task's model. Raises `InvalidUsage` before the task's end."""
    trail, published = evidence.trail, evidence.trail.published
    if not trail.over or published is None:
        phase = trail.phase.name
        raise InvalidUsage(f"found a task in {phase}, accepted: one that has ended with a model")
    clock, root = _Clock.of(evidence), evidence.task.model.initial
    initial = Model(
        round=0,
        tree_root=root.hex(),
        root=published.model_root.hex(),
        transaction=clock.transaction(e.TaskPublished),
        time=clock.time(e.TaskPublished),
        base=None,
        metrics=metric_values(trail.metrics.get(0)),
    )
    rounds: list[Round] = []
    base = 0
    for _, found in sorted(trail.rounds.items()):
        rounds.append(_round(evidence, found, clock, base))
        base = found.number if rounds[-1].model else base
    return Lineage(
        task=evidence.task,
        task_id=trail.task.hex(),
        chain_id=evidence.book.chain_id,
        federation=to_checksum_address(evidence.book.federation),
        sponsor=to_checksum_address(published.sponsor),
        actors=_actors(evidence, published.sponsor),
        published=initial.time,
        ended=clock.time(e.TaskEnded),
        initial=initial,
        rounds=rounds,
        head=evidence.place.head.hex(),
        blocks=evidence.place.blocks,
        file=_digest(final_file(evidence)),
        receipts=[_signed(each) for each in owed(evidence) if each.receipt != ZERO],
    )


def final_file(evidence: Evidence) -> Iterator[bytes]:
    """The file of the model that a task ended with, part by part, made of what the store has: byte
    for byte the one in a verified run's folder. Raises as `file_parts` does."""
    root = final_root(evidence.trail, evidence.task)
    return file_parts(evidence.task, evidence.store, root)


def _digest(parts: Iterator[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def instant(seconds: int) -> str:
    """Ledger time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _actors(evidence: Evidence, sponsor: bytes) -> list[Actor]:
    roles = {sponsor: "sponsor"}
    roles |= {account: seat.role.name.lower() for account, seat in evidence.trail.seats.items()}
    for act in acts(evidence):
        roles.setdefault(act.step.account, act.step.role)
    addresses = {to_checksum_address(account): role for account, role in roles.items()}
    return [Actor(a, role, evidence.names.get(a, "")) for a, role in addresses.items()]


def _signed(found: Owed) -> Signed:
    step = found.step
    return Signed(
        id=found.receipt.hex(),
        owner=to_checksum_address(step.account),
        step=kind_of(step),
        round=step.round,
        attempt=step.attempt,
        root=step.subjects[0].root.hex(),
    )


def _round(evidence: Evidence, found: RoundTrail, clock: _Clock, base: int) -> Round:
    trail, number = evidence.trail, found.number
    settled = found.outcome if isinstance(found.outcome, e.RoundSettled) else None
    counted = found.counted_positions(max(found.counted, default=0))
    model, aggregated, voters = None, (0, 0), []
    if settled is not None and found.claim is not None:
        agreed = trail.voters(found.claim).values()
        voters = [to_checksum_address(verdict.account) for verdict in agreed]
        aggregated = clock.time(e.Counted, number), clock.time(e.Claimed, number)
        model = Model(
            round=number,
            tree_root=trail.model_after(number, evidence.task.model.initial).hex(),
            root=settled.model_root.hex(),
            transaction=clock.transaction(e.RoundSettled, number),
            time=clock.time(e.RoundSettled, number),
            base=base,
            metrics=metric_values(trail.metrics.get(number)),
        )
    return Round(
        number=number,
        started=clock.time(e.CohortDrawn, number),
        ended=clock.time(e.RoundSettled if settled else e.RoundAborted, number),
        outcome="settled" if settled else _cause(found),
        draw=found.seed.hex(),
        cohort=[to_checksum_address(account) for account in found.cohort],
        base=base,
        updates=[
            Update(
                round=number,
                position=position,
                owner=to_checksum_address(reveal.account),
                root=reveal.root.hex(),
                samples=reveal.samples,
                counted=position in counted,
                committed=clock.time(e.Committed, number, position),
            )
            for position, reveal in sorted(found.reveals.items())
        ],
        aggregated=aggregated,
        voters=voters,
        model=model,
    )


def _cause(found: RoundTrail) -> str:
    assert isinstance(found.outcome, e.RoundAborted)
    return f"aborted: {e.Cause(found.outcome.cause).name.lower()}"
