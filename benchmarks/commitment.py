"""What committing to a vector costs over plain SHA-256 of the same bytes, both on one thread."""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np

from benchmarks.measuring import Curve, Figure, Measured, Row, Work, fastest
from sheaf.proofs.commitment import commit, open_at

LARGEST = 10_000_000
SIZES = (1_000, 10_000, 100_000, 1_000_000, LARGEST)
HASHED_BYTES = 640_000_000
"""Smaller vectors take more turns: so many bytes in all, but at most `TURNS`."""
TURNS = 200


def measure(quick: bool) -> Measured:
    sizes = SIZES[:-1] if quick else SIZES
    plain, committed, rows = [], [], []
    for size in sizes:
        vector = np.random.default_rng(size).integers(-(2**31) + 1, 2**31, size, dtype=np.int32)
        data = vector.view(np.uint8).data
        made = commit(vector)
        works: dict[str, Work] = {
            "plain": partial(_hash, data),
            "commit": partial(commit, vector),
            "open": partial(open_at, vector, size - 1, made),
        }
        found = fastest(works, min(TURNS, HASHED_BYTES // len(data)))
        plain.append(found["plain"])
        committed.append(found["commit"])
        if size == sizes[-1]:
            label = f"{len(data) / 1e6:.0f} MB"
            ratio = found["commit"] / found["plain"]
            rows = [
                Row(f"plain SHA-256, {label}", len(data) / found["plain"] / 1e9, "GB/s"),
                Row(f"commitment, {label}", ratio, "plain SHA-256", at_most=1.5),
                Row(f"opening, {label}", found["open"] / found["plain"], "plain SHA-256"),
            ]
    curves = [
        Curve("commitment (4 KiB chunks)", sizes, committed),
        Curve("plain SHA-256", sizes, plain),
    ]
    panels = {"committing to a vector, one thread": curves}
    return Measured(rows, [Figure("commitment", "coordinates (4 bytes each)", "time (s)", panels)])


def _hash(data: memoryview) -> bytes:
    return hashlib.sha256(data).digest()
