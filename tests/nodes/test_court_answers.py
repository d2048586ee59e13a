"""What nodes answer in court, and when, with real bytes on the executable specification."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sheaf.nodes import court
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.codec import plain, typed
from sheaf.nodes.exhibits import compare, shape_of
from sheaf.nodes.holdings import Holdings, remembered
from sheaf.nodes.trail import Trail
from sheaf.protocol import actions as a
from sheaf.protocol.content import ContentId
from sheaf.protocol.court_events import Challenged
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.state import Matter, Standing
from sheaf.simulation import liars
from sheaf.store.interface import Copy
from sheaf.store.memory import MemoryStore
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom, Performers, held
from tests.nodes.plans import STAKE
from tests.nodes.test_court_withheld import BLIND, KEEPS

MOVE_S = 600
CLAIMS: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(faults.off_by_one)}
HIDES: dict[type[object], Any] = {**CLAIMS, e.PublishModel: faults.withholding}


@pytest.fixture(scope="module")
def honest() -> Courtroom:
    return held()


# Challengers that lie


LIES: dict[type[object], Any] = {e.Aggregate: faults.off_by_one, e.Accuse: liars.misquoting_at(-1)}


def test_a_lie_in_a_column_is_refuted_by_whose_entry_it_is(honest: Courtroom) -> None:
    room = held({"challenger": LIES})
    filed, refuted = (room.actions(kind)[0] for kind in (a.Challenge, a.Refute))
    assert room.moves == ["challenger Challenge", f"{refuted.name} Refute"]
    owner = room.trail.rounds[1].cohort[refuted.action.position]
    assert owner == room.account(refuted.name)
    assert refuted.now >= filed.now + MOVE_S // 4
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")
    assert room.trail.rounds[1].failures == ()


@pytest.mark.parametrize("absent", [1, 2, 3, 4])
def test_a_column_goes_by_the_counted_and_not_by_the_cohort(absent: int) -> None:
    kept: dict[str, Performers] = {f"participant-{absent}": KEEPS, "challenger": LIES}
    room = held(kept)
    (counted,) = room.trail.rounds[1].counted.values()
    (refuted,) = room.actions(a.Refute)
    assert counted.bit_count() == 3
    assert refuted.action.position == counted.bit_length() - 1
    assert room.trail.rounds[1].cohort[refuted.action.position] == room.account(refuted.name)


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
    filed = _outsider_files(room, wrong=2)
    room.run(lambda trail: not trail.now.pending)
    (refuted,) = room.actions(a.Refute)
    assert (refuted.name, refuted.action.position) == ("challenger", 2)
    assert refuted.now == filed + 1


def test_a_sacrificial_challenge_of_a_wrong_claim_changes_nothing() -> None:
    room = Courtroom({"aggregator": CLAIMS})
    _outsider_files(room, wrong=2)
    room.run()
    assert sorted(room.moves) == [
        f"challenger {name}" for name in ("Challenge", "Decide", "Refute")
    ]
    assert room.failures == [Cause.OVERTURNED]


def test_a_challenger_does_not_wait_until_a_sacrifice_is_dismissed() -> None:
    room = Courtroom({"aggregator": CLAIMS})
    _outsider_files(room, wrong=2)
    watching = room.actors["challenger"]
    told = []
    for _ in range(3):
        wanted = watching.decide(room.now + 1)
        told.append([type(w.action) if isinstance(w, e.Send) else type(w) for w in wanted])
        room.turn()
    # What it has tested before it had read all is tested again.
    assert told == [
        [e.Compare, e.Aggregate],
        [e.Compare, e.Accuse],
        [a.Refute, a.Challenge],
    ]


def test_no_second_challenge_is_filed_where_a_true_column_stands() -> None:
    fault = faults.in_first_attempts(liars.wrong_at(4))
    room = Courtroom({"aggregator": {e.Aggregate: fault}})
    _outsider_files(room)
    room.run()
    assert room.moves == ["challenger Decide"]
    assert room.failures == [Cause.OVERTURNED]


def test_a_column_that_could_not_be_tested_whole_is_not_relied_on() -> None:
    """A store that takes an update back for the moment hides the one lie in a column."""

    def blind(shop: Any, effect: e.Compare, trail: Trail) -> e.LocalEvent:
        hidden = trail.now.reveals[2].root
        less = MemoryStore()
        for content_id in shop.shared.ids():
            if content_id != vector_id(shop.task(trail), hidden):
                less.put(shop.shared.get(content_id), content_id)
        return compare(replace(shop, shared=less), effect, trail)

    room = Courtroom({"aggregator": CLAIMS, "challenger": {e.Compare: blind}})
    filed = _outsider_files(room, wrong=2)
    room.run()
    (challenged,) = room.actions(a.Challenge)
    # Not only once the accomplice has refuted it, in the last second.
    assert challenged.now <= filed + 3
    assert room.failures == [Cause.OVERTURNED]


def test_many_columns_cost_a_challenger_one_reading_of_the_updates() -> None:
    """A flood of lies, each one cheap transaction, must not keep anybody from refuting them."""
    room = Courtroom()
    _outsider_files(room, wrong=2)
    (filed,) = [d for d in room.trail.now.disputes.values() if d.column]
    challenge = next(s for s in room.federation.events if isinstance(s, Challenged))
    read = Counter[str]()

    class Counted(MemoryStore):
        def get(self, content_id: ContentId) -> bytes:
            read["whole"] += 1
            return room.shared.get(content_id)

        def copies(self, content_id: ContentId) -> Iterator[Copy]:
            for copy in room.shared.copies(content_id):
                read["parts"] += 1
                yield copy

    shop = replace(room.shops["challenger"], shared=Counted())
    found = set()
    remembered.clear()
    for _ in range(12):
        effect = e.Compare(1, challenge.number, (0, 1, 2, 3))
        compared = compare(shop, effect, room.trail)
        found.add(compared.position)
    assert (found, filed.at) == ({2}, 4)
    # The task document, and each update up to the lie once; then sixteen bytes of each.
    assert read["whole"] == 12
    assert read["parts"] == 3 + 12 * 3


def _outsider_files(room: Courtroom, wrong: int | None = None) -> int:
    """The first block of the window has somebody's column of coordinate 4, in which the entry of a
    position may be wrong; when that was."""
    room.run(lambda trail: trail.phase == Phase.CHALLENGE)
    verdict = room.trail.claimed_verdict(1)
    assert verdict is not None
    holdings = Holdings.of(room.shops["challenger"], room.trail)
    shape = shape_of(room.task, Matter.MODEL)
    roots = a.Roots(verdict.model_root, bytes(32), room.task.model.initial, bytes(32))
    opened = (roots.old_model, roots.model)
    openings = tuple(holdings.opened(root, 1, shape) for root in opened)
    counted = room.trail.now.counted_updates(1)
    values = [holdings.element(root, 4, shape) or b"" for _, root, _ in counted]
    entries = [int(np.frombuffer(value, "<i4")[0]) for value in values]
    if wrong is not None:
        entries[wrong] += 1000
    column = np.array(entries, "<i4").tobytes()
    challenge = (room.trail.task, 0, Matter.MODEL, 4, roots, openings, column, STAKE)
    room.inject(b"\x07" * 20, a.Challenge(*challenge))
    return room.now


def test_a_column_is_tested_again_once_more_updates_can_be_read() -> None:
    """What was passed over because it could not be read may be the lie."""
    room = Courtroom({"participant": KEEPS, "aggregator": BLIND})
    room.run(lambda trail: bool(trail.rounds and trail.now.pending))
    watching = room.actors["challenger"].state
    found = e.Compared(1, 5, None, None)
    tested = room.actors["challenger"].role.fold(watching, found)
    assert tested.compared == {5: found}
    again = e.Aggregated(1, 1, bytes(32), 0, 0)
    assert room.actors["challenger"].role.fold(tested, again).compared == {}


def test_a_descent_into_a_right_claim_is_answered_by_who_voted_and_dismissed(
    honest: Courtroom,
) -> None:
    lies: Performers = {e.Aggregate: faults.off_by_one, e.Accuse: liars.not_finding}
    room = Courtroom({"challenger": lies})
    room.run()
    first, *_ = sorted(room.trail.voters(room.trail.rounds[1].claims[1]))
    voter = room.trail.rounds[1].verdicts[1, first].account
    answered = [s for s in room.sent if isinstance(s.action, a.Unfold | a.Supply)]
    assert [room.account(s.name) for s in answered] == [voter, voter]
    # The chunk that was posted gives no column: the challenger has nothing to file.
    (vain,) = [s for s in room.sent if s.rejected]
    assert (vain.name, vain.rejected) == ("challenger", "NothingWrong")
    assert room.disputes()[1].standing == Standing.DISMISSED
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


# Who says so


def test_the_sponsor_decides_a_quarter_of_a_move_later_what_nobody_else_does() -> None:
    room = Courtroom({"aggregator": CLAIMS})
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
    room = Courtroom({"aggregator": CLAIMS})
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
    "claims": {"aggregator": CLAIMS},
    "hides": {"aggregator": HIDES},
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
