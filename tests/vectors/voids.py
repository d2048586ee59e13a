"""Void attempts, of an update demanded in vain: they cannot settle, but be overturned."""

from __future__ import annotations

from sheaf.protocol.actions import Advance, Duplicate
from tests.trial import LIAR, WATCHER, in_court, trial_at_hold
from tests.vectors.attempts import ON
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World


@vector()
def an_overturn_prevails_over_a_void(world: World) -> None:
    # A participant of the same hand withholds, so that the committee might get away: it does not.
    play = in_court(world)
    play.do(WATCHER, play.demanding(0, 0))
    play.do(WATCHER, play.challenge("wrong", 7))
    assert play.decide(1) == ["decided 1 UPHELD"]
    assert play.task.current.void
    assert play.no(LIAR, Advance(play.id)) == "DisputeOpen"
    told = ["decided 2 UPHELD", "attempt 1 failed OVERTURNED", "HOLD 1.2 in 1400"]
    assert play.decide(2) == told
    play.attempt("m", "m", "m")
    assert play.task.current.counted == 0b110
    told = play.settle()
    assert told[2:] == [
        "P0 -17 WITHHELD",
        "auditor back 5 earned 8 by 1",
        "auditor back 5 earned 0 by 2",
        *(f"A1.{slot} -23 OVERTURNED" for slot in range(3)),
        "auditor back 0 earned 34 by 2",
        *(f"A2.{slot} fee 33" for slot in range(3)),
        "settled 1",
        *ON,
    ]


@vector()
def a_void_attempt_is_challenged_to_the_end_of_its_window(world: World) -> None:
    # Found withheld while verdicts are out, the update is in the column all the same.
    play = trial_at_hold(world, challenge_s=100)
    play.holds(0b111, 0b111, 0b111)
    play.do(LIAR, play.demanding(2, 0))
    play.decide(1)
    play.votes("wrong", "wrong", "wrong")
    assert play.opens(0, 1, 2) == ["claimed in 1", "CHALLENGE 1.1 in 100"]
    end = play.task.deadline
    assert play.no(LIAR, play.settlement("wrong")) == "WrongPhase"
    assert play.no(LIAR, Advance(play.id), end - 2) == "NotYet"
    assert play.do(WATCHER, play.challenge("wrong", 7), end - 1)
    assert play.no(LIAR, Advance(play.id), end) == "DisputeOpen"
    assert play.no(LIAR, play.settlement("wrong")) == "WrongPhase"
    assert play.decide(2)[1] == "attempt 1 failed OVERTURNED"


@vector()
def a_void_attempt_ends_with_its_window(world: World) -> None:
    play = trial_at_hold(world, challenge_s=100)
    play.holds(0b111, 0b111, 0b111)
    play.do(LIAR, play.demanding(2, 0))
    play.decide(1)
    play.votes("true", "true", "true")
    play.opens(0, 1, 2)
    assert play.no(LIAR, Advance(play.id), play.task.deadline - 1) == "NotYet"
    told = ["attempt 1 failed WITHHELD", "HOLD 1.2 in 1400"]
    assert play.do(LIAR, Advance(play.id), play.task.deadline) == told


@vector()
def the_second_attempt_is_void(world: World) -> None:
    play = trial_at_hold(world)
    play.attempt("a", "b", "c")
    play.attempt("true", "true", "true")
    play.do(WATCHER, play.demanding(0, 0))
    play.decide(1)
    lost = ["attempt 2 failed WITHHELD", "aborted WITHHELD", "ABORTED 1.2 in 1700"]
    assert play.close() == lost
    # Who is owed is paid, the dropped is not: 500 of 500 samples.
    told = play.settle()
    assert told == [
        "P1 +400 bonus 0",
        "P2 +600 bonus 0",
        "P0 -17 WITHHELD",
        "auditor back 5 earned 8 by 1",
        *ON,
    ]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1000, "burned": 100}


