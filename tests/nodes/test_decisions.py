"""What nodes decide, on the specification alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaf.nodes import challenger
from sheaf.nodes import effects as e
from sheaf.nodes.codec import plain, typed
from sheaf.protocol.actions import (
    Advance,
    Claim,
    Commit,
    CommitVerdict,
    Duplicate,
    Hold,
    Open,
    Publish,
    Register,
    Report,
    Reveal,
    RevealMissing,
    RevealVerdict,
    Settle,
    Withdraw,
)
from sheaf.protocol.events import (
    AttemptFailed,
    Cause,
    DuplicateFound,
    Paid,
    Phase,
    Slashed,
    Withdrawn,
)
from tests.nodes.rehearsal import (
    INITIAL,
    REWARD,
    STAKE,
    Actor,
    Rehearsal,
    Script,
    Scripts,
    Sent,
    aggregated,
)

SEATS = ("participant", "aggregator")


def kinds(rehearsal: Rehearsal, name: str) -> list[type[object]]:
    """What an actor wanted, in order: the action's class for what is sent."""
    own = [effect for who, effect in rehearsal.effects if who == name]
    return [type(w.action) if isinstance(w, e.Send) else type(w) for w in own]


def snapshots() -> Iterator[tuple[Actor, Any, int]]:
    """Every (actor, state, time of the next block) of an honest task."""
    rehearsal = Rehearsal()
    going = True
    while going:
        for actor in rehearsal.actors.values():
            yield actor, actor.state, rehearsal.now + 1
        going = rehearsal.turn()


@pytest.fixture(scope="module")
def honest() -> Rehearsal:
    rehearsal = Rehearsal()
    rehearsal.run()
    return rehearsal


TRAINS = [e.Train, e.Attest, Commit, e.PublishUpdate, e.ShowReceipt, Reveal]
COMBINES = [
    *(e.Collect, Hold, e.Aggregate, e.Attest, CommitVerdict),
    *(e.PublishModel, e.ShowReceipt, RevealVerdict),
]
CLOSES = [Advance] * 5 + [Settle, e.Evaluate, Report]
WANTED = {
    "participant-1": [e.Inspect, Register, Open, *TRAINS, *TRAINS, Claim],
    "aggregator-1": [e.Inspect, Register, Open, *COMBINES, *COMBINES, Claim],
    "sponsor": [Publish, e.Evaluate, Report, Advance, Advance, *CLOSES, *CLOSES],
    "challenger": [e.Aggregate, e.PublishModel] * 2,
}


@pytest.mark.parametrize("name", WANTED)
def test_what_an_honest_node_wants_phase_by_phase(honest: Rehearsal, name: str) -> None:
    assert kinds(honest, name) == WANTED[name]


def test_an_honest_task_ends_done_and_nothing_is_refused(honest: Rehearsal) -> None:
    assert honest.trail.phase == Phase.DONE
    assert [sent.rejected for sent in honest.sent if sent.rejected] == []


def test_a_model_is_trained_on_where_the_last_round_left_it(honest: Rehearsal) -> None:
    bases = [w.base for n, w in honest.effects if n == "participant-1" and isinstance(w, e.Train)]
    trail = honest.trail
    assert bases == [INITIAL, aggregated(INITIAL, trail.rounds[1].counted_updates(1))]
    assert trail.model_after(2, INITIAL) == aggregated(bases[1], trail.rounds[2].counted_updates(1))


def test_fold_and_decide_are_pure() -> None:
    for actor, state, now in snapshots():
        before = copy.deepcopy(state)
        wanted = actor.role.decide(state, now, actor.secrets)
        assert actor.role.decide(state, now, actor.secrets) == wanted
        for effect in wanted:
            answer = e.Sent(effect.action) if isinstance(effect, e.Send) else actor.script(effect)
            assert actor.role.fold(state, answer) == actor.role.fold(state, answer)
        assert state == before


