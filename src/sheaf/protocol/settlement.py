"""Settlement: the only place where money moves (docs/protocol, "Money").

Two sweeps over the cohort and one over the round's disputes, paged: first those who did not reveal
(slashed), then those who did (paid), then bonds (`restitution`). So the slashes that are shared are
all in before the first share goes out, and the books balance after every page. The last page
settles the committees and starts what comes next.
"""

from __future__ import annotations

from sheaf.protocol import restitution
from sheaf.protocol.actions import Claim, Duplicate, Settle, Withdraw
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import (
    Cause,
    DuplicateFound,
    FeePaid,
    Paid,
    Phase,
    RoundSettled,
    SeatClaimed,
    Withdrawn,
)
from sheaf.protocol.restitution import take
from sheaf.protocol.rounds import end_round
from sheaf.protocol.state import Env, Federation, Seat, Settlement, Task, TokenAccount
from sheaf.protocol.terms import MAX_AMOUNT


def duplicate(federation: Federation, env: Env, action: Duplicate) -> None:
    """Clear the pay of the later of two equal counted updates. Anyone may, before settlement."""
    task = federation.task(action.task)
    current = task.current
    if not Phase.HOLD <= task.phase <= Phase.ABORTED or current.settled is not None:
        raise Rejected(Reason.WRONG_PHASE)
    if not (current.owed >> action.earlier & current.owed >> action.later & 1):
        raise Rejected(Reason.NOT_COUNTED)
    if current.duplicates >> action.later & 1:
        raise Rejected(Reason.ALREADY_DUPLICATE)
    earlier = task.seats[task.participant_at(action.earlier)]
    later = task.seats[task.participant_at(action.later)]
    if earlier.word != later.word or earlier.sequence >= later.sequence:
        raise Rejected(Reason.NOT_DUPLICATE)
    current.duplicates |= 1 << action.later
    federation.emit(DuplicateFound(task.id, task.round, action.earlier, action.later))


def settle(federation: Federation, env: Env, action: Settle) -> None:
    """One page of the round's settlement, once nothing in court is open."""
    task = federation.task(action.task)
    if task.phase not in (Phase.CHALLENGE, Phase.ABORTED) or task.current.void:
        raise Rejected(Reason.WRONG_PHASE)
    if env.now < task.deadline:
        raise Rejected(Reason.NOT_YET)
    if task.open_disputes:
        raise Rejected(Reason.DISPUTE_OPEN)
    if action.steps == 0:
        raise Rejected(Reason.EMPTY_PAGE)
    settlement = task.current.settled or _begin(federation, task, action)
    end = 2 * task.cohort + len(task.current.disputes)
    last = min(settlement.step + action.steps, end)
    for step in range(settlement.step, last):
        if step >= 2 * task.cohort:
            restitution.settle_dispute(federation, task, step - 2 * task.cohort + 1)
            continue
        sweep, position = divmod(step, task.cohort)
        if step == task.cohort:
            _share_slashes(task, settlement)
        if task.current.revealed >> position & 1 == sweep:
            turn = _pay if sweep else _slash
            turn(federation, task, settlement, position)
    settlement.step = last
    if last == end:
        _conclude(federation, task, env.now)


def _begin(federation: Federation, task: Task, action: Settle) -> Settlement:
    """Check the claim and take the round's reward and fee out of escrow, or leave them there."""
    current, e = task.current, task.terms.economics
    if task.phase == Phase.CHALLENGE:
        roots = (action.weights_root, action.model_root, action.state_root)
        where = (task.id, task.round, task.attempt)
        if federation.deployment.claim(*where, current.counted, roots) != current.claim:
            raise Rejected(Reason.WRONG_CLAIM)
        task.model_root, task.state_root = action.model_root, action.state_root
    owed = current.owed & ~current.dropped
    samples = sum(n for position, n in current.samples.items() if owed >> position & 1)
    current.settled = settlement = Settlement(0, samples, 0)
    if current.attempts:  # reveals had opened: the round's money is spent or burned
        task.escrow -= e.round_reward + e.committee_fee
        shared = e.round_reward if owed else 0
        shared += e.committee_fee if task.phase == Phase.CHALLENGE else 0
        task.dust += shared
        task.burned += e.round_reward + e.committee_fee - shared
    return settlement


def _slash(federation: Federation, task: Task, settlement: Settlement, position: int) -> None:
    """A drawn participant that did not reveal: no commit, or, where reveals opened, no reveal."""
    account = task.participant_at(position)
    seat, e = task.seats[account], task.terms.economics
    if seat.committed_round != task.round:
        settlement.pool += take(federation, task, account, e.slash_commit, Cause.NO_COMMIT)
    elif task.current.attempts:
        task.burned_stake += take(federation, task, account, e.slash_reveal, Cause.NO_REVEAL)


