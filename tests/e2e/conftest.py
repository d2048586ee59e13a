"""The runs that several end-to-end tests look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sheaf.nodes import effects as e
from sheaf.nodes.cast import Cast
from tests.nodes import faults
from tests.nodes.plans import plan
from tests.nodes.stage import Played, play


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Four participants, three aggregators, two rounds, nobody at fault."""
    return play(tmp_path_factory.mktemp("honest") / "run", plan())


@pytest.fixture(scope="session")
def lied(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The whole committee adds one to the first coordinate, and the challenger cannot pay a bond;
    another seed than the honest run's."""

    def alter(cast: Cast) -> None:
        faults.penniless(cast, "challenger")
        faults.equip(cast, "aggregator", {e.Aggregate: faults.off_by_one})

    usual = plan()
    other = replace(usual, algorithm=replace(usual.algorithm, seed=8))
    return play(tmp_path_factory.mktemp("lied") / "run", other, alter)
