"""Everything one actor did in a task, and what was done to it, in the order of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_canonical_address, to_checksum_address

from sheaf.nodes import chronicle
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.respecification import Respecification, Step
from sheaf.nodes.summary import payments
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol import court_events as c
from sheaf.protocol import events as v
from sheaf.protocol.actions import Publish
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.state import Role, Standing

STAKE, REWARD = "stake", "reward"
Money = Callable[[str, int], str]
"""An amount of the `STAKE` or the `REWARD` token in words."""


def in_units(kind: str, amount: int) -> str:
    """An amount in the token's own unit."""
    return f"{amount} units of the {kind} token"


@dataclass(frozen=True)
class Deed:
    """A transaction as far as it is about the actor: `sent` says whether it sent it itself (then
    `gas` is what it burned), `lines` what happened to it by it."""

    block: int
    time: int
    transaction: bytes
    sent: bool
    action: str
    gas: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Balance:
    """One actor's money, in the tokens' own units: what it earned and lost over the task, what left
    the vault, and what the contracts still hold for it."""

    payouts: int
    bonuses: int
    slashed: int
    withdrawn: Mapping[str, int]
    stake_held: int
    credit_held: int
    withdrawable: Mapping[str, int]


@dataclass(frozen=True)
class Biography:
    """Who it is, in words, and what it did."""

    account: bytes
    who: str
    deeds: tuple[Deed, ...]
    gas: int
    balance: Balance


def biography(evidence: Evidence, reference: str, money: Money = in_units) -> Biography:
    """The actor that an address, a prefix no other one has, or a reported name stands for; `money`
    puts amounts into words.

    Raises `InvalidUsage` where that is nobody, or more than one.
    """
    account = find(evidence, reference)
    trail, deeds = Trail(evidence.trail.deployment, evidence.trail.task), []
    gas = 0
    for step in evidence.steps:
        lines: list[str] = []
        for event in step.events:
            trail = fold(trail, event)
            lines += _lines(evidence, trail, event, account, money)
        own = step.sender == account and not _is_elsewhere(evidence, step)
        gas += step.gas if own else 0
        if own or lines:
            deeds.append(_deed(step, own, lines))
    return Biography(account, evidence.who(account), tuple(deeds), gas, _balance(evidence, account))


def _is_elsewhere(evidence: Evidence, step: Step) -> bool:
    """Whether a transaction is about another task."""
    task = evidence.trail.task
    if isinstance(step.action, Publish):
        return evidence.book.deployment.task_id(step.sender, step.action.document) != task
    return getattr(step.action, "task", task) != task


def _deed(step: Step, own: bool, lines: list[str]) -> Deed:
    if step.failure is not None:
        lines.append(f"refused: {step.failure}")
    action = type(step.action).__name__ if step.action else "a contract's call"
    where = (step.block, step.time, step.transaction)
    return Deed(*where, own, action, step.gas if own else 0, tuple(lines))


def find(evidence: Evidence, reference: str) -> bytes:
    """The account that is meant. Raises `InvalidUsage`."""
    actors = actors_of(evidence)
    named = {a: evidence.names.get(to_checksum_address(a), "") for a in actors}
    exact = [account for account, name in named.items() if name == reference]
    digits = reference.lower().removeprefix("0x")
    found = exact or [account for account in actors if account.hex().startswith(digits)]
    if len(found) == 1 and digits:
        return found[0]
    told = ", ".join(evidence.who(a) for a in found[:4]) if digits else ""
    raise InvalidUsage(
        f"--who: found {reference!r}, which is {told or 'nobody here'}, accepted: an address of an "
        "actor, a prefix that no other one has, or a name that the run reports"
    )


def actors_of(evidence: Evidence) -> tuple[bytes, ...]:
    """Every account that sent something, has a seat, or has a name in the run's report."""
    senders = (step.sender for step in evidence.steps)
    named = map(to_canonical_address, evidence.names)
    return tuple(dict.fromkeys((*senders, *evidence.trail.seats, *named)))


def _balance(evidence: Evidence, account: bytes) -> Balance:
    """The specification applied once more says what the contracts hold."""
    replayed = Respecification(evidence.book)
    for step in evidence.steps:
        replayed.apply(step)
    federation, trail = replayed.federation, evidence.trail
    tokens = {STAKE: evidence.book.stake_token, REWARD: evidence.book.reward_token}
    seat = federation.tasks[trail.task].seats.get(account)
    paid, address = payments(trail), to_checksum_address(account)
    everything = [event for step in evidence.steps for event in step.events]
    left = [e for e in everything if isinstance(e, v.Withdrawn) and e.account == account]
    return Balance(
        payouts=paid["payouts"].get(address, 0),
        bonuses=paid["bonuses"].get(address, 0),
        slashed=paid["slashed"].get(address, 0),
        withdrawn={
            kind: sum(e.amount for e in left if e.token == token) for kind, token in tokens.items()
        },
        stake_held=seat.stake if seat else 0,
        credit_held=seat.credit if seat else 0,
        withdrawable={
            kind: federation.account(token).withdrawable.get(account, 0)
            for kind, token in tokens.items()
        },
    )


