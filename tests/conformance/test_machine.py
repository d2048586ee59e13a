"""The guided walks: random, in both worlds, which must agree at every step."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sheaf.protocol.events import EVENTS
from tests.conformance.worlds import BothWorlds
from tests.walks import Walk
from tests.worlds import SpecWorld, World

SEEDS = range(16)


def walked(world: World, seed: int) -> Walk:
    """A walk to the end of its task, from which everybody takes out what is theirs."""
    walk = Walk(world, Random(seed).randrange, watched=False)
    while not walk.over and walk.accepted + walk.rejected < 150:
        walk.step()
    walk.finish()
    return walk


@pytest.mark.parametrize("seed", SEEDS)
def test_a_walk_to_the_end(seed: int) -> None:
    world = BothWorlds()
    task = walked(world, seed).play.task
    assert (task.escrow, task.dust) == (0, 0)
    assert {(seat.stake, seat.credit) for seat in task.seats.values()} == {(0, 0)}
    world.assert_equal()


def test_these_walks_reach_every_event() -> None:
    reached: set[str] = set()
    for seed in SEEDS:
        world = SpecWorld()
        walked(world, seed)
        reached |= {type(event).__name__ for event in world.federation.events}
    assert reached == set(EVENTS)


class Conformance(RuleBasedStateMachine):
    """Each step is one action of a walk; the worlds compare verdict, reason, events and state."""

    walk: Walk

    @initialize(data=st.data())
    def begin(self, data: Any) -> None:
        self.walk = Walk(BothWorlds(), _picking(data))

    @rule(data=st.data())
    def step(self, data: Any) -> None:
        self.walk.pick = _picking(data)
        self.walk.step()


def _picking(data: Any) -> Any:
    return lambda below: data.draw(st.integers(0, below - 1))


TestConformance = Conformance.TestCase
TestConformance.settings = settings(
    max_examples=10,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
