"""Properties of the protocol, each named after the sentence that promises it."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations, product
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaf.protocol import draws, hashing
from sheaf.protocol.actions import (
    Action,
    Claim,
    Commit,
    CommitVerdict,
    Hold,
    Open,
    RevealVerdict,
    Withdraw,
)
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Cause, Phase, Slashed, Withdrawn
from sheaf.protocol.hashing import ZERO, Verdict
from sheaf.protocol.merkle import Kind
from tests.play import TERMS, Play, Vote, altered, changed, digest
from tests.trial import Trial, trial_at_hold
from tests.walks import Walk
from tests.worlds import DEPLOYMENT, REWARD, STAKE, SpecWorld, account, assert_conserved

P = TypeVar("P", bound=Play)

# Members' conduct in an attempt: bitmap, vote, whether it opens; slot 0's vote may differ.
CONDUCTS: dict[str, tuple[int | None, Vote, bool]] = {
    "silent": (None, None, False),
    "holds nothing": (0, None, False),
    "holds too little": (0b001, None, False),
    "votes nothing": (0b111, None, False),
    "opens nothing": (0b111, "m", False),
    "disagrees": (0b111, "split", True),
    "misses": (0b111, (1, 0), True),
}


def conduct(play: Trial, name: str) -> None:
    """The whole committee of the running attempt behaves like this."""
    bitmap, vote, opens = CONDUCTS[name]
    play.holds(bitmap, bitmap, bitmap)
    if play.task.phase != Phase.VERDICT_COMMIT:
        return
    if vote == "split":
        play.votes("x", "y", "z")
    else:
        play.votes(vote, vote, vote)
    for slot in range(3 if opens else 0):
        play.do(play.member(slot), play.ballots[slot])
    play.serve()
    play.close()


def at_hold(committee: int = 3) -> Trial:
    """One round of three revealed updates, two committees' worth of aggregators."""
    return trial_at_hold(SpecWorld(), rounds=1, committee=committee)


HOLDING = at_hold()


def fork(play: P) -> P:
    """The same play once more, to go on from here differently."""
    return copy.deepcopy(play)


def taken_out(play: Play, accounts: list[bytes]) -> tuple[int, int]:
    """What these accounts take out after the end, in reward and in stake tokens."""
    paid = Counter[bytes]()
    for seat in accounts:
        actions: list[Action] = [Withdraw(REWARD), Withdraw(STAKE)]
        if seat in play.task.seats:
            actions.insert(0, Claim(play.id))
        for action in actions:
            with suppress(Rejected):
                for event in play.world.act(seat, action, play.world.now + 1):
                    if isinstance(event, Withdrawn):
                        paid[event.token] += event.amount
    return paid[REWARD], paid[STAKE]


@pytest.mark.parametrize("seed", range(120))
def test_conservation_after_every_action(seed: int) -> None:
    # `SpecWorld` checks the books after each action, the walk that a rejection changes nothing.
    world = SpecWorld()
    walk = Walk(world, Random(seed).randrange)
    for _ in range(40 + seed):
        walk.step()
    walk.finish()
    assert_conserved(world.federation)
    # Nobody's money is stuck: the task holds nothing but what it burned.
    task = walk.play.task
    assert (task.escrow, task.dust) == (0, 0)
    assert {(seat.stake, seat.credit) for seat in task.seats.values()} == {(0, 0)}


def test_walks_reach_every_phase_and_are_mostly_accepted() -> None:
    seen: set[str] = set()
    accepted = rejected = 0
    for seed in range(40):
        walk = Walk(SpecWorld(), Random(seed).randrange, watched=False)
        for _ in range(90):
            if walk.over:
                break
            walk.step()
            seen.add(f"{walk.play.task.phase.name} {walk.play.task.attempt}")
        accepted, rejected = accepted + walk.accepted, rejected + walk.rejected
    assert {"CHALLENGE 1", "CHALLENGE 2", "ABORTED 0", "ABORTED 2"} <= seen
    assert {"DONE 1", "ENDED 0"} <= seen
    assert accepted > rejected > accepted // 20


@pytest.mark.parametrize("first", CONDUCTS)
@pytest.mark.parametrize("second", CONDUCTS)
def test_abort_in_each_phase_with_the_sponsor_owning_the_aggregator_pool_yields_it_no_profit(
    first: str, second: str
) -> None:
    play = at_hold()
    hand = [play.sponsor, *play.aggregators]
    conduct(play, first)
    conduct(play, second)
    assert play.task.phase == Phase.ABORTED
    counted = play.task.current.owed
    play.settle()
    reward, stake = taken_out(play, hand)
    # Honest, it pays 1,100 and gets the fee of 99 back. An abort returns nothing at all of it.
    assert reward == 0
    assert stake <= 1200
    paid, _ = taken_out(play, play.participants)
    assert paid == (999 if counted else 0)


