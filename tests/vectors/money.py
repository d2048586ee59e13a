"""Settlement, claims and withdrawals: every unit by hand."""

from __future__ import annotations

from sheaf.protocol.actions import Claim, Settle, Withdraw
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from tests.play import TERMS, Play, altered, changed, digest
from tests.vectors.attempts import ON, PAID, at_hold
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, TAXED, World, account


def claimed(world: World, **terms: int | bytes) -> Play:
    """A round in its challenge window, three updates and three verdicts."""
    play = Play(world, changed(TERMS, **terms)).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("m", "m", "m")
    return play


@vector()
def half_of_what_the_absent_lose_is_shared(world: World) -> None:
    play = Play(world, changed(TERMS, goal=5), participants=5).start()
    play.commits(0, 2, 4)
    play.reveals(0, 2, 4)
    play.attempt("m", "m", "m", held=0b10101)
    # Two lose 22; half is 11; three get 3 each; 13 are burned. Samples are 100 : 300 : 500.
    slashed = ["P1 -11 NO_COMMIT", "P3 -11 NO_COMMIT"]
    paid = ["P0 +111 bonus 3", "P2 +333 bonus 3", "P4 +555 bonus 3"]
    assert play.settle()[:5] == slashed + paid
    assert play.places(STAKE) == {"stakes": 1687, "burned": 13}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1098, "dust": 2}
    assert [play.task.seats[a].stake for a in play.participants].count(103) == 3


@vector()
def who_revealed_shares_though_nobody_counted_it(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1)
    play.reveals(0, 1)
    play.holds(0, 0, 0)
    play.holds(0, 0, 0)
    shares = ["P2 -11 NO_COMMIT", "P0 +0 bonus 2", "P1 +0 bonus 2"]
    assert play.settle() == [*shares, *ON]
    assert play.places(STAKE) == {"stakes": 1593, "burned": 7}


@vector()
def a_seat_too_rich_for_its_share(world: World) -> None:
    # Stakes fit 96 bits. Who fills them forgoes its share, and the round settles all the same.
    play = Play(world, participants=3)
    play.publish()
    rich = play.participants[0]
    play.do(rich, play.registration(rich, stake=2**96 - 2))
    play.register(play.participants[1:] + play.aggregators)
    play.open()
    absent = next(i for i in range(3) if play.participant(i) != rich)
    present = [i for i in range(3) if i != absent]
    play.commits(*present)
    play.reveals(*present)
    play.attempt("m", "m", "m", held=0b111 ^ 1 << absent)
    # 11 lost: half is 5, 2 each; the rich seat holds one more at most.
    bonuses = {line[:2]: line[-1] for line in play.settle() if "bonus" in line}
    assert {bonuses[f"P{i}"] for i in present} == {"0", "2"}
    assert play.task.seats[rich].stake == 2**96 - 2
    assert play.places(STAKE)["burned"] == 9


@vector()
def settlement_in_single_steps(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 2)
    play.reveals(0, 2)
    play.attempt("m", "m", "m", held=0b101)
    page, at = play.settlement("m", steps=1), play.task.deadline
    sponsor = account("sponsor")
    assert play.no(sponsor, page, at - 1) == "NotYet"
    assert play.do(sponsor, page, at) == []  # P0 revealed: nothing to slash
    assert play.places(REWARD) == {"escrow": 1100, "dust": 1100}
    assert play.do(sponsor, page) == ["P1 -11 NO_COMMIT"]
    assert play.places(STAKE) == {"stakes": 1589, "dust": 11}
    assert play.do(sponsor, page) == []
    # 11: half is 5, two get 2 each, 7 are burned before the first share goes out.
    assert play.do(sponsor, page) == ["P0 +250 bonus 2"]
    assert play.places(STAKE) == {"stakes": 1591, "dust": 2, "burned": 7}
    assert play.do(sponsor, page) == []
    assert play.no(play.participant(0), Claim(play.id)) == "WrongPhase"
    last = play.do(sponsor, page)
    fees = ["A1.0 fee 33", "A1.1 fee 33", "A1.2 fee 33"]
    assert last == ["P2 +750 bonus 2", *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1593, "burned": 7}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1099, "dust": 1}


