"""Publication, registration and opening (docs/protocol)."""

from __future__ import annotations

from sheaf.protocol import hashing
from sheaf.protocol.actions import Open, Publish, Register
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Cause, Opened, Phase, Registered, TaskPublished
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.rounds import finish, start_round
from sheaf.protocol.state import Env, Federation, Role, Seat, Task
from sheaf.protocol.terms import MAX_AMOUNT, MAX_SEATS


def publish(federation: Federation, env: Env, action: Publish) -> None:
    """Publish and fund a task; what arrives beyond the escrow goes back at the task's end."""
    terms = action.terms
    terms.check()
    if action.model_root == ZERO:
        raise Rejected(Reason.INVALID_TERMS, "model_root")
    if (action.state_root == ZERO) != (terms.model.optimiser == OptimiserKind.PLAIN):
        raise Rejected(Reason.INVALID_TERMS, "state_root")
    id = federation.deployment.task_id(env.sender, action.document)
    if id in federation.tasks:
        raise Rejected(Reason.TASK_EXISTS)
    received = env.delivered(action.deposit)
    _check_amount(received, terms.escrow, Reason.UNDERFUNDED)
    task = Task(
        id=id,
        sponsor=env.sender,
        document=action.document,
        terms=terms,
        model_root=ZERO,
        state_root=ZERO,
        deadline=env.now + terms.schedule.register_s,
        escrow=received,
    )
    task.model_root = task.header(Kind.MODEL, action.model_root)
    task.state_root = task.header(Kind.OPTIMISER_STATE, action.state_root)
    federation.tasks[id] = task
    federation.account(terms.economics.reward_token).deposits += received
    federation.emit(
        TaskPublished(
            id, env.sender, action.document, terms, task.model_root, task.state_root, received
        )
    )
    federation.start(task, Phase.REGISTER, task.deadline)


def register(federation: Federation, env: Env, action: Register) -> None:
    """Take a seat. Stake below what covers every round is refused."""
    task = federation.task(action.task)
    task.expect(Phase.REGISTER, env.now, Reason.REGISTRATION_CLOSED)
    if action.role not in tuple(Role):
        raise Rejected(Reason.UNKNOWN_ROLE)
    if env.sender in task.seats:
        raise Rejected(Reason.ALREADY_REGISTERED)
    if action.nonce_hash == ZERO:
        raise Rejected(Reason.ZERO_COMMITMENT)
    role = Role(action.role)
    if task.registered[role] == MAX_SEATS:
        raise Rejected(Reason.ROLE_FULL)
    e = task.terms.economics
    least = e.participant_stake if role == Role.PARTICIPANT else e.aggregator_stake
    received = env.delivered(action.stake)
    _check_amount(received, least, Reason.STAKE_TOO_LOW)
    task.registered[role] += 1
    task.seats[env.sender] = Seat(role, received, action.nonce_hash)
    federation.account(federation.stake_token).deposits += received
    federation.emit(Registered(task.id, env.sender, role, action.nonce_hash, received))


def open_seat(federation: Federation, env: Env, action: Open) -> None:
    """Open a nonce: the seat gets its index, the first seed its contribution."""
    task = federation.task(action.task)
    task.expect(Phase.OPEN, env.now, Reason.OPENING_CLOSED)
    seat = task.seats.get(env.sender)
    if seat is None:
        raise Rejected(Reason.NOT_REGISTERED)
    if seat.opened:
        raise Rejected(Reason.ALREADY_OPENED)
    if federation.deployment.nonce_hash(task.id, env.sender, action.nonce) != seat.word:
        raise Rejected(Reason.NONCE_MISMATCH)
    pool = task.participants if seat.role == Role.PARTICIPANT else task.aggregators
    seat.opened, seat.index = True, len(pool)
    pool.append(env.sender)
    task.nonces = hashing.xor(task.nonces, hashing.opened_nonce(action.nonce, env.sender))
    federation.emit(Opened(task.id, env.sender, seat.role, seat.index, action.nonce))


def close_registration(federation: Federation, task: Task, now: int) -> None:
    """REGISTER -> OPEN."""
    federation.start(task, Phase.OPEN, now + task.terms.schedule.open_s)


def close_opening(federation: Federation, task: Task, now: int) -> None:
    """OPEN -> the first round, or the task's end when too few seats opened."""
    cohort = task.terms.cohort
    if len(task.participants) < cohort.minimum or len(task.aggregators) < cohort.committee:
        finish(federation, task, Phase.ENDED, Cause.TOO_FEW_SEATS)
        return
    task.seed = federation.deployment.first_seed(task.id, task.nonces)
    start_round(federation, task, now)


def _check_amount(received: int, least: int, short: Reason) -> None:
    if received < least:
        raise Rejected(short)
    if received > MAX_AMOUNT:
        raise Rejected(Reason.AMOUNT_TOO_LARGE)
