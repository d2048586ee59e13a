"""Steps as receipts name them, from what the ledger says: nodes sign them, `verify` compares."""

from __future__ import annotations

from dataclasses import replace

from sheaf.identity.statement import MissingChunk, Step, Subject
from sheaf.nodes.trail import Trail
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Role

NO_ATTEMPT = 0
"""What a receipt of an update says: updates are made before there is an attempt."""


def update_step(
    trail: Trail, round: int, account: bytes, base: bytes, root: bytes, samples: int
) -> Step:
    """A participant's update of a round on the model `base` (tree roots). The optimiser's state is
    not a participant's business, so that it is zero."""
    place, made = (round, NO_ATTEMPT), (Subject("update", root),)
    step = _step(trail, Role.PARTICIPANT, account, place, (base, ZERO), made)
    return replace(step, samples=samples)


def result_step(
    trail: Trail,
    round: int,
    attempt: int,
    account: bytes,
    bases: tuple[bytes, bytes],
    model: bytes,
    state: bytes,
) -> Step:
    """A member's result on the model and state `bases`: the tree roots of the new ones, of the
    state zero where there is none."""
    made = [Subject("model", model)] + [Subject("state", state)] * (state != ZERO)
    return _verdict(trail, round, attempt, account, bases, tuple(made))


def missing_step(
    trail: Trail,
    round: int,
    attempt: int,
    account: bytes,
    bases: tuple[bytes, bytes],
    position: int,
    chunk: int,
) -> Step:
    """A member's finding that a chunk of the update at a position was not served."""
    subject = Subject("missing update", trail.rounds[round].reveals[position].root)
    missing = MissingChunk(position, chunk)
    return _verdict(trail, round, attempt, account, bases, (subject,), missing)


def _verdict(
    trail: Trail,
    round: int,
    attempt: int,
    account: bytes,
    bases: tuple[bytes, bytes],
    subjects: tuple[Subject, ...],
    missing: MissingChunk | None = None,
) -> Step:
    step = _step(trail, Role.AGGREGATOR, account, (round, attempt), bases, subjects)
    counted = trail.rounds[round].counted_positions(attempt)
    return replace(step, counted=counted, missing=missing)


def _step(
    trail: Trail,
    role: Role,
    account: bytes,
    place: tuple[int, int],
    bases: tuple[bytes, bytes],
    subjects: tuple[Subject, ...],
) -> Step:
    return Step(
        chain=trail.deployment.chain,
        contract=trail.deployment.address,
        task=trail.task,
        account=account,
        role=role.name.lower(),
        round=place[0],
        attempt=place[1],
        base=bases[0],
        base_state=bases[1],
        chunk_bytes=1 << trail.terms.model.chunk_log2,
        subjects=subjects,
    )
