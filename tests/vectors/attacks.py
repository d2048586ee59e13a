"""What the court is for, attack by attack: each vector is a sentence of what cannot be done."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.actions import Claim, Withdraw
from sheaf.protocol.state import Matter
from tests.play import TERMS, changed
from tests.trial import LIAR, TRUE, WATCHER, Trial, in_court, trial_at_hold
from tests.vectors.table import vector
from tests.worlds import STAKE, World


def taken_out(play: Trial, *hand: bytes) -> int:
    """Stake tokens that these accounts take out after the task's end."""
    told = []
    for owner in hand:
        if owner in play.task.seats:
            told += play.do(owner, Claim(play.id))
        if play.world.federation.account(STAKE).withdrawable.get(owner):
            told += play.do(owner, Withdraw(STAKE))
    return sum(int(line.split()[1]) for line in told if line.startswith("withdrew"))


@vector()
def all_members_of_both_attempts_collude_and_one_challenger_wins(world: World) -> None:
    play = in_court(world)
    initial = play.task.model_root
    for number in (1, 2):
        play.do(WATCHER, play.challenge("wrong", 7))
        # None of them has a move against a true column.
        for position in range(3):
            assert play.no(play.member(0), play.refutation(number, position)) == "NothingWrong"
        assert play.decide(number)[0] == f"decided {number} UPHELD"
        if number == 1:
            play.attempt("wrong", "wrong", "wrong")
    told = play.settle()
    assert len([line for line in told if "OVERTURNED" in line]) == 6
    assert play.task.model_root == initial
    # The next round starts from what was settled last.
    assert play.task.phase.name == "COMMIT"
    assert play.task.round == 2