def _share_slashes(task: Task, settlement: Settlement) -> None:
    """Half of what non-committers lost, equally to those who revealed; the rest is burned."""
    revealed = task.current.revealed.bit_count()
    settlement.bonus = settlement.pool // 2 // revealed if revealed else 0
    task.burned_stake += settlement.pool - settlement.bonus * revealed
    settlement.pool = settlement.bonus * revealed


def _pay(federation: Federation, task: Task, settlement: Settlement, position: int) -> None:
    """Credit a participant that revealed: reward by samples if owed, and its share of slashes."""
    current, account = task.current, task.participant_at(position)
    seat, reward = task.seats[account], 0
    if current.owed & ~current.dropped & 1 << position:
        samples, whole = current.samples[position], task.terms.economics.round_reward
        share = whole * samples // settlement.samples
        task.dust -= share
        if current.duplicates >> position & 1:
            task.burned += share
        else:
            reward = share
    bonus = settlement.bonus
    settlement.pool -= bonus
    if seat.stake + bonus > MAX_AMOUNT:
        # A seat so rich that it cannot hold its share must not stop everybody's settlement.
        task.burned_stake += bonus
        bonus = 0
    seat.credit += reward
    seat.stake += bonus
    if reward or bonus:
        federation.emit(Paid(task.id, account, task.round, reward, bonus))


def _conclude(federation: Federation, task: Task, now: int) -> None:
    """What the committees earned and lost; then the next round or the end."""
    claimed = task.phase == Phase.CHALLENGE
    for number in range(1, task.attempt + 1):
        _conclude_attempt(federation, task, number, claimed and number == task.attempt)
    if claimed:
        roots = (task.model_root, task.state_root)
        federation.emit(RoundSettled(task.id, task.round, *roots))
    task.current.settled = None
    end_round(federation, task, now, aborted=not claimed)


def _conclude_attempt(federation: Federation, task: Task, number: int, settles: bool) -> None:
    """The silent lose; of a settled attempt those who agreed share the fee, of an overturned one
    they lose what `restitution` shares out."""
    attempt, e = task.current.attempts[number - 1], task.terms.economics
    fee = e.committee_fee // attempt.agreed.bit_count() if settles else 0
    pot = 0
    for slot in range(task.terms.cohort.committee):
        account, bit = task.member_at(number, slot), 1 << slot
        seat = task.seats[account]
        if attempt.silent & bit and seat.stake >= e.aggregator_round_stake:
            task.burned_stake += take(federation, task, account, e.slash_silent, Cause.SILENT)
        if attempt.agreed & bit and attempt.overturned:
            pot += take(federation, task, account, e.slash_overturned, Cause.OVERTURNED)
        elif attempt.agreed & bit and fee:
            task.dust -= fee
            seat.credit += fee
            federation.emit(FeePaid(task.id, account, task.round, fee))
    if attempt.overturned:
        restitution.share_overturned(federation, task, number, pot)


def claim(federation: Federation, env: Env, action: Claim) -> None:
    """After the end, pay a seat its stake and earnings; unopened, it loses its nonce deposit."""
    task = federation.task(action.task)
    if task.phase not in (Phase.DONE, Phase.ENDED):
        raise Rejected(Reason.WRONG_PHASE)
    seat = task.seats.get(env.sender)
    if seat is None or seat.stake + seat.credit == 0:
        raise Rejected(Reason.NOTHING_TO_CLAIM)
    if not seat.opened:
        amount = task.terms.economics.slash_nonce
        task.burned_stake += take(federation, task, env.sender, amount, Cause.NO_NONCE)
    _release(federation, env, task, seat)


def _release(federation: Federation, env: Env, task: Task, seat: Seat) -> None:
    stake, credit = seat.stake, seat.credit
    seat.stake = seat.credit = 0
    federation.emit(SeatClaimed(task.id, env.sender, stake, credit))
    _pay_out(federation, env, federation.stake_token, stake)
    _pay_out(federation, env, task.terms.economics.reward_token, credit)


def _pay_out(federation: Federation, env: Env, token: bytes, amount: int) -> None:
    """To the sender or, where the token refuses, to what the sender may withdraw later."""
    if token in env.refusing:
        federation.account(token).credit(env.sender, amount)
    elif amount:
        federation.account(token).withdrawals += amount
        federation.emit(Withdrawn(token, env.sender, amount))


def withdraw(federation: Federation, env: Env, action: Withdraw) -> None:
    """Take out all that is withdrawable of one token."""
    books = federation.vault.get(action.token, TokenAccount())
    amount = books.withdrawable.pop(env.sender, 0)
    if amount == 0:
        raise Rejected(Reason.NOTHING_TO_WITHDRAW)
    books.withdrawals += amount
    federation.emit(Withdrawn(action.token, env.sender, amount))
