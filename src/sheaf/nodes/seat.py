"""What every seat does alike: join, open its nonce, claim and withdraw at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sheaf.nodes.effects import (
    Attested,
    Compared,
    Effect,
    Inspect,
    Inspected,
    Produced,
    ReceiptShown,
    Refused,
    Secrets,
    Send,
    ShowReceipt,
)
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.actions import Action, Claim, Open, Register, Withdraw
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.errors import Reason
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Matter, Role

Place = tuple[int, int, Phase]

PASSING = frozenset({str(Reason.NOT_YET), str(Reason.DISPUTE_OPEN)})
"""Refusals that time undoes: on a chain where others act, too, one may be met for what somebody did
that is not final yet."""


@dataclass(frozen=True)
class SeatState:
    """State common to all nodes: `initial_model` is the tree root of the task document's initial
    weights; `refused` holds what the ledger rejected, and where: the same action is not sent twice
    in one phase of one attempt. `compared` and `produced` are what was last found for a dispute, by
    its number in the round. `attested` is the last receipt it signed, `shown` the last one that
    it put into the shared store."""

    account: bytes
    stake_token: bytes
    initial_model: bytes
    trail: Trail
    objection: str | None = None
    refused: frozenset[tuple[Action, Place]] = field(default_factory=frozenset)
    compared: Mapping[int, Compared] = field(default_factory=dict)
    produced: Mapping[int, Produced] = field(default_factory=dict)
    attested: Attested | None = None
    shown: bytes = ZERO

    @property
    def place(self) -> Place:
        """Where the task stands."""
        return self.trail.round, self.trail.attempt, self.trail.phase

    @property
    def base(self) -> bytes:
        """Tree root of the model that the running round starts from."""
        return self.trail.model_after(self.trail.round - 1, self.initial_model)

    @property
    def base_state(self) -> bytes:
        """Tree root of the optimiser's state that the running round starts from; zero: the first,
        or none."""
        return self.trail.state_after(self.trail.round - 1)


S = TypeVar("S", bound=SeatState)


def fold_seat(state: S, event: object) -> S:
    """The common half of a node's fold."""
    if isinstance(event, Inspected):
        return replace(state, objection=event.objection)
    if isinstance(event, Refused):
        if event.reason in PASSING:
            return state
        return replace(state, refused=state.refused | {(event.action, state.place)})
    if isinstance(event, Compared):
        kept = {n: c for n, c in state.compared.items() if c.round == event.round}
        return replace(state, compared={**kept, event.number: event})
    if isinstance(event, Produced):
        held = {n: p for n, p in state.produced.items() if p.round == event.round}
        return replace(state, produced={**held, event.number: event})
    if isinstance(event, Attested):
        return replace(state, attested=event)
    if isinstance(event, ReceiptShown):
        return replace(state, shown=event.receipt)
    trail = fold(state.trail, event)
    return state if trail is state.trail else replace(state, trail=trail)


def decide_seat(state: SeatState, role: Role, now: int, secrets: Secrets) -> list[Effect]:
    """Effects outside the rounds: joining, opening, leaving."""
    trail = state.trail
    if trail.over:
        return leave(state)
    if trail.phase == Phase.REGISTER and now < trail.deadline:
        return _join(state, role, secrets)
    seat = trail.seats.get(state.account)
    if trail.phase == Phase.OPEN and now < trail.deadline and seat and seat.index is None:
        return send(state, Open(trail.task, secrets.signing_key(trail.task).nonce))
    return []


def send(state: SeatState, action: Action) -> list[Effect]:
    """Send `action`, unless it was already refused in this phase."""
    return [] if (action, state.place) in state.refused else [Send(action)]


def receipt_of(state: SeatState, attempt: int) -> bytes | None:
    """The id of the receipt for the running round and an `attempt`, zero for an update's: None
    until it was signed, zero where the node signs none."""
    found = state.attested
    if found is None or (found.round, found.attempt) != (state.trail.round, attempt):
        return None
    return found.receipt


def show(state: SeatState, receipt: bytes) -> list[Effect]:
    """Show a receipt, unless it was, or there is none."""
    return [] if receipt in (ZERO, state.shown) else [ShowReceipt(state.trail.round, receipt)]


def _join(state: SeatState, role: Role, secrets: Secrets) -> list[Effect]:
    trail = state.trail
    if state.account in trail.seats:
        return []
    if state.objection is None:
        return [Inspect()]
    if state.objection:
        return []
    e = trail.terms.economics
    stake = e.participant_stake if role == Role.PARTICIPANT else e.aggregator_stake
    nonce = secrets.signing_key(trail.task).nonce
    hidden = trail.deployment.nonce_hash(trail.task, state.account, nonce)
    return send(state, Register(trail.task, role, hidden, stake))


def leave(state: SeatState) -> list[Effect]:
    """Claim a seat, then withdraw what a token refused to pay, and what a court paid."""
    trail = state.trail
    claimed = trail.claims.get(state.account)
    if claimed is None and state.account in trail.seats:
        return send(state, Claim(trail.task))
    due = {state.stake_token: court_credit(trail, state.account)}
    if claimed is not None:
        due[state.stake_token] += claimed.stake
        reward = trail.terms.economics.reward_token
        due[reward] = due.get(reward, 0) + claimed.credit
    for withdrawn in trail.withdrawals:
        if withdrawn.account == state.account and withdrawn.token in due:
            due[withdrawn.token] -= withdrawn.amount
    owed = [token for token, amount in due.items() if amount > 0]
    return [effect for token in owed for effect in send(state, Withdraw(token))]


def court_credit(trail: Trail, account: bytes) -> int:
    """What an account may withdraw of what courts paid it: what it earned and its bonds, but for
    that of a member's `Missing`, which went back to the seat."""
    total = 0
    for event in trail.payments:
        if isinstance(event, CourtPaid) and event.account == account:
            dispute = trail.rounds[event.round].disputes[event.number]
            seated = dispute.matter == Matter.MISSING and dispute.opener == account
            total += event.earned + (0 if seated else event.returned)
    return total
