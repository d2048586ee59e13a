"""The docket: how disputes are entered, how long a move takes, and what silence decides.

A dispute is opened inside the challenge window (a demand also while verdicts are out), with a bond.
Each move has `challenge_s` seconds; whoever should have moved and did not loses the dispute, once
anybody says so (`decide`). Disputes run side by side: only a claim that is overturned, or the end
of the attempt, closes the others, and their bonds return. Nothing is paid before settlement
(docs/protocol/court.md).
"""

from __future__ import annotations

from sheaf.protocol import draws
from sheaf.protocol.actions import Decide, Roots
from sheaf.protocol.court_events import Decided
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.rounds import fail_attempt
from sheaf.protocol.state import (
    DISPUTED,
    Dispute,
    Env,
    Federation,
    Matter,
    Role,
    Standing,
    Task,
)
from sheaf.protocol.terms import Visibility

MAX_DISPUTES = 65_000
"""Of a round: what settlement's steps and the contract's counters hold."""


def decide(federation: Federation, env: Env, action: Decide) -> None:
    """Decide a dispute whose deadline has passed against the side that had to move."""
    task = federation.task(action.task)
    dispute = live(task, action.number)
    if env.now < dispute.deadline:
        raise Rejected(Reason.NOT_YET)
    dispute.standing = _ruling(task, dispute)
    where = (task.id, task.round, action.number)
    federation.emit(Decided(*where, dispute.standing))
    if dispute.standing != Standing.UPHELD:
        return
    if dispute.is_demand:
        task.current.dropped |= 1 << dispute.position
        task.current.void = True
    else:
        task.current.attempts[-1].overturned = action.number
        fail_attempt(federation, task, env.now, Cause.OVERTURNED)


def close_window(federation: Federation, task: Task, now: int) -> None:
    """CHALLENGE -> the next attempt, where the running one is void: so long as the window is open
    its claim can still be overturned, which punishes more."""
    if task.open_disputes:
        raise Rejected(Reason.DISPUTE_OPEN)
    fail_attempt(federation, task, now, Cause.WITHHELD)


def live(task: Task, number: int) -> Dispute:
    """The dispute of the running attempt that waits for a move."""
    current = task.current
    if not 1 <= number <= len(current.disputes):
        raise Rejected(Reason.UNKNOWN_DISPUTE)
    dispute = current.disputes[number - 1]
    running = task.phase in DISPUTED and number > current.attempts[-1].first
    if not running or not dispute.pending:
        raise Rejected(Reason.DISPUTE_CLOSED)
    return dispute


def expect_move(dispute: Dispute, standing: Standing, now: int) -> None:
    """Raise unless the dispute waits for this move, which is not late."""
    if dispute.standing != standing:
        raise Rejected(Reason.WRONG_TURN)
    if now >= dispute.deadline:
        raise Rejected(Reason.MOVE_CLOSED)


def expect_window(task: Task, env: Env) -> None:
    """Raise unless the claim can be challenged now, by this sender."""
    if task.phase != Phase.CHALLENGE:
        raise Rejected(Reason.WRONG_PHASE)
    if env.now >= task.deadline:
        raise Rejected(Reason.WINDOW_CLOSED)
    expect_admitted(task, env.sender)


def expect_admitted(task: Task, account: bytes) -> None:
    """Raise unless the account may open a dispute, and there is room for one: where updates are for
    the committee alone, only who was drawn this round may, since nobody else could judge one."""
    if task.terms.cohort.visibility == Visibility.COMMITTEE:
        seat = task.opened_seat(account, Role.AGGREGATOR)
        if seat is None:
            raise Rejected(Reason.NOT_ADMITTED)
        place = draws.position_of(task.committee_key, len(task.aggregators), seat.index)
        if place >= task.attempt * task.terms.cohort.committee:
            raise Rejected(Reason.NOT_ADMITTED)
    expect_room(task)


def expect_room(task: Task) -> None:
    """Raise on a full docket."""
    if len(task.current.disputes) == MAX_DISPUTES:
        raise Rejected(Reason.DOCKET_FULL)


def expect_claim(federation: Federation, task: Task, matter: int, roots: Roots) -> None:
    """Raise unless claims have this matter and `roots` are those of the running one."""
    plain = task.terms.model.optimiser == OptimiserKind.PLAIN
    if matter != Matter.MODEL and (matter != Matter.STATE or plain):
        raise Rejected(Reason.UNKNOWN_MATTER)
    headers = (ZERO, task.header(Kind.MODEL, roots.model), state_header(task, roots.state))
    where = (task.id, task.round, task.attempt, task.current.counted)
    if federation.deployment.claim(*where, headers) != task.current.claim:
        raise Rejected(Reason.WRONG_CLAIM)


def state_header(task: Task, root: bytes) -> bytes:
    """The header of an optimiser state's tree root; zero where the plain step keeps none."""
    plain = task.terms.model.optimiser == OptimiserKind.PLAIN
    return ZERO if plain else task.header(Kind.OPTIMISER_STATE, root)


def lock(federation: Federation, task: Task, env: Env, bond: int, bonds: int) -> None:
    """Pull up to `bond` stake tokens; what arrives beyond the bonds due is the sender's again."""
    received, due = env.delivered(bond), bonds * task.terms.economics.court_bond
    if received < due:
        raise Rejected(Reason.BOND_TOO_LOW)
    books = federation.account(federation.stake_token)
    books.deposits += received
    books.credit(env.sender, received - due)


def enter(task: Task, dispute: Dispute) -> int:
    """Enter a dispute on the docket; its number."""
    task.current.disputes.append(dispute)
    return len(task.current.disputes)


def move_deadline(task: Task, now: int) -> int:
    """When the next move is late."""
    return now + task.terms.schedule.challenge_s


def _ruling(task: Task, dispute: Dispute) -> Standing:
    if dispute.standing in (Standing.UNFOLDED, Standing.SERVED):
        return Standing.DISMISSED
    if dispute.is_demand and task.current.dropped >> dispute.position & 1:
        return Standing.MOOT
    return Standing.UPHELD
