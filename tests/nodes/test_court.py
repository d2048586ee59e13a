"""Wrong claims, with real bytes on the executable specification, and what a challenger does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sheaf.nodes import effects as e
from sheaf.protocol import actions as a
from sheaf.protocol.court_events import CourtPaid
from sheaf.protocol.errors import BlobMissing
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.optimisers import Constants
from sheaf.protocol.state import Matter, Standing
from sheaf.protocol.task import RuleChoice
from sheaf.simulation import liars
from tests.nodes import faults
from tests.nodes.courtroom import MOVES, Courtroom, Performers, held
from tests.nodes.plans import STAKE, plan

CLAIMS: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(faults.off_by_one)}
ADAM = replace(plan().algorithm, name="fedadam", server=Constants(10, 100, 2**20, 2**14))
MOMENTUM = replace(plan().algorithm, name="fedavgm", server=Constants(4, 0, 2**24, 0))


def committee(performers: Performers) -> dict[str, Performers]:
    return {"aggregator": performers}


@pytest.fixture(scope="module")
def honest() -> Courtroom:
    return held()


def test_an_honest_task_has_no_court(honest: Courtroom) -> None:
    assert honest.moves == []
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
    fault = faults.in_first_attempts(liars.wrong_at(coordinate))
    room = held(committee({e.Aggregate: fault}))
    assert room.moves == ["challenger Challenge", "challenger Decide"]
    (filed,) = room.actions(a.Challenge)
    assert (filed.action.matter, filed.action.coordinate) == (Matter.MODEL, coordinate)
    # The entries of participants 1 to 4 in whatever order the cohort was drawn.
    entries = np.frombuffer(filed.action.column, "<i4").tolist()
    assert sorted(entries) == [2 + coordinate, 3 + coordinate, 4 + coordinate, 5 + coordinate]
    assert room.failures == [Cause.OVERTURNED]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


def test_of_several_wrong_coordinates_the_first_is_challenged() -> None:
    fault = faults.in_first_attempts(liars.wrong_at(9, 6, 5))
    (filed,) = held(committee({e.Aggregate: fault})).actions(a.Challenge)
    assert filed.action.coordinate == 5


def test_a_claim_that_falls_closes_what_else_is_open() -> None:
    room = Courtroom(committee(CLAIMS))
    room.run(lambda trail: bool(trail.rounds and trail.now.disputes))
    (filed,) = room.actions(a.Challenge)
    outsider = b"\x07" * 20
    room.inject(outsider, a.Descend(room.trail.task, Matter.MODEL, filed.action.roots, STAKE))
    assert len(room.trail.now.pending) == 2
    room.run(lambda trail: trail.attempt == 2)
    assert room.trail.now.pending == {}
    room.run()
    assert [s for s in room.sent if s.rejected and not isinstance(s.action, a.Claim)] == []
    returned = [p.returned for p in room.trail.payments if isinstance(p, CourtPaid)]
    assert returned == [STAKE, STAKE, 0]


def test_what_reads_as_the_same_integer_is_another_claim() -> None:
    lowest = np.array([-(2**31) + 1] * 5, dtype=np.int32)
    down: Performers = {e.Train: faults.moving_by(-1)}
    # -(2^31 - 1) stays where it is; -2^31 reads as it, and is not it.
    fault = faults.in_first_attempts(liars.wrong_at(4, by=-1))
    room = held({"participant": down, "aggregator": {e.Aggregate: fault}}, initial=lowest)
    (filed,) = room.actions(a.Challenge)
    assert filed.action.coordinate == 4
    assert room.failures == [Cause.OVERTURNED]
    assert room.model(room.trail.model_after(1, b"")) == lowest.tolist()


def test_who_won_in_court_takes_out_bond_and_share(honest: Courtroom) -> None:
    room = held(committee(CLAIMS))
    # Three members lose 6 each; half of that is burned, nobody dissented.
    assert [p for p in room.trail.payments if isinstance(p, CourtPaid)] == [
        CourtPaid(room.trail.task, room.actors["challenger"].state.account, 1, 1, STAKE, 0),
        CourtPaid(room.trail.task, room.actors["challenger"].state.account, 1, 1, 0, 9 * STAKE),
    ]
    (taken,) = [w for w in room.trail.withdrawals if w.account == room.account("challenger")]
    assert taken.amount == 10 * STAKE
    left = sum(room.federation.vault[taken.token].withdrawable.values())
    assert left == 0


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


@pytest.mark.parametrize("coordinate", [6, 7, 9])
def test_a_statistic_is_challenged_without_a_state_that_does_not_move_it(coordinate: int) -> None:
    fault = faults.in_first_attempts(liars.wrong_at(coordinate))
    room = held(committee({e.Aggregate: fault}), algorithm=ADAM, statistics=3)
    (filed,) = room.actions(a.Challenge)
    # Seven are trainable: the old and the claimed value, and the old state of what it moves.
    assert len(filed.action.openings) == (3 if coordinate < 7 else 2)
    assert filed.action.coordinate == coordinate
    assert room.failures == [Cause.OVERTURNED]


@pytest.mark.parametrize("rule", [("coordinate_median", (0, 1)), ("trimmed_mean", (1, 4))])
def test_whatever_the_rule_a_wrong_claim_falls(rule: tuple[str, tuple[int, int]]) -> None:
    room = held(committee(CLAIMS), rule=RuleChoice(*rule))
    assert room.moves == ["challenger Challenge", "challenger Decide"]
    # 2, 3, 4, 5 at the first coordinate: the middle two are left, 3.5, away from zero.
    assert room.model(room.trail.model_after(1, b""))[0] == 4


# A claim whose bytes are withheld


@pytest.mark.parametrize("coordinate", [0, 255, 256, 299, 518])
def test_a_descent_leads_to_the_wrong_chunk_and_ends_in_a_challenge(coordinate: int) -> None:
    # 519 coordinates are 130 chunks: eight levels, of which the first step goes down six.
    fault = faults.in_first_attempts(liars.wrong_at(coordinate))
    lies: Performers = {e.Aggregate: fault, e.PublishModel: faults.withholding}
    room = held(committee(lies), coordinates=519)
    (descent,) = room.actions(a.Descend)
    assert [type(s.action) for s in room.sent if isinstance(s.action, MOVES)] == [
        a.Descend,
        *[a.Unfold, a.Pick] * 2,
        a.Supply,
        a.Challenge,
        a.Decide,
    ]
    (filed,) = room.actions(a.Challenge)
    assert (filed.action.number, filed.action.coordinate, filed.action.bond) == (1, coordinate, 0)
    assert len(room.disputes()) == 1
    assert room.failures == [Cause.OVERTURNED]
    assert descent.action.roots == filed.action.roots


@pytest.mark.parametrize(
    ("answering", "asked"),
    [
        (liars.mute, ["challenger Descend"]),
        (faults.producing_all_but(2), ["challenger Descend", "Unfold", "challenger Pick"]),
    ],
    ids=["nothing", "all chunks but one"],
)
def test_what_is_not_shown_falls_by_silence(
    honest: Courtroom, answering: Any, asked: list[str]
) -> None:
    fault = faults.in_first_attempts(liars.wrong_at(9))
    lies: Performers = {e.Aggregate: fault, e.PublishModel: faults.withholding}
    room = held(committee({**lies, e.Produce: answering}))
    assert [m if "challenger" in m else m.split()[1] for m in room.moves] == [
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
    assert room.moves == ["challenger Descend", "challenger Decide"]
    assert room.trail.model_after(1, b"") == honest.trail.model_after(1, b"")


# A claim that is right


def test_a_right_model_that_a_committee_keeps_back_is_served_by_the_challenger() -> None:
    room = Courtroom({"aggregator": {e.PublishModel: faults.withholding}}, rounds=2)
    for name, actor in room.actors.items():
        actor.absent = name == "challenger"
    room.run(lambda trail: trail.phase == Phase.CHALLENGE)
    claimed = room.trail.claimed_verdict(1)
    assert claimed is not None
    with pytest.raises(BlobMissing):
        room.model(claimed.model_root)
    room.actors["challenger"].absent = False
    room.run(lambda trail: trail.round == 2)
    assert room.model(claimed.model_root) == [100 * j + 4 + j for j in range(10)]
    assert room.moves == []
