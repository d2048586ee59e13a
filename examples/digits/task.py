"""Twenty owners of handwritten digits: scikit-learn's 1,797 images of 8 by 8 points.

The sponsor holds 360 images out. The others are dealt out digit by digit by a Dirichlet
distribution of concentration 0.5, so that most owners have much of a few digits and little of the
rest (Hsu, Qi, Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
Classification", 2019). Two owners' machines fail now and then while they train: they miss the round
by the rules, and the task goes on.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]

OWNERS = 20
HELD_OUT = 360
CONCENTRATION = 0.5
FAILING = (3, 11)
"""Owners (from 0) whose machine fails."""

FAILS_EACH = 4
"""Which of such a machine's trainings fails: every so manieth."""

_reads: Counter[int] = Counter()


class PowerCut(RuntimeError):
    """What a machine says that has no power."""


def model() -> nn.Module:
    """Return a small convolutional network with random initial weights, the same each time."""
    with torch.random.fork_rng():
        torch.manual_seed(31)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128, 10),
        )


def data(index: int, count: int) -> Arrays:
    """Return the images and digits of owner `index` (from 0) of `count`.

    It is called before staking and once for each training.
    """
    if count != OWNERS:
        raise ValueError(f"found {count} participants, accepted: {OWNERS} owners")
    _reads[index] += 1
    if index in FAILING and _reads[index] % FAILS_EACH == 0:
        raise PowerCut(f"owner {index} has no power")
    return owned(index)


def owned(index: int) -> Arrays:
    """Return the images (samples, 1, 8, 8) in [0, 1] and the digits (samples,) of an owner."""
    images, digits = _digits()
    own = _dealt()[index]
    return images[own], digits[own]


def held_out() -> Arrays:
    """Return the sponsor's images and digits, on which nobody trains."""
    images, digits = _digits()
    sponsors = _order()[:HELD_OUT]
    return images[sponsors], digits[sponsors]


@cache
def _digits() -> Arrays:
    bunch = load_digits()
    images = (bunch.data / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return images, bunch.target.astype(np.int64)


@cache
def _order() -> NDArray[np.int64]:
    return np.random.default_rng(21).permutation(len(_digits()[1]))


@cache
def _dealt() -> list[NDArray[np.int64]]:
    """Return the indices of each owner's images."""
    rest, (_, digits) = _order()[HELD_OUT:], _digits()
    generator = np.random.default_rng(22)
    hands: list[list[int]] = [[] for _ in range(OWNERS)]
    for digit in range(10):
        images = rest[digits[rest] == digit]
        shares = generator.dirichlet([CONCENTRATION] * OWNERS)
        ends = (np.cumsum(shares)[:-1] * len(images)).astype(int)
        for hand, dealt in zip(hands, np.split(images, ends), strict=True):
            hand.extend(int(image) for image in dealt)
    return [np.array(sorted(hand)) for hand in hands]