@vector()
def all_collude_and_the_second_committee_is_honest(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(1)
    assert play.attempt("true", "true", "true")[0] == "claimed in 2"
    assert "settled 1" in play.settle("true")
    assert play.models[play.before] == TRUE


@vector()
def moles_cannot_overturn_a_right_result_while_one_watcher_lives(world: World) -> None:
    # Both colleagues of the one honest member are moles, who vote for the truth to challenge it.
    play = in_court(world, "true")
    moles = [play.member(0), play.member(1)]
    end = play.task.deadline
    for number, coordinate in enumerate((0, 3, 7, 9), start=1):
        lies = {number % 3: -1000}
        at = end - 6 + number
        play.do(moles[number % 2], play.challenge("true", coordinate, lies=lies), at)
    play.do(moles[0], play.descent("true"), end - 1)
    for number in (1, 2, 3, 4):
        told = play.do(WATCHER, play.refutation(number, number % 3))
        assert told == [f"auditor refutes {number} at P{number % 3}"]
    play.do(WATCHER, play.unfolding(5, "true"))
    play.do(moles[0], play.picking(5, 2))
    play.do(WATCHER, play.supplying(5, "true"))
    assert play.no(moles[0], play.challenge("true", 9, number=5)) == "NothingWrong"
    # A lie goes on under the descent's number, and is refuted there.
    play.do(moles[0], play.challenge("true", 9, number=5, lies={0: 5000}))
    play.do(WATCHER, play.refutation(5, 0))
    told = play.settle("true")
    assert "settled 1" in told
    assert not [line for line in told if "OVERTURNED" in line]
    # Five bonds are lost: two of each are the watcher's, three are burned.
    assert play.places(STAKE) == {"stakes": 1600, "burned": 15, "withdrawable": 10}


@vector()
def a_member_that_voted_against_a_right_result_cannot_overturn_it(world: World) -> None:
    play = trial_at_hold(world)
    play.attempt("true", "true", "wrong")
    mole = play.member(2)
    assert play.no(mole, play.challenge("wrong", 7)) == "WrongClaim"
    assert play.no(mole, play.challenge("true", 7)) == "NothingWrong"
    play.do(mole, play.challenge("true", 7, lies={0: 0, 1: 0, 2: 0}))
    # One entry is enough, whichever.
    assert play.do(WATCHER, play.refutation(1, 2)) == ["auditor refutes 1 at P2"]
    assert "settled 1" in play.settle("true")


@vector()
def a_sacrificial_challenge_filed_first_shields_nothing(world: World) -> None:
    # The colluders file a lie against their own wrong claim, at the wrong coordinate and at others,
    # refute it themselves, and file again.
    play = in_court(world)
    for number, coordinate in enumerate((7, 7, 0), start=1):
        lie = play.challenge("wrong", coordinate, lies={0: 9999})
        play.do(play.member(0), lie)
        play.do(play.member(1), play.refutation(number, 0))
    play.do(play.member(0), play.challenge("wrong", 7, lies={0: 9999}))
    assert play.do(WATCHER, play.challenge("wrong", 7)) == ["auditor files 5: MODEL 7 in 1700"]
    play.do(play.member(1), play.refutation(4, 0))
    assert play.decide(5)[1] == "attempt 1 failed OVERTURNED"
    play.attempt("true", "true", "true")
    told = play.settle("true")
    assert "auditor back 0 earned 34 by 5" in told


@vector()
def a_losing_descent_shields_nothing(world: World) -> None:
    # A descent led to an honest chunk and given up leaves the claim as open as before.
    play = in_court(world)
    play.do(LIAR, play.descent("wrong"))
    play.do(LIAR, play.unfolding(1, "wrong"))
    play.do(LIAR, play.picking(1, 0))
    play.do(LIAR, play.supplying(1, "wrong"))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(2)
    assert play.task.attempt == 2


@vector()
def a_model_of_which_all_chunks_but_one_are_served(world: World) -> None:
    # The wrong entry is in the chunk that is not: posted, it is challenged; silent, overturned.
    play = in_court(world, document="posted")
    play.do(WATCHER, play.descent("wrong"))
    play.do(play.member(0), play.unfolding(1, "wrong"))
    play.do(WATCHER, play.picking(1, 1))
    play.do(play.member(0), play.supplying(1, "wrong"))
    play.do(WATCHER, play.challenge("wrong", 7, number=1))
    assert play.decide(1)[1] == "attempt 1 failed OVERTURNED"
    play = in_court(world, document="silent")
    play.do(WATCHER, play.descent("wrong"))
    play.do(play.member(0), play.unfolding(1, "wrong"))
    play.do(WATCHER, play.picking(1, 1))
    assert play.decide(1)[1] == "attempt 1 failed OVERTURNED"


@vector()
def an_update_of_which_all_chunks_but_one_are_served(world: World) -> None:
    # Without P0's chunk 1 nobody can show that coordinate 7 is wrong. Posted, it can be shown in
    # the move that the answer adds; silent, the claim does not settle.
    play = in_court(world, document="posted")
    last = play.task.deadline - 1
    play.do(WATCHER, play.demanding(0, 1), last)
    play.do(play.participant(0), play.supplying(1), play.dispute(1).deadline - 1)
    play.do(WATCHER, play.challenge("wrong", 7), play.task.deadline - 1)
    assert play.decide(2)[1] == "attempt 1 failed OVERTURNED"
    play = in_court(world, document="silent")
    play.do(WATCHER, play.demanding(0, 1))
    play.decide(1)
    assert play.close()[0] == "attempt 1 failed WITHHELD"


@vector()
def accuser_and_accused_in_one_hand_lose_half_of_every_slash(world: World) -> None:
    # They run before the honest challenger, dissent for the fee, and withhold an update of theirs.
    play = trial_at_hold(world, committee=4, rounds=1)
    play.attempt("wrong", "wrong", "wrong", "other")
    hand = [*(play.member(slot) for slot in range(4)), play.participant(0), LIAR]
    before = 4 * 200 + 100 + 2 * 5
    play.do(LIAR, play.challenge("wrong", 7))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(LIAR, play.demanding(0, 0))
    play.decide(3)
    play.decide(1)
    play.attempt("other", "other", "other", "other")
    play.settle("other")
    # Slashed: 3 * 23 and 17. Of 86 at least 43 are lost to all of them together: 35 and 9.
    assert taken_out(play, *hand) == before - 44
    assert play.places(STAKE)["burned"] == 44


@vector()
def a_watcher_that_comes_second_gets_its_bond_back(world: World) -> None:
    play = in_court(world)
    play.do(play.member(0), play.challenge("wrong", 7))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(1)
    play.attempt("true", "true", "true")
    assert "auditor back 5 earned 0 by 2" in play.settle("true")


@vector()
def a_column_of_another_round_or_attempt_says_nothing_here(world: World) -> None:
    play = in_court(world)
    stale = play.challenge("wrong", 7)
    play.do(WATCHER, stale)
    refute = play.refutation(1, 0)
    play.decide(1)
    play.attempt("true", "true", "true")
    # The second attempt's claim is another hash, even of the same roots.
    assert play.no(WATCHER, stale) == "WrongClaim"
    assert play.no(WATCHER, refute) == "DisputeClosed"
    play.settle("true")
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.models["later"] = [14 + 101 * j + 14 + j for j in range(10)]
    play.attempt("later", "later", "later")
    assert play.no(WATCHER, stale) == "WrongClaim"
    assert play.no(WATCHER, refute) == "UnknownDispute"
    old = replace(play.challenge("later", 7), openings=stale.openings)
    assert play.no(WATCHER, old) == "WrongOpening"
    for coordinate in range(10):
        assert play.no(WATCHER, play.challenge("later", coordinate)) == "NothingWrong"


@vector()
def an_update_cannot_be_opened_as_a_model_of_the_same_bytes(world: World) -> None:
    # Kinds have one tree, so the roots decide what an opening is of.
    play = in_court(world)
    swapped = replace(
        play.challenge("wrong", 7),
        openings=(play.entry(Matter.UPDATE, 0, 7), play.entry(Matter.MODEL, "wrong", 7)),
    )
    assert play.no(LIAR, swapped) == "WrongOpening"


@vector()
def a_cohort_of_twenty_and_chunks_of_four_kilobytes(world: World) -> None:
    # Long call data: twenty entries, three openings of 4 KiB each, a path of two.
    terms = changed(
        TERMS, goal=20, coordinates=3072, trainable=3072, chunk_log2=12, weight_cap=2500
    )
    play = Trial(world, terms, participants=20)
    # Weights 100, 200, ..., 2000 sum up to 21,000; the entries 6 + j, 12 + j, ... average 82 + j.
    play.models["true"] = [82 + 101 * j for j in range(3072)]
    play.claim("wrong", c3071=0)
    play.start()
    play.commits(*range(20))
    play.reveals(*range(20))
    play.attempt("wrong", "wrong", "wrong", held=2**20 - 1)
    assert play.no(WATCHER, play.challenge("wrong", 3070)) == "NothingWrong"
    assert play.do(WATCHER, play.challenge("wrong", 3071))
    play.do(LIAR, play.challenge("wrong", 0, lies={19: 0}))
    assert play.no(WATCHER, play.refutation(2, 18)) == "NothingWrong"
    assert play.do(WATCHER, play.refutation(2, 19)) == ["auditor refutes 2 at P19"]
    play.do(WATCHER, play.demanding(19, 2))
    assert play.do(LIAR, play.supplying(3))[0] == "sponsor supplies 3"
    assert play.decide(1)[1] == "attempt 1 failed OVERTURNED"
