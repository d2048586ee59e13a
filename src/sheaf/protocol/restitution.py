"""Restitution: what settlement does with bonds, and with the slashes that a court decided on.

A bond returns to whoever opened a dispute, unless it was lost: one of a demand that was answered
pays for the answer, one of a challenge that was refuted or given up goes half to whoever showed it,
half up in flames. Of a slash at least half is burned, so that accuser and accused together always
lose; nothing goes to the sponsor.
"""

from __future__ import annotations

from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.events import Cause, Slashed
from sheaf.protocol.state import Federation, Matter, Standing, Task


def settle_dispute(federation: Federation, task: Task, number: int) -> None:
    """Move a dispute's bonds, and slash who withheld a demanded update."""
    dispute = task.current.disputes[number - 1]
    bonds = dispute.bonds * task.terms.economics.court_bond
    if dispute.standing == Standing.DISMISSED:
        _lose_bonds(federation, task, number, bonds)
        return
    earned = 0
    if dispute.is_demand and dispute.standing == Standing.UPHELD:
        owner, amount = task.participant_at(dispute.position), task.terms.economics.slash_withheld
        taken = take(federation, task, owner, amount, Cause.WITHHELD)
        earned = taken // 2
        task.burned_stake += taken - earned
    if dispute.matter == Matter.MISSING:
        task.seats[dispute.opener].stake += bonds
        _pay(federation, task, dispute.opener, number, (bonds, earned), due=earned)
    else:
        _pay(federation, task, dispute.opener, number, (bonds, earned), due=bonds + earned)


def share_overturned(federation: Federation, task: Task, number: int, pot: int) -> None:
    """Half of what an overturned attempt's members lost, at most, is paid: to each dissenter a fee,
    as much as one slash divided by the seats (the committee's fee is in another token), the rest to
    the challenger. What is left is burned."""
    attempt, committee = task.current.attempts[number - 1], task.terms.cohort.committee
    dispute = task.current.disputes[attempt.overturned - 1]
    dissent = attempt.opened & ~attempt.missing & ~attempt.agreed
    fee, left = task.terms.economics.slash_overturned // committee, pot // 2
    task.burned_stake += pot - left
    for slot in range(committee):
        if dissent >> slot & 1:
            paid = min(fee, left)
            left -= paid
            account = task.member_at(number, slot)
            _pay(federation, task, account, attempt.overturned, (0, paid), due=paid)
    _pay(federation, task, dispute.opener, attempt.overturned, (0, left), due=left)


def take(federation: Federation, task: Task, account: bytes, amount: int, cause: Cause) -> int:
    """Slash a seat that covers `amount`; what it lost (0: an empty seat is not slashed)."""
    seat = task.seats[account]
    if amount == 0 or seat.stake < amount:
        return 0
    seat.stake -= amount
    federation.emit(Slashed(task.id, account, task.round, amount, cause))
    return amount


def _lose_bonds(federation: Federation, task: Task, number: int, bonds: int) -> None:
    dispute = task.current.disputes[number - 1]
    earned = bonds if dispute.is_demand else bonds // 2
    if bonds:
        federation.emit(Slashed(task.id, dispute.opener, task.round, bonds, Cause.DISMISSED))
    task.burned_stake += bonds - earned
    _pay(federation, task, dispute.answerer, number, (0, earned), due=earned)


def _pay(
    federation: Federation,
    task: Task,
    account: bytes,
    number: int,
    amounts: tuple[int, int],
    due: int,
) -> None:
    """Make `due` withdrawable, and say what of `amounts` returned and what was earned."""
    federation.account(federation.stake_token).credit(account, due)
    if any(amounts):
        federation.emit(CourtPaid(task.id, account, task.round, number, *amounts))