def test_what_a_token_refuses_to_pay_is_kept_and_holds_nothing_else_back() -> None:
    world = SpecWorld()
    play = Play(world, changed(TERMS, rounds=1)).start()
    play.honest_round()
    owner = play.participant(2)
    world.refusing = frozenset({REWARD})
    assert play.do(owner, Claim(play.id)) == ["claims 100 and 500", "withdrew 100"]
    world.refusing = frozenset()
    assert play.do(owner, Withdraw(REWARD)) == ["withdrew 500"]


def test_an_honest_round_costs_the_owner_of_the_pool_less_than_any_abort() -> None:
    play = at_hold()
    play.attempt("m", "m", "m")
    play.settle()
    assert taken_out(play, [play.sponsor, *play.aggregators]) == (99, 1200)


def test_aggregators_that_do_not_open_yield_the_sponsor_no_profit() -> None:
    play = Play(SpecWorld())
    play.publish()
    play.register()
    play.open(play.aggregators)
    # The work never began, so the escrow returns; the six lose their nonces' deposits.
    assert taken_out(play, [play.sponsor, *play.aggregators]) == (2200, 1200 - 6 * 7)


def served() -> Iterator[tuple[int, int, tuple[int, ...], bool]]:
    """Committees, their liars (at most a third), every set of honest members that were served
    with P1's bytes, and whether the liars say they hold them."""
    for committee, liars in ((3, 0), (3, 1), (4, 1), (5, 1), (6, 2), (7, 2)):
        honest = range(liars, committee)
        for size in range(len(honest) + 1):
            for members in combinations(honest, size):
                yield committee, liars, members, True
                yield committee, liars, members, False


def test_a_subset_of_members_served_with_bytes_can_neither_split_nor_slash_the_honest() -> None:
    starts = {committee: at_hold(committee) for committee in range(3, 8)}
    for committee, liars, members, attest in served():
        play = fork(starts[committee])
        hand = set(range(liars)) if attest else set()
        bitmaps = [0b111 if s in hand or s in members else 0b101 for s in range(committee)]
        play.holds(*bitmaps)
        counted = play.task.current.counted
        assert counted & 0b101 == 0b101
        # Whatever is counted an honest member holds, from whom the others fetch it.
        assert not counted & 0b010 or members
        votes = ["lie" if slot < liars else "m" for slot in range(committee)]
        play.votes(*votes)
        assert play.opens(*range(committee))[0] == "claimed in 1"
        told = play.settle()
        assert not any("SILENT" in line for line in told)
        assert [line for line in told if line.startswith("P0 +")]
        assert play.places(STAKE).keys() == {"stakes"}


def test_members_that_miss_bytes_are_not_slashed_however_many_they_are() -> None:
    # What they lose is the bond of a demand that is answered: it pays for the answer.
    start = at_hold()
    start.holds(0b111, 0b111, 0b111)
    choices: tuple[Vote, ...] = ("m", (1, 0))
    for votes in product(choices, repeat=3):
        play = fork(start)
        play.votes(*votes)
        for slot in range(3):
            play.do(play.member(slot), play.ballots[slot])
        play.serve()
        play.close()
        if play.task.phase == Phase.HOLD:
            play.attempt("m", "m", "m")
        play.settle()
        events = play.world.federation.events
        lost = {event.cause for event in events if isinstance(event, Slashed)}
        assert lost <= {Cause.DISMISSED}
        bonds = 5 * votes.count((1, 0))
        assert play.places(STAKE).get("withdrawable", 0) == bonds
        assert play.places(STAKE)["stakes"] == 1600 - bonds


def test_nobody_can_reveal_anothers_commitment() -> None:
    play = Play(SpecWorld(), participants=3).start()
    owner, copier = play.participant(0), play.participant(1)
    play.commit(0)
    update = play.updates[0]
    stolen = play.commitment(0, update)
    play.do(copier, stolen)
    play.commits(2)
    play.do(owner, update)
    assert play.no(copier, update) == "CommitmentMismatch"
    play.reveals(2)
    play.holds(0b101, 0b101, 0b101)
    for vote in ("m", (0, 0)):
        members = fork(play)
        members.vote(0, vote)
        sealed = members.sealed(members.member(0), members.ballots[0])
        members.do(members.member(1), sealed)
        members.close()
        members.do(members.member(0), members.ballots[0])
        assert members.no(members.member(1), members.ballots[0]) == "CommitmentMismatch"


