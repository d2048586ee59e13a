"""The challenger: recomputes every claim as it appears, and takes to court what differs.

It takes no seat. It reports what it finds, points out equal updates, challenges a wrong claim by
its first wrong coordinate, descends for claimed bytes that nobody serves, demands updates that it
cannot read, and tests every column that somebody else files. A claim that is right it serves and
answers for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheaf.nodes import court
from sheaf.nodes.disputes import DisputeTrail, next_demand
from sheaf.nodes.effects import (
    Accuse,
    Accused,
    Aggregate,
    Aggregated,
    Choose,
    Chosen,
    ChunkMissing,
    ClaimMissing,
    Collect,
    Collected,
    Effect,
    Published,
    PublishModel,
    Secrets,
)
from sheaf.nodes.seat import SeatState, fold_seat, leave, send
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.actions import Challenge, Demand, Descend, Duplicate, Pick, Roots
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.state import Matter, Standing
from sheaf.protocol.terms import Visibility

MAX_REPLAYS = 16
"""Of one claim, where what could not be read at first can be read after all."""

MAX_DEMANDS = 64
"""On one update in an attempt: their bonds rise, so that these come to 2,080 of them."""


@dataclass(frozen=True)
class Finding:
    """A claim that is not what the counted updates give: tree roots of `what`, the recomputed one
    None where the update at `missing` could not be had."""

    round: int
    attempt: int
    claimed: bytes
    recomputed: bytes | None
    missing: int | None = None
    what: str = "model"

    def __str__(self) -> str:
        place = f"round {self.round}, attempt {self.attempt}"
        if self.recomputed is None:
            return f"{place}: the claim cannot be checked: update {self.missing} is not to be had"
        return (
            f"{place}: the committee claims {self.what} {self.claimed.hex()}, "
            f"the counted updates give {self.recomputed.hex()}"
        )


@dataclass(frozen=True)
class State(SeatState):
    """What a challenger knows: its last replay, how many of the attempt's that was and how many
    demands were answered then, which updates it could read where one was missing, what is wrong
    with the claim, its last choice in a descent, the right model that it served last, and all it
    found."""

    replayed: Aggregated | ChunkMissing | None = None
    replays: int = 0
    answered: int = 0
    collected: Collected | None = None
    accused: Accused | ClaimMissing | None = None
    chosen: Chosen | None = None
    published: bytes | None = None
    findings: tuple[Finding, ...] = ()


def fold(state: State, event: object) -> State:
    """The state after an event."""
    match event:
        case Aggregated() | ChunkMissing():
            return _replayed(state, event)
        case Collected():
            return replace(state, collected=event)
        case Accused() | ClaimMissing():
            return replace(state, accused=event)
        case Chosen():
            return replace(state, chosen=event)
        case Published():
            return replace(state, published=event.root)
    folded = fold_seat(state, event)
    # What could not be read is looked for again whenever something happened.
    return folded if folded.trail is state.trail else replace(folded, collected=None)


def _replayed(state: State, event: Aggregated | ChunkMissing) -> State:
    """Each replay may have read more than the one before it, so that all is looked at again."""
    verdict, place = state.trail.claimed_verdict(event.round), (event.round, event.attempt)
    before = state.replayed
    again = before is not None and (before.round, before.attempt) == place
    answered = _answered(state.trail.rounds[event.round], event.attempt)
    renewed = replace(state, replayed=event, replays=state.replays * again + 1, answered=answered)
    renewed = replace(renewed, collected=None, accused=None, compared={})
    if verdict is None:
        return renewed
    if isinstance(event, ChunkMissing):
        found = Finding(*place, verdict.model_root, None, event.position)
    elif event.root != verdict.model_root:
        found = Finding(*place, verdict.model_root, event.root)
    elif event.state != verdict.state_root:
        found = Finding(*place, verdict.state_root, event.state, what="optimiser state")
    else:
        return renewed
    known = found in state.findings
    return renewed if known else replace(renewed, findings=(*state.findings, found))


def decide(state: State, now: int, secrets: Secrets) -> list[Effect]:
    """What to do now; a challenger has no secrets."""
    trail = state.trail
    if not trail.rounds:
        return []
    if trail.over:
        return leave(state)
    wanted = [*_name_duplicates(state), *court.decisions(state, now)]
    if court.sits(trail):
        wanted += court.answers(state, _post(state), now)
    return wanted + _judge(state, now) if trail.phase == Phase.CHALLENGE else wanted


def _post(state: State) -> court.Post:
    """A challenger tests every entry, and answers for whatever it can read."""
    trail = state.trail
    counted = trail.now.counted_positions(trail.attempt)
    right = isinstance(replay := _current(state), Aggregated) and _is_right(state, replay)
    supplies = dict.fromkeys(counted, court.QUARTER)
    return court.Post(counted, court.AT_ONCE, supplies, court.HALF if right else None)


def _judge(state: State, now: int) -> list[Effect]:
    """Replay the claim, again where what was missing came meanwhile, and act on what differs."""
    trail, replay = state.trail, _current(state)
    if trail.now.claim is None:
        return []
    late = _answered(trail.now, trail.attempt) > state.answered
    if replay is None or (isinstance(replay, ChunkMissing) and late):
        return [_replay(state)]
    if isinstance(replay, ChunkMissing):
        return _demand(state, now)
    if not _is_right(state, replay):
        return _oppose(state, replay, now)
    # Whoever claimed it may keep its bytes back, and everybody needs them to go on.
    served = state.published == replay.root
    return [] if served else [PublishModel(trail.round, replay.root, replay.state)]


def _replay(state: State) -> Aggregate:
    """Recompute the claim from what was counted."""
    trail = state.trail
    counted = trail.now.counted_updates(trail.attempt)
    return Aggregate(trail.round, trail.attempt, state.base, counted, state.base_state)


def _current(state: State) -> Aggregated | ChunkMissing | None:
    """The replay of the running attempt."""
    found, trail = state.replayed, state.trail
    here = (trail.round, trail.attempt)
    return found if found is not None and (found.round, found.attempt) == here else None


def _is_right(state: State, replay: Aggregated) -> bool:
    """Whether the claim is what the replay gave."""
    verdict = state.trail.claimed_verdict(state.trail.round)
    claimed = (verdict.model_root, verdict.state_root) if verdict else None
    return (replay.root, replay.state) == claimed


def _answered(found: RoundTrail, attempt: int) -> int:
    """How many demands on an attempt's updates were answered."""
    return sum(d.attempt == attempt and d.is_demand and bool(d.chunk) for d in _all(found))


