"""A tiny project: two synthetic Gaussian classes in four dimensions, a logistic model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

FEATURES = 4
SAMPLES = 40

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]


def model() -> torch.nn.Module:
    """One linear layer: a logit."""
    return torch.nn.Linear(FEATURES, 1)


def data(index: int, count: int) -> Arrays:
    """Participant `index`'s samples; the first has twice as many."""
    return _draw(SAMPLES * (2 if index == 0 else 1), 1000 + index)


def broken(index: int, count: int) -> Arrays:
    """As `data`, but participant 1's disk is gone."""
    if index == 1:
        raise OSError("the disk is gone")
    return data(index, count)


def small(index: int, count: int) -> Arrays:
    """As `data`, but participant 1 has three samples."""
    X, y = data(index, count)
    return (X[:3], y[:3]) if index == 1 else (X, y)


def holdout() -> Arrays:
    """The sponsor's held-out samples."""
    return _draw(200, 7)


def _draw(count: int, seed: int) -> Arrays:
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, count)
    X = generator.normal(size=(count, FEATURES)) + (2 * y[:, None] - 1)
    return X.astype(np.float32), y.astype(np.float32)
