"""What the court promises, for any inputs, on the specification."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheaf.protocol.court_events import CourtPaid, Demanded
from sheaf.protocol.events import Cause, Slashed
from tests import games, liars
from tests.games import Round, rounds
from tests.play import TERMS
from tests.walks import Walk
from tests.worlds import SpecWorld

MOVES = (
    *("Challenge", "Refute", "Descend", "Unfold", "Pick", "Demand", "Supply"),
    *("Decide", "Duplicate", "Settle", "Advance"),
)
ENDS = ("overturned True, had", "overturned True, posted", "overturned False, never seen")


@settings(max_examples=80, deadline=None)
@given(rounds(SpecWorld), st.data())
def test_with_one_wrong_integer_anywhere_an_honest_challenger_wins(found: Round, data: Any) -> None:
    told = games.one_wrong_integer_anywhere_falls(found, data)
    assert told[1] == "attempt 1 failed OVERTURNED"


@settings(max_examples=80, deadline=None)
@given(rounds(SpecWorld), st.data())
def test_a_right_claim_stands_against_any_column(found: Round, data: Any) -> None:
    assert "settled 1" in games.a_right_claim_stands_against_any_column(found, data)


@pytest.mark.parametrize("seed", range(40))
def test_liars_cannot_overturn_a_right_claim_while_one_watcher_lives(seed: int) -> None:
    game = liars.liars_cannot_overturn_a_right_claim_while_one_watcher_lives(SpecWorld(), seed)
    assert not game.attempt.overturned


@pytest.mark.parametrize("seed", range(60))
def test_liars_cannot_shield_a_wrong_claim_from_one_watcher(seed: int) -> None:
    game = liars.liars_cannot_shield_a_wrong_claim_from_one_watcher(SpecWorld(), seed)
    assert game.attempt.agreed == 0b111


def test_in_the_games_every_move_succeeds_and_every_end_comes() -> None:
    """What is always refused, or never happens, would show nothing."""
    lied: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in range(40):
        game = liars.liars_cannot_overturn_a_right_claim_while_one_watcher_lives(SpecWorld(), seed)
        lied += game.lied
        game = liars.liars_cannot_shield_a_wrong_claim_from_one_watcher(SpecWorld(), seed)
        lied += game.lied
        proof = "had" if game.hidden is None else "posted" if game.accused else "never seen"
        ends[f"overturned {game.attempt.overturned > 0}, {proof}"] += 1
    assert min(lied[move] for move in MOVES) >= 10, lied
    assert min(ends[end] for end in ENDS) >= 5, ends


@pytest.mark.parametrize("seed", range(60))
def test_at_least_half_of_every_slash_is_burned(seed: int) -> None:
    world = SpecWorld()
    walk = Walk(world, Random(1000 + seed).randrange, watched=False)
    while not walk.over and walk.accepted + walk.rejected < 150:
        walk.step()
    walk.finish()
    events, bond = world.federation.events, TERMS.economics.court_bond
    demands = {(e.round, e.number): e.bonds * bond for e in events if isinstance(e, Demanded)}
    lost = sum(e.amount for e in events if isinstance(e, Slashed))
    court = [e for e in events if isinstance(e, CourtPaid)]
    # The bond of a demand that was answered is no slash: it pays for the answer.
    postings = 0
    for event in court:
        if demands.get((event.round, event.number)) == event.earned:
            postings += event.earned
    assert 2 * walk.play.task.burned_stake >= lost - postings
    earned = sum(e.earned for e in court) - postings
    of_court = (Cause.OVERTURNED, Cause.WITHHELD, Cause.DISMISSED)
    slashed = sum(e.amount for e in events if isinstance(e, Slashed) and e.cause in of_court)
    assert 2 * earned <= slashed - postings
