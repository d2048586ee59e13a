"""What the court's endings cost and earn: every unit by hand, in both tokens."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.actions import Claim, Withdraw
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from tests.play import TERMS, changed
from tests.trial import LIAR, WATCHER, Trial, in_court, trial_at_hold
from tests.vectors.attempts import ON, PAID
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World


def overturned(play: Trial) -> list[str]:
    """Overturn the running attempt, settle the next; the lines about money that is at stake."""
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(1)
    play.attempt(*["true"] * play.terms.cohort.committee)
    told = play.settle("true")
    return [line for line in told if "OVERTURNED" in line or "earned" in line or "SILENT" in line]


@vector()
def all_members_are_slashed(world: World) -> None:
    play = in_court(world)
    assert overturned(play) == [
        "auditor back 5 earned 0 by 1",
        *(f"A1.{slot} -23 OVERTURNED" for slot in range(3)),
        "auditor back 0 earned 34 by 1",
    ]
    # 69 lost: half, rounded down, is the challenger's, the rest is burned.
    assert play.places(STAKE) == {"stakes": 1531, "burned": 35, "withdrawable": 39}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1098, "dust": 2}
    assert play.do(WATCHER, Withdraw(STAKE)) == ["withdrew 39"]


@vector()
def who_did_not_vote_for_it_is_not_slashed(world: World) -> None:
    # Of seven five are a quorum; two say something else and get a seventh of a slash, 3 each.
    play = trial_at_hold(world, committee=7)
    play.attempt("wrong", "wrong", "a", "wrong", "wrong", "true", "wrong")
    assert overturned(play) == [
        "auditor back 5 earned 0 by 1",
        *(f"A1.{slot} -23 OVERTURNED" for slot in (0, 1, 3, 4, 6)),
        "A1.2 back 0 earned 3 by 1",
        "A1.5 back 0 earned 3 by 1",
        "auditor back 0 earned 51 by 1",
    ]
    # 115 lost, 57 paid, 58 burned; one bond returned.
    assert play.places(STAKE) == {"stakes": 3085, "burned": 58, "withdrawable": 62}


@vector()
def silence_and_a_miss_are_no_dissent(world: World) -> None:
    play = trial_at_hold(world, committee=7)
    play.holds(*[0b111] * 7)
    play.votes("wrong", "wrong", (0, 0), "wrong", "wrong", None, "wrong")
    for slot in (0, 1, 2, 3, 4, 6):
        play.do(play.member(slot), play.ballots[slot])
    play.serve()
    play.close()
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(2)
    play.attempt(*["true"] * 7)
    told = play.settle("true")
    assert told[3:15] == [
        "A1.2 -5 DISMISSED",
        "auditor back 0 earned 5 by 1",
        "auditor back 5 earned 0 by 2",
        "A1.0 -23 OVERTURNED",
        "A1.1 -23 OVERTURNED",
        "A1.3 -23 OVERTURNED",
        "A1.4 -23 OVERTURNED",
        "A1.5 -19 SILENT",
        "A1.6 -23 OVERTURNED",
        "auditor back 0 earned 57 by 2",
        "A2.0 fee 14",
        "A2.1 fee 14",
    ]
    # 115 / 2 = 57; 58 and the 19 of silence are burned.
    assert play.places(STAKE) == {"stakes": 3061, "burned": 77, "withdrawable": 67}


@vector()
def a_dissenter_that_challenges(world: World) -> None:
    play = trial_at_hold(world, committee=4)
    play.attempt("wrong", "true", "wrong", "wrong")
    play.do(play.member(1), play.challenge("wrong", 7))
    play.decide(1)
    play.attempt("true", "true", "true", "true")
    told = play.settle("true")
    # 69 lost, 34 paid: 5 (a fourth of 23) for dissent, 29 for the challenge.
    assert [line for line in told if line.startswith("A1.1")] == [
        "A1.1 back 5 earned 0 by 1",
        "A1.1 back 0 earned 5 by 1",
        "A1.1 back 0 earned 29 by 1",
    ]
    assert play.places(STAKE) == {"stakes": 1931, "burned": 35, "withdrawable": 39}


@vector()
def an_accused_that_challenges_itself_loses_half(world: World) -> None:
    play = in_court(world)
    play.do(play.member(0), play.challenge("wrong", 7))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(1)
    play.attempt("true", "true", "true")
    told = play.settle("true")
    assert "A1.0 back 0 earned 34 by 1" in told
    assert "auditor back 5 earned 0 by 2" in told
    # Together the members lose 69 and get 34.
    assert play.places(STAKE) == {"stakes": 1531, "burned": 35, "withdrawable": 44}


@vector()
def slashes_too_small_to_divide(world: World) -> None:
    # 1 each of three: one is paid, two are burned; a third of 1 is no fee.
    play = trial_at_hold(world, committee=4, slash_overturned=1)
    play.attempt("wrong", "true", "wrong", "wrong")
    assert overturned(play) == [
        "auditor back 5 earned 0 by 1",
        *(f"A1.{slot} -1 OVERTURNED" for slot in (0, 2, 3)),
        "auditor back 0 earned 1 by 1",
    ]
    assert play.places(STAKE) == {"stakes": 1997, "burned": 2, "withdrawable": 6}


@vector()
def slashes_that_seats_do_not_cover(world: World) -> None:
    # An empty seat is not slashed; a fee that was not lost by anybody is not paid.
    play = trial_at_hold(world, committee=4)
    play.attempt("wrong", "true", "wrong", "wrong")
    for slot, stake in ((0, 23), (2, 22), (3, 0)):
        world.set_stake(play.id, play.member(slot, attempt=1), stake)
    assert overturned(play) == [
        "auditor back 5 earned 0 by 1",
        "A1.0 -23 OVERTURNED",
        "A1.1 back 0 earned 5 by 1",
        "auditor back 0 earned 6 by 1",
    ]
    play = trial_at_hold(world, "nothing", committee=4)
    play.attempt("wrong", "true", "wrong", "wrong")
    for slot in (0, 2, 3):
        world.set_stake(play.id, play.member(slot, attempt=1), 22)
    assert overturned(play) == ["auditor back 5 earned 0 by 1"]


@vector()
def an_overturned_claim_that_costs_nothing(world: World) -> None:
    play = in_court(world, slash_overturned=0)
    assert overturned(play) == ["auditor back 5 earned 0 by 1"]
    assert play.places(STAKE) == {"stakes": 1600, "withdrawable": 5}


@vector()
def bonds_that_cannot_be_halved(world: World) -> None:
    # Of a bond of 1 nothing is earned; of a demand's bond everything is.
    play = in_court(world, "true", court_bond=1)
    play.do(LIAR, play.challenge("true", 7, lies={0: 0}, bond=1))
    play.do(LIAR, play.demanding(0, 0, bond=1))
    play.do(WATCHER, play.refutation(1, 0))
    play.do(WATCHER, play.supplying(2))
    told = play.settle("true")
    assert told[3:6] == [
        "sponsor -1 DISMISSED",
        "sponsor -1 DISMISSED",
        "auditor back 0 earned 1 by 2",
    ]
    assert play.places(STAKE) == {"stakes": 1600, "burned": 1, "withdrawable": 1}


@vector()
def a_withheld_update_that_costs_nothing(world: World) -> None:
    play = in_court(world, "true", slash_withheld=0)
    play.do(WATCHER, play.demanding(0, 0))
    play.decide(1)
    play.close()
    play.attempt("m", "m", "m")
    assert play.settle()[2:3] == ["auditor back 5 earned 0 by 1"]
    assert play.places(STAKE) == {"stakes": 1600, "withdrawable": 5}


@vector(stake_tax_bps=1_000)
def bonds_in_a_taxed_token(world: World) -> None:
    # A tenth of what is sent is kept on the way: 21 arrive as 19, 20 as 18.
    play = Trial(world, changed(TERMS, court_bond=19))
    play.claim("wrong", c7=700)
    play.publish()
    for seat in play.participants:
        play.do(seat, play.registration(seat, stake=111))
    for seat in play.aggregators:
        play.do(seat, play.registration(seat, stake=222))
    play.close()
    play.open()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("wrong", "wrong", "wrong")
    assert play.places(STAKE) == {"stakes": 4 * 100 + 6 * 200}
    short = play.challenge("wrong", 7, bond=20)
    assert play.no(WATCHER, short) == "BondTooLow"
    play.do(WATCHER, play.challenge("wrong", 7, bond=21))
    assert play.no(LIAR, play.descent("wrong", bond=20)) == "BondTooLow"
    play.do(LIAR, play.descent("wrong", bond=24))  # 22 arrive, 3 too many
    assert play.no(LIAR, play.demanding(0, 0, bond=20)) == "BondTooLow"
    play.do(LIAR, play.demanding(0, 0, bond=21))
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 57, "withdrawable": 3}
    play.do(WATCHER, play.supplying(3))
    play.decide(1)
    play.attempt("m", "m", "m")
    told = play.settle()
    assert told[3:7] == [
        "auditor back 19 earned 0 by 1",
        "sponsor back 19 earned 0 by 2",
        "sponsor -19 DISMISSED",
        "auditor back 0 earned 19 by 3",
    ]
    assert play.places(STAKE) == {"stakes": 1531, "burned": 35, "withdrawable": 94}
    assert play.do(LIAR, Withdraw(STAKE)) == ["withdrew 22"]
    assert play.do(WATCHER, Withdraw(STAKE)) == ["withdrew 72"]


@vector()
def a_court_where_stake_and_reward_are_one_token(world: World) -> None:
    play = in_court(world, rounds=1)
    one = Trial(world, changed(TERMS, rounds=1, reward_token=STAKE), document="one token")
    one.claim("true")
    one.claim("wrong", c7=700)
    one.start()
    one.commits(0, 1, 2)
    one.reveals(0, 1, 2)
    one.attempt("wrong", "wrong", "wrong")
    one.do(WATCHER, one.challenge("wrong", 7))
    one.decide(1)
    one.attempt("true", "true", "true")
    assert one.settle("true")[-1] == "DONE refund 0 -"
    # Both tasks stake 1,600; 1,100 of rewards less 2 of dust lie beside what the court moved.
    assert one.places(STAKE) == {
        "stakes": 1600 + 1531,
        "rewards": 1098,
        "burned": 37,
        "withdrawable": 39,
    }
    assert play.task.phase.name == "CHALLENGE"


def busy(world: World, document: str) -> Trial:
    """An aborted round with a dispute of every ending: 1 and 2 refuted and answered, 3 upheld; of
    the second attempt 4 withheld, 5 moot, 6 closed, 7 upheld."""
    play = in_court(world, document=document)
    play.do(LIAR, play.challenge("wrong", 3, lies={0: 0}))
    play.do(LIAR, play.demanding(1, 0))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(WATCHER, play.refutation(1, 0))
    play.do(play.participant(1), play.supplying(2))
    play.decide(3)
    play.attempt("wrong", "wrong", "wrong")
    play.do(WATCHER, play.demanding(2, 0))
    play.do(LIAR, play.demanding(2, 1, bond=10))
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(LIAR, play.descent("wrong"))
    play.decide(4)
    play.decide(5)
    play.decide(6)
    assert play.task.phase.name == "ABORTED"
    return play


BUSY = [
    "P0 +333 bonus 0",
    "P1 +666 bonus 0",
    "sponsor -5 DISMISSED",
    "auditor back 0 earned 2 by 1",
    "sponsor -5 DISMISSED",
    "P1 back 0 earned 5 by 2",
    "auditor back 5 earned 0 by 3",
    "P2 -17 WITHHELD",
    "auditor back 5 earned 8 by 4",
    "sponsor back 10 earned 0 by 5",
    "auditor back 5 earned 0 by 6",
    "sponsor back 5 earned 0 by 7",
    *(f"A1.{slot} -23 OVERTURNED" for slot in range(3)),
    "auditor back 0 earned 34 by 3",
    *(f"A2.{slot} -23 OVERTURNED" for slot in range(3)),
    "auditor back 0 earned 34 by 6",
    *ON,
]


@vector()
def a_round_of_every_ending(world: World) -> None:
    play = busy(world, "busy")
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 40}
    assert play.settle() == BUSY
    # Burned: 3 of a bond, 9 of the withheld, 35 of each overturned attempt.
    assert play.places(STAKE) == {"stakes": 1445, "burned": 82, "withdrawable": 113}


@vector()
def the_third_sweep_in_single_steps(world: World) -> None:
    play = busy(world, "single steps")
    page, at = play.settlement(None, steps=1), play.task.deadline
    play.do(LIAR, page, at)
    for _ in range(5):
        play.do(LIAR, page)
    # Two sweeps over the cohort of three are done; then one dispute a step.
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 40}
    assert play.do(LIAR, page) == BUSY[2:4]
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 35, "burned": 3, "withdrawable": 2}
    assert play.no(WATCHER, Claim(play.id)) == "WrongPhase"
    # What was decided, and what the round's end closed, is decided no more.
    for number in (4, 7):
        assert play.no(WATCHER, play.decision(number)) == "DisputeClosed"
    assert play.do(LIAR, page) == BUSY[4:6]
    assert play.do(LIAR, page) == BUSY[6:7]
    assert play.do(LIAR, page) == BUSY[7:9]
    assert play.places(STAKE) == {"stakes": 1583, "bonds": 20, "burned": 12, "withdrawable": 25}
    assert play.do(LIAR, page) == BUSY[9:10]
    assert play.do(LIAR, page) == BUSY[10:11]
    assert play.do(LIAR, page) == BUSY[11:]


@vector()
def pages_that_split_the_third_sweep(world: World) -> None:
    for steps in (2, 4, 5, 7, 9, 12, 13, 14):
        play = busy(world, f"pages of {steps}")
        assert play.settle(steps=steps) == BUSY, steps


@vector()
def a_page_of_a_claimed_round_with_disputes(world: World) -> None:
    # The claim is checked before the first page, whatever was refuted since.
    play = in_court(world, "true")
    play.do(LIAR, play.challenge("true", 7, lies={0: 0}))
    play.do(WATCHER, play.refutation(1, 0))
    right = play.settlement("true", steps=7)
    wrong = replace(right, model_root=play.task.header(Kind.MODEL, play.model_root("wrong")))
    assert play.no(LIAR, wrong, play.task.deadline) == "WrongClaim"
    assert play.no(LIAR, replace(right, model_root=ZERO)) == "WrongClaim"
    told = play.do(LIAR, right)
    assert told == [
        *PAID,
        "sponsor -5 DISMISSED",
        "auditor back 0 earned 2 by 1",
        *(f"A1.{slot} fee 33" for slot in range(3)),
        "settled 1",
        *ON,
    ]


@vector()
def bonds_of_the_last_round(world: World) -> None:
    # Nothing of the court is left in the task once it has ended.
    play = in_court(world, "true", rounds=1)
    play.do(LIAR, play.challenge("true", 7, lies={0: 0}))
    play.do(WATCHER, play.refutation(1, 0))
    assert play.settle("true")[-1] == "DONE refund 0 -"
    for seat in play.participants + play.aggregators:
        play.do(seat, Claim(play.id))
    play.do(WATCHER, Withdraw(STAKE))
    assert play.places(STAKE) == {"burned": 3}
    assert play.places(REWARD) == {"burned": 2}
