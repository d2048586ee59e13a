"""Challenges by column: what they need, how they are refuted, what they decide."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.actions import Advance, Decide
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Matter
from tests.play import TERMS, changed, digest
from tests.trial import LIAR, TRUE, WATCHER, Trial, in_court, trial_at_hold
from tests.vectors.attempts import ON, PAID
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World

FILED = "auditor files 1: MODEL 7 in 1700"
OVERTURNED = ["decided 1 UPHELD", "attempt 1 failed OVERTURNED", "HOLD 1.2 in 1400"]
ENDLESS = 2**256 - 1


@vector()
def a_wrong_claim_is_overturned(world: World) -> None:
    # 700 and the mean of 13, 19, 25 weighed 1 : 2 : 3, which is 21, are 721; 700 is claimed.
    play = in_court(world)
    assert TRUE[7] == 721
    assert play.do(WATCHER, play.challenge("wrong", 7)) == [FILED]
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5}
    assert play.decide(1) == OVERTURNED
    assert play.task.current.claim == ZERO
    before = play.task.model_root
    assert play.attempt("true", "true", "true")[0] == "claimed in 2"
    assert play.task.model_root == before
    told = play.settle("true")
    assert "settled 1" in told
    assert play.before == "true"
    assert [line for line in told if "OVERTURNED" in line] == [
        f"A1.{slot} -23 OVERTURNED" for slot in range(3)
    ]


@vector()
def a_right_claim_cannot_be_challenged(world: World) -> None:
    play = in_court(world, "true")
    for coordinate in range(10):
        told = play.no(WATCHER, play.challenge("true", coordinate))
        assert told == "NothingWrong", coordinate
    # 14 for 13 is a lie that rounds to the claim (21.17), 16 one that does not (21.5).
    assert play.no(LIAR, play.challenge("true", 7, lies={0: 14})) == "NothingWrong"
    assert play.do(LIAR, play.challenge("true", 7, lies={0: 16}))[0].startswith("sponsor files 1")


@vector()
def only_the_wrong_coordinate_can_be_challenged(world: World) -> None:
    play = in_court(world)
    for coordinate in (0, 3, 4, 6, 8, 9):
        assert play.no(WATCHER, play.challenge("wrong", coordinate)) == "NothingWrong"
    assert play.do(WATCHER, play.challenge("wrong", 7)) == [FILED]


@vector()
def a_challenge_of_what_was_not_claimed(world: World) -> None:
    play = in_court(world)
    right, other = play.challenge("wrong", 7), digest("other")
    for changes, told in (
        ({"task": other}, "UnknownTask"),
        ({"matter": 0}, "UnknownMatter"),
        ({"matter": Matter.STATE}, "UnknownMatter"),
        ({"matter": Matter.UPDATE}, "UnknownMatter"),
        ({"matter": 255}, "UnknownMatter"),
        ({"roots": replace(right.roots, model=other)}, "WrongClaim"),
        ({"roots": replace(right.roots, model=ZERO)}, "WrongClaim"),
        ({"roots": play.roots("true")}, "WrongClaim"),
        ({"coordinate": 10}, "CoordinateOutOfRange"),
        ({"coordinate": ENDLESS}, "CoordinateOutOfRange"),
        ({"roots": replace(right.roots, old_model=other)}, "WrongRoots"),
        ({"roots": replace(right.roots, old_model=ZERO)}, "WrongRoots"),
        ({"column": b""}, "WrongColumn"),
        ({"column": right.column[:-1]}, "WrongColumn"),
        ({"column": right.column[:-4]}, "WrongColumn"),
        ({"column": right.column + bytes(4)}, "WrongColumn"),
        ({"number": 1}, "UnknownDispute"),
        ({"number": ENDLESS}, "UnknownDispute"),
    ):
        assert play.no(WATCHER, replace(right, **changes)) == told, changes
    # Where no state is kept, its roots are not read.
    stateless = replace(right, roots=replace(right.roots, state=other, old_state=other))
    assert play.do(WATCHER, stateless) == [FILED]


@vector()
def openings_that_prove_nothing(world: World) -> None:
    play = in_court(world)
    right = play.challenge("wrong", 7)
    old, new = right.openings
    short = Opening(new.chunk[:-4], new.path)
    flipped = Opening(bytes([new.chunk[0] ^ 1]) + new.chunk[1:], new.path)
    for openings in (
        (),
        (old,),
        (old, new, new),
        (new, old),
        (old, old),
        (old, short),
        (old, flipped),
        (flipped, new),
        (old, Opening(new.chunk + bytes(4), new.path)),
        (old, Opening(b"", new.path)),
        (old, Opening(new.chunk, ())),
        (old, Opening(new.chunk, new.path[:-1])),
        (old, Opening(new.chunk, (*new.path, ZERO))),
        (old, Opening(new.chunk, new.path[::-1])),
        (Opening(old.chunk, ()), new),
        (old, play.entry(Matter.MODEL, "wrong", 3)),
    ):
        assert play.no(WATCHER, replace(right, openings=openings)) == "WrongOpening", openings
    # A true opening of another chunk is none of this coordinate.
    assert play.no(WATCHER, replace(right, coordinate=3)) == "WrongOpening"


@vector()
def a_challenge_in_the_last_second(world: World) -> None:
    play = in_court(world)
    end = play.task.deadline
    assert play.do(WATCHER, play.challenge("wrong", 7), end - 1) == [FILED]
    assert play.no(WATCHER, play.challenge("wrong", 7), end) == "WindowClosed"
    assert play.no(LIAR, play.settlement("wrong"), end + 1) == "DisputeOpen"
    assert play.no(LIAR, Advance(play.id)) == "WrongPhase"
    assert play.no(LIAR, play.settlement("wrong"), end + 1698) == "DisputeOpen"
    assert play.do(WATCHER, play.decision(1)) == OVERTURNED


@vector()
def bonds(world: World) -> None:
    play = in_court(world)
    for bond in (0, 4):
        assert play.no(WATCHER, play.challenge("wrong", 7, bond=bond)) == "BondTooLow"
    play.do(WATCHER, play.challenge("wrong", 7, bond=5))
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5}
    # What is sent beyond the bond is the sender's again at once.
    play.do(WATCHER, play.challenge("wrong", 7, bond=9))
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 10, "withdrawable": 4}


@vector()
def a_court_without_bonds(world: World) -> None:
    play = in_court(world, court_bond=0)
    assert play.do(WATCHER, play.challenge("wrong", 7, bond=0)) == [FILED]
    assert play.do(LIAR, play.challenge("wrong", 7, lies={1: 0}, bond=0))
    assert play.do(WATCHER, play.refutation(2, 1)) == ["auditor refutes 2 at P1"]
    assert play.decide(1) == OVERTURNED
    play.attempt("true", "true", "true")
    slashed = [f"A1.{slot} -23 OVERTURNED" for slot in range(3)]
    assert play.settle("true")[3:7] == [*slashed, "auditor back 0 earned 34 by 1"]


@vector()
def a_lie_in_the_column_is_refuted(world: World) -> None:
    play = in_court(world, "true")
    play.do(LIAR, play.challenge("true", 7, lies={1: 17}))
    right, other = play.refutation(1, 1), digest("other")
    for changes, told in (
        ({"task": other}, "UnknownTask"),
        ({"number": 0}, "UnknownDispute"),
        ({"number": 2}, "UnknownDispute"),
        ({"number": ENDLESS}, "UnknownDispute"),
        ({"column": play.column(7)}, "WrongColumn"),
        ({"column": b""}, "WrongColumn"),
        ({"position": 3}, "NotCounted"),
        ({"position": 255}, "NotCounted"),
        ({"position": 256}, "NotCounted"),
        ({"position": ENDLESS}, "NotCounted"),
        ({"position": 2}, "WrongOpening"),
        ({"opening": play.entry(Matter.UPDATE, 1, 3)}, "WrongOpening"),
        ({"opening": Opening(right.opening.chunk, ())}, "WrongOpening"),
    ):
        assert play.no(WATCHER, replace(right, **changes)) == told, changes
    for honest in (0, 2):
        assert play.no(WATCHER, play.refutation(1, honest)) == "NothingWrong"
    assert play.do(WATCHER, right) == ["auditor refutes 1 at P1"]
    assert play.no(WATCHER, right) == "DisputeClosed"
    assert play.no(WATCHER, play.decision(1), play.dispute(1).deadline) == "DisputeClosed"
    assert "settled 1" in play.settle("true")


@vector()
def a_refutation_to_the_second(world: World) -> None:
    play = in_court(world, "true", "in time")
    play.do(LIAR, play.challenge("true", 7, lies={1: 0}))
    last = play.dispute(1).deadline - 1
    assert play.do(WATCHER, play.refutation(1, 1), last) == ["auditor refutes 1 at P1"]
    play = in_court(world, "true", "too late")
    play.do(LIAR, play.challenge("true", 7, lies={1: 0}))
    assert play.no(WATCHER, play.refutation(1, 1), play.dispute(1).deadline) == "MoveClosed"
    assert play.do(LIAR, play.decision(1)) == OVERTURNED


@vector()
def a_decision_to_the_second(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    deadline = play.dispute(1).deadline
    for wrong in (0, 2, ENDLESS):
        assert play.no(WATCHER, play.decision(wrong)) == "UnknownDispute"
    assert play.no(WATCHER, Decide(digest("other"), 1)) == "UnknownTask"
    assert play.no(WATCHER, play.decision(1), deadline - 1) == "NotYet"
    assert play.do(play.member(0), play.decision(1), deadline) == OVERTURNED
    assert play.no(WATCHER, play.decision(1)) == "DisputeClosed"


@vector()
def a_decision_long_after_its_deadline(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    late = play.dispute(1).deadline + 1_000_000
    assert play.no(LIAR, play.settlement("wrong"), late) == "DisputeOpen"
    assert play.do(WATCHER, play.decision(1)) == OVERTURNED


@vector()
def only_a_decision_for_a_challenger_closes_the_others(world: World) -> None:
    play = in_court(world)
    play.do(LIAR, play.challenge("wrong", 7, lies={0: 0}))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(play.member(0), play.challenge("wrong", 7))
    play.do(LIAR, play.challenge("wrong", 3, lies={0: 0}))
    play.do(WATCHER, play.refutation(1, 0))
    # A refuted challenge leaves the others as they are.
    assert [play.dispute(n).pending for n in (1, 2, 3, 4)] == [False, True, True, True]
    assert play.decide(2)[0] == "decided 2 UPHELD"
    for number in (3, 4):
        assert play.no(WATCHER, play.decision(number)) == "DisputeClosed"
        assert play.no(WATCHER, play.refutation(number, 0)) == "DisputeClosed"
    play.attempt("true", "true", "true")
    # Disputes of the first attempt stay closed in the second.
    for number in (1, 2, 3, 4):
        assert play.no(WATCHER, play.decision(number)) == "DisputeClosed"
    court = [line for line in play.settle("true") if "back" in line or "DISMISSED" in line]
    assert court == [
        "sponsor -5 DISMISSED",
        "auditor back 0 earned 2 by 1",
        "auditor back 5 earned 0 by 2",
        "A1.0 back 5 earned 0 by 3",
        "sponsor back 5 earned 0 by 4",
        "auditor back 0 earned 34 by 2",
    ]


@vector()
def both_attempts_are_overturned(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(1)
    play.attempt("wrong", "wrong", "wrong")
    # A column of the first attempt says the same of the second; its dispute is another one.
    assert play.do(WATCHER, play.challenge("wrong", 7)) == ["auditor files 2: MODEL 7 in 1700"]
    lost = ["decided 2 UPHELD", "attempt 2 failed OVERTURNED"]
    assert play.decide(2) == [*lost, "aborted OVERTURNED", "ABORTED 1.2 in 1700"]
    assert play.no(WATCHER, play.challenge("wrong", 7)) == "WrongPhase"
    assert play.no(WATCHER, play.decision(2)) == "DisputeClosed"
    before = play.task.model_root
    told = play.settle()
    slashed = [line for line in told if "OVERTURNED" in line]
    assert slashed == [f"A{a}.{slot} -23 OVERTURNED" for a in (1, 2) for slot in range(3)]
    assert told.count("auditor back 0 earned 34 by 1") == 1
    assert told.count("auditor back 0 earned 34 by 2") == 1
    assert play.task.model_root == before
    # 138 lost: 68 to the challenger, 70 burned; ten of bonds returned to it.
    assert play.places(STAKE) == {"stakes": 1462, "burned": 70, "withdrawable": 78}


@vector()
def an_overturned_claim_with_an_exhausted_pool(world: World) -> None:
    play = in_court(world, pool=5)
    play.do(WATCHER, play.challenge("wrong", 7))
    lost = ["decided 1 UPHELD", "attempt 1 failed OVERTURNED", "aborted POOL_EXHAUSTED"]
    assert play.decide(1) == [*lost, "ABORTED 1.1 in 1700"]
    told = play.settle()
    # The counted are paid; the committee's fee is burned, its slashes shared as ever.
    assert told[:3] == PAID
    assert told[3:] == [
        "auditor back 5 earned 0 by 1",
        *(f"A1.{slot} -23 OVERTURNED" for slot in range(3)),
        "auditor back 0 earned 34 by 1",
        *ON,
    ]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 999, "burned": 100, "dust": 1}
    assert play.places(STAKE) == {"stakes": 1331, "burned": 35, "withdrawable": 39}


@vector()
def who_may_open_a_dispute_where_updates_are_hidden(world: World) -> None:
    play = trial_at_hold(world, visibility=1)
    play.attempt("wrong", "wrong", "wrong")
    moves = (play.challenge("wrong", 7), play.descent("wrong"), play.demanding(0, 0))
    outsiders = (WATCHER, LIAR, play.participant(0), play.member(0, attempt=2))
    for move in moves:
        for outsider in outsiders:
            assert play.no(outsider, move) == "NotAdmitted"
    for move in moves:
        assert play.do(play.member(2), move)[0].startswith("A1.2 ")
    # Anybody refutes, answers, decides.
    assert play.no(LIAR, play.refutation(1, 0)) == "NothingWrong"
    assert play.do(LIAR, play.unfolding(2, "wrong"))[0] == "sponsor unfolds 2 into 3 in 1700"
    assert play.do(LIAR, play.supplying(3))[0] == "sponsor supplies 3"
    assert play.decide(1) == OVERTURNED
    play.attempt("wrong", "wrong", "wrong")
    # Who was drawn in the first attempt has read the updates, too.
    for member in (play.member(0), play.member(0, attempt=1)):
        assert "files" in play.do(member, play.challenge("wrong", 7))[0]
    for outsider in (WATCHER, play.participant(0)):
        assert play.no(outsider, play.challenge("wrong", 7)) == "NotAdmitted"


@vector()
def outsiders_demand_nothing_before_a_claim_either(world: World) -> None:
    play = trial_at_hold(world, visibility=1)
    play.holds(0b111, 0b111, 0b111)
    outsiders = (WATCHER, LIAR, play.participant(0), play.member(0, attempt=2))
    for outsider in outsiders:
        assert play.no(outsider, play.demanding(0, 0)) == "NotAdmitted"
    assert play.do(play.member(1), play.demanding(0, 0))[0].startswith("A1.1 ")
    assert play.do(LIAR, play.supplying(1)) == ["sponsor supplies 1"]


@vector()
def an_unopened_seat_is_nobodys_where_updates_are_hidden(world: World) -> None:
    play = Trial(world, changed(TERMS, visibility=1), aggregators=4)
    play.claim("wrong", c7=700)
    absent = play.aggregators[0]
    play.publish()
    play.register()
    play.open([absent])
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("wrong", "wrong", "wrong")
    assert play.no(absent, play.challenge("wrong", 7)) == "NotAdmitted"
    assert play.do(play.member(0), play.challenge("wrong", 7))
