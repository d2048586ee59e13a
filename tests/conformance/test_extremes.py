"""What is as full, as wide and as deep as it gets, in both worlds: verdicts, reasons and events.

Of state nothing is compared: 256 seats after each of a thousand actions would take minutes, and
surgery fills a docket without the disputes in it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import extremes
from tests.conformance.worlds import Verdicts
from tests.worlds import World


@pytest.mark.parametrize("script", extremes.SCRIPTS)
def test_extremes(script: Callable[[World], object]) -> None:
    world = Verdicts()
    script(world)
    assert world.federation.tasks