@vector()
def pages_that_split_the_sweeps(world: World) -> None:
    for steps in (2, 4, 5):
        play = Play(world, document=f"pages of {steps}").start()
        play.commits(0, 2)
        play.reveals(0, 2)
        play.attempt("m", "m", "m", held=0b101)
        paid = ["P1 -11 NO_COMMIT", "P0 +250 bonus 2", "P2 +750 bonus 2"]
        assert play.settle(steps=steps)[:3] == paid


@vector()
def only_the_first_page_needs_the_claim(world: World) -> None:
    play = claimed(world)
    at, right = play.task.deadline, play.settlement("m", steps=1)
    wrong = digest("wrong")
    assert play.no(play.sponsor, altered(right, steps=0), at) == "EmptyPage"
    bare = play.task.header(Kind.MODEL, digest("m"))
    for changes in (
        {"model_root": digest("m")},
        {"model_root": ZERO},
        {"weights_root": wrong},
        {"state_root": wrong},
        {"weights_root": bare, "model_root": ZERO},
    ):
        assert play.no(play.sponsor, altered(right, **changes)) == "WrongClaim"
    assert play.no(play.sponsor, Settle(wrong, 0, ZERO, ZERO, ZERO)) == "UnknownTask"
    play.do(play.sponsor, right)
    assert play.task.model_root == bare
    empty = Settle(play.id, 0, ZERO, ZERO, ZERO)
    assert play.no(play.sponsor, empty) == "EmptyPage"
    rest = Settle(play.id, 5, wrong, wrong, wrong)
    assert play.do(play.sponsor, rest)[-1] == ON[-1]
    assert play.task.model_root == bare


@vector()
def an_aborted_round_settles_without_a_claim(world: World) -> None:
    play = at_hold(world)
    before = play.task.model_root
    play.attempt("a", "b", "c")
    play.attempt("a", "b", "c")
    any_roots = Settle(play.id, 6, *[digest("any")] * 3)
    assert play.no(play.sponsor, any_roots, play.task.deadline - 1) == "NotYet"
    assert play.do(play.sponsor, any_roots) == [*PAID, *ON]
    assert play.task.model_root == before


@vector()
def a_claim_of_another_attempt_does_not_settle(world: World) -> None:
    # The claim binds its attempt: attempt 1's minority cannot be replayed as attempt 2's claim.
    play = at_hold(world)
    play.attempt("m", "a", "b")
    play.attempt("c", "c", "c")
    at = play.task.deadline
    assert play.no(play.sponsor, play.settlement("m"), at) == "WrongClaim"
    assert "settled 1" in play.do(play.sponsor, play.settlement("c"))


@vector()
def a_window_of_one_second(world: World) -> None:
    play = claimed(world, challenge_s=1)
    assert play.task.deadline == world.now + 1
    assert play.do(play.sponsor, play.settlement("m"))[-1] == ON[-1]


@vector()
def a_surplus_deposit_returns(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=1))
    play.publish(deposit=1250)
    play.register()
    play.open()
    assert play.honest_round()[-1] == "DONE refund 150 -"
    assert play.places(REWARD) == {"rewards": 1098, "burned": 2, "withdrawable": 150}
    assert play.do(play.sponsor, Withdraw(REWARD)) == ["withdrew 150"]


