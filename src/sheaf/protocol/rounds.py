"""Rounds: commit, reveal, abort, the next round, the end (docs/protocol)."""

from __future__ import annotations

from sheaf.protocol import draws, hashing
from sheaf.protocol.actions import Commit, Report, Reveal
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import (
    AttemptFailed,
    Cause,
    CohortDrawn,
    Committed,
    CommitteeDrawn,
    Phase,
    Reported,
    Revealed,
    RoundAborted,
    TaskEnded,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Attempt, Env, Federation, Role, Round, Task
from sheaf.protocol.terms import Visibility

MAX_REPORT_BYTES = 1024
LAST_ATTEMPT = 2


def start_round(federation: Federation, task: Task, now: int) -> None:
    """Draw a cohort under the task's seed and open COMMIT."""
    task.round += 1
    task.current = Round()
    task.cohort_key = hashing.cohort_key(task.seed)
    federation.emit(CohortDrawn(task.id, task.round, task.seed, task.cohort))
    federation.start(task, Phase.COMMIT, now + task.terms.schedule.commit_s)


def commit(federation: Federation, env: Env, action: Commit) -> None:
    """A drawn participant commits once."""
    task = federation.task(action.task)
    task.expect(Phase.COMMIT, env.now, Reason.COMMIT_CLOSED)
    seat = task.opened_seat(env.sender, Role.PARTICIPANT)
    if seat is None:
        raise Rejected(Reason.NOT_IN_COHORT)
    if seat.committed_round == task.round:
        raise Rejected(Reason.ALREADY_COMMITTED)
    if action.commitment == ZERO:
        raise Rejected(Reason.ZERO_COMMITMENT)
    position = draws.position_of(task.cohort_key, len(task.participants), seat.index)
    if position >= task.cohort:
        raise Rejected(Reason.NOT_IN_COHORT)
    seat.word, seat.committed_round = action.commitment, task.round
    seat.sequence, seat.position = task.current.committed, position
    task.current.committed += 1
    federation.emit(Committed(task.id, env.sender, task.round, position, action.commitment))


def close_commits(federation: Federation, task: Task, now: int) -> None:
    """COMMIT -> REVEAL, or an abort before reveals when fewer than the minimum committed."""
    if task.current.committed < task.terms.cohort.minimum:
        _advance_seed(task)
        abort(federation, task, now, Cause.TOO_FEW_COMMITS)
        return
    federation.start(task, Phase.REVEAL, now + task.terms.schedule.reveal_s)


def reveal(federation: Federation, env: Env, action: Reveal) -> None:
    """Open a commitment; the salt enters the next seed."""
    task = federation.task(action.task)
    task.expect(Phase.REVEAL, env.now, Reason.REVEAL_CLOSED)
    seat, current = task.opened_seat(env.sender, Role.PARTICIPANT), task.current
    if seat is None or seat.committed_round != task.round:
        raise Rejected(Reason.NOT_COMMITTED)
    if current.revealed >> seat.position & 1:
        raise Rejected(Reason.ALREADY_REVEALED)
    if not 1 <= action.samples <= task.terms.cohort.weight_cap:
        raise Rejected(Reason.SAMPLES_OUT_OF_RANGE)
    opened = (action.root, action.samples, action.receipt, action.salt)
    expected = federation.deployment.update_commitment(task.id, task.round, env.sender, *opened)
    if expected != seat.word:
        raise Rejected(Reason.COMMITMENT_MISMATCH)
    seat.word = action.root
    current.revealed |= 1 << seat.position
    current.samples[seat.position] = action.samples
    current.salts = hashing.xor(current.salts, action.salt)
    federation.emit(Revealed(task.id, env.sender, task.round, seat.position, *opened))


def close_reveals(federation: Federation, task: Task, now: int) -> None:
    """REVEAL -> HOLD: fix the next seed and draw the round's committees."""
    seed = task.seed
    _advance_seed(task)
    hidden = task.terms.cohort.visibility == Visibility.COMMITTEE
    task.committee_key = hashing.committee_key(seed if hidden else task.seed)
    federation.emit(CommitteeDrawn(task.id, task.round, task.committee_key))
    start_attempt(federation, task, now)


def start_attempt(federation: Federation, task: Task, now: int) -> None:
    """Enter HOLD with the next committee; the disputes of the one before are closed."""
    task.current.void = False
    task.current.attempts.append(Attempt(first=len(task.current.disputes)))
    federation.start(task, Phase.HOLD, now + task.terms.schedule.hold_s)


def fail_attempt(federation: Federation, task: Task, now: int, cause: Cause) -> None:
    """Go on with the next committee, or abort after the last attempt or with an empty pool."""
    task.current.claim = ZERO
    federation.emit(AttemptFailed(task.id, task.round, task.attempt, cause))
    if task.attempt == LAST_ATTEMPT:
        abort(federation, task, now, cause)
    elif len(task.aggregators) < (task.attempt + 1) * task.terms.cohort.committee:
        abort(federation, task, now, Cause.POOL_EXHAUSTED)
    else:
        start_attempt(federation, task, now)


def abort(federation: Federation, task: Task, now: int, cause: Cause) -> None:
    """End the round without a claim; one window remains in which duplicates can be named."""
    task.current.void = False
    federation.emit(RoundAborted(task.id, task.round, cause))
    federation.start(task, Phase.ABORTED, now + task.terms.schedule.challenge_s)


def end_round(federation: Federation, task: Task, now: int, aborted: bool) -> None:
    """After the last settle page: the next round, or the task's end."""
    task.aborts = task.aborts + 1 if aborted else 0
    if task.aborts == 2:
        finish(federation, task, Phase.ENDED, Cause.TWO_ABORTS)
    elif task.round == task.terms.schedule.rounds:
        finish(federation, task, Phase.DONE, None)
    else:
        start_round(federation, task, now)


def finish(federation: Federation, task: Task, phase: Phase, cause: Cause | None) -> None:
    """End the task: what is left in escrow goes back to the sponsor, the last dust is burned."""
    refund, task.escrow = task.escrow, 0
    task.burned += task.dust
    task.dust = 0
    task.phase, task.deadline = phase, 0
    federation.account(task.terms.economics.reward_token).credit(task.sponsor, refund)
    federation.emit(TaskEnded(task.id, phase, refund, cause or 0))


def report(federation: Federation, env: Env, action: Report) -> None:
    """Metrics of a round that has begun (0: the initial model), reported by the sponsor."""
    task = federation.task(action.task)
    if env.sender != task.sponsor:
        raise Rejected(Reason.NOT_SPONSOR)
    if action.round > task.round:
        raise Rejected(Reason.UNKNOWN_ROUND)
    if len(action.metrics) > MAX_REPORT_BYTES:
        raise Rejected(Reason.REPORT_TOO_LONG)
    federation.emit(Reported(task.id, action.round, action.metrics))


def _advance_seed(task: Task) -> None:
    task.seed = hashing.next_seed(task.seed, task.round, task.current.salts)
