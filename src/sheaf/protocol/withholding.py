"""Disputes about bytes that are not served (docs/protocol/court.md).

A claim's bytes are asked for from the root down: whoever stands by the claim posts the hashes six
levels below a node, the challenger picks one, and at the end the chunk itself is due, on which the
challenger must then file its column. A counted update's chunk is demanded by its index, once in an
attempt, since the answer is there for all. On both sides, silence loses.
"""

from __future__ import annotations

import hashlib

from sheaf.protocol import merkle
from sheaf.protocol.actions import Demand, Descend, Pick, Supply, Unfold
from sheaf.protocol.court_events import Demanded, Descended, Supplied, Unfolded, WindowExtended
from sheaf.protocol.dispute import shape_of
from sheaf.protocol.docket import (
    enter,
    expect_admitted,
    expect_claim,
    expect_move,
    expect_window,
    live,
    lock,
    move_deadline,
)
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import (
    DISPUTED,
    Dispute,
    Env,
    Federation,
    Matter,
    Standing,
    Task,
)

STEP_LEVELS = 6
"""Levels of a tree that one move goes down: at most 64 hashes."""


def descend(federation: Federation, env: Env, action: Descend) -> None:
    """Ask for the claimed bytes from the root down."""
    task = federation.task(action.task)
    expect_window(task, env)
    expect_claim(federation, task, action.matter, action.roots)
    lock(federation, task, env, action.bond, bonds=1)
    matter, deadline = Matter(action.matter), move_deadline(task, env.now)
    root = action.roots.model if matter == Matter.MODEL else action.roots.state
    level = (shape_of(task, matter).leaves - 1).bit_length()
    dispute = Dispute(env.sender, matter, Standing.ASKED, deadline, 0, root, level=level)
    _emit_descended(federation, task, enter(task, dispute), dispute)


def unfold(federation: Federation, env: Env, action: Unfold) -> None:
    """Post the hashes below a descent's node."""
    task = federation.task(action.task)
    dispute = live(task, action.number)
    expect_move(dispute, Standing.ASKED, env.now)
    if dispute.level == 0:
        raise Rejected(Reason.WRONG_TURN)
    below = _below(dispute)
    width = 1 << dispute.level - below
    there = _level_size(shape_of(task, dispute.matter).leaves, below)
    if len(action.hashes) != min(width, there - dispute.at * width):
        raise Rejected(Reason.WRONG_NODES)
    if merkle.root_of(action.hashes) != dispute.evidence:
        raise Rejected(Reason.WRONG_NODES)
    dispute.standing, dispute.answerer = Standing.UNFOLDED, env.sender
    dispute.evidence = _digest(action.hashes)
    dispute.deadline = move_deadline(task, env.now)
    where = (task.id, env.sender, task.round, action.number)
    federation.emit(Unfolded(*where, action.hashes, dispute.deadline))


def pick(federation: Federation, env: Env, action: Pick) -> None:
    """Choose the node that a descent goes on from."""
    task = federation.task(action.task)
    dispute = live(task, action.number)
    if dispute.opener != env.sender:
        raise Rejected(Reason.NOT_CHALLENGER)
    expect_move(dispute, Standing.UNFOLDED, env.now)
    if _digest(action.hashes) != dispute.evidence or action.child >= len(action.hashes):
        raise Rejected(Reason.WRONG_NODES)
    below = _below(dispute)
    dispute.at = (dispute.at << dispute.level - below) + action.child
    dispute.level, dispute.evidence = below, action.hashes[action.child]
    dispute.standing, dispute.deadline = Standing.ASKED, move_deadline(task, env.now)
    _emit_descended(federation, task, action.number, dispute)


