"""Updates that nobody serves, and what nodes do about them, with real bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sheaf.learning import lattice
from sheaf.nodes import challenger
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import collect, combine
from sheaf.proofs.commitment import commit
from sheaf.protocol import actions as a
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.events import Cause, Phase, RoundSettled, Slashed
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Standing
from sheaf.simulation import liars
from sheaf.store.layered import LayeredStore
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom, Performers, held
from tests.nodes.plans import STAKE

MOVE_S = 600


@pytest.fixture(scope="module")
def honest() -> Courtroom:
    return held()


KEEPS: dict[type[object], Any] = {e.PublishUpdate: liars.keeping}
BLIND: dict[type[object], Any] = {
    e.Collect: faults.attesting,
    e.Aggregate: faults.in_first_attempts(faults.from_nothing),
    e.PublishModel: faults.withholding,
}
"""A committee that attests what it does not hold, and claims something."""


def test_an_update_that_nobody_posts_is_dropped_and_the_attempt_ends(honest: Courtroom) -> None:
    silent = {**KEEPS, e.Produce: liars.mute}
    room = held({"participant-2": silent, "aggregator": BLIND})
    # One first, the other two when most of the window has passed; one decision makes those moot.
    assert room.moves == ["challenger Demand"] * 3 + ["challenger Decide"] * 3
    standings = [dispute.standing for dispute in room.disputes().values()]
    assert standings == [Standing.UPHELD, Standing.MOOT, Standing.MOOT]
    found = room.trail.rounds[1]
    (dropped,) = found.dropped
    assert found.cohort[dropped] == room.account("participant-2")
    assert room.failures == [Cause.WITHHELD]
    assert found.counted[2] == 0b1111 & ~(1 << dropped)
    slashed = [p for p in room.trail.payments if isinstance(p, Slashed)]
    assert [(p.account, p.cause) for p in slashed] == [
        (room.account("participant-2"), Cause.WITHHELD)
    ]
    # 10 x 2 + 30 x 4 + 40 x 5 of 80 samples: 4.25, so 4.
    assert room.model(room.trail.model_after(1, b""))[0] == 4
    # The void attempt is ended when its window is over, which was before the last was decided.
    decided = room.actions(a.Decide)[-1]
    advanced = next(s for s in room.actions(a.Advance) if s.now > decided.now)
    assert (advanced.name, advanced.now) == ("sponsor", decided.now + 1)


def test_an_owner_posts_what_is_demanded_at_once_and_serves_it_so_that_the_claim_is_judged(
    honest: Courtroom,
) -> None:
    room = held({"participant-2": KEEPS, "aggregator": BLIND})
    assert room.moves == [
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
    # From the last chunk on; each is dearer than the one before it.
    assert [(d.chunk, d.bond) for d in demands] == [(2 - i, (i + 1) * STAKE) for i in range(3)]
    assert room.moves[-2:] == ["challenger Descend", "challenger Decide"]
    assert room.failures == [Cause.OVERTURNED]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_an_update_that_comes_late_is_read_after_all(honest: Courtroom) -> None:
    def late(shop: Any, effect: e.Collect, trail: Trail) -> e.LocalEvent:
        own = room.shops["participant-2"].own
        for content_id in own.ids():
            shop.shared.put(own.get(content_id), content_id)
        return collect(shop, effect, trail)

    room = Courtroom({"participant-2": KEEPS, "aggregator": BLIND, "challenger": {e.Collect: late}})
    room.run()
    # It was not there when the claim was replayed, and it is when the challenger looks again.
    assert room.actions(a.Demand) == []
    assert room.failures == [Cause.OVERTURNED]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_of_an_update_of_another_length_what_cannot_be_supplied_is_demanded() -> None:
    def too_long(shop: Any, effect: e.Train, trail: Trail) -> e.LocalEvent:
        update = np.arange(shop.task(trail).model.coordinates + 1, dtype=np.int32)
        root = commit(update, Kind.UPDATE, 16).tree_root
        shop.own.put(lattice.to_bytes(update), vector_id(shop.task(trail), root))
        return e.Trained(effect.round, root, 20)

    room = Courtroom({"participant-2": {e.Train: too_long}, "aggregator": BLIND})
    room.run()
    # Ten coordinates are three chunks; the eleventh is in the last, which the terms make shorter.
    assert room.actions(a.Demand)[0].action.chunk == 2
    assert room.actions(a.Supply) == []
    assert room.failures == [Cause.WITHHELD]


def test_what_is_answered_in_the_last_second_only_was_demanded_whole_before() -> None:
    """The hole that a committee and an owner in one hand would have, if chunks were demanded one by
    one: no demand is taken in time that an answer added."""
    grudging = {**KEEPS, e.Produce: faults.producing_all_but(-1)}
    room = Courtroom({"participant-2": grudging, "aggregator": BLIND})
    room.run(lambda trail: bool(trail.rounds and trail.now.pending))
    end = room.trail.deadline
    room.actors["participant-2"].absent = True
    room.run(lambda trail: len(trail.now.pending) == 3)
    first, *rest = room.actions(a.Demand)
    assert end == first.now + MOVE_S - 1
    # Three quarters of the window are over, and its end is not; the bonds rise all the same.
    assert [(d.action.chunk, d.action.bond) for d in rest] == [(1, 2 * STAKE), (0, 3 * STAKE)]
    assert [d.now - first.now for d in rest] == [MOVE_S * 3 // 4] * 2
    room.now = end - 1
    room.actors["participant-2"].absent = False
    room.run()
    assert {s.now for s in room.actions(a.Supply)} == {end}
    assert len(room.actions(a.Demand)) == 3
    assert room.moves[-2:] == ["challenger Descend", "challenger Decide"]
    assert room.failures == [Cause.OVERTURNED]
    assert [s for s in room.sent if s.rejected and not isinstance(s.action, a.Claim)] == []


def test_an_owner_whose_friend_demands_from_it_does_not_price_a_challenger_out() -> None:
    grudging = {**KEEPS, e.Produce: faults.producing_all_but(-1)}
    room = Courtroom({"participant-2": grudging, "aggregator": BLIND})
    room.run(lambda trail: bool(trail.rounds) and trail.phase == Phase.VERDICT_COMMIT)
    position = room.trail.now.cohort.index(room.account("participant-2"))
    for bonds, chunk in enumerate((0, 1), 1):
        room.inject(b"\x07" * 20, a.Demand(room.trail.task, position, chunk, bonds * STAKE))
    room.run()
    # What was published it need not buy; the last chunk costs as many bonds as there are chunks.
    (demand,) = room.actions(a.Demand)
    assert (demand.action.chunk, demand.action.bond) == (2, 3 * STAKE)
    assert room.failures == [Cause.OVERTURNED]


def test_a_holder_that_gives_and_takes_back_shields_no_claim() -> None:
    """It serves the update whenever a challenger looks whether it is there, and never else."""
    silent = {**KEEPS, e.Produce: liars.mute}

    def served_for_once(shop: Any, effect: e.Collect, trail: Trail) -> e.LocalEvent:
        owned = LayeredStore(shop.shared, room.shops["participant-2"].own)
        return collect(replace(shop, shared=owned), effect, trail)

    watching: Performers = {e.Collect: served_for_once}
    room = Courtroom({"participant-2": silent, "aggregator": BLIND, "challenger": watching})
    room.run()
    assert room.actions(a.Demand) == []
    assert room.failures == [Cause.OVERTURNED]


def test_an_update_of_many_chunks_is_demanded_up_to_a_bound() -> None:
    silent = {**KEEPS, e.Produce: liars.mute}
    wide = 4 * (challenger.MAX_DEMANDS + 6)
    room = Courtroom({"participant-2": silent, "aggregator": BLIND}, coordinates=wide)
    room.run()
    bonds = [s.action.bond for s in room.actions(a.Demand) if not s.rejected]
    assert bonds == [n * STAKE for n in range(1, challenger.MAX_DEMANDS + 1)]
    assert room.failures == [Cause.WITHHELD]


def test_a_member_posts_what_an_owner_does_not_in_the_second_half_and_one_is_enough() -> None:
    def missing(shop: Any, effect: e.Aggregate, trail: Any) -> e.LocalEvent:
        served = any(dispute.chunk for dispute in trail.now.disputes.values())
        if served:
            return combine(shop, effect, trail)
        return e.ChunkMissing(effect.round, effect.attempt, 1, 0)

    def without(shop: Any, effect: e.Collect, trail: Any) -> e.LocalEvent:
        return e.Collected(effect.round, effect.attempt, 0b1101)

    blind: Performers = {e.Aggregate: missing, e.Collect: without}
    room = held({"challenger": blind, "participant": {e.Produce: liars.mute}})
    demanded, supplied = (room.actions(kind)[0] for kind in (a.Demand, a.Supply))
    assert len(room.actions(a.Supply)) == 1
    assert supplied.name.startswith("aggregator")
    assert demanded.now + MOVE_S // 2 <= supplied.now < demanded.now + MOVE_S
    assert isinstance(room.trail.rounds[1].outcome, RoundSettled)
    # The bond of an answered demand pays for the answer.
    (paid,) = [p for p in room.trail.payments if isinstance(p, CourtPaid)]
    assert (paid.account, paid.earned) == (room.account(supplied.name), STAKE)


def test_every_missing_of_a_member_is_answered_by_the_owner() -> None:
    room = held({"participant-2": KEEPS, "aggregator": {e.Collect: faults.attesting}})
    assert Counter(room.moves) == {"participant-2 Supply": 3}
    assert room.failures == [Cause.NO_QUORUM]
    assert room.trail.rounds[1].counted[2] == 0b1111


def test_what_members_missed_is_dropped_and_their_bonds_go_back_to_their_seats() -> None:
    silent = {**KEEPS, e.Produce: liars.mute}
    room = held({"participant-2": silent, "aggregator": {e.Collect: faults.attesting}})
    # One is upheld, the others are moot then: each has to be said, or nothing goes on.
    assert room.moves == ["challenger Decide"] * 3
    standings = [dispute.standing for dispute in room.disputes().values()]
    assert standings == [Standing.UPHELD, Standing.MOOT, Standing.MOOT]
    members = room.trail.committee(1, 1)
    paid = {p.account: p for p in room.trail.payments if isinstance(p, CourtPaid)}
    assert {account: p.returned for account, p in paid.items()} == dict.fromkeys(members, STAKE)
    stakes = {account: room.trail.claims[account].stake for account in members}
    assert set(stakes.values()) == {6 * STAKE}
    # Half of the owner's four is who was first's, and in no seat.
    assert sorted(p.earned for p in paid.values()) == [0, 0, 2 * STAKE]
    earned = {account for account, p in paid.items() if p.earned}
    withdrew = [s.name for s in room.actions(a.Withdraw)]
    assert {room.account(name) for name in withdrew} == earned


def test_a_claim_does_not_wait_for_what_one_member_misses_and_is_void_without_it() -> None:
    def blind(shop: Any, effect: e.Aggregate, trail: Any) -> e.LocalEvent:
        return e.ChunkMissing(effect.round, effect.attempt, 1, 0)

    mute: dict[str, Performers] = {
        kind: {e.Produce: liars.mute} for kind in ("participant", "aggregator")
    }
    room = Courtroom({**mute, "aggregator-6": {e.Aggregate: blind, e.Produce: liars.mute}})
    room.actors["challenger"].absent = True
    room.run(lambda trail: trail.phase == Phase.CHALLENGE)
    room.actors["challenger"].absent = False
    assert [dispute.standing for dispute in room.trail.now.pending.values()] == [Standing.ASKED]
    assert room.trail.has_quorum
    room.run()
    assert [s for s in room.sent if s.rejected and not isinstance(s.action, a.Claim)] == []
    assert (room.moves, room.failures) == (["challenger Decide"], [Cause.WITHHELD])
    assert isinstance(room.trail.rounds[1].outcome, RoundSettled)