def _lines(
    evidence: Evidence, trail: Trail, event: object, account: bytes, money: Money
) -> Iterator[str]:
    """What an event means for the account."""
    if isinstance(event, v.Withdrawn):
        if event.account == account:
            kind = STAKE if event.token == evidence.book.stake_token else REWARD
            yield f"withdrew {money(kind, event.amount)}"
        return
    if getattr(event, "task", None) != evidence.trail.task:
        return
    own = getattr(event, "account", None) == account
    words = _OWN.get(type(event))
    if own and words is not None:
        yield words(event, money)
    elif isinstance(event, v.TaskPublished) and event.sponsor == account:
        yield f"published the task, {money(REWARD, event.deposit)} deposited"
    yield from _drawn(trail, event, account)
    yield from _judged(trail, event, account)
    yield from _in_court(evidence, trail, event, account)


def _drawn(trail: Trail, event: object, account: bytes) -> Iterator[str]:
    """Draws, and whether an update counted."""
    if isinstance(event, v.CohortDrawn) and account in trail.rounds[event.round].cohort:
        place = trail.rounds[event.round].cohort.index(account)
        yield f"round {event.round}: drawn into the cohort, position {place} of {event.size}"
    if isinstance(event, v.PhaseStarted) and event.phase == Phase.HOLD:
        members = trail.committee(event.round, event.attempt)
        if account in members:
            seat = f"slot {members.index(account)} of {len(members)}"
            where = f"round {event.round}, attempt {event.attempt}"
            yield f"{where}: drawn into the committee, {seat}"
    if isinstance(event, v.Counted):
        for position, reveal in trail.rounds[event.round].reveals.items():
            if reveal.account == account:
                told = "counted" if event.bitmap >> position & 1 else "not counted"
                yield f"round {event.round}, attempt {event.attempt}: its update was {told}"


def _judged(trail: Trail, event: object, account: bytes) -> Iterator[str]:
    """Whether a verdict was the claim, duplicates, and updates that the court dropped."""
    if isinstance(event, v.Claimed):
        found = trail.rounds[event.round]
        voters = {verdict.account for verdict in trail.voters(event).values()}
        for (attempt, _), verdict in found.verdicts.items():
            if attempt == event.attempt and verdict.account == account:
                agreed = "agreed with" if account in voters else "differed from"
                where = f"round {event.round}, attempt {attempt}"
                yield f"{where}: its verdict {agreed} the claim"
    if isinstance(event, v.DuplicateFound):
        reveals = trail.rounds[event.round].reveals
        if reveals[event.later].account == account:
            other = to_checksum_address(reveals[event.earlier].account)
            yield f"round {event.round}: its update equals that of {other}, committed before"
    if isinstance(event, c.Decided) and event.standing == Standing.UPHELD:
        found = trail.rounds[event.round]
        dispute = found.disputes[event.number]
        if dispute.is_demand and found.reveals[dispute.position].account == account:
            yield f"round {event.round}: its update was dropped as withheld"


def _in_court(evidence: Evidence, trail: Trail, event: object, account: bytes) -> Iterator[str]:
    """Its own moves, and rulings on what it opened."""
    number = getattr(event, "number", 0)
    rounds = trail.rounds.get(getattr(event, "round", 0))
    if rounds is None or number not in rounds.disputes or isinstance(event, c.CourtPaid):
        return
    mover = getattr(event, "account", rounds.disputes[number].opener)
    if mover == account:
        names = {bytes.fromhex(a[2:]): name for a, name in evidence.names.items()}
        yield f"round {rounds.number}, {chronicle.line(event, trail, names)}"


def _cause(event: v.Slashed) -> str:
    return Cause(event.cause).name.lower().replace("_", " ")


_OWN: dict[type[object], Callable[[Any, Money], str]] = {
    v.Registered: lambda e, m: (
        f"took a seat as {Role(e.role).name.lower()}, stake {m(STAKE, e.stake)}"
    ),
    v.Opened: lambda e, m: f"opened its nonce, index {e.index} among its kind",
    v.Committed: lambda e, m: f"round {e.round}: committed to {e.commitment.hex()}",
    v.Revealed: lambda e, m: (
        f"round {e.round}: revealed update {e.root.hex()}, trained on {e.samples} samples"
    ),
    v.Held: lambda e, m: (
        f"round {e.round}, attempt {e.attempt}: attested {e.bitmap.bit_count()} updates "
        f"(bitmap {e.bitmap:#x})"
    ),
    v.VerdictCommitted: lambda e, m: (
        f"round {e.round}, attempt {e.attempt}: committed to verdict {e.commitment.hex()}"
    ),
    v.VerdictRevealed: lambda e, m: (
        f"round {e.round}, attempt {e.attempt}: opened its verdict, model {e.model_root.hex()}"
    ),
    v.MissingRevealed: lambda e, m: (
        f"round {e.round}, attempt {e.attempt}: said that chunk {e.chunk} of update {e.position} "
        "was not served"
    ),
    v.Paid: lambda e, m: (
        f"round {e.round}: paid {m(REWARD, e.reward)}"
        + (f" and {m(STAKE, e.bonus)}" if e.bonus else "")
    ),
    v.FeePaid: lambda e, m: f"round {e.round}: paid a fee of {m(REWARD, e.amount)}",
    v.Slashed: lambda e, m: f"round {e.round}: slashed {m(STAKE, e.amount)} ({_cause(e)})",
    v.SeatClaimed: lambda e, m: (
        f"left its seat with stake {m(STAKE, e.stake)} and earnings {m(REWARD, e.credit)}"
    ),
    c.CourtPaid: lambda e, m: (
        f"round {e.round}, dispute {e.number}: bond of {m(STAKE, e.returned)} returned, "
        f"{m(STAKE, e.earned)} earned"
    ),
}
