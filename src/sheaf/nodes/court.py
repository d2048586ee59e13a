"""What nodes answer in court, and when: pure decisions that challenger, members and participants
share.

A move's time has sixteen stations. Whoever is nearest to an answer gives it at the first, others
only if by their own station nobody has, one after the other: one answer is enough, and a second one
is a rejected transaction.

- A demanded update: its owner at once, the challenger after a quarter of the move, members that
  attested it from half of it on.
- A filed column: the challenger at once, the owner of the wrong entry after a quarter, members from
  half on.
- A descent: the members that voted for the claim from the start, the challenger, if it finds the
  claim right, after half.
- What nobody answered in time: the challenger says so at once, the sponsor after a quarter more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sheaf.nodes.disputes import DisputeTrail
from sheaf.nodes.effects import Compare, Effect, Produce
from sheaf.nodes.seat import SeatState, send
from sheaf.nodes.trail import Trail
from sheaf.protocol.actions import Decide, Refute, Supply, Unfold
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Matter, Standing

STATIONS = 16
AT_ONCE, QUARTER, HALF, LATE = 0, 4, 8, 12


@dataclass(frozen=True)
class Post:
    """What a node answers for in the running attempt, and from which station of a move on.

    `compares` are cohort positions whose entries of a column it can test, `supplies` has a station
    by position; a node with no `defends` does not stand by the claim.
    """

    compares: tuple[int, ...] = ()
    refutes: int = AT_ONCE
    supplies: Mapping[int, int] = field(default_factory=dict)
    defends: int | None = None


def one_by_one(first: int, rank: int) -> int:
    """The station of somebody among peers, from `first` on."""
    return first + rank % (STATIONS // 2)


def sits(trail: Trail) -> bool:
    """Whether anything waits for a move."""
    return bool(trail.rounds) and bool(trail.now.pending)


def answers(state: SeatState, post: Post, now: int) -> list[Effect]:
    """What a node does about everything that waits for an answer, where anything does."""
    wanted: list[Effect] = []
    for number, dispute in state.trail.now.pending.items():
        if now < dispute.deadline and dispute.opener != state.account:
            wanted += _answer(state, post, (number, dispute), now)
    return wanted


def _answer(
    state: SeatState, post: Post, which: tuple[int, DisputeTrail], now: int
) -> list[Effect]:
    trail, (_, dispute) = state.trail, which
    if dispute.standing == Standing.FILED:
        due = post.compares and now >= _station(trail, dispute, post.refutes)
        return _refute(state, post, which) if due else []
    if dispute.standing != Standing.ASKED:
        return []
    station = post.supplies.get(dispute.position) if dispute.is_demand else post.defends
    if station is None or now < _station(trail, dispute, station):
        return []
    if dispute.is_demand:
        return _produce(state, which, trail.now.reveals[dispute.position].root)
    claimed = trail.claimed_verdict(trail.round)
    if claimed is None:
        return []
    is_model = dispute.matter == Matter.MODEL
    return _produce(state, which, claimed.model_root if is_model else claimed.state_root)


def _refute(state: SeatState, post: Post, which: tuple[int, DisputeTrail]) -> list[Effect]:
    (number, dispute), trail = which, state.trail
    found = state.compared.get(number)
    if found is None or found.round != trail.round:
        return [Compare(trail.round, number, post.compares)]
    if found.position is None or found.opening is None:
        return []
    entry = (found.position, dispute.column, found.opening)
    return send(state, Refute(trail.task, number, *entry))


def _produce(state: SeatState, which: tuple[int, DisputeTrail], root: bytes) -> list[Effect]:
    (number, dispute), trail = which, state.trail
    found, place = state.produced.get(number), (trail.round, dispute.level, dispute.at)
    if found is None or (found.round, found.level, found.at) != place:
        return [Produce(trail.round, number, dispute.level, dispute.at, root)]
    if found.hashes:
        return send(state, Unfold(trail.task, number, found.hashes))
    if found.opening is None:
        return []
    # The chunk that ends a descent was chosen by its hash, and needs no path.
    alone = Opening(found.opening.chunk, ())
    opening = found.opening if dispute.is_demand else alone
    return send(state, Supply(trail.task, number, opening))


def decisions(state: SeatState, now: int, station: int = AT_ONCE) -> list[Effect]:
    """Say that the deadline of a dispute has passed, from a station after it on. A claim that falls
    takes everything else with it, so nothing else is said then."""
    trail, late = state.trail, []
    if not sits(trail):
        return []
    for number, dispute in trail.now.pending.items():
        if now >= dispute.deadline + _time(trail, station):
            late.append(number)
            if not dispute.is_demand and dispute.standing in (Standing.FILED, Standing.ASKED):
                return send(state, Decide(trail.task, number))
    return [effect for number in late for effect in send(state, Decide(trail.task, number))]


def moments(trail: Trail) -> list[int]:
    """When somebody may have something to do in court, though nothing happens: the stations of
    every move, its deadline, and when the sponsor decides."""
    if not sits(trail):
        return []
    return [
        moment
        for dispute in trail.now.pending.values()
        for moment in (
            *(_station(trail, dispute, station) for station in range(STATIONS + 1)),
            dispute.deadline + _time(trail, QUARTER),
        )
    ]


def late_in_window(trail: Trail) -> int:
    """The ledger time, in a window as it was before answers moved its end, by which most of those
    who would answer a demand made at its start have had their turn."""
    return trail.first_deadline - trail.terms.schedule.challenge_s + _time(trail, LATE)


def _station(trail: Trail, dispute: DisputeTrail, station: int) -> int:
    """The ledger time of a station of a dispute's running move."""
    return dispute.deadline - trail.terms.schedule.challenge_s + _time(trail, station)


def _time(trail: Trail, stations: int) -> int:
    return trail.terms.schedule.challenge_s * stations // STATIONS
