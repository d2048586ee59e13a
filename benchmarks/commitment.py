"""What committing to a vector costs over plain SHA-256 of the same bytes, as a ratio.

Alternated in one process, best of several, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import numpy as np

from sheaf.proofs.commitment import commit, open_at

COORDINATES = 10_000_000
REPEATS = 7


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    vector = np.random.default_rng(0).integers(-(2**31) + 1, 2**31, COORDINATES, dtype=np.int32)
    data = vector.view(np.uint8).data
    pairs = [
        (seconds(lambda: hashlib.sha256(data).digest()), seconds(lambda: commit(vector)))
        for _ in range(REPEATS)
    ]
    plain, committed = (min(times) for times in zip(*pairs, strict=True))
    made = commit(vector)
    opening = min(seconds(lambda: open_at(vector, COORDINATES - 1, made)) for _ in range(REPEATS))
    print(f"commit, {COORDINATES:,} coordinates: {committed / plain:.2f} times plain SHA-256")
    print(f"open one coordinate: {opening / plain:.2f} times plain SHA-256")


if __name__ == "__main__":
    main()
