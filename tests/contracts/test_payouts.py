"""At every transfer of a whole case in court the token calls back into every function: the books,
the balances and all that is stored must be what the specification says without any call.

Stake and reward are tokens that call back, in both worlds' comparison of `tests.conformance`. What
the guards turn away and what the rules refuse leaves no trace; a move in court that is right at
that moment takes effect as if it had come right after, and its maker is paid for it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Matter
from tests.contracts.hooked import TRANSFERRING, Hooked
from tests.play import TERMS, changed, digest
from tests.trial import LIAR, WATCHER, Trial
from tests.worlds import REWARD, STAKE


def calls(play: Trial) -> dict[str, Action]:
    """A call of every function, with arguments that have been or will be somebody's."""
    id, word, opening = play.id, digest("word"), play.chunk(Matter.UPDATE, 0, 0)
    other = digest("of the token")
    return {
        "publish": play.publication(document=other),
        "register": a.Register(id, 1, play.here.nonce_hash(id, STAKE, word), 100),
        "open": a.Open(id, word),
        "advance": a.Advance(id),
        "commit": a.Commit(id, word),
        "reveal": a.Reveal(id, word, 100, ZERO, word),
        "hold": a.Hold(id, 0b111),
        "commit_verdict": a.CommitVerdict(id, word),
        "reveal_verdict": a.RevealVerdict(id, ZERO, play.model_root("wrong"), ZERO, ZERO, word),
        "reveal_missing": a.RevealMissing(id, 0, 0, ZERO, word),
        "duplicate": a.Duplicate(id, 0, 1),
        "settle": a.Settle(id, 100, ZERO, ZERO, ZERO),
        "report": a.Report(id, 1, b"\xa0"),
        "claim": a.Claim(id),
        "withdraw": a.Withdraw(STAKE),
        "withdraw the reward": a.Withdraw(REWARD),
        "challenge": a.Challenge(id, 0, 1, 7, a.Roots(*[ZERO] * 4), (opening,), bytes(12), 5),
        "refute": a.Refute(id, 1, 0, bytes(12), opening),
        "descend": a.Descend(id, 1, a.Roots(*[ZERO] * 4), 5),
        "unfold": a.Unfold(id, 1, (word,)),
        "pick": a.Pick(id, 1, 0, (word,)),
        "demand": a.Demand(id, 2, 1, 5),
        "supply": a.Supply(id, 1, opening),
        "decide": a.Decide(id, 1),
    }


def staged(world: Hooked) -> Trial:
    """A task of one round, of whose claims one is wrong."""
    play = Trial(world, changed(TERMS, rounds=1), participants=3)
    play.claim("true")
    play.claim("wrong", c7=700)
    return play


def begun(play: Trial, more: int = 0) -> None:
    """From the publication, with more than it takes and beside so many others, to a wrong claim."""
    for number in range(more):
        play.publish(document=digest("another", number))
    play.publish(deposit=play.terms.escrow + 50)
    play.register()
    play.open()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("wrong", "wrong", "wrong")


def overturned(play: Trial, more: int = 0) -> None:
    """An answered demand, a refuted challenge, a descent that is closed, so many more of each that
    are, and a challenge that is upheld; the next committee tells the truth."""
    play.do(WATCHER, play.demanding(0, 1))
    if play.dispute(1).pending:
        play.do(play.participant(0), play.supplying(1))
    play.do(LIAR, play.challenge("wrong", 7, lies={1: 999}))
    if play.dispute(2).pending:
        play.do(play.member(0), play.refutation(2, 1))
    play.do(LIAR, play.descent("wrong"))
    for number, seat in zip(range(more), (*play.participants, *play.aggregators), strict=False):
        position, chunk = 1 + number // 3, number % 3
        play.do(seat, play.demanding(position, chunk, bond=5 * (chunk + 1)))
        play.do(seat, play.challenge("wrong", 7, lies={0: 900 + number}))
        play.do(seat, play.descent("wrong"))
    number = len(play.task.current.disputes) + 1
    play.do(WATCHER, play.challenge("wrong", 7))
    play.decide(number)
    play.attempt("true", "true", "true")
    play.settle("true")


def paid_out(play: Trial) -> None:
    """Stakes, rewards, fees, bonds, a refund and what courts paid, to whom they belong."""
    for seat in (*play.participants, *play.aggregators):
        play.do(seat, a.Claim(play.id))
    for token in (STAKE, REWARD):
        for account in sorted(play.world.federation.account(token).withdrawable):
            if account != STAKE:
                play.do(account, a.Withdraw(token))


GROUP = 6
"""Calls that one case tries, each in a transfer of every kind."""

NAMES = sorted(calls(staged(Hooked(lambda outer: None))))


@pytest.mark.parametrize("first", range(0, len(NAMES), GROUP))
def test_whatever_a_token_calls_from_within_all_is_as_without(first: int) -> None:
    group, turns = NAMES[first : first + GROUP], Counter[str]()

    def wanted(action: Action) -> Action:
        """The next of the group for this kind of transfer."""
        kind = type(action).__name__
        turns[kind] += 1
        return calls(play)[group[turns[kind] % len(group)]]

    world = Hooked(wanted)
    play = staged(world)
    begun(play, GROUP)
    overturned(play, GROUP)
    paid_out(play)
    met = {(type(outer), str(inner)) for outer, inner in world.called}
    kinds = Counter(outer for outer, _ in met)
    assert kinds == dict.fromkeys(TRANSFERRING, len(group))
    assert world.took_effect == []
    # All who are named took out what was theirs: what is left was burned.
    assert set(play.places(STAKE)) <= {"burned"}
    assert set(play.places(REWARD)) <= {"burned", "dust", "escrow"}


@pytest.mark.parametrize(
    ("outer", "earned"),
    [(a.Demand, 5), (a.Challenge, 2), (a.Descend, 0)],
    ids=["demand", "challenge", "descend"],
)
def test_a_move_from_within_counts_once_as_if_it_came_after(
    outer: type[a.Demand] | type[a.Challenge] | type[a.Descend], earned: int
) -> None:
    """An answer to what is just being opened: the token is a stranger like any other."""

    def wanted(action: Action) -> Action | None:
        if not isinstance(action, outer):
            return None
        number = len(play.task.current.disputes) + 1
        if isinstance(action, a.Demand):
            return a.Supply(play.id, number, play.chunk(Matter.UPDATE, 0, 1))
        if isinstance(action, a.Descend):
            return a.Unfold(play.id, number, tuple(play.leaves(Matter.MODEL, "wrong")))
        assert isinstance(action, a.Challenge)
        opening = play.entry(Matter.UPDATE, 1, 7)
        return a.Refute(play.id, number, 1, action.column, opening) if number == 2 else None

    world = Hooked(wanted)
    play = staged(world)
    begun(play)
    overturned(play)
    assert len(world.took_effect) == 1
    assert world.federation.account(STAKE).withdrawable.get(STAKE, 0) == earned
    paid_out(play)
