"""Challenges of a wrong claim: one coordinate, decided by one column (docs/protocol/court.md).

A challenge opens what was at a coordinate and what is claimed to be there now, and posts the
entries of the counted updates. Rule and server's step are computed on them at once: a column that
gives the claim is no challenge. Whether the column is true anyone may test, by opening one entry
that its participant did not commit to; what nobody refutes stands, and the claim falls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sheaf.protocol import columns
from sheaf.protocol.actions import Challenge, Refute, Roots
from sheaf.protocol.arithmetic import ELEMENT_BYTES, sat
from sheaf.protocol.court_events import Challenged, Refuted
from sheaf.protocol.docket import (
    enter,
    expect_claim,
    expect_move,
    expect_window,
    live,
    lock,
    move_deadline,
    state_header,
)
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.merkle import Kind
from sheaf.protocol.opening import Shape, integer, lattice_entry
from sheaf.protocol.optimisers import MOMENT_BYTES, Moments, OptimiserKind
from sheaf.protocol.state import Dispute, Env, Federation, Matter, Standing, Task
from sheaf.protocol.terms import Model, RuleKind


def challenge(federation: Federation, env: Env, action: Challenge) -> None:
    """File a column that gives another value than the claim has at a coordinate."""
    task = federation.task(action.task)
    served = _served(task, env, action) if action.number else None
    if served is None:
        expect_window(task, env)
    expect_claim(federation, task, action.matter, action.roots)
    shape = shape_of(task, action.matter)
    inside = action.coordinate < shape.elements
    if not inside or (served and action.coordinate // shape.per_chunk != served.at):
        raise Rejected(Reason.COORDINATE_OUT_OF_RANGE)
    if not _are_old(task, action.roots):
        raise Rejected(Reason.WRONG_ROOTS)
    if len(action.column) != ELEMENT_BYTES * task.current.counted.bit_count():
        raise Rejected(Reason.WRONG_COLUMN)
    if _is_true(task, action):
        raise Rejected(Reason.NOTHING_WRONG)
    evidence, deadline = hashlib.sha256(action.column).digest(), move_deadline(task, env.now)
    number = action.number
    if served is None:
        lock(federation, task, env, action.bond, bonds=1)
        matter, filed = Matter(action.matter), Standing.FILED
        dispute = Dispute(env.sender, matter, filed, deadline, action.coordinate, evidence)
        number = enter(task, dispute)
    else:
        served.standing, served.deadline = Standing.FILED, deadline
        served.at, served.evidence = action.coordinate, evidence
    what = (action.matter, action.coordinate, action.column)
    federation.emit(Challenged(task.id, env.sender, task.round, number, *what, deadline))


def refute(federation: Federation, env: Env, action: Refute) -> None:
    """Open an entry of a filed column that is not what was committed: the challenger loses."""
    task = federation.task(action.task)
    dispute = live(task, action.number)
    expect_move(dispute, Standing.FILED, env.now)
    if hashlib.sha256(action.column).digest() != dispute.evidence:
        raise Rejected(Reason.WRONG_COLUMN)
    counted = task.current.counted
    if not counted >> action.position & 1:
        raise Rejected(Reason.NOT_COUNTED)
    root = task.seats[task.participant_at(action.position)].word
    found = shape_of(task, Matter.UPDATE).element(action.opening, dispute.at, root)
    if found is None:
        raise Rejected(Reason.WRONG_OPENING)
    rank = (counted & (1 << action.position) - 1).bit_count()
    if lattice_entry(found) == entries(action.column)[rank]:
        raise Rejected(Reason.NOTHING_WRONG)
    dispute.standing, dispute.answerer = Standing.DISMISSED, env.sender
    where = (task.id, env.sender, task.round, action.number)
    federation.emit(Refuted(*where, action.position))


def shape_of(task: Task, matter: int) -> Shape:
    """How the array that a dispute is about was committed to."""
    return committed_shape(task.terms.model, matter)


def committed_shape(m: Model, matter: int) -> Shape:
    """How an array of such a model was committed to."""
    if matter == Matter.STATE:
        return Shape(m.server.element_bytes, m.trainable, 1 << m.chunk_log2)
    return Shape(ELEMENT_BYTES, m.coordinates, 1 << m.chunk_log2)


def entries(column: bytes) -> list[int]:
    """The lattice integers of a column."""
    size = ELEMENT_BYTES
    return [lattice_entry(column[i : i + size]) for i in range(0, len(column), size)]


def aggregated(task: Task, column: bytes) -> int:
    """What the task's rule makes of a column of the counted updates."""
    current = task.current
    counted = (i for i in range(task.cohort) if current.counted >> i & 1)
    return combined(task.terms.model, column, [current.samples[i] for i in counted])


