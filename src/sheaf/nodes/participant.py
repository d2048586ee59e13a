"""The participant: trains when drawn, commits, reveals, and answers in court for its update. Its
data never leave it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheaf.nodes import court
from sheaf.nodes.effects import (
    Attest,
    Effect,
    Published,
    PublishUpdate,
    Secrets,
    Train,
    Trained,
    TrainingFailed,
)
from sheaf.nodes.seat import SeatState, decide_seat, fold_seat, receipt_of, send, show
from sheaf.nodes.steps import NO_ATTEMPT, update_step
from sheaf.protocol.actions import Commit, Reveal
from sheaf.protocol.events import Phase
from sheaf.protocol.state import Role


@dataclass(frozen=True)
class State(SeatState):
    """What a participant knows: the last update it made, and the last round it failed."""

    trained: Trained | None = None
    failed_round: int = 0
    published: bytes | None = None


def fold(state: State, event: object) -> State:
    """The state after an event."""
    if isinstance(event, Trained):
        return replace(state, trained=event)
    if isinstance(event, TrainingFailed):
        return replace(state, failed_round=event.round)
    if isinstance(event, Published):
        return replace(state, published=event.root)
    return fold_seat(state, event)


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now."""
    trail = state.trail
    if court.sits(trail) and state.account in trail.now.cohort:
        answers = court.answers(state, _post(state), now)
        if answers:
            return answers
    if trail.phase not in (Phase.COMMIT, Phase.REVEAL):
        return decide_seat(state, Role.PARTICIPANT, now, secrets)
    if now >= trail.deadline or state.account not in trail.now.cohort:
        return []
    position = trail.now.cohort.index(state.account)
    if trail.phase == Phase.COMMIT:
        return _commit(state, position, secrets)
    return _reveal(state, position, secrets)


def _post(state: State) -> court.Post:
    """A participant answers for its own update alone, where that counts."""
    trail = state.trail
    position = trail.now.cohort.index(state.account)
    if position not in trail.now.counted_positions(trail.attempt):
        return court.Post()
    return court.Post((position,), court.QUARTER, {position: court.AT_ONCE})


def _commit(state: State, position: int, secrets: Secrets) -> list[Effect]:
    trail, trained = state.trail, state.trained
    if position in trail.now.commits or state.failed_round == trail.round:
        return []
    if trained is None or trained.round != trail.round:
        return [Train(trail.round, state.base)]
    receipt = receipt_of(state, NO_ATTEMPT)
    if receipt is None:
        made = (trained.root, trained.samples)
        return [Attest(update_step(trail, trail.round, state.account, state.base, *made))]
    opening = _opening(state, trained, receipt, secrets)
    commitment = trail.deployment.update_commitment(
        trail.task, trail.round, state.account, *opening
    )
    return send(state, Commit(trail.task, commitment))


def _reveal(state: State, position: int, secrets: Secrets) -> list[Effect]:
    trail, trained = state.trail, state.trained
    if position not in trail.now.commits or position in trail.now.reveals or trained is None:
        return []
    receipt = receipt_of(state, NO_ATTEMPT)
    if receipt is None:
        return []
    if state.published != trained.root:
        return [PublishUpdate(trail.round, trained.root), *show(state, receipt)]
    opening = _opening(state, trained, receipt, secrets)
    return show(state, receipt) or send(state, Reveal(trail.task, *opening))


def _opening(
    state: State, trained: Trained, receipt: bytes, secrets: Secrets
) -> tuple[bytes, int, bytes, bytes]:
    """Root, samples, receipt id and salt of the round's commitment."""
    salt = secrets.derive("update", state.trail.task, trained.round)
    return trained.root, trained.samples, receipt, salt
