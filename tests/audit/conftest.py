"""The run that audits are tried on."""

from __future__ import annotations

import pytest

from tests.nodes.plans import plan
from tests.nodes.stage import Played, play


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Four participants, three aggregators, two rounds, nobody at fault."""
    return play(tmp_path_factory.mktemp("audited") / "run", plan())
