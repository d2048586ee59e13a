"""What nodes do in court, with real bytes on the executable specification."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sheaf.nodes import court
from sheaf.nodes import effects as e
from sheaf.nodes.codec import plain, typed
from sheaf.nodes.workshop import combine
from sheaf.protocol import actions as a
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.events import Cause, Phase, RoundSettled, Slashed
from sheaf.protocol.optimisers import Constants
from sheaf.protocol.state import Matter, Standing
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom, Performers
from tests.nodes.plans import STAKE, plan

MOVE_S = 600
CLAIMS: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(faults.off_by_one)}
HIDES: dict[type[object], Any] = {**CLAIMS, e.PublishModel: faults.withholding}
COURT = (a.Challenge, a.Refute, a.Descend, a.Unfold, a.Pick, a.Demand, a.Supply, a.Decide)
ADAM = replace(plan().algorithm, name="fedadam", server=Constants(10, 100, 2**20, 2**14))
MOMENTUM = replace(plan().algorithm, name="fedavgm", server=Constants(4, 0, 2**24, 0))


def committee(performers: Performers) -> dict[str, Performers]:
    return {"aggregator": performers}


def held(others: dict[str, Performers] | None = None, **changes: Any) -> Courtroom:
    """A task played to its end, in which nothing was sent in vain but for an empty seat."""
    room = Courtroom(others, **changes)
    room.run()
    assert room.trail.phase == Phase.DONE
    vain = [s for s in room.sent if s.rejected and not isinstance(s.action, a.Claim)]
    assert vain == []
    return room


def moves(room: Courtroom) -> list[str]:
    """Who sent what to the court, in order."""
    return [f"{s.name} {type(s.action).__name__}" for s in room.sent if isinstance(s.action, COURT)]


def cause_of_failure(room: Courtroom) -> list[int]:
    return [failure.cause for failure in room.trail.rounds[1].failures]


@pytest.fixture(scope="module")
def honest() -> Courtroom:
    return held()


def test_an_honest_task_has_no_court(honest: Courtroom) -> None:
    assert moves(honest) == []
    assert honest.lines == []
    found = Counter(type(effect) for _, effect in honest.effects)
    assert not found.keys() & {e.Accuse, e.Choose, e.Compare, e.Produce}
    # 10 x 2 + 20 x 3 + 30 x 4 + 40 x 5 of 100 samples is 4 at the first coordinate, 5 at the next.
    end = honest.model(honest.trail.model_after(1, b""))
    assert end == [100 * j + 4 + j for j in range(10)]


# A wrong claim whose bytes are served


@pytest.mark.parametrize("coordinate", [0, 3, 4, 7, 8, 9])
def test_a_wrong_claim_is_challenged_at_its_first_wrong_coordinate(
    honest: Courtroom, coordinate: int
) -> None:
    fault = faults.in_first_attempts(faults.wrong_at(coordinate))
    room = held(committee({e.Aggregate: fault}))
    assert moves(room) == ["challenger Challenge", "challenger Decide"]
    (filed,) = room.actions(a.Challenge)
    assert (filed.action.matter, filed.action.coordinate) == (Matter.MODEL, coordinate)
    # The entries of participants 1 to 4 in whatever order the cohort was drawn.
    entries = np.frombuffer(filed.action.column, "<i4").tolist()
    assert sorted(entries) == [2 + coordinate, 3 + coordinate, 4 + coordinate, 5 + coordinate]
    assert cause_of_failure(room) == [Cause.OVERTURNED]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_what_reads_as_the_same_integer_is_another_claim() -> None:
    lowest = np.array([-(2**31) + 1] * 5, dtype=np.int32)
    down: Performers = {e.Train: faults.moving_by(-1)}
    # -(2^31 - 1) stays where it is; -2^31 reads as it, and is not it.
    fault = faults.in_first_attempts(faults.wrong_at(4, by=-1))
    room = held({"participant": down, "aggregator": {e.Aggregate: fault}}, initial=lowest)
    (filed,) = room.actions(a.Challenge)
    assert filed.action.coordinate == 4
    assert cause_of_failure(room) == [Cause.OVERTURNED]
    assert room.model(room.trail.model_after(1, b"")) == lowest.tolist()


def test_who_won_in_court_takes_out_bond_and_share(honest: Courtroom) -> None:
    room = held(committee(CLAIMS))
    # Three members lose 6 each; half of that is burned, nobody dissented.
    assert [p for p in room.trail.payments if isinstance(p, CourtPaid)] == [
        CourtPaid(room.trail.task, room.actors["challenger"].state.account, 1, 1, STAKE, 0),
        CourtPaid(room.trail.task, room.actors["challenger"].state.account, 1, 1, 0, 9 * STAKE),
    ]
    (taken,) = [w for w in room.trail.withdrawals if w.account == _account(room, "challenger")]
    assert taken.amount == 10 * STAKE
    left = sum(room.federation.vault[taken.token].withdrawable.values())
    assert left == 0


def _account(room: Courtroom, name: str) -> bytes:
    account: bytes = room.actors[name].state.account
    return account


@pytest.mark.parametrize("algorithm", [ADAM, MOMENTUM], ids=lambda each: each.name)
@pytest.mark.parametrize("what", ["model", "state"])
def test_wrong_steps_and_wrong_states_of_optimisers_fall(algorithm: Any, what: str) -> None:
    usual = held(algorithm=algorithm, rounds=2)
    fault = faults.off_by_one if what == "model" else faults.off_by_one_in_state
    lies: Performers = {e.Aggregate: faults.in_first_attempts(fault)}
    room = held(committee(lies), algorithm=algorithm, rounds=2)
    matter = Matter.MODEL if what == "model" else Matter.STATE
    filed = room.actions(a.Challenge)
    assert [f.action.matter for f in filed] == [matter, matter]
    # The old state of round 1 is the task's own, that of round 2 the one that was settled.
    assert filed[0].action.roots.old_state == room.task.terms().model.initial_state
    assert filed[1].action.roots.old_state == usual.trail.state_after(1)
    for number in (1, 2):
        assert room.trail.state_after(number) == usual.trail.state_after(number)
        assert room.trail.model_after(number, b"") == usual.trail.model_after(number, b"")


# A claim whose bytes are withheld


@pytest.mark.parametrize("coordinate", [0, 255, 256, 299, 518])
def test_a_descent_leads_to_the_wrong_chunk_and_ends_in_a_challenge(coordinate: int) -> None:
    # 519 coordinates are 130 chunks: eight levels, of which the first step goes down six.
    fault = faults.in_first_attempts(faults.wrong_at(coordinate))
    lies: Performers = {e.Aggregate: fault, e.PublishModel: faults.withholding}
    room = held(committee(lies), coordinates=519)
    (descent,) = room.actions(a.Descend)
    assert [type(s.action) for s in room.sent if isinstance(s.action, COURT)] == [
        a.Descend,
        *[a.Unfold, a.Pick] * 2,
        a.Supply,
        a.Challenge,
        a.Decide,
    ]
    (filed,) = room.actions(a.Challenge)
    assert (filed.action.number, filed.action.coordinate, filed.action.bond) == (1, coordinate, 0)
    assert len(room.disputes()) == 1
    assert cause_of_failure(room) == [Cause.OVERTURNED]
    assert descent.action.roots == filed.action.roots


@pytest.mark.parametrize(
    ("answering", "asked"),
    [
        (faults.mute, ["challenger Descend"]),
        (faults.producing_all_but(2), ["challenger Descend", "Unfold", "challenger Pick"]),
    ],
    ids=["nothing", "all chunks but one"],
)
def test_what_is_not_shown_falls_by_silence(
    honest: Courtroom, answering: Any, asked: list[str]
) -> None:
    fault = faults.in_first_attempts(faults.wrong_at(9))
    lies: Performers = {e.Aggregate: fault, e.PublishModel: faults.withholding}
    room = held(committee({**lies, e.Produce: answering}))
    assert [m if "challenger" in m else m.split()[1] for m in moves(room)] == [
        *asked,
        "challenger Decide",
    ]
    dispute = room.disputes()[1]
    assert dispute.standing == Standing.UPHELD
    if "Unfold" in asked:
        # Coordinate 9 is in chunk 2, the last and short one.
        assert (dispute.level, dispute.at) == (0, 2)
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_a_root_without_preimage_falls_by_silence(honest: Courtroom) -> None:
    fault = faults.in_first_attempts(faults.from_nothing)
    room = held(committee({e.Aggregate: fault, e.PublishModel: faults.withholding}))
    assert moves(room) == ["challenger Descend", "challenger Decide"]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


# Withheld updates

KEEPS: dict[type[object], Any] = {e.PublishUpdate: faults.hoarding}
BLIND: dict[type[object], Any] = {
    e.Collect: faults.attesting,
    e.Aggregate: faults.in_first_attempts(faults.from_nothing),
    e.PublishModel: faults.withholding,
}
"""A committee that attests what it does not hold, and claims something."""


def test_an_update_that_nobody_posts_is_dropped_and_the_attempt_ends(honest: Courtroom) -> None:
    silent = {**KEEPS, e.Produce: faults.mute}
    room = held({"participant-2": silent, "aggregator": BLIND})
    assert moves(room) == ["challenger Demand", "challenger Decide"]
    found = room.trail.rounds[1]
    (dropped,) = found.dropped
    assert found.cohort[dropped] == _account(room, "participant-2")
    assert cause_of_failure(room) == [Cause.WITHHELD]
    assert found.counted[2] == 0b1111 & ~(1 << dropped)
    slashed = [p for p in room.trail.payments if isinstance(p, Slashed)]
    assert [(p.account, p.cause) for p in slashed] == [
        (_account(room, "participant-2"), Cause.WITHHELD)
    ]
    # 10 x 2 + 30 x 4 + 40 x 5 of 80 samples: 4.25, so 4.
    assert room.model(room.trail.model_after(1, b""))[0] == 4
    # The void attempt is ended when its window is over, which was before the demand was decided.
    (decided,) = room.actions(a.Decide)
    advanced = next(s for s in room.actions(a.Advance) if s.now > decided.now)
    assert (advanced.name, advanced.now) == ("sponsor", decided.now + 1)


def test_an_owner_posts_what_is_demanded_at_once_and_serves_it_so_that_the_claim_is_judged(
    honest: Courtroom,
) -> None:
    room = held({"participant-2": KEEPS, "aggregator": BLIND})
    assert moves(room) == [
        "challenger Demand",
        "participant-2 Supply",
        "challenger Descend",
        "challenger Decide",
    ]
    demanded, supplied = (room.actions(kind)[0] for kind in (a.Demand, a.Supply))
    assert supplied.now == demanded.now + 1
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_an_update_of_which_every_chunk_is_posted_is_put_together(honest: Courtroom) -> None:
    grudging = {**KEEPS, e.Produce: faults.producing_all_but(-1)}
    room = held({"participant-2": grudging, "aggregator": BLIND})
    demands = [s.action for s in room.actions(a.Demand)]
    # Each is dearer than the one before it.
    assert [(d.chunk, d.bond) for d in demands] == [(i, (i + 1) * STAKE) for i in range(3)]
    assert moves(room)[-2:] == ["challenger Descend", "challenger Decide"]
    assert cause_of_failure(room) == [Cause.OVERTURNED]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_no_demand_is_made_in_time_that_answers_added() -> None:
    def late(shop: Any, effect: e.Produce, trail: Any) -> e.LocalEvent:
        return faults.producing_all_but(-1)(shop, effect, trail)

    room = Courtroom({"participant-2": {**KEEPS, e.Produce: late}, "aggregator": BLIND})
    owner = room.actors["participant-2"]
    room.run(lambda trail: bool(trail.rounds and trail.now.disputes))
    (dispute,) = room.trail.now.pending.values()
    owner.absent = True
    room.run(lambda trail: room.now >= dispute.deadline - MOVE_S // 8)
    owner.absent = False
    room.run(lambda trail: not trail.now.pending)
    # One answer came with a move's last eighth to go: the window's first end is nearer than its
    # new one, and past that no chunk is demanded any more.
    room.run()
    assert {s.rejected for s in room.actions(a.Demand)} == {""}
    assert all(s.now < dispute.deadline for s in room.actions(a.Demand))


def test_a_member_posts_what_an_owner_does_not_in_the_second_half_and_one_is_enough() -> None:
    def missing(shop: Any, effect: e.Aggregate, trail: Any) -> e.LocalEvent:
        served = any(dispute.chunk for dispute in trail.now.disputes.values())
        if served:
            return combine(shop, effect, trail)
        return e.ChunkMissing(effect.round, effect.attempt, 1, 0)

    def without(shop: Any, effect: e.Collect, trail: Any) -> e.LocalEvent:
        return e.Collected(effect.round, effect.attempt, 0b1101)

    blind: Performers = {e.Aggregate: missing, e.Collect: without}
    room = held({"challenger": blind, "participant": {e.Produce: faults.mute}})
    demanded, supplied = (room.actions(kind)[0] for kind in (a.Demand, a.Supply))
    assert len(room.actions(a.Supply)) == 1
    assert supplied.name.startswith("aggregator")
    assert demanded.now + MOVE_S // 2 <= supplied.now < demanded.now + MOVE_S
    assert isinstance(room.trail.rounds[1].outcome, RoundSettled)
    # The bond of an answered demand pays for the answer.
    (paid,) = [p for p in room.trail.payments if isinstance(p, CourtPaid)]
    assert (paid.account, paid.earned) == (_account(room, supplied.name), STAKE)


def test_every_missing_of_a_member_is_answered_by_the_owner() -> None:
    room = held({"participant-2": KEEPS, "aggregator": {e.Collect: faults.attesting}})
    assert Counter(moves(room)) == {"participant-2 Supply": 3}
    assert cause_of_failure(room) == [Cause.NO_QUORUM]
    assert room.trail.rounds[1].counted[2] == 0b1111


# Challengers that lie


LIES: dict[type[object], Any] = {e.Aggregate: faults.off_by_one, e.Accuse: faults.misquoting}


def test_a_lie_in_a_column_is_refuted_by_whose_entry_it_is(honest: Courtroom) -> None:
    room = held({"challenger": LIES})
    filed, refuted = (room.actions(kind)[0] for kind in (a.Challenge, a.Refute))
    assert moves(room) == ["challenger Challenge", f"{refuted.name} Refute"]
    owner = room.trail.rounds[1].cohort[refuted.action.position]
    assert owner == _account(room, refuted.name)
    assert refuted.now >= filed.now + MOVE_S // 4
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")
    assert room.trail.rounds[1].failures == ()


def test_a_lie_about_an_absent_owner_is_refuted_by_one_member() -> None:
    room = Courtroom({"challenger": LIES})
    room.run(lambda trail: bool(trail.rounds and trail.now.disputes))
    for name, actor in room.actors.items():
        actor.absent = name.startswith("participant")
    room.run(lambda trail: not trail.now.pending)
    filed, refuted = (room.actions(kind)[0] for kind in (a.Challenge, a.Refute))
    assert len(room.actions(a.Refute)) == 1
    assert refuted.name.startswith("aggregator")
    assert filed.now + MOVE_S // 2 <= refuted.now < filed.now + MOVE_S


def test_a_lie_of_somebody_else_is_refuted_by_the_challenger_at_once() -> None:
    room = Courtroom()
    room.run(lambda trail: trail.phase == Phase.CHALLENGE)
    watching, shop = room.actors["challenger"], room.shops["challenger"]
    room.turn()
    outsider = replace(watching.state, account=b"\x07" * 20)
    replayed = watching.state.replayed
    assert isinstance(replayed, e.Aggregated)
    roots = court_roots(room, replayed)
    wrong = e.Accuse(1, 1, 0, roots, (b"", b""))
    assert outsider.trail.now.disputes == {}
    false = _column(room, wrong)
    action = a.Challenge(room.trail.task, 0, Matter.MODEL, 4, roots, *false, STAKE)
    room.inject(outsider.account, action)
    room.run(lambda trail: not trail.now.pending)
    (refuted,) = room.actions(a.Refute)
    assert refuted.name == "challenger"
    assert refuted.action.position == 2
    assert shop.shared is room.shared


def court_roots(room: Courtroom, replayed: e.Aggregated) -> a.Roots:
    return a.Roots(replayed.root, replayed.state, room.task.model.initial, bytes(32))


def _column(room: Courtroom, effect: e.Accuse) -> tuple[Any, bytes]:
    """Openings of coordinate 4 in the old and the claimed model, and a column with one lie."""
    from sheaf.nodes.exhibits import Holdings, open_chunk  # noqa: PLC0415

    holdings = Holdings.of(room.shops["challenger"], room.trail)
    roots = (effect.roots.old_model, effect.roots.model)
    openings = tuple(open_chunk(holdings.get(root), 1, 16) for root in roots)
    entries = []
    for position, root, _ in room.trail.now.counted_updates(1):
        entry = int(np.frombuffer(holdings.get(root), "<i4")[4])
        entries.append(entry + 1000 * (position == 2))
    return openings, np.array(entries, "<i4").tobytes()


def test_a_descent_into_a_right_claim_is_answered_by_who_voted_and_dismissed(
    honest: Courtroom,
) -> None:
    lies: Performers = {e.Aggregate: faults.off_by_one, e.Accuse: faults.not_finding}
    room = Courtroom({"challenger": lies})
    room.run()
    first, *_ = sorted(room.trail.voters(room.trail.rounds[1].claims[1]))
    voter = room.trail.rounds[1].verdicts[1, first].account
    answered = [s for s in room.sent if isinstance(s.action, a.Unfold | a.Supply)]
    assert [_account(room, s.name) for s in answered] == [voter, voter]
    # The chunk that was posted gives no column: the challenger has nothing to file.
    (vain,) = [s for s in room.sent if s.rejected]
    assert (vain.name, vain.rejected) == ("challenger", "NothingWrong")
    assert room.disputes()[1].standing == Standing.DISMISSED
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


# Who says so


def test_the_sponsor_decides_a_quarter_of_a_move_later_what_nobody_else_does() -> None:
    room = Courtroom(committee(CLAIMS))
    room.run(lambda trail: bool(trail.rounds and trail.now.disputes))
    room.actors["challenger"].absent = True
    (dispute,) = room.trail.now.pending.values()
    room.run()
    (decided,) = room.actions(a.Decide)
    assert (decided.name, decided.now) == ("sponsor", dispute.deadline + MOVE_S // 4)
    assert not any(s.rejected for s in room.sent if s.name == "sponsor")
    # Its window was over long before: nothing was settled while the dispute was open.
    (settled,) = room.actions(a.Settle)
    assert settled.now > decided.now


def test_a_claim_that_falls_takes_everything_along_so_nothing_else_is_decided() -> None:
    room = Courtroom(committee(CLAIMS))
    room.run(lambda trail: bool(trail.rounds and trail.now.disputes))
    state = room.actors["sponsor"].state
    (dispute,) = state.trail.now.pending.values()
    demand = replace(dispute, matter=Matter.UPDATE, standing=Standing.ASKED)
    found = replace(state.trail.now, disputes={1: demand, 2: dispute, 3: demand})
    both = replace(state, trail=replace(state.trail, rounds={1: found}))
    late = dispute.deadline
    assert court.decisions(both, late - 1) == []
    assert court.decisions(both, late) == [e.Send(a.Decide(state.trail.task, 2))]
    alone = replace(found, disputes={1: demand, 3: demand})
    demands = replace(state, trail=replace(state.trail, rounds={1: alone}))
    decided = [e.Send(a.Decide(state.trail.task, number)) for number in (1, 3)]
    assert court.decisions(demands, late) == decided


# For every play


PLAYS: dict[str, dict[str, Performers]] = {
    "claims": committee(CLAIMS),
    "hides": committee(HIDES),
    "keeps": {"participant-2": KEEPS, "aggregator": BLIND},
    "lies": {"challenger": LIES},
}


@pytest.mark.parametrize("name", PLAYS)
def test_the_trail_knows_of_disputes_what_the_specification_does(name: str) -> None:
    room = Courtroom(PLAYS[name])
    going, looked = True, 0
    while going:
        going = room.turn()
        task = room.federation.tasks[room.trail.task] if room.federation.tasks else None
        if task is None or not room.trail.rounds or task.round != room.trail.round:
            continue
        for number, dispute in enumerate(task.current.disputes, start=1):
            known = room.trail.now.disputes[number]
            for field in ("opener", "matter", "standing", "deadline", "at", "answerer", "bonds"):
                if field != "deadline" or known.pending:
                    assert getattr(known, field) == getattr(dispute, field), field
            looked += 1
        assert len(room.trail.now.pending) == task.open_disputes
        if task.attempt:
            assert room.trail.now.void(task.attempt) >= task.current.void
        assert room.trail.deadline == task.deadline or room.trail.over
    assert looked > 3


@pytest.mark.parametrize("name", PLAYS)
def test_what_a_node_folds_comes_back_from_a_journal_to_the_same_state(name: str) -> None:
    room = Courtroom(PLAYS[name])
    room.run()
    for actor in room.actors.values():
        state = actor.began
        for event in actor.folded:
            given = isinstance(event, e.LocalEvent)
            kept = typed(json.loads(json.dumps(plain(event))), e.LocalEvent) if given else event
            state = actor.role.fold(state, kept)
        assert state == actor.state
