"""Replaying a round of 100 updates of a million coordinates, as every verifier does it.

A replay reads the updates from a store on disk, hashes them against their ids, combines them, steps
the model and commits to it. *Plain arithmetic* is the same mean or median of arrays that are in
memory already, in the obvious NumPy: floats, no proof. One thread throughout.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Measured, Row, Work, fastest
from sheaf.apps.config import load
from sheaf.learning import lattice
from sheaf.nodes.aggregation import aggregate, rule_of, vector_id
from sheaf.proofs.commitment import commit
from sheaf.protocol.layout import Tensor
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore

PROJECT = Path(__file__).parent / "project"
UPDATES, COORDINATES = 100, 1_000_000
TURNS = 5
LIMIT = 3.0
SAMPLES = 64
REACH = 2**20

Vector = NDArray[np.int32]


@dataclass(frozen=True)
class Round:
    """A task, a store that holds a model and updates, and their names."""

    task: Task
    store: DiskStore
    base: bytes
    updates: Sequence[Vector]
    counted: tuple[tuple[int, bytes, int], ...]

    def replay(self) -> object:
        """What a verifier does."""
        return aggregate(self.task, self.store, self.base, self.counted)

    def rule(self) -> object:
        """The rule alone, on arrays in memory."""
        return rule_of(self.task).aggregate(self.updates, [SAMPLES] * len(self.updates))


def task_of(rule: str, coordinates: int) -> Task:
    """The synthetic project's task for a model of one tensor of so many weights."""
    plan = load(PROJECT, {"rule.name": rule}, {})
    layout = (Tensor("weights", (coordinates,), "trainable", plan.fraction_bits),)
    return plan.task(layout, bytes(32), bytes(32), bytes(20))


def made(task: Task, folder: Path, updates: int) -> Round:
    """A round of drawn updates, in a store in `folder`."""
    store, generator = DiskStore(folder), np.random.default_rng(updates)
    size = task.model.coordinates
    drawn = [generator.integers(-REACH, REACH, size, dtype=np.int32) for _ in range(updates + 1)]
    roots = [commit(vector, chunk_bytes=task.model.chunk_bytes).tree_root for vector in drawn]
    for vector, root in zip(drawn, roots, strict=True):
        store.put(lattice.to_bytes(vector), vector_id(task, root))
    counted = tuple((place, root, SAMPLES) for place, root in enumerate(roots[1:]))
    return Round(task, store, roots[0], drawn[1:], counted)


def measure(quick: bool) -> Measured:
    updates, coordinates = (10, COORDINATES // 10) if quick else (UPDATES, COORDINATES)
    rows: list[Row] = []
    for rule, plain in (("weighted_mean", _mean), ("coordinate_median", _median)):
        with tempfile.TemporaryDirectory() as folder:
            found = made(task_of(rule, coordinates), Path(folder), updates)
            rows += _rows(found, partial(plain, found.updates))
    return Measured(rows)


def _rows(found: Round, plain: Work) -> Iterator[Row]:
    works: dict[str, Work] = {
        "replay": found.replay,
        "rule": found.rule,
        "plain": plain,
        "hash": partial(_hash, found.updates),
    }
    taken = fastest(works, TURNS)
    what = f"replay, {found.task.rule.name}"
    yield Row(
        f"{what} of {len(found.updates)} x {found.task.model.coordinates:,}", taken["replay"], "s"
    )
    yield Row(f"{what}, by plain NumPy's", taken["replay"] / taken["plain"], "times", at_most=LIMIT)
    yield Row(f"{what}, by Sheaf's own rule alone", taken["replay"] / taken["rule"], "times")
    yield Row(f"{what}, by SHA-256 of the updates alone", taken["replay"] / taken["hash"], "times")


def _hash(updates: Sequence[Vector]) -> None:
    for update in updates:
        hashlib.sha256(update.view(np.uint8).data).digest()


def _mean(updates: Sequence[Vector]) -> Any:
    return np.average(np.stack(updates), axis=0, weights=np.full(len(updates), float(SAMPLES)))


def _median(updates: Sequence[Vector]) -> Any:
    return np.median(np.stack(updates), axis=0)