def test_a_seat_wants_nothing_at_or_after_a_deadline() -> None:
    looked = 0
    for actor, state, _ in snapshots():
        trail = state.trail
        if actor.name.startswith(SEATS) and not trail.over and trail.phase != Phase.NONE:
            assert actor.role.decide(state, trail.deadline, actor.secrets) == []
            assert actor.role.decide(state, trail.deadline + 1, actor.secrets) == []
            looked += bool(actor.role.decide(state, trail.deadline - 1, actor.secrets))
    assert looked > 7 * 10


def test_the_sponsor_closes_no_phase_before_its_deadline() -> None:
    looked = 0
    for actor, state, _ in snapshots():
        trail = state.trail
        if actor.name == "sponsor" and not trail.over and trail.phase != Phase.NONE:
            early = actor.role.decide(state, trail.deadline - 1, actor.secrets)
            actions = [w.action for w in early if isinstance(w, e.Send)]
            assert not any(isinstance(a, Advance | Settle) for a in actions)
            looked += 1
    assert looked > 10


def test_what_was_refused_is_not_sent_again_in_that_phase_and_nothing_else_is_held_back() -> None:
    for actor, state, now in snapshots():
        wanted = actor.role.decide(state, now, actor.secrets)
        for effect in wanted:
            if isinstance(effect, e.Send):
                refused = actor.role.fold(state, e.Refused(effect.action, "WrongPhase"))
                again = actor.role.decide(refused, now, actor.secrets)
                assert effect not in again
                assert set(wanted) - {effect} <= set(again)


def test_a_refusal_holds_for_one_attempt_of_one_phase_only() -> None:
    rehearsal = Rehearsal()
    rehearsal.run(lambda trail: trail.phase == Phase.COMMIT and trail.round == 1)
    sponsoring = rehearsal.actors["sponsor"]
    (closing,) = sponsoring.decide(rehearsal.trail.deadline)
    assert isinstance(closing, e.Send)
    sponsoring.fold(e.Refused(closing.action, "WrongPhase"))
    assert sponsoring.decide(rehearsal.trail.deadline) == []
    moved = replace(sponsoring.state.trail, phase=Phase.REVEAL)
    sponsoring.state = replace(sponsoring.state, trail=moved)
    assert sponsoring.decide(rehearsal.trail.deadline) == [closing]


@pytest.mark.parametrize("reason", ["NotYet", "DisputeOpen"])
def test_what_time_undoes_is_sent_again(reason: str) -> None:
    # As where somebody from outside went to court in a block that is not final yet.
    rehearsal = Rehearsal()
    rehearsal.run(lambda trail: trail.phase == Phase.CHALLENGE)
    sponsoring = rehearsal.actors["sponsor"]
    (closing,) = sponsoring.decide(rehearsal.trail.deadline)
    assert isinstance(closing, e.Send)
    sponsoring.fold(e.Refused(closing.action, reason))
    assert sponsoring.decide(rehearsal.trail.deadline) == [closing]


def test_one_who_objects_stakes_nothing() -> None:
    scripts: Scripts = {"participant-2": {e.Inspect: lambda effect: e.Inspected("no data")}}
    rehearsal = Rehearsal(scripts=scripts)
    trail = rehearsal.run()
    assert kinds(rehearsal, "participant-2") == [e.Inspect]
    assert len(trail.rounds[1].cohort) == 3
    assert trail.phase == Phase.DONE


def test_one_whose_training_fails_misses_the_round_and_trains_the_next() -> None:
    def fails_first(effect: e.Train) -> e.LocalEvent:
        if effect.round == 1:
            return e.TrainingFailed(1, "the disk is gone")
        return e.Trained(effect.round, b"\x07" * 32, 10)

    rehearsal = Rehearsal(scripts={"participant-1": {e.Train: fails_first}})
    trail = rehearsal.run()
    own = rehearsal.actors["participant-1"].state.account
    assert [len(found.commits) for found in trail.rounds.values()] == [3, 4]
    (slashed,) = [p for p in trail.payments if isinstance(p, Slashed) and p.account == own]
    assert (slashed.round, slashed.cause) == (1, Cause.NO_COMMIT)
    # The slash is 2: half of it goes, divided by three revealers, to nobody.
    assert all(p.bonus == 0 for p in trail.payments if isinstance(p, Paid))