def test_nobody_can_open_anothers_nonce() -> None:
    play = Play(SpecWorld())
    play.publish()
    owner, copier = play.participants[:2]
    play.do(owner, play.registration(owner))
    word = play.registration(owner).nonce_hash
    play.do(copier, play.registration(copier, nonce_hash=word))
    play.close()
    play.do(owner, play.opening(owner))
    assert play.no(copier, play.opening(owner)) == "NonceMismatch"


def test_late_registrants_cannot_steer_a_draw() -> None:
    # While it may still choose a nonce, a late registrant sees hashes only; afterwards it opens
    # the one it chose, or none.
    play = Play(SpecWorld())
    play.publish()
    late = account("auditor")
    early = [*play.participants, *play.aggregators]
    for seat in early:
        play.do(seat, play.registration(seat))
    assert play.no(early[0], play.opening(early[0])) == "WrongPhase"
    play.do(late, play.registration(late))
    play.close()
    for seat in early:
        play.do(seat, play.opening(seat))
    assert play.no(late, play.registration(late, nonce_hash=digest("better"))) == "WrongPhase"
    for better in range(20):
        assert play.no(late, Open(play.id, digest("better", better))) == "NonceMismatch"


@pytest.mark.parametrize("choice", range(5))
def test_a_late_registrants_nonce_does_not_change_its_odds(choice: int) -> None:
    # Over 4,000 honest nonces it cannot know, the last of six is drawn into a cohort of three
    # half of the time, whatever it chose: 2,000, within five standard deviations of 31.6.
    task, late, honest = digest("task"), account("auditor"), account("participant 0")
    own = hashing.opened_nonce(digest("choice", choice), late)
    drawn = 0
    for trial in range(4000):
        other = hashing.opened_nonce(digest("honest", trial), honest)
        seed = DEPLOYMENT.first_seed(task, hashing.xor(own, other))
        drawn += draws.position_of(hashing.cohort_key(seed), 6, 5) < 3
    assert abs(drawn - 2000) < 5 * 32


def test_no_replay_across_task_round_attempt_and_sender() -> None:
    # A commitment made for one place is opened in another: by machine, not only by hash.
    play = Play(SpecWorld(), participants=3, aggregators=6).start()
    elsewhere = Play(play.world, document="elsewhere")
    update = play.update(0)
    owner = play.participant(0)
    opened = (update.root, update.samples, update.receipt, update.salt)
    wrong = (
        DEPLOYMENT.update_commitment(elsewhere.id, 1, owner, *opened),
        DEPLOYMENT.update_commitment(play.id, 2, owner, *opened),
        DEPLOYMENT.update_commitment(play.id, 1, play.participant(1), *opened),
        hashing.Deployment(6, DEPLOYMENT.address).update_commitment(play.id, 1, owner, *opened),
        hashing.Deployment(5, account("fork")).update_commitment(play.id, 1, owner, *opened),
    )
    for word in wrong:
        tried = fork(play)
        tried.do(owner, Commit(play.id, word))
        tried.commits(1)
        assert tried.no(owner, update) == "CommitmentMismatch"


@pytest.mark.parametrize(("sealed_for", "opens"), [(1, False), (2, True)])
def test_a_verdict_sealed_for_attempt_1_does_not_open_in_attempt_2(
    sealed_for: int, opens: bool
) -> None:
    play = at_hold()
    play.attempt("m", "a", "b")
    play.holds(0b111, 0b111, 0b111)
    assert play.task.attempt == 2
    member, ballot = play.member(0), play.ballot(0, "m")
    assert isinstance(ballot, RevealVerdict)
    model = play.task.header(Kind.MODEL, ballot.model_root)
    verdict = Verdict(play.task.current.counted, ZERO, model, ZERO, ZERO, ballot.salt)
    where = (play.id, play.task.round, sealed_for, member)
    play.do(member, CommitVerdict(play.id, play.here.verdict_commitment(*where, verdict)))
    play.close()
    if opens:
        assert play.do(member, ballot) == ["A2.0 opened"]
    else:
        assert play.no(member, ballot) == "CommitmentMismatch"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_any_bitmap_is_rejected_or_within_what_was_revealed(revealed: int, bitmap: int) -> None:
    play = fork(HOLDING)
    play.task.current.revealed = revealed
    member, action = play.member(0), Hold(play.id, bitmap)
    if bitmap | revealed == revealed:
        assert play.do(member, action) == [f"A1.0 holds {bitmap:b}"]
    else:
        assert play.no(member, action) == "NotRevealed"


def test_an_unknown_action_argument_changes_nothing() -> None:
    play = fork(HOLDING)
    before = copy.deepcopy(play.world.federation)
    member, beyond = play.member(0), Hold(play.id, 1 << 300)
    assert play.no(member, beyond) == "NotRevealed"
    assert play.no(member, altered(Commit(play.id, ZERO), task=ZERO)) == "UnknownTask"
    assert play.world.federation == before
