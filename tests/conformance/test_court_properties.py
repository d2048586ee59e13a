"""What the court promises, for some inputs, in both worlds at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import games, liars
from tests.conformance.worlds import BothWorlds
from tests.games import Round, rounds

FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""A round takes seconds here; the specification tries many more."""


@FEW
@given(rounds(BothWorlds), st.data())
def test_with_one_wrong_integer_anywhere_an_honest_challenger_wins(found: Round, data: Any) -> None:
    told = games.one_wrong_integer_anywhere_falls(found, data)
    assert told[1] == "attempt 1 failed OVERTURNED"


@FEW
@given(rounds(BothWorlds), st.data())
def test_a_right_claim_stands_against_any_column(found: Round, data: Any) -> None:
    assert "settled 1" in games.a_right_claim_stands_against_any_column(found, data)


TURNS = 9
"""A third of what the specification's games have, since each move is compared in all its state."""


@pytest.mark.parametrize("seed", range(10))
def test_liars_cannot_overturn_a_right_claim_while_one_watcher_lives(seed: int) -> None:
    play = liars.liars_cannot_overturn_a_right_claim_while_one_watcher_lives
    assert not play(BothWorlds(), seed, TURNS).attempt.overturned


@pytest.mark.parametrize("seed", range(10))
def test_liars_cannot_shield_a_wrong_claim_from_one_watcher(seed: int) -> None:
    game = liars.liars_cannot_shield_a_wrong_claim_from_one_watcher(BothWorlds(), seed, TURNS)
    assert game.attempt.agreed == 0b111