def _all(found: RoundTrail) -> tuple[DisputeTrail, ...]:
    return tuple(found.disputes.values())


def _demand(state: State, now: int) -> list[Effect]:
    """Look again for what was missing; demand every counted update that still cannot be read."""
    trail, collected = state.trail, state.collected
    counted = trail.now.counted_updates(trail.attempt)
    here = (trail.round, trail.attempt)
    if collected is None or (collected.round, collected.attempt) != here:
        # Kept, since a store that gives by turns and takes back would never be done with.
        wanted = tuple((position, root) for position, root, _ in counted)
        return [Collect(*here, wanted, keeps=True)]
    missing = [p for p, _, _ in counted if not collected.bitmap >> p & 1]
    if not missing:
        # It came meanwhile, and was kept: only a store of one's own that fails gives by turns.
        return [_replay(state)] if state.replays < MAX_REPLAYS else []
    if now >= trail.first_deadline or not _is_admitted(state):
        return []
    # Who keeps an update back can answer each demand in the last second of its move, and demands
    # are taken in the window's own time only: what is still missing late in it is demanded whole.
    whole = now >= court.late_in_window(trail)
    left = [p for p in missing if p not in trail.now.dropped]
    return [e for p in left for d in _demands_of(state, p, whole) for e in send(state, d)]


def _demands_of(state: State, position: int, whole: bool) -> list[Demand]:
    """Chunks of an update to demand: the next one, unless this node waits for one, or all."""
    trail, account, disputes = state.trail, state.account, _all(state.trail.now)
    own = [
        d
        for d in disputes
        if (d.opener, d.matter, d.position) == (account, Matter.UPDATE, position)
        and d.attempt == trail.attempt
    ]
    if not whole and any(d.pending for d in own):
        return []
    leaves, bond = trail.terms.model.leaves, trail.terms.economics.court_bond
    first, left = next_demand(disputes, trail.attempt, position, leaves)
    wanted = left[: max(0, MAX_DEMANDS - len(own)) if whole else 1]
    return [Demand(trail.task, position, c, n * bond) for n, c in enumerate(wanted, first)]