def test_a_chunk_that_nobody_serves_is_named_and_the_next_committee_goes_on_without_it() -> None:
    def missing(effect: e.Aggregate) -> e.LocalEvent:
        if effect.attempt == 1:
            return e.ChunkMissing(effect.round, effect.attempt, 2, 0)
        root = aggregated(effect.base, effect.counted)
        return e.Aggregated(effect.round, effect.attempt, root, 0, 0)

    def without(effect: e.Collect) -> e.LocalEvent:
        return e.Collected(effect.round, effect.attempt, 0b1111 if effect.attempt == 1 else 0b1011)

    both: dict[Any, Script] = {e.Aggregate: missing, e.Collect: without}
    members: Scripts = {f"aggregator-{i}": both for i in range(1, 7)}
    rehearsal = Rehearsal(aggregators=6, scripts=members)
    trail = rehearsal.run()
    sent = [s.action for s in rehearsal.sent if isinstance(s.action, RevealMissing)]
    assert [(action.position, action.chunk) for action in sent] == [(2, 0)] * 6
    found = trail.rounds[1]
    assert found.failures == (AttemptFailed(trail.task, 1, 1, Cause.NO_QUORUM),)
    assert found.counted == {1: 0b1111, 2: 0b1011}
    assert trail.phase == Phase.DONE
    assert not any(s.rejected for s in rehearsal.sent)


def test_the_challenger_names_every_later_one_of_equal_updates_and_they_are_not_paid() -> None:
    def copied(effect: e.Train) -> e.LocalEvent:
        return e.Trained(effect.round, b"\x09" * 32, 10)

    script: dict[Any, Script] = {e.Train: copied}
    copies: Scripts = {f"participant-{i}": script for i in (1, 2, 3)}
    rehearsal = Rehearsal(scripts=copies)
    trail = rehearsal.run()
    first = trail.rounds[1]
    order = [event.account for event in first.commits.values()]
    name = {actor.state.account: n for n, actor in rehearsal.actors.items()}
    assert [name[account] for account in order] == [f"participant-{i}" for i in (1, 2, 3, 4)]
    position = {name[event.account]: p for p, event in first.commits.items()}
    assert first.duplicates == {position["participant-2"], position["participant-3"]}
    paid = {name[p.account] for p in trail.payments if isinstance(p, Paid)}
    assert paid == {"participant-1", "participant-4"}
    assert not any(sent.rejected for sent in rehearsal.sent)


def test_a_challenger_that_another_was_faster_than_names_the_next_pair() -> None:
    same: dict[Any, Script] = {e.Train: lambda w: e.Trained(w.round, b"\x09" * 32, 10)}
    copies: Scripts = {f"participant-{i}": same for i in (1, 2, 3)}
    rehearsal = Rehearsal(scripts=copies)
    rehearsal.run(lambda trail: trail.phase == Phase.VERDICT_COMMIT)
    watching = rehearsal.actors["challenger"]
    (first,) = watching.decide(rehearsal.now + 1)
    assert isinstance(first, e.Send)
    watching.fold(e.Refused(first.action, "AlreadyDuplicate"))
    (second,) = watching.decide(rehearsal.now + 1)
    assert isinstance(second, e.Send)
    assert isinstance(first.action, Duplicate)
    assert isinstance(second.action, Duplicate)
    assert first.action.later != second.action.later
    where = (rehearsal.trail.task, 1, first.action.earlier, first.action.later)
    watching.fold(DuplicateFound(*where))
    assert watching.decide(rehearsal.now + 1) == [second]


