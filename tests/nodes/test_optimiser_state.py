"""The optimiser's state goes from round to round beside the model, and a wrong one is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheaf.nodes import challenger
from sheaf.nodes import effects as e
from sheaf.protocol.actions import RevealVerdict
from sheaf.protocol.events import Cause, Phase
from sheaf.protocol.hashing import ZERO
from tests.nodes.rehearsal import INITIAL, TERMS, Rehearsal, Script, Scripts, aggregated, digest
from tests.play import ADAM, changed

MOVING = changed(TERMS, **ADAM)
WRONG = b"\xee" * 32


def state_after(effect: e.Aggregate) -> bytes:
    """What every honest node keeps after the same aggregation of the same state."""
    return digest("state", effect.base, effect.counted, effect.state)


def honestly(effect: e.Aggregate) -> e.LocalEvent:
    root = aggregated(effect.base, effect.counted)
    return e.Aggregated(effect.round, effect.attempt, root, 0, 0, state_after(effect))


def wrongly(effect: e.Aggregate) -> e.LocalEvent:
    answer = honestly(effect)
    assert isinstance(answer, e.Aggregated)
    return replace(answer, state=WRONG) if effect.round == 1 else answer


def rehearsed(members: Script) -> Rehearsal:
    """A task of FedAdam whose aggregators do as `members`; the challenger is honest."""
    scripts: dict[str, dict[Any, Script]] = {
        f"aggregator-{i}": {e.Aggregate: members} for i in (1, 2, 3)
    }
    scripts["challenger"] = {e.Aggregate: honestly}
    given: Scripts = scripts
    rehearsal = Rehearsal(terms=MOVING, scripts=given)
    rehearsal.run()
    return rehearsal


def wanted(rehearsal: Rehearsal, name: str, kind: type[Any]) -> list[Any]:
    return [effect for who, effect in rehearsal.effects if who == name and isinstance(effect, kind)]


def test_each_round_starts_from_the_state_that_the_last_one_left() -> None:
    rehearsal = rehearsed(honestly)
    trail = rehearsal.trail
    assert trail.phase == Phase.DONE
    assert not any(sent.rejected for sent in rehearsal.sent)
    first, second = wanted(rehearsal, "aggregator-1", e.Aggregate)
    assert wanted(rehearsal, "challenger", e.Aggregate) == [first, second]
    assert (first.base, first.state) == (INITIAL, ZERO)
    assert second.base == aggregated(INITIAL, first.counted)
    assert second.state == state_after(first)
    assert trail.state_after(0) == ZERO
    assert trail.state_after(1) == state_after(first)
    assert trail.state_after(2) == state_after(second)
    assert rehearsal.actors["challenger"].state.findings == ()


def test_what_is_settled_is_the_header_of_the_state() -> None:
    rehearsal = rehearsed(honestly)
    trail, task = rehearsal.trail, next(iter(rehearsal.federation.tasks.values()))
    assert trail.published is not None
    assert trail.published.state_root == trail.state_header(MOVING.model.initial_state) != ZERO
    assert task.state_root == trail.state_header(trail.state_after(2)) != ZERO


def test_model_and_state_are_published_together_before_the_verdict_opens() -> None:
    rehearsal = rehearsed(honestly)
    published = wanted(rehearsal, "aggregator-1", e.PublishModel)
    opened = [
        sent.action
        for sent in rehearsal.sent
        if sent.name == "aggregator-1" and isinstance(sent.action, RevealVerdict)
    ]
    assert [(p.root, p.state) for p in published] == [(o.model_root, o.state_root) for o in opened]
    assert ZERO not in {p.state for p in published}


def test_the_challenger_finds_a_wrong_state_beside_a_right_model() -> None:
    rehearsal = rehearsed(wrongly)
    trail = rehearsal.trail
    (found,) = rehearsal.actors["challenger"].state.findings
    replayed = wanted(rehearsal, "challenger", e.Aggregate)[0]
    right = state_after(replayed)
    assert found == challenger.Finding(1, 1, WRONG, right, what="optimiser state")
    assert str(found) == (
        f"round 1, attempt 1: the committee claims optimiser state {WRONG.hex()}, "
        f"the counted updates give {right.hex()}"
    )
    # Nobody has bytes of that state, so the claim falls, and the next round starts where it did.
    assert [failure.cause for failure in trail.rounds[1].failures] == [Cause.OVERTURNED]
    assert (trail.state_after(1), trail.model_after(1, INITIAL)) == (ZERO, INITIAL)
    settled = wanted(rehearsal, "aggregator-1", e.Aggregate)[-1]
    assert trail.state_after(2) == state_after(settled)