@vector()
def a_void_attempt_with_an_exhausted_pool(world: World) -> None:
    play = trial_at_hold(world, pool=5)
    play.attempt("true", "true", "true")
    play.do(WATCHER, play.demanding(0, 0))
    play.decide(1)
    lost = ["attempt 1 failed WITHHELD", "aborted POOL_EXHAUSTED", "ABORTED 1.1 in 1700"]
    assert play.close() == lost
    assert play.no(LIAR, play.decision(1)) == "DisputeClosed"
    assert "P0 -17 WITHHELD" in play.settle()


@vector()
def a_dropped_update_leaves_too_few(world: World) -> None:
    # Two of three are dropped; one is below the minimum of two.
    play = in_court(world, "true")
    play.do(WATCHER, play.demanding(0, 0))
    play.do(WATCHER, play.demanding(1, 0))
    play.decide(1)
    play.decide(2)
    play.close()
    lost = ["counted 100", "attempt 2 failed TOO_FEW_COUNTED", "aborted TOO_FEW_COUNTED"]
    assert play.holds(0b111, 0b111, 0b111) == [*lost, "ABORTED 1.2 in 1700"]
    told = play.settle()
    assert told == [
        "P2 +1000 bonus 0",
        "P0 -17 WITHHELD",
        "auditor back 5 earned 8 by 1",
        "P1 -17 WITHHELD",
        "auditor back 5 earned 8 by 2",
        *ON,
    ]


@vector()
def everybody_is_dropped(world: World) -> None:
    play = in_court(world, "true")
    for position in range(3):
        play.do(WATCHER, play.demanding(position, 0))
    for number in (1, 2, 3):
        play.decide(number)
    play.close()
    assert play.holds(0b111, 0b111, 0b111)[0] == "counted 0"
    told = play.settle()
    assert not [line for line in told if "+" in line]
    # Nobody is owed the reward: it is burned with the fee.
    assert play.places(REWARD) == {"escrow": 1100, "burned": 1100}
    assert play.places(STAKE) == {"stakes": 1549, "burned": 27, "withdrawable": 39}


@vector()
def a_drop_outlives_a_failure_by_no_quorum(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.do(WATCHER, play.demanding(1, 0))
    play.votes("a", "b", "c")
    for slot in range(3):
        play.do(play.member(slot), play.ballots[slot])
    end = max(play.task.deadline, play.dispute(1).deadline)
    assert play.do(WATCHER, play.decision(1), end) == ["decided 1 UPHELD"]
    # Void or not, without a claim there is nothing to wait for.
    assert play.close() == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    assert not play.task.current.void
    play.holds(0b111, 0b111, 0b111)
    assert play.task.current.counted == 0b101
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    assert "settled 1" in play.settle()


@vector()
def an_overturn_closes_a_demand_in_vain(world: World) -> None:
    # Open at the end of its attempt, a demand is closed: its bond returns, nobody is dropped.
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(LIAR, play.demanding(0, 0))
    play.decide(1)
    assert play.no(LIAR, play.supplying(2)) == "DisputeClosed"
    assert play.no(LIAR, play.decision(2)) == "DisputeClosed"
    play.attempt("true", "true", "true")
    assert play.task.current.counted == 0b111
    told = play.settle("true")
    assert "sponsor back 5 earned 0 by 2" in told
    assert not [line for line in told if "WITHHELD" in line]


@vector()
def a_dropped_update_and_its_duplicate(world: World) -> None:
    play = in_court(world, "true")
    play.given[1] = play.given[0]
    play.settle("true")
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("m", "m", "m")
    play.do(WATCHER, play.demanding(0, 0))
    play.decide(1)
    # The copy's pay is burned though the original's is lost: 400 of 500 samples are whose they are.
    told = play.do(LIAR, Duplicate(play.id, 0, 1))
    assert told == ["P1 repeats P0"]
    play.close()
    play.attempt("m", "m", "m")
    assert play.task.current.duplicates == 0
    assert play.no(LIAR, Duplicate(play.id, 0, 1)) == "NotCounted"
    told = play.settle()
    assert told[:2] == ["P1 +400 bonus 0", "P2 +600 bonus 0"]
