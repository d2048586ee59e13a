"""Five hospitals, one diagnosis: the breast-cancer data that scikit-learn brings along.

Of 569 tumours, 142 are held out by the sponsor; five hospitals share the others unequally, and
differently: large tumours go to the later hospitals, so that one sees few malignant cases and
another few benign ones, and each hospital's instruments have a gain and an offset of their own.

Every hospital standardises its own measurements by its own means and deviations, and the sponsor
the held-out ones by theirs. So no statistic of one hospital's patients is told to anybody, and the
instruments' gains and offsets drop out.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from torch import nn

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]
Measurements = NDArray[np.float64]

FEATURES = 30
HELD_OUT = 142
SHARES = (0.36, 0.26, 0.18, 0.12, 0.08)
"""How much of the data each hospital has."""

SELECTION_NOISE = 1.5
"""How loosely a tumour's size decides where it is treated, in deviations of the size."""


def model() -> nn.Module:
    """Return a logistic model. Its loss is convex, so it may as well start from zero."""
    module = nn.Linear(FEATURES, 1)
    nn.init.zeros_(module.weight)
    nn.init.zeros_(module.bias)
    return module


def data(index: int, count: int) -> Arrays:
    """Return the patients of hospital `index` (from 0) of `count`, standardised there."""
    if count != len(SHARES):
        raise ValueError(f"found {count} participants, accepted: {len(SHARES)} hospitals")
    X, y, _, trained = _tumours()
    generator = np.random.default_rng(12)
    size = (X[trained, 0] - X[trained, 0].mean()) / X[trained, 0].std()
    order = np.argsort(size + generator.normal(0, SELECTION_NOISE, len(trained)))
    ends = (np.cumsum(SHARES)[:-1] * len(trained)).astype(int)
    own = trained[np.split(order, ends)[index]]
    instruments = np.random.default_rng((13, index))
    gain, offset = instruments.uniform(0.8, 1.25, FEATURES), instruments.normal(0, 0.1, FEATURES)
    return _standardised(X[own] * gain + offset * X.std(axis=0)), y[own]


def held_out() -> Arrays:
    """Return the sponsor's patients, whom no hospital trains on."""
    X, y, sponsors, _ = _tumours()
    return _standardised(X[sponsors]), y[sponsors]


@cache
def _tumours() -> tuple[Measurements, NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """Return measurements, whether malignant, and who is held out and who is not."""
    bunch = load_breast_cancer()
    malignant = (bunch.target == 0).astype(np.int64)
    order = np.random.default_rng(11).permutation(len(malignant))
    return bunch.data, malignant, order[:HELD_OUT], order[HELD_OUT:]


def _standardised(X: Measurements) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    return scaled
