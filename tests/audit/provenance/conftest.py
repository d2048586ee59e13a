"""Two runs: one in which nothing happens, and one with an aborted round and large weights."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from sheaf.nodes.cast import Cast
from tests.audit.provenance.scene import Scene
from tests.nodes import faults
from tests.nodes.plans import economics, plan, schedule
from tests.nodes.stage import play

LARGE = 700.0
"""A float32 of this size is a multiple of four lattice units of 2^-16; its mean need not be."""


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Four participants, three aggregators, two rounds."""
    return Scene.of(play(tmp_path_factory.mktemp("honest") / "run", plan()))


@pytest.fixture(scope="session")
def rough(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Three rounds from weights that float32 does not hold to the unit; nobody trains in the
    second, and in the third one participant does not reveal."""

    def alter(cast: Cast) -> None:
        for number in range(1, 5):
            faults.failing_in_training(cast.node(f"participant-{number}"), 2)
        last = cast.node("participant-4")
        faults.silent(last, lambda trail: trail.round == 3 and trail.phase.name == "REVEAL")

    folder = tmp_path_factory.mktemp("rough")
    weights = folder / "initial.safetensors"
    values = {"weight": np.full((1, 4), -LARGE, np.float32), "bias": np.zeros(1, np.float32)}
    save_file(values, weights)
    planned = plan(initial=weights, schedule=schedule(3), economics=economics(3))
    return Scene.of(play(folder / "run", planned, alter))
