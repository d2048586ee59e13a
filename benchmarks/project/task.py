"""A synthetic task: a linear model over sparse binary features, of as many weights as asked for.

The samples are drawn, not measured, and their features are the first thousand whatever the model's
size: what a round costs is the only thing to be learned here.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

SAMPLES, ACTIVE, FEATURES = 64, 8, 1_000

Arrays = tuple[NDArray[np.int64], NDArray[np.float32]]


class Linear(torch.nn.Module):
    """One weight per feature; a sample is the numbers of its active features."""

    def __init__(self, weights: int) -> None:
        super().__init__()
        self.weights = torch.nn.EmbeddingBag(weights, 1, mode="sum")

    def forward(self, active: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.weights(active)
        return scores


def model_1000() -> torch.nn.Module:
    return Linear(1_000)


def model_10000() -> torch.nn.Module:
    return Linear(10_000)


def model_100000() -> torch.nn.Module:
    return Linear(100_000)


def model_1000000() -> torch.nn.Module:
    return Linear(1_000_000)


def model_10000000() -> torch.nn.Module:
    return Linear(10_000_000)


def data(index: int, count: int) -> Arrays:
    """Participant `index`'s samples: those with an even number of low features are positive."""
    generator = np.random.default_rng(index)
    active = generator.integers(0, FEATURES, (SAMPLES, ACTIVE))
    positive = (active < FEATURES // 2).sum(axis=1) % 2 == 0
    return active, positive.astype(np.float32)
