"""Attempts: which updates count, and what the committee says of them (docs/protocol)."""

from __future__ import annotations

from sheaf.protocol import draws
from sheaf.protocol.actions import CommitVerdict, Hold, RevealMissing, RevealVerdict
from sheaf.protocol.docket import expect_room
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import (
    Cause,
    Claimed,
    Counted,
    Held,
    MissingRevealed,
    Phase,
    VerdictCommitted,
    VerdictRevealed,
)
from sheaf.protocol.hashing import ZERO, Missing, Verdict
from sheaf.protocol.merkle import Kind
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.rounds import LAST_ATTEMPT, fail_attempt
from sheaf.protocol.state import Attempt, Env, Federation, Matter, Role, Seat, Task
from sheaf.protocol.withholding import enter_demand


def hold(federation: Federation, env: Env, action: Hold) -> None:
    """Post a bitmap of the revealed updates the member holds and can decode."""
    task = federation.task(action.task)
    task.expect(Phase.HOLD, env.now, Reason.HOLD_CLOSED)
    seat, slot, attempt = _member(task, env.sender)
    if seat.stake < task.terms.economics.aggregator_round_stake:
        raise Rejected(Reason.SEAT_EMPTY)
    if attempt.held >> slot & 1:
        raise Rejected(Reason.ALREADY_HELD)
    if action.bitmap & ~task.current.revealed:
        raise Rejected(Reason.NOT_REVEALED)
    attempt.held |= 1 << slot
    attempt.bitmaps[slot] = action.bitmap
    federation.emit(Held(task.id, env.sender, task.round, task.attempt, slot, action.bitmap))


def close_holds(federation: Federation, task: Task, now: int) -> None:
    """HOLD -> VERDICT_COMMIT over the counted set, or a failed attempt."""
    current, attempt, seats = task.current, task.current.attempts[-1], task.terms.cohort.committee
    held = [0] * task.cohort
    for bitmap in attempt.bitmaps.values():
        for position in range(task.cohort):
            held[position] += bitmap >> position & 1
    named = current.named if task.attempt == LAST_ATTEMPT else 0
    counted = 0
    for position, votes in enumerate(held):
        enough = 3 * votes >= 2 * seats if named >> position & 1 else 3 * votes > seats
        counted |= int(enough) << position
    current.counted = counted & ~current.dropped
    federation.emit(Counted(task.id, task.round, task.attempt, current.counted))
    if current.counted.bit_count() < task.terms.cohort.minimum:
        attempt.silent = _others(task, attempt.held)
        fail_attempt(federation, task, now, Cause.TOO_FEW_COUNTED)
        return
    current.owed, current.duplicates = current.counted, 0
    deadline = now + task.terms.schedule.verdict_commit_s
    federation.start(task, Phase.VERDICT_COMMIT, deadline)


def commit_verdict(federation: Federation, env: Env, action: CommitVerdict) -> None:
    """Commit to a verdict; only members that posted a bitmap may."""
    task = federation.task(action.task)
    task.expect(Phase.VERDICT_COMMIT, env.now, Reason.VERDICT_COMMIT_CLOSED)
    _, slot, attempt = _member(task, env.sender)
    if not attempt.held >> slot & 1:
        raise Rejected(Reason.NO_BITMAP)
    if attempt.committed >> slot & 1:
        raise Rejected(Reason.ALREADY_COMMITTED)
    if action.commitment == ZERO:
        raise Rejected(Reason.ZERO_COMMITMENT)
    attempt.committed |= 1 << slot
    attempt.words[slot] = action.commitment
    where = (task.round, task.attempt, slot)
    federation.emit(VerdictCommitted(task.id, env.sender, *where, action.commitment))


def close_verdict_commits(federation: Federation, task: Task, now: int) -> None:
    """VERDICT_COMMIT -> VERDICT_REVEAL."""
    deadline = now + task.terms.schedule.verdict_reveal_s
    federation.start(task, Phase.VERDICT_REVEAL, deadline)