def combined(m: Model, column: bytes, samples: Sequence[int]) -> int:
    """What a model's rule makes of a column of updates of so many samples each."""
    values = entries(column)
    if m.rule == RuleKind.COORDINATE_MEDIAN:
        return columns.median(values)
    if m.rule == RuleKind.TRIMMED_MEAN:
        return columns.trimmed_mean(values, m.trim_numerator, m.trim_denominator)
    return columns.weighted_mean(values, samples)


def _served(task: Task, env: Env, action: Challenge) -> Dispute:
    """The sender's descent whose chunk was served, of the same matter."""
    dispute = live(task, action.number)
    if dispute.opener != env.sender:
        raise Rejected(Reason.NOT_CHALLENGER)
    expect_move(dispute, Standing.SERVED, env.now)
    if dispute.matter != action.matter:
        raise Rejected(Reason.UNKNOWN_MATTER)
    return dispute


def _are_old(task: Task, roots: Roots) -> bool:
    """Whether the old roots are those of the last settled round."""
    model = task.header(Kind.MODEL, roots.old_model)
    return (model, state_header(task, roots.old_state)) == (task.model_root, task.state_root)


def _is_true(task: Task, action: Challenge) -> bool:
    """Whether the column gives what is claimed. A claim is compared as it was committed to, to the
    bit; what was there before is read as a lattice integer."""
    weighed = weigh(task.terms.model, action, aggregated(task, action.column))
    return weighed.computed == weighed.claimed


@dataclass(frozen=True)
class Weighed:
    """What a challenge weighs at its coordinate: a lattice integer each or, of the optimiser's
    state, M and V. `state` has M and V before where they move the model there, else nothing."""

    old: tuple[int, ...]
    state: tuple[int, ...]
    aggregate: int
    computed: tuple[int, ...]
    claimed: tuple[int, ...]


def weigh(m: Model, action: Challenge, aggregate: int) -> Weighed:
    """What was opened, and what follows from it and from the column's `aggregate`."""
    roots = action.roots
    if action.matter == Matter.STATE:
        wanted = [(Matter.STATE, roots.old_state), (Matter.STATE, roots.state)]
        before, after = (moments(each) for each in _opened(m, action, wanted))
        _, computed = m.server.step(0, aggregate, before)
        return Weighed(before, (), aggregate, computed, after)
    wanted = [(Matter.MODEL, roots.old_model), (Matter.MODEL, roots.model)]
    if action.coordinate >= m.trainable or m.optimiser == OptimiserKind.PLAIN:
        opened = _opened(m, action, wanted)
        old, claimed = lattice_entry(opened[0]), integer(opened[1])
        # Statistics and the plain step: what was there, and the aggregate on top.
        return Weighed((old,), (), aggregate, (sat(old + aggregate),), (claimed,))
    opened = _opened(m, action, [*wanted, (Matter.STATE, roots.old_state)])
    old, claimed, state = lattice_entry(opened[0]), integer(opened[1]), moments(opened[2])
    value, _ = m.server.step(old, aggregate, state)
    return Weighed((old,), state, aggregate, (value,), (claimed,))


def _opened(m: Model, action: Challenge, wanted: Sequence[tuple[Matter, bytes]]) -> list[bytes]:
    """What the openings prove at the coordinate: one for each matter and tree root, in order."""
    if len(action.openings) != len(wanted):
        raise Rejected(Reason.WRONG_OPENING)
    found = []
    for opening, (matter, root) in zip(action.openings, wanted, strict=True):
        element = committed_shape(m, matter).element(opening, action.coordinate, root)
        if element is None:
            raise Rejected(Reason.WRONG_OPENING)
        found.append(element)
    return found


def moments(element: bytes) -> Moments:
    """M and V of a committed state's element; V is 0 where none is kept."""
    return integer(element[:MOMENT_BYTES]), integer(element[MOMENT_BYTES:])