def test_the_challenger_finds_a_wrong_claim_says_both_roots_and_it_falls() -> None:
    wrong = b"\xee" * 32
    liars: Scripts = {
        f"aggregator-{i}": {e.Aggregate: lambda w: e.Aggregated(w.round, w.attempt, wrong, 0, 0)}
        for i in (1, 2, 3)
    }
    rehearsal = Rehearsal(scripts=liars)
    trail = rehearsal.run()
    right = aggregated(INITIAL, trail.rounds[1].counted_updates(1))
    first, second = rehearsal.actors["challenger"].state.findings
    assert first == challenger.Finding(1, 1, wrong, right)
    # Nobody has bytes of what was claimed, so it falls, and round 2 starts where round 1 did.
    assert second.recomputed == aggregated(INITIAL, trail.rounds[2].counted_updates(1))
    causes = [failure.cause for found in trail.rounds.values() for failure in found.failures]
    assert causes == [Cause.OVERTURNED] * 2
    assert trail.model_after(2, INITIAL) == INITIAL
    assert wrong.hex() in str(first)
    assert right.hex() in str(first)


def test_the_challenger_says_when_a_claim_cannot_be_checked() -> None:
    scripts: Scripts = {
        "challenger": {e.Aggregate: lambda w: e.ChunkMissing(w.round, w.attempt, 1, 0)}
    }
    rehearsal = Rehearsal(scripts=scripts)
    trail = rehearsal.run()
    found = rehearsal.actors["challenger"].state.findings
    claimed = trail.model_after(1, INITIAL)
    assert found[0] == challenger.Finding(1, 1, claimed, None, missing=1)
    assert str(found[0]).endswith("update 1 is not to be had")


def test_what_a_token_refused_is_withdrawn_later() -> None:
    rehearsal = Rehearsal()
    rehearsal.refusing = frozenset({REWARD})
    rehearsal.run()
    sent = [s.action for s in rehearsal.sent if s.name == "participant-1"]
    assert sent[-2:] == [Claim(rehearsal.trail.task), Withdraw(REWARD)]


def test_a_withdrawal_before_the_end_belongs_to_another_task() -> None:
    rehearsal = Rehearsal()
    rehearsal.refusing = frozenset({STAKE, REWARD})
    rehearsal.run(lambda trail: trail.phase == Phase.COMMIT)
    own = rehearsal.actors["participant-1"]
    own.fold(Withdrawn(STAKE, own.state.account, 1))
    rehearsal.run()
    tokens = [s.action for s in rehearsal.sent if s.name == "participant-1"][-2:]
    assert tokens == [Withdraw(STAKE), Withdraw(REWARD)]


Absence = st.sets(
    st.tuples(
        st.sampled_from([f"participant-{i}" for i in (1, 2, 3)] + ["aggregator-1", "aggregator-4"]),
        st.integers(0, 2),
        st.sampled_from([p for p in Phase if Phase.REGISTER <= p <= Phase.VERDICT_REVEAL]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(Absence)
def test_whoever_is_absent_the_task_ends_and_the_rest_never_sends_what_is_refused(
    absences: set[tuple[str, int, Phase]],
) -> None:
    rehearsal = Rehearsal(aggregators=6)
    going = True
    while going:
        here = (rehearsal.trail.round, rehearsal.trail.phase)
        for name, actor in rehearsal.actors.items():
            actor.absent = (name, *here) in absences
        going = rehearsal.turn()
    assert rehearsal.trail.over
    assert [s for s in rehearsal.sent if s.rejected and not _ruined(s)] == []
    for sent in rehearsal.sent:
        if sent.name.startswith(SEATS) and not isinstance(sent.action, Claim | Withdraw):
            assert sent.now < sent.deadline
    for actor in rehearsal.actors.values():
        state = actor.began
        for event in actor.folded:
            given = isinstance(event, e.LocalEvent)
            kept = typed(json.loads(json.dumps(plain(event))), e.LocalEvent) if given else event
            state = actor.role.fold(state, kept)
        assert state == actor.state


def _ruined(sent: Sent) -> bool:
    """A seat that lost everything finds that out when it claims."""
    return isinstance(sent.action, Claim) and sent.rejected == "NothingToClaim"