@vector()
def claims_and_withdrawals(world: World) -> None:
    play = claimed(world, rounds=1)
    owner, member, left_out = play.participant(2), play.member(0), play.task.participant_at(3)
    assert play.no(owner, Claim(play.id)) == "WrongPhase"
    assert play.no(owner, Claim(digest("no task"))) == "UnknownTask"
    play.settle()
    assert play.no(account("auditor"), Claim(play.id)) == "NothingToClaim"
    assert play.no(owner, Withdraw(STAKE)) == "NothingToWithdraw"
    paid = ["claims 100 and 500", "withdrew 100", "withdrew 500"]
    assert play.do(owner, Claim(play.id)) == paid
    assert play.no(owner, Claim(play.id)) == "NothingToClaim"
    paid = ["claims 200 and 33", "withdrew 200", "withdrew 33"]
    assert play.do(member, Claim(play.id)) == paid
    assert play.do(left_out, Claim(play.id)) == ["claims 100 and 0", "withdrew 100"]
    assert play.places(REWARD) == {"rewards": 565, "burned": 2}
    assert play.places(STAKE) == {"stakes": 1200}
    for token in (STAKE, REWARD, account("no token")):
        assert play.no(owner, Withdraw(token)) == "NothingToWithdraw"


@vector()
def everything_is_paid_out(world: World) -> None:
    play = claimed(world, rounds=1)
    play.settle()
    for seat in play.participants + play.aggregators:
        play.do(seat, Claim(play.id))
    assert play.places(STAKE) == {}
    assert play.places(REWARD) == {"burned": 2}


@vector()
def refunds_of_two_tasks_add_up(world: World) -> None:
    first, second = (Play(world, changed(TERMS, rounds=1), document=d) for d in ("1st", "2nd"))
    for play in (first, second):
        play.publish(deposit=1250)
        play.register()
        play.open()
        play.honest_round()
    assert first.do(first.sponsor, Withdraw(REWARD)) == ["withdrew 300"]


@vector()
def a_reward_in_the_stake_token(world: World) -> None:
    play = claimed(world, rounds=1, reward_token=STAKE)
    assert play.places(STAKE) == {"stakes": 1600, "escrow": 1100}
    play.settle()
    assert play.places(STAKE) == {"stakes": 1600, "rewards": 1098, "burned": 2}
    owner = play.participant(2)
    paid = ["claims 100 and 500", "withdrew 100", "withdrew 500"]
    assert play.do(owner, Claim(play.id)) == paid


@vector()
def a_taxed_reward_is_withdrawn_whole(world: World) -> None:
    # What the token keeps on the way out is between the token and its receiver.
    play = Play(world, changed(TERMS, rounds=1, reward_token=TAXED))
    play.publish(deposit=1223)  # of which 122 are taxed away
    play.register()
    play.open()
    assert play.honest_round()[-1] == "DONE refund 1 -"
    owner = play.participant(2)
    assert play.do(owner, Claim(play.id))[-1] == "withdrew 500"
    assert play.places(TAXED) == {"rewards": 598, "burned": 2, "withdrawable": 1}


@vector()
def a_task_without_reward_or_slashes(world: World) -> None:
    free = dict.fromkeys(("round_reward", "committee_fee", "court_bond", "slash_nonce"), 0)
    free |= dict.fromkeys(("slash_commit", "slash_reveal", "slash_withheld"), 0)
    free |= dict.fromkeys(("slash_silent", "slash_overturned"), 0)
    play = Play(world, changed(TERMS, **free)).start()
    play.commits(0, 1)
    play.reveals(0)
    play.holds(None, None, None)
    play.holds(None, None, None)
    assert play.settle() == ON
    assert play.places(STAKE) == {"stakes": 1600}
    assert play.places(REWARD) == {}


@vector()
def a_fee_too_small_to_divide(world: World) -> None:
    play = claimed(world, rounds=1, committee_fee=2)
    assert play.settle() == [*PAID, "settled 1", "DONE refund 0 -"]
    assert play.places(REWARD) == {"rewards": 999, "burned": 3}


@vector()
def a_reward_too_small_to_divide(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=1, round_reward=1)).start()
    told = play.honest_round()
    assert told == ["A1.0 fee 33", "A1.1 fee 33", "A1.2 fee 33", "settled 1", "DONE refund 0 -"]
    assert play.places(REWARD) == {"rewards": 99, "burned": 2}
