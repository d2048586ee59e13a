"""While tokens are paid out, the token makes a move that anybody could make right then: it takes
effect once, and all is as if it had come right after the payout.

These functions hold no guard, since they hand control to nobody. So each is tried in the two
transfers that pay, at a moment when the rules accept it: what is refused shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.state import Matter
from tests.contracts.hooked import Hooked
from tests.play import TERMS, Play, changed
from tests.trial import LIAR, WATCHER, Trial
from tests.worlds import STAKE

EQUAL = {i: [7 * j for j in range(10)] for i in (0, 1)}
"""Two updates of which the later repeats the earlier."""

Moment = tuple[Action, int]
"""A move of the token's, and when."""


def held(world: Hooked) -> Trial:
    """Updates are revealed: the committee's turn."""
    play = Trial(world, participants=3, updates=EQUAL)
    play.claim("true")
    play.claim("wrong", c7=700)
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    return play


def accused(world: Hooked) -> Trial:
    """A claim that is wrong, in its window."""
    play = held(world)
    play.attempt("wrong", "wrong", "wrong")
    return play


def soon(play: Trial, action: Action) -> Moment:
    """In the next second."""
    return action, play.world.now + 1


def deciding(world: Hooked) -> Moment:
    play = accused(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    return play.decision(1), play.dispute(1).deadline


def advancing(world: Hooked) -> Moment:
    play = held(world)
    return a.Advance(play.id), play.task.deadline


def settling(world: Hooked) -> Moment:
    play = accused(world)
    return play.settlement("wrong", steps=1), play.task.deadline


def repeating(world: Hooked) -> Moment:
    play = held(world)
    play.holds(0b111, 0b111, 0b111)
    return soon(play, a.Duplicate(play.id, 0, 1))


def reporting(world: Hooked) -> Moment:
    """The token has published a task itself."""
    play = Trial(world)
    play.do(STAKE, play.publication(deposit=play.terms.escrow))
    play.id = play.here.task_id(STAKE, play.document)
    return soon(play, a.Report(play.id, 0, b"\xa0"))


def picking(world: Hooked) -> Moment:
    """The token has opened a descent itself."""
    play = accused(world)
    play.do(STAKE, play.descent("wrong"))
    play.do(LIAR, play.unfolding(1, "wrong"))
    return soon(play, play.picking(1, 1))


def supplying(world: Hooked) -> Moment:
    play = accused(world)
    play.do(WATCHER, play.demanding(0, 1))
    return soon(play, play.supplying(1))


def refuting(world: Hooked) -> Moment:
    play = accused(world)
    play.do(LIAR, play.challenge("wrong", 7, lies={1: 999}))
    return soon(play, play.refutation(1, 1))


def unfolding(world: Hooked) -> Moment:
    play = accused(world)
    play.do(WATCHER, play.descent("wrong", Matter.MODEL))
    return soon(play, play.unfolding(1, "wrong"))


MOMENTS = (
    deciding,
    advancing,
    settling,
    repeating,
    reporting,
    picking,
    supplying,
    refuting,
    unfolding,
)


def ended(world: Hooked) -> Play:
    """A task in stake tokens to which nobody but one participant came: that seat has a stake to
    claim, the sponsor a refund to withdraw."""
    play = Play(world, changed(TERMS, reward_token=STAKE), participants=1, document="ended")
    play.publish()
    play.register(only=play.participants)
    play.do(play.participants[0], play.opening(play.participants[0]))
    play.close()
    return play


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("paying", [a.Withdraw, a.Claim], ids=["withdraw", "claim"])
def test_a_move_while_tokens_are_paid_out_counts_once_as_if_it_came_after(
    paying: type[a.Withdraw] | type[a.Claim], moment: Callable[[Hooked], Moment]
) -> None:
    world = Hooked(lambda outer: inner if outer is payout else None)
    payout: Action | None = None
    world.fund_the_token()
    over = ended(world)
    inner, at = moment(world)
    if paying is a.Withdraw:
        payee, amount, payout = LIAR, over.terms.escrow, a.Withdraw(STAKE)
    else:
        payee, amount, payout = over.participants[0], 100, a.Claim(over.id)
    before = world.balance(STAKE, payee)
    world.act(payee, payout, at)
    assert world.called == [(payout, inner)]
    assert world.took_effect == [inner]
    assert world.balance(STAKE, payee) == before + amount
    assert over.no(payee, payout).startswith("NothingTo")
