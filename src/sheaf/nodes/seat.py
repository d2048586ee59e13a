"""What every seat does alike: join, open its nonce, claim and withdraw at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from sheaf.nodes.effects import Effect, Inspect, Inspected, Refused, Secrets, Send
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.actions import Action, Claim, Open, Register, Withdraw
from sheaf.protocol.events import Phase
from sheaf.protocol.state import Role

Place = tuple[int, int, Phase]


@dataclass(frozen=True)
class SeatState:
    """State common to all nodes: `initial_model` is the tree root of the task document's initial
    weights; `refused` holds what the ledger rejected, and where: the same action is not sent twice
    in one phase of one attempt."""

    account: bytes
    stake_token: bytes
    initial_model: bytes
    trail: Trail
    objection: str | None = None
    refused: frozenset[tuple[Action, Place]] = field(default_factory=frozenset)

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
        return replace(state, refused=state.refused | {(event.action, state.place)})
    trail = fold(state.trail, event)
    return state if trail is state.trail else replace(state, trail=trail)


def decide_seat(state: SeatState, role: Role, now: int, secrets: Secrets) -> list[Effect]:
    """Effects outside the rounds: joining, opening, leaving."""
    trail = state.trail
    if trail.over:
        return _leave(state)
    if trail.phase == Phase.REGISTER and now < trail.deadline:
        return _join(state, role, secrets)
    seat = trail.seats.get(state.account)
    if trail.phase == Phase.OPEN and now < trail.deadline and seat and seat.index is None:
        return send(state, Open(trail.task, secrets.derive("nonce", trail.task)))
    return []


def send(state: SeatState, action: Action) -> list[Effect]:
    """Send `action`, unless it was already refused in this phase."""
    return [] if (action, state.place) in state.refused else [Send(action)]


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
    nonce = secrets.derive("nonce", trail.task)
    hidden = trail.deployment.nonce_hash(trail.task, state.account, nonce)
    return send(state, Register(trail.task, role, hidden, stake))


def _leave(state: SeatState) -> list[Effect]:
    """Claim, then withdraw what a token refused to pay."""
    trail = state.trail
    if state.account not in trail.seats:
        return []
    claimed = trail.claims.get(state.account)
    if claimed is None:
        return send(state, Claim(trail.task))
    credited = {state.stake_token: claimed.stake}
    reward = trail.terms.economics.reward_token
    credited[reward] = credited.get(reward, 0) + claimed.credit
    taken = {w.token for w in trail.withdrawals if w.account == state.account}
    due = [token for token, amount in credited.items() if amount and token not in taken]
    return [effect for token in due for effect in send(state, Withdraw(token))]
