"""Acts: what is done in a task beside updates and verdicts, and receipts of it.

The sponsor publishes and reports; a challenger, a member or a participant moves in court. No
contract has a field for these receipts. So the id of one stands behind the arguments of its call,
where no contract reads it, and the account signs it with the transaction: it is bound to the act,
to the account and to the block, for about 520 gas.

The receipt is made and shown before the act is sent. Nothing of it is drawn at random, so that a
run which was stopped in between makes the same again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sheaf.identity.statement import Act, Step, Subject
from sheaf.ledger.federation import call_data
from sheaf.nodes.attesting import Means
from sheaf.nodes.disputes import DisputeTrail
from sheaf.nodes.seat import SeatState
from sheaf.nodes.steps import NO_ATTEMPT
from sheaf.nodes.summary import COURT_ACTIONS
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId, raw_id
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Matter
from sheaf.protocol.task import Task

ACTS = (a.Publish, a.Report, a.Duplicate, *COURT_ACTIONS)
"""Actions that say something of a task, so that their senders sign for them. The others only move
phases and money on, which whoever wants to may do."""

SPONSOR, CHALLENGER = "sponsor", "challenger"
NO_ROUND = 0


@dataclass(frozen=True)
class Place:
    """The round that an act belongs to, and the attempt; zero for none."""

    round: int
    attempt: int

    @classmethod
    def of(cls, trail: Trail, action: Action) -> Place:
        """Where an action belongs that somebody sends now."""
        if isinstance(action, a.Publish):
            return cls(NO_ROUND, NO_ATTEMPT)
        if isinstance(action, a.Report):
            return cls(action.round, NO_ATTEMPT)
        if isinstance(action, a.Duplicate):
            return cls(trail.round, NO_ATTEMPT)
        return cls(trail.round, trail.attempt)


def act_step(trail: Trail, place: Place, account: bytes, action: Action, initial: bytes) -> Step:
    """An act as its receipt names it: from what the ledger says of the place, so that it is the
    same before the act and at the end of the task. `initial` is the first model's tree root."""
    found = trail.rounds.get(place.round)
    published = isinstance(action, a.Publish)
    model = (action.terms if isinstance(action, a.Publish) else trail.terms).model
    number = _number_of(action)
    subjects = (*_subjects(trail, place, action, initial), _called(action))
    return Step(
        chain=trail.deployment.chain,
        contract=trail.deployment.address,
        task=trail.task,
        account=account,
        role=_role(trail, account, published=published),
        round=place.round,
        attempt=place.attempt,
        base=initial if published else trail.model_after(place.round - 1, initial),
        base_state=ZERO if published else trail.state_after(place.round - 1),
        chunk_bytes=1 << model.chunk_log2,
        subjects=subjects,
        counted=found.counted_positions(place.attempt) if found and place.attempt else None,
        act=Act(name_of(action), number or None, _position(found, action)),
    )


def name_of(action: Action) -> str:
    """What the ledger calls an action."""
    name = type(action).__name__
    return name[0].lower() + name[1:]


def vouch(shop: Means, state: SeatState, action: Action) -> bytes:
    """Sign a receipt of an act and show it, before it is sent; returns its id. Zero for what is no
    act, and where the node signs none."""
    if shop.signer is None or not isinstance(action, ACTS):
        return ZERO
    trail = state.trail
    step = act_step(trail, Place.of(trail, action), state.account, action, state.initial_model)
    content = shop.signer.receipt(step, _bundle(shop, trail, action))
    content_id = raw_id(content)
    shop.shared.put(content, content_id)
    return content_id.digest


def _bundle(shop: Means, trail: Trail, action: Action) -> bytes:
    """The digest of the task's code; of a task that is being published nothing is on the ledger."""
    if isinstance(action, a.Publish):
        document = shop.shared.get(ContentId(DAG_CBOR, SHA2_256, action.document))
        return Task.decode(document).model.bundle
    return shop.task(trail).model.bundle


def _role(trail: Trail, account: bytes, *, published: bool) -> str:
    """In which role an account acts: who has no seat and is not the sponsor is a challenger."""
    seat, task = trail.seats.get(account), trail.published
    if published or (task is not None and task.sponsor == account):
        return SPONSOR
    return CHALLENGER if seat is None else seat.role.name.lower()


def _number_of(action: Action) -> int:
    """The dispute that an action is a move in, zero where it opens one, or there is none."""
    number: int = getattr(action, "number", 0)
    return number


def _called(action: Action) -> Subject:
    """The whole of what is asked of the contract."""
    return Subject("call", sha256(call_data(action)).digest(), flat=True)


def _position(found: RoundTrail | None, action: Action) -> int | None:
    """The cohort position of the update that an act is about."""
    if isinstance(action, a.Refute | a.Demand):
        return action.position
    if isinstance(action, a.Duplicate):
        return action.later
    dispute = _dispute(found, action)
    return dispute.position if dispute is not None and dispute.is_demand else None


def _dispute(found: RoundTrail | None, action: Action) -> DisputeTrail | None:
    return found.disputes.get(_number_of(action)) if found is not None else None


def _subjects(trail: Trail, place: Place, action: Action, initial: bytes) -> Iterator[Subject]:
    """What an act is about, by its bytes."""
    found = trail.rounds.get(place.round)
    position = _position(found, action)
    match action:
        case a.Publish():
            yield Subject("document", action.document, flat=True)
            yield from _made(action.model_root, action.state_root)
        case a.Report():
            model = trail.model_after(place.round, initial)
            yield from _made(model, trail.state_after(place.round))
            yield Subject("metrics", sha256(action.metrics).digest(), flat=True)
        case a.Challenge() | a.Descend():
            yield from _made(action.roots.model, action.roots.state)
        case _ if found is not None and position is not None:
            revealed = found.reveals.get(position)
            yield from [] if revealed is None else [Subject("update", revealed.root)]
        case _ if found is not None:
            yield from _disputed(trail, found, place, _dispute(found, action))


def _made(model: bytes, state: bytes) -> list[Subject]:
    return [Subject("model", model)] + [Subject("state", state)] * (state != ZERO)


def _disputed(
    trail: Trail, found: RoundTrail, place: Place, dispute: DisputeTrail | None
) -> Iterator[Subject]:
    """The claimed model or state that a move in court is about."""
    claim = found.claims.get(place.attempt)
    if claim is None or dispute is None:
        return
    verdict = next(iter(trail.voters(claim).values()))  # no claim is made without
    is_state = dispute.matter == Matter.STATE
    yield Subject(*(("state", verdict.state_root) if is_state else ("model", verdict.model_root)))
