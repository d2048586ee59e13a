"""Three kinds of points in the plane: the model, and who has which data.

Put your own module and your own data here. Nothing that `data` returns leaves the participant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]

CENTRES = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])


def model() -> nn.Module:
    """Return the module that is trained; it starts from the weights it has here."""
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, len(CENTRES)))


def data(index: int, count: int) -> Arrays:
    """Return the data of participant `index` (from 0) of `count`: (X, y), a row per sample."""
    favourite = index % len(CENTRES)  # everybody sees one kind more often than the others
    share = np.where(np.arange(len(CENTRES)) == favourite, 0.6, 0.2)
    return _points(np.random.default_rng(index), 60 + 20 * index, share)


def held_out() -> Arrays:
    """Return what the sponsor measures each round's model on, which nobody trains on."""
    return _points(np.random.default_rng(10_000), 300, np.full(len(CENTRES), 1 / len(CENTRES)))


def _points(generator: np.random.Generator, count: int, share: NDArray[np.float64]) -> Arrays:
    kinds = generator.choice(len(CENTRES), size=count, p=share)
    places = CENTRES[kinds] + generator.normal(size=(count, 2))
    return places.astype(np.float32), kinds.astype(np.int64)
