"""The docket's bound, and call data as long as it gets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sheaf.protocol.docket import MAX_DISPUTES
from tests import extremes
from tests.worlds import STAKE, SpecWorld, World


@pytest.mark.parametrize("script", extremes.SCRIPTS)
def test_extremes(script: Callable[[World], object]) -> None:
    world = SpecWorld()
    script(world)
    assert world.federation.tasks


def test_a_full_docket_is_settled() -> None:
    play = extremes.a_docket_has_room_for_so_many_disputes(SpecWorld())
    assert "settled 1" in play.settle("true")
    assert play.places(STAKE)["burned"] == 3 * (MAX_DISPUTES - 1)
