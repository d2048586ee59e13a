"""Every named vector in both worlds: same verdict, same reason, same events, same state."""

from __future__ import annotations

import pytest

from tests.conformance.worlds import BothWorlds
from tests.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_vector(vector: Vector) -> None:
    world = BothWorlds(vector.stake_tax_bps)
    vector.script(world)
    world.assert_equal()
