"""Server optimisers against the same step in plain NumPy float32, which gives no exact result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Measured, Row, fastest
from sheaf.learning.algorithms import Algorithm, fedadagrad, fedadam, fedavgm, fedyogi

COORDINATES = 1_000_000
TURNS = 15
LIMIT = 8.0
BITS, MEAN_DIVISOR, SQUARE_DIVISOR, RATE, FLOOR = 16, 10, 100, 2**17, 2**14

Floats = NDArray[np.float32]
FloatStep = Callable[[Floats, Floats, Floats, Floats], Any]

BETA_1, BETA_2 = np.float32(1 - 1 / MEAN_DIVISOR), np.float32(1 - 1 / SQUARE_DIVISOR)
ETA, TAU, ONE = np.float32(RATE / 2**24), np.float32(FLOOR / 2**24), np.float32(1)


def float_momentum(x: Floats, d: Floats, m: Floats, v: Floats) -> Any:
    m = BETA_1 * m + (ONE - BETA_1) * d
    return x + ETA * m, m


def float_adagrad(x: Floats, d: Floats, m: Floats, v: Floats) -> Any:
    m = BETA_1 * m + (ONE - BETA_1) * d
    v = v + d * d
    return x + ETA * m / (np.sqrt(v) + TAU), m, v


def float_adam(x: Floats, d: Floats, m: Floats, v: Floats) -> Any:
    m = BETA_1 * m + (ONE - BETA_1) * d
    v = BETA_2 * v + (ONE - BETA_2) * d * d
    return x + ETA * m / (np.sqrt(v) + TAU), m, v


def float_yogi(x: Floats, d: Floats, m: Floats, v: Floats) -> Any:
    m = BETA_1 * m + (ONE - BETA_1) * d
    square = d * d
    v = v - (ONE - BETA_2) * square * np.sign(v - square)
    return x + ETA * m / (np.sqrt(v) + TAU), m, v


CASES: list[tuple[Algorithm, FloatStep]] = [
    (fedavgm(BITS, MEAN_DIVISOR, RATE), float_momentum),
    (fedadagrad(BITS, MEAN_DIVISOR, RATE, FLOOR), float_adagrad),
    (fedadam(BITS, MEAN_DIVISOR, SQUARE_DIVISOR, RATE, FLOOR), float_adam),
    (fedyogi(BITS, MEAN_DIVISOR, SQUARE_DIVISOR, RATE, FLOOR), float_yogi),
]


def measure(quick: bool) -> Measured:
    turns = 3 if quick else TURNS
    return Measured([row for case in CASES for row in _rows(*case, turns)])


def _rows(algorithm: Algorithm, plain: FloatStep, turns: int) -> Iterator[Row]:
    generator = np.random.default_rng(1)
    model, mean = (
        generator.integers(-(2**reach), 2**reach, COORDINATES, dtype=np.int32) for reach in (18, 14)
    )
    state = algorithm.start(COORDINATES)
    x, d = (vector.astype(np.float32) / np.float32(2**BITS) for vector in (model, mean))
    m, v = np.zeros_like(x), np.full_like(x, TAU**2)
    works = {
        "ours": partial(algorithm.step, model, mean, state),
        "plain": partial(plain, x, d, m, v),
    }
    found = fastest(works, turns)
    what = f"{algorithm.name}, {COORDINATES:,} coordinates"
    yield Row(what, found["ours"] / found["plain"], "NumPy float32", at_most=LIMIT)
    yield Row(f"{what}, each", 1e9 * found["ours"] / COORDINATES, "ns")