def _oppose(state: State, replay: Aggregated, now: int) -> list[Effect]:
    """Go on with the own dispute against a wrong claim, or open one."""
    pending = [(n, d) for n, d in state.trail.now.pending.items() if not d.is_demand]
    for number, dispute in pending:
        if dispute.opener == state.account:
            return _go_on(state, replay, (number, dispute), now)
    if now >= state.trail.deadline or not _is_admitted(state):
        return []
    return [] if _is_filed(state) or _was_refuted(state) else _accuse(state, replay, 0)


def _is_admitted(state: State) -> bool:
    """Whether somebody without a seat may open a dispute."""
    return state.trail.terms.cohort.visibility != Visibility.COMMITTEE


def _was_refuted(state: State) -> bool:
    """Whether a column of this node's was shown to be false in this attempt: then its updates are
    not the committed ones, and another column would be no better."""
    mine = (d for d in _all(state.trail.now) if d.opener == state.account and d.column)
    return any((d.attempt, d.standing) == (state.trail.attempt, Standing.DISMISSED) for d in mine)


def _is_filed(state: State) -> bool:
    """Whether a column that this node found to be true stands against the claim already."""
    trail = state.trail
    for number, dispute in trail.now.pending.items():
        tested = state.compared.get(number)
        if dispute.standing != Standing.FILED or tested is None or tested.round != trail.round:
            continue
        # A store can take an update back, and what was not tested somebody else may refute.
        if tested.position is None and not tested.untested:
            return True
    return False


def _go_on(
    state: State, replay: Aggregated, which: tuple[int, DisputeTrail], now: int
) -> list[Effect]:
    """The next move of the own dispute, if it is the challenger's turn."""
    (number, dispute), trail = which, state.trail
    if now >= dispute.deadline:
        return []
    if dispute.standing == Standing.SERVED:
        return _accuse(state, replay, number)
    if dispute.standing != Standing.UNFOLDED:
        return []
    chosen, posted = state.chosen, dispute.hashes[-1]
    if chosen is None or (chosen.round, chosen.number, chosen.hashes) != (
        trail.round,
        number,
        posted,
    ):
        own = replay.root if dispute.matter == Matter.MODEL else replay.state
        return [Choose(trail.round, number, own)]
    return send(state, Pick(trail.task, number, chosen.child, posted))


def _accuse(state: State, replay: Aggregated, number: int) -> list[Effect]:
    """Find what is wrong, then file it: as a challenge or, where the claimed bytes are not to be
    had, as a descent."""
    trail, found, roots = state.trail, state.accused, _roots(state)
    here, bond = (trail.round, trail.attempt), trail.terms.economics.court_bond
    known = found is not None and (found.round, found.attempt) == here
    if known and isinstance(found, Accused) and found.number == number:
        what = (found.matter, found.coordinate, roots, found.openings, found.column)
        return send(state, Challenge(trail.task, number, *what, 0 if number else bond))
    if known and isinstance(found, ClaimMissing) and not number:
        return send(state, Descend(trail.task, found.matter, roots, bond))
    return [Accuse(*here, number, roots, (replay.root, replay.state))]


def _roots(state: State) -> Roots:
    """Tree roots of the claim and of what was there before."""
    trail, verdict = state.trail, state.trail.claimed_verdict(state.trail.round)
    model = trail.terms.model
    plain = model.optimiser == OptimiserKind.PLAIN
    old_state = ZERO if plain else state.base_state
    if not plain and old_state == ZERO:
        old_state = model.initial_state
    claimed = (verdict.model_root, verdict.state_root) if verdict else (ZERO, ZERO)
    return Roots(*claimed, state.base, old_state)


def _name_duplicates(state: State) -> list[Effect]:
    """Of the pairs of equal counted updates whose later one is still to be paid, the first."""
    trail = state.trail
    if not Phase.VERDICT_COMMIT <= trail.phase <= Phase.ABORTED or not trail.now.counted:
        return []
    owed = trail.owed_positions()
    order = [p for p in trail.now.commits if p in owed]  # mappings keep the order of commitments
    first: dict[bytes, int] = {}
    for position in order:
        earlier = first.setdefault(trail.now.reveals[position].root, position)
        paid = position not in trail.now.duplicates | trail.now.dropped
        if earlier != position and paid:
            named = send(state, Duplicate(trail.task, earlier, position))
            if named:
                return named
    return []
