"""An opened `Missing`: not silence, a locked bond, and a higher bar for the named update."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.hashing import ZERO
from tests.play import digest
from tests.vectors.attempts import ON, PAID, at_hold
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World


@vector()
def one_member_misses_a_chunk(world: World) -> None:
    play = at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes("m", (1, 2), "m")
    assert play.do(play.member(1), play.ballots[1]) == ["A1.1 misses P1/2"]
    # The bond is locked out of the stake until the round settles.
    assert play.places(STAKE) == {"stakes": 1595, "bonds": 5}
    assert play.opens(0, 2) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    assert play.places(STAKE) == {"stakes": 1595, "bonds": 5}
    assert play.settle() == [*PAID, "A1.0 fee 50", "A1.2 fee 50", "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1600}


@vector()
def a_named_update_needs_two_thirds(world: World) -> None:
    # Of four seats two make an update count, but three once a `Missing` has named it.
    play = at_hold(world, "below", committee=4)
    play.attempt("m", "m", (1, 0), "a")
    assert play.task.attempt == 2
    assert play.task.current.named == 0b010
    assert play.holds(0b111, 0b111, 0b101, None)[0] == "counted 101"
    play = at_hold(world, "enough", committee=4)
    play.attempt("m", "m", (1, 0), "a")
    assert play.holds(0b111, 0b111, 0b010, None)[0] == "counted 111"


@vector()
def a_named_update_of_seven_seats(world: World) -> None:
    # Five of seven are two thirds, four are not; three hold an update that nobody named.
    play = at_hold(world, "below", committee=7)
    play.attempt((0, 0), "m", "m", "m", "m", "a", (2, 0))
    assert play.task.current.named == 0b101
    bitmaps = (0b111, 0b111, 0b111, 0b101, 0b001, 0, None)
    assert play.holds(*bitmaps)[0] == "counted 11"


@vector()
def exactly_two_thirds_are_enough(world: World) -> None:
    # Two of three and four of six seats: the bar is reached, not only passed.
    play = at_hold(world, "three")
    play.attempt("a", "b", (1, 0))
    assert play.holds(0b111, 0b011, None)[0] == "counted 11"
    play = at_hold(world, "six", committee=6)
    play.attempt("a", "b", "c", "d", "e", (1, 0))
    assert play.holds(0b111, 0b111, 0b111, 0b011, None, None)[0] == "counted 111"


@vector()
def naming_does_not_reach_into_the_next_round(world: World) -> None:
    play = at_hold(world, committee=4)
    play.attempt("m", "m", (1, 0), "a")
    play.attempt("m", "m", "m", "m")
    play.settle()
    assert play.task.current.named == 0
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("a", "b", "c", "d")
    assert play.holds(0b111, 0b111, 0b101, None)[0] == "counted 111"


@vector()
def a_committee_of_one_that_misses(world: World) -> None:
    # A `Missing` is never a result, not even where one result would be a quorum.
    play = at_hold(world, committee=1)
    play.holds(0b111)
    play.votes((0, 0))
    assert play.opens(0) == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    assert play.attempt("m")[0] == "claimed in 2"
    assert play.settle() == [*PAID, "A2.0 fee 100", "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 800}


@vector()
def both_attempts_miss(world: World) -> None:
    play = at_hold(world)
    play.attempt((0, 0), (1, 1), (2, 2))
    assert play.places(STAKE) == {"stakes": 1585, "bonds": 15}
    lost = ["attempt 2 failed NO_QUORUM", "aborted NO_QUORUM", "ABORTED 1.2 in 1700"]
    assert play.attempt((0, 0), (0, 1), (0, 2)) == lost
    assert play.places(STAKE) == {"stakes": 1570, "bonds": 30}
    # All bonds return: whether the bytes were there is the court's to decide.
    assert play.settle() == [*PAID, *ON]
    assert play.places(STAKE) == {"stakes": 1600}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 999, "burned": 100, "dust": 1}


@vector()
def opened_misses(world: World) -> None:
    play = at_hold(world)
    play.holds(0b011, 0b011, 0b011)
    play.votes((0, 2), (2, 0), (1, 3))
    member, ballot, other = play.member(0), play.ballots[0], digest("other")
    for changes, told in (
        ({"position": 1}, "CommitmentMismatch"),
        ({"chunk": 1}, "CommitmentMismatch"),
        ({"receipt": other}, "CommitmentMismatch"),
        ({"salt": other}, "CommitmentMismatch"),
        ({"task": other}, "UnknownTask"),
    ):
        assert play.no(member, replace(ballot, **changes)) == told
    # Ten coordinates are forty bytes: chunks 0 to 2 of sixteen bytes.
    assert play.no(play.member(1), play.ballots[1]) == "NotCounted"
    assert play.no(play.member(2), play.ballots[2]) == "ChunkOutOfRange"
    assert play.no(play.member(2), ballot) == "CommitmentMismatch"
    assert play.no(play.member(0, attempt=2), ballot) == "NotInCommittee"
    assert play.do(member, ballot) == ["A1.0 misses P0/2"]
    assert play.no(member, ballot) == "AlreadyRevealed"
    # A `Missing` that could not be opened is silence.
    play.close()
    play.attempt("m", "m", "m", held=0b011)
    assert play.settle()[2:4] == ["A1.1 -19 SILENT", "A1.2 -19 SILENT"]


@vector()
def a_missing_position_beyond_the_cohort(world: World) -> None:
    play = at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes((3, 0), (255, 0), None)
    assert play.no(play.member(0), play.ballots[0]) == "NotCounted"
    assert play.no(play.member(1), play.ballots[1]) == "NotCounted"
    assert play.no(play.member(2), play.ballot(2, (0, 0))) == "NotCommitted"


@vector()
def a_missing_is_no_result(world: World) -> None:
    # Two equal openings of a `Missing` are no quorum, and no claim of theirs stands.
    play = at_hold(world)
    play.attempt((0, 0), (0, 0), "m")
    assert play.task.current.claim == ZERO
    assert play.task.current.attempts[0].missing == 0b011
    assert play.task.attempt == 2
