"""A tiny project: two synthetic Gaussian classes in four dimensions, a logistic model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

FEATURES = 4
SAMPLES = 40
MOOD = {"width": FEATURES}

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]


def model() -> torch.nn.Module:
    """One linear layer: a logit."""
    return torch.nn.Linear(FEATURES, 1)


def data(index: int, count: int) -> Arrays:
    """Participant `index`'s samples; the first has twice as many."""
    return _draw(SAMPLES * (2 if index == 0 else 1), 1000 + index)


def normalised() -> torch.nn.Module:
    """A hidden layer with BatchNorm: its running statistics are learned, too."""
    layers = (torch.nn.Linear(FEATURES, 3), torch.nn.BatchNorm1d(3), torch.nn.ReLU())
    return torch.nn.Sequential(*layers, torch.nn.Linear(3, 1))


def moody() -> torch.nn.Module:
    """A factory that makes another shape when its mood changes."""
    return torch.nn.Linear(MOOD["width"], 1)


def nothing() -> str:
    """A factory of no module."""
    return "a model, one day"


def broken(index: int, count: int) -> Arrays:
    """A hook that always raises, with a message of two lines."""
    raise OSError("the disk\nis gone")


def short(index: int, count: int) -> Arrays:
    """As `data`, but three samples only."""
    X, y = data(index, count)
    return X[:3], y[:3]


def empty(index: int, count: int) -> Arrays:
    """As `data`, but no samples at all."""
    X, y = data(index, count)
    return X[:0], y[:0]


def narrow(index: int, count: int) -> Arrays:
    """As `data`, but with a feature too few."""
    X, y = data(index, count)
    return X[:, 1:], y


def holed(index: int, count: int) -> Arrays:
    """As `data`, but with a NaN."""
    X, y = data(index, count)
    X[5, 2] = np.nan
    return X, y


def unsigned() -> Arrays:
    """A hook that takes no arguments."""
    return data(0, 1)


def holdout() -> Arrays:
    """The sponsor's held-out samples."""
    return _draw(200, 7)


def three() -> torch.nn.Module:
    """Scores of three classes."""
    return torch.nn.Linear(FEATURES, 3)


def classes() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The held-out samples with whole numbers as labels."""
    X, y = holdout()
    return X, y.astype(np.int64)


def _draw(count: int, seed: int) -> Arrays:
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, count)
    X = generator.normal(size=(count, FEATURES)) + (2 * y[:, None] - 1)
    return X.astype(np.float32), y.astype(np.float32)