def demand(federation: Federation, env: Env, action: Demand) -> None:
    """Demand a chunk of a counted update, once in an attempt, for a bond that rises with each
    demand on that update."""
    task = federation.task(action.task)
    if task.phase not in DISPUTED:
        raise Rejected(Reason.WRONG_PHASE)
    attempt = task.current.attempts[-1]
    # Not in time that answers added: else who demands and answers by turns would never be done.
    if env.now >= (attempt.window or task.deadline):
        raise Rejected(Reason.WINDOW_CLOSED)
    expect_admitted(task, env.sender)
    if not (task.current.counted & ~task.current.dropped) >> action.position & 1:
        raise Rejected(Reason.NOT_COUNTED)
    if action.chunk >= task.terms.model.leaves:
        raise Rejected(Reason.CHUNK_OUT_OF_RANGE)
    demanded = attempt.demands.get(action.position, set())
    # Once: who demands and answers the same over and over would make the others dear for nothing.
    if action.chunk in demanded:
        raise Rejected(Reason.ALREADY_DEMANDED)
    bonds = len(demanded) + 1
    lock(federation, task, env, action.bond, bonds)
    attempt.demands[action.position] = demanded | {action.chunk}
    place = (action.position, action.chunk)
    enter_demand(federation, task, env, Matter.UPDATE, place, bonds)


def enter_demand(
    federation: Federation, task: Task, env: Env, matter: Matter, place: tuple[int, int], bonds: int
) -> None:
    """Enter a demand for the chunk at `place`, (position, chunk), whose bonds are locked."""
    position, chunk = place
    deadline = move_deadline(task, env.now)
    dispute = Dispute(env.sender, matter, Standing.ASKED, deadline, chunk)
    dispute.position, dispute.bonds = position, bonds
    number = enter(task, dispute)
    where = (task.id, env.sender, task.round, number)
    federation.emit(Demanded(*where, matter, position, chunk, bonds, deadline))


def supply(federation: Federation, env: Env, action: Supply) -> None:
    """Post the chunk that is due."""
    task = federation.task(action.task)
    dispute = live(task, action.number)
    expect_move(dispute, Standing.ASKED, env.now)
    if dispute.level != 0:
        raise Rejected(Reason.WRONG_TURN)
    if not _is_due(task, dispute, action.opening):
        raise Rejected(Reason.WRONG_OPENING)
    dispute.answerer = env.sender
    deadline = move_deadline(task, env.now)
    answered = dispute.is_demand
    dispute.standing = Standing.DISMISSED if answered else Standing.SERVED
    dispute.deadline = dispute.deadline if answered else deadline
    where = (task.id, env.sender, task.round, action.number)
    chunk = action.opening.chunk
    federation.emit(Supplied(*where, chunk, 0 if answered else deadline))
    if answered and task.phase == Phase.CHALLENGE and deadline > task.deadline:
        _extend_window(federation, task, deadline)


def _extend_window(federation: Federation, task: Task, deadline: int) -> None:
    """Bytes that came late can be judged for a whole move."""
    attempt = task.current.attempts[-1]
    attempt.window = attempt.window or task.deadline
    task.deadline = deadline
    federation.emit(WindowExtended(task.id, task.round, task.attempt, deadline))


def _is_due(task: Task, dispute: Dispute, opening: Opening) -> bool:
    """Whether this is the chunk asked for."""
    shape = shape_of(task, dispute.matter)
    if dispute.is_demand:
        root = task.seats[task.participant_at(dispute.position)].word
        return shape.proves(opening, dispute.at, root)
    whole = len(opening.chunk) == shape.chunk_size(dispute.at) and not opening.path
    return whole and merkle.leaf_hash(opening.chunk) == dispute.evidence


def _below(dispute: Dispute) -> int:
    """The level that the next hashes are of."""
    return max(dispute.level - STEP_LEVELS, 0)


def _level_size(leaves: int, level: int) -> int:
    """Nodes of a tree's level: the last of an odd level rises unchanged."""
    return -(-leaves >> level)


def _digest(hashes: tuple[bytes, ...]) -> bytes:
    return hashlib.sha256(b"".join(hashes)).digest()


def _emit_descended(federation: Federation, task: Task, number: int, dispute: Dispute) -> None:
    where = (task.id, dispute.opener, task.round, number, dispute.matter)
    node = (dispute.level, dispute.at, dispute.evidence)
    federation.emit(Descended(*where, *node, dispute.deadline))