def reveal_verdict(federation: Federation, env: Env, action: RevealVerdict) -> None:
    """Open a verdict; from here on the seat's word is the claim it supports."""
    task = federation.task(action.task)
    slot, attempt = _opening_member(task, env)
    plain = task.terms.model.optimiser == OptimiserKind.PLAIN
    # Always a model, a state where there is an optimiser; no rule gives weights yet.
    wanted = (False, True, not plain)
    given = (action.weights_root, action.model_root, action.state_root)
    if tuple(root != ZERO for root in given) != wanted:
        raise Rejected(Reason.WRONG_ROOTS)
    counted, here = task.current.counted, federation.deployment
    model, state = (
        task.header(Kind.MODEL, action.model_root),
        task.header(Kind.OPTIMISER_STATE, action.state_root),
    )
    verdict = Verdict(counted, action.weights_root, model, state, action.receipt, action.salt)
    where = (task.id, task.round, task.attempt)
    if here.verdict_commitment(*where, env.sender, verdict) != attempt.words[slot]:
        raise Rejected(Reason.COMMITMENT_MISMATCH)
    attempt.opened |= 1 << slot
    attempt.words[slot] = here.claim(*where, counted, (action.weights_root, model, state))
    federation.emit(
        VerdictRevealed(
            task.id,
            env.sender,
            task.round,
            task.attempt,
            slot,
            action.weights_root,
            action.model_root,
            action.state_root,
            action.receipt,
            action.salt,
        )
    )


def reveal_missing(federation: Federation, env: Env, action: RevealMissing) -> None:
    """Open a `Missing` for a counted update: it names the update and demands the chunk, with a bond
    from the member's stake."""
    task = federation.task(action.task)
    slot, attempt = _opening_member(task, env)
    opened = (action.position, action.chunk, action.receipt, action.salt)
    where = (task.id, task.round, task.attempt, env.sender)
    expected = federation.deployment.missing_commitment(*where, Missing(*opened))
    if expected != attempt.words[slot]:
        raise Rejected(Reason.COMMITMENT_MISMATCH)
    if not task.current.counted >> action.position & 1:
        raise Rejected(Reason.NOT_COUNTED)
    if action.chunk >= task.terms.model.leaves:
        raise Rejected(Reason.CHUNK_OUT_OF_RANGE)
    expect_room(task)
    attempt.opened |= 1 << slot
    attempt.missing |= 1 << slot
    task.current.named |= 1 << action.position
    task.seats[env.sender].stake -= task.terms.economics.court_bond
    federation.emit(MissingRevealed(task.id, env.sender, task.round, task.attempt, slot, *opened))
    place = (action.position, action.chunk)
    enter_demand(federation, task, env, Matter.MISSING, place, bonds=1)


def close_verdicts(federation: Federation, task: Task, now: int) -> None:
    """VERDICT_REVEAL -> CHALLENGE with a claim, or a failed attempt, once no demand is open."""
    attempt = task.current.attempts[-1]
    results = attempt.opened & ~attempt.missing
    words = {slot: word for slot, word in attempt.words.items() if results >> slot & 1}
    need = draws.quorum(task.terms.cohort.committee)
    for word in words.values():
        agreed = sum(1 << slot for slot, other in words.items() if other == word)
        if agreed.bit_count() >= need:
            attempt.silent = _others(task, attempt.opened)
            attempt.agreed, task.current.claim = agreed, word
            federation.emit(Claimed(task.id, task.round, task.attempt, word))
            deadline = now + task.terms.schedule.challenge_s
            federation.start(task, Phase.CHALLENGE, deadline)
            return
    if task.open_disputes:
        raise Rejected(Reason.DISPUTE_OPEN)
    attempt.silent = _others(task, attempt.opened)
    fail_attempt(federation, task, now, Cause.NO_QUORUM)


def _others(task: Task, mask: int) -> int:
    """The seats of the committee that are not in `mask`."""
    return (1 << task.terms.cohort.committee) - 1 & ~mask


def _member(task: Task, account: bytes) -> tuple[Seat, int, Attempt]:
    """The account's seat, its slot in the running committee, and the attempt."""
    seat = task.opened_seat(account, Role.AGGREGATOR)
    if seat is None:
        raise Rejected(Reason.NOT_IN_COMMITTEE)
    position = draws.position_of(task.committee_key, len(task.aggregators), seat.index)
    slot = position - (task.attempt - 1) * task.terms.cohort.committee
    if not 0 <= slot < task.terms.cohort.committee:
        raise Rejected(Reason.NOT_IN_COMMITTEE)
    return seat, slot, task.current.attempts[-1]


def _opening_member(task: Task, env: Env) -> tuple[int, Attempt]:
    """The slot and attempt of a member that may open its verdict now."""
    task.expect(Phase.VERDICT_REVEAL, env.now, Reason.VERDICT_REVEAL_CLOSED)
    _, slot, attempt = _member(task, env.sender)
    if not attempt.committed >> slot & 1:
        raise Rejected(Reason.NOT_COMMITTED)
    if attempt.opened >> slot & 1:
        raise Rejected(Reason.ALREADY_REVEALED)
    return slot, attempt
