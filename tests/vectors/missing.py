"""An opened `Missing`: not silence, a demand with a bond from the stake, and a higher bar for the
named update."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.actions import Advance
from sheaf.protocol.hashing import ZERO
from tests.play import digest
from tests.trial import LIAR, WATCHER, trial_at_hold
from tests.vectors.attempts import ON, PAID, at_hold
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World


@vector()
def a_member_gets_the_chunk_it_missed(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes("true", (1, 2), "true")
    told = ["A1.1 misses P1/2", "A1.1 demands 1: MISSING P1/2 for 1 in 1700"]
    assert play.do(play.member(1), play.ballots[1]) == told
    # The bond is locked out of the stake until the round settles.
    assert play.places(STAKE) == {"stakes": 1595, "bonds": 5}
    assert play.do(LIAR, play.supplying(1)) == ["sponsor supplies 1"]
    assert play.opens(0, 2) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    assert play.places(STAKE) == {"stakes": 1595, "bonds": 5}
    # It pays for the posting.
    court = ["A1.1 -5 DISMISSED", "sponsor back 0 earned 5 by 1"]
    fees = ["A1.0 fee 50", "A1.2 fee 50"]
    assert play.settle("true") == [*PAID, *court, *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1595, "withdrawable": 5}


@vector()
def a_member_misses_a_chunk_that_nobody_serves(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes("m", (1, 2), "m")
    play.do(play.member(1), play.ballots[1])
    at = world.now + 1700
    assert play.opens(0, 2) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    assert play.no(LIAR, play.settlement("m"), at - 1) == "NotYet"
    assert play.no(LIAR, Advance(play.id)) == "WrongPhase"
    assert play.do(LIAR, play.decision(1)) == ["decided 1 UPHELD"]
    # Two of three claim a result over bytes that one was not served: it cannot settle.
    end = play.task.deadline
    assert play.no(LIAR, play.settlement("m"), end) == "WrongPhase"
    assert play.close() == ["attempt 1 failed WITHHELD", "HOLD 1.2 in 1400"]
    assert play.holds(0b111, 0b111, 0b111)[0] == "counted 101"
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    # 400 samples are left of 600. Of P1's 17 half is earned, 9 are burned; the bond is stake again.
    paid = ["P0 +250 bonus 0", "P2 +750 bonus 0"]
    court = ["P1 -17 WITHHELD", "A1.1 back 5 earned 8 by 1"]
    fees = [f"A2.{slot} fee 33" for slot in range(3)]
    assert play.settle() == [*paid, *court, *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1583, "burned": 9, "withdrawable": 8}


@vector()
def verdicts_wait_for_what_is_missed(world: World) -> None:
    # Without a quorum the attempt ends once no demand is open, at most a move later.
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes("a", "b", (1, 0))
    play.do(play.member(0), play.ballots[0])
    end = play.task.deadline
    assert play.do(play.member(2), play.ballots[2], end - 1)[0] == "A1.2 misses P1/0"
    assert play.no(WATCHER, Advance(play.id), end + 1697) == "DisputeOpen"
    assert play.no(WATCHER, play.decision(1), end + 1698) == "NotYet"
    assert play.no(LIAR, play.supplying(1), end + 1699) == "MoveClosed"
    assert play.no(WATCHER, Advance(play.id)) == "DisputeOpen"
    assert play.do(WATCHER, play.decision(1)) == ["decided 1 UPHELD"]
    assert play.close() == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    # A void attempt's silent are slashed like others.
    play.attempt("true", "true", "true")
    assert "A1.1 -19 SILENT" in play.settle("true")


@vector()
def a_named_update_needs_two_thirds(world: World) -> None:
    # Of four seats two make an update count, but three once a `Missing` has named it.
    play = trial_at_hold(world, "below", committee=4)
    play.missed("m", "m", (1, 0), "a")
    assert play.task.attempt == 2
    assert play.task.current.named == 0b010
    assert play.holds(0b111, 0b111, 0b101, None)[0] == "counted 101"
    play = trial_at_hold(world, "enough", committee=4)
    play.missed("m", "m", (1, 0), "a")
    assert play.holds(0b111, 0b111, 0b010, None)[0] == "counted 111"


@vector()
def a_named_update_of_seven_seats(world: World) -> None:
    # Five of seven are two thirds, four are not; three hold an update that nobody named.
    play = trial_at_hold(world, "below", committee=7)
    play.missed((0, 0), "m", "m", "m", "m", "a", (2, 0))
    assert play.task.current.named == 0b101
    bitmaps = (0b111, 0b111, 0b111, 0b101, 0b001, 0, None)
    assert play.holds(*bitmaps)[0] == "counted 11"


@vector()
def exactly_two_thirds_are_enough(world: World) -> None:
    # Two of three and four of six seats: the bar is reached, not only passed.
    play = trial_at_hold(world, "three")
    play.missed("a", "b", (1, 0))
    assert play.holds(0b111, 0b011, None)[0] == "counted 11"
    play = trial_at_hold(world, "six", committee=6)
    play.missed("a", "b", "c", "d", "e", (1, 0))
    assert play.holds(0b111, 0b111, 0b111, 0b011, None, None)[0] == "counted 111"


@vector()
def naming_does_not_reach_into_the_next_round(world: World) -> None:
    play = trial_at_hold(world, committee=4)
    play.missed("m", "m", (1, 0), "a")
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
    play = trial_at_hold(world, committee=1)
    assert play.missed((0, 0)) == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    assert play.attempt("true")[0] == "claimed in 2"
    court = ["A1.0 -5 DISMISSED", "auditor back 0 earned 5 by 1"]
    assert play.settle("true") == [*PAID, *court, "A2.0 fee 100", "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 795, "withdrawable": 5}


@vector()
def both_attempts_miss(world: World) -> None:
    play = trial_at_hold(world)
    play.missed((0, 0), (1, 1), (2, 2))
    assert play.places(STAKE) == {"stakes": 1585, "bonds": 15}
    lost = ["attempt 2 failed NO_QUORUM", "aborted NO_QUORUM", "ABORTED 1.2 in 1700"]
    assert play.missed((0, 0), (0, 1), (0, 2)) == lost
    assert play.places(STAKE) == {"stakes": 1570, "bonds": 30}
    # The bytes were there, so all six bonds are whose posted them.
    told = play.settle()
    assert told[:3] == PAID
    assert told[3:5] == ["A1.0 -5 DISMISSED", "auditor back 0 earned 5 by 1"]
    assert told[-2:] == ON
    assert play.places(STAKE) == {"stakes": 1570, "withdrawable": 30}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 999, "burned": 100, "dust": 1}


@vector()
def opened_misses(world: World) -> None:
    play = trial_at_hold(world)
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
    assert play.do(member, ballot)[0] == "A1.0 misses P0/2"
    assert play.no(member, ballot) == "AlreadyRevealed"
    # A `Missing` that could not be opened is silence.
    play.serve()
    play.close()
    play.attempt("m", "m", "m", held=0b011)
    silent = [line for line in play.settle() if "SILENT" in line]
    assert silent == ["A1.1 -19 SILENT", "A1.2 -19 SILENT"]


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
    play = trial_at_hold(world)
    play.missed((0, 0), (0, 0), "m")
    assert play.task.current.claim == ZERO
    assert play.task.current.attempts[0].missing == 0b011
    assert play.task.attempt == 2
