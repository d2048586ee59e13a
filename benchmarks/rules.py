"""Aggregation rules against plain NumPy on the same updates, alternated, as ratios.

``reads`` is the time in units of one pass over all the updates; ``times faster`` is against the
obvious floating-point code, which gives no exact result.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.learning.rules import Rule, coordinate_median, trimmed_mean, weighted_mean
from sheaf.protocol.columns import trim

COORDINATES = 500_000
REPEATS = 5
TRIM = (1, 10)

Updates = Sequence[NDArray[np.int32]]


def plain_mean(updates: Updates, weights: Sequence[int]) -> NDArray[np.float64]:
    return np.average(np.stack(updates), axis=0, weights=np.array(weights, dtype=np.float64))


def plain_median(updates: Updates, weights: Sequence[int]) -> NDArray[Any]:
    middle: NDArray[Any] = np.median(np.stack(updates), axis=0)
    return middle


def plain_trimmed_mean(updates: Updates, weights: Sequence[int]) -> NDArray[np.float64]:
    dropped = trim(len(updates), *TRIM)
    ordered = np.sort(np.stack(updates), axis=0)[dropped : len(updates) - dropped]
    middle: NDArray[np.float64] = ordered.mean(axis=0)
    return middle


CASES: list[tuple[Rule, Callable[[Updates, Sequence[int]], Any]]] = [
    (weighted_mean(), plain_mean),
    (coordinate_median(), plain_median),
    (trimmed_mean(*TRIM), plain_trimmed_mean),
]


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(rule: Rule, plain: Callable[..., Any], count: int) -> str:
    generator = np.random.default_rng(count)
    updates = [
        generator.integers(-(2**20), 2**20, COORDINATES, dtype=np.int32) for _ in range(count)
    ]
    weights = generator.integers(1, 2**12, count).tolist()
    calls: list[Callable[[], Any]] = [
        lambda: rule.aggregate(updates, weights),
        lambda: plain(updates, weights),
        lambda: [update.max() for update in updates],
    ]
    runs = [[seconds(call) for call in calls] for _ in range(REPEATS)]
    ours, theirs, read = (median(column) for column in zip(*runs, strict=True))
    return (
        f"{rule.name:<18} n={count:<4} {ours / read:6.1f} reads {theirs / ours:6.1f} times faster"
    )


def main() -> None:
    for count in (8, 32, 100):
        for rule, plain in CASES:
            print(compare(rule, plain, count))


if __name__ == "__main__":
    main()
