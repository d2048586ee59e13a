"""The run that most tests of the nodes look at."""

from __future__ import annotations

import pytest

from tests.nodes.plans import plan
from tests.nodes.stage import Played, play


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Four participants, three aggregators, two rounds, nobody at fault."""
    return play(tmp_path_factory.mktemp("honest") / "run", plan())
