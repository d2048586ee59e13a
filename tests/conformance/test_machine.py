"""The guided state machine: random walks in both worlds, which must agree at every step."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.conformance.worlds import BothWorlds
from tests.walks import Walk


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

    def teardown(self) -> None:
        if hasattr(self, "walk"):
            assert self.walk.world.now > 0


def _picking(data: Any) -> Any:
    return lambda below: data.draw(st.integers(0, below - 1))


TestConformance = Conformance.TestCase
TestConformance.settings = settings(
    max_examples=20,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
