"""Seats that cannot cover a round: no action leads there before the court is built (surgery)."""

from __future__ import annotations

from sheaf.protocol.actions import Hold
from tests.play import Play
from tests.vectors.attempts import ON, PAID, at_hold
from tests.vectors.table import vector
from tests.worlds import STAKE, World


@vector()
def a_seat_that_does_not_cover_a_round_stays_empty(world: World) -> None:
    # A round costs a member up to 23; with 22 it may not act, and is not slashed for silence.
    play = at_hold(world)
    member = play.member(0)
    world.set_stake(play.id, member, 22)
    assert play.no(member, Hold(play.id, 0b111)) == "SeatEmpty"
    play.holds(None, 0b111, 0b111)
    play.votes(None, "m", "m")
    play.opens(1, 2)
    assert play.settle() == [*PAID, "A1.1 fee 50", "A1.2 fee 50", "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1422}


@vector()
def an_empty_seat_counts_as_silent(world: World) -> None:
    # Two of three seats are empty: no update is held by more than a third.
    play = at_hold(world)
    for slot in (0, 1):
        world.set_stake(play.id, play.member(slot), 0)
    assert play.holds(None, None, 0b111)[:2] == ["counted 0", "attempt 1 failed TOO_FEW_COUNTED"]
    # The next three settle; nobody was silent who had a seat.
    play.attempt("m", "m", "m")
    assert play.settle() == [*PAID, *(f"A2.{slot} fee 33" for slot in range(3)), "settled 1", *ON]


@vector()
def half_a_committee_of_empty_seats_leaves_no_quorum(world: World) -> None:
    # Two of four seats hold more than a third, and are less than two thirds.
    play = at_hold(world, committee=4)
    for slot in (0, 1):
        world.set_stake(play.id, play.member(slot), 0)
    assert play.holds(None, None, 0b111, 0b111)[0] == "counted 111"
    play.votes(None, None, "m", "m")
    assert play.opens(2, 3) == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    play.attempt("m", "m", "m", "m")
    assert play.settle() == [*PAID, *(f"A2.{slot} fee 25" for slot in range(4)), "settled 1", *ON]


@vector()
def a_seat_that_just_covers_a_round(world: World) -> None:
    play = at_hold(world)
    member = play.member(0)
    world.set_stake(play.id, member, 23)
    assert play.do(member, Hold(play.id, 0b111)) == ["A1.0 holds 111"]
    world.set_stake(play.id, play.member(1), 23)
    play.close()
    play.holds(None, None, None)
    silent = [f"A{a}.{s} -19 SILENT" for a, s in ((1, 1), (1, 2), (2, 0), (2, 1), (2, 2))]
    assert play.settle() == [*silent, *ON]


@vector()
def a_participant_that_cannot_pay_is_not_slashed(world: World) -> None:
    play = Play(world).start()
    poor, just = play.participant(0), play.participant(1)
    world.set_stake(play.id, poor, 10)
    world.set_stake(play.id, just, 11)
    play.commits()
    assert play.settle()[:2] == ["P1 -11 NO_COMMIT", "P2 -11 NO_COMMIT"]
    assert [play.task.seats[seat].stake for seat in (poor, just)] == [10, 0]
