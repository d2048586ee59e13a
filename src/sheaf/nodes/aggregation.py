"""The aggregation of one round, as every member, auditor and verifier computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.learning import lattice
from sheaf.learning.algorithms import ALGORITHMS, Algorithm
from sheaf.learning.rules import RULES, RoundStatistics, Rule, round_statistics
from sheaf.proofs.commitment import Commitment, commit
from sheaf.protocol.content import ContentId, tree_id
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel
from sheaf.protocol.merkle import Kind
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

Vector = NDArray[np.int32]


class UpdateMissing(BlobMissing):
    """An update that cannot be had; `position` is its place in the cohort."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Result:
    """A new model, its commitment, and what the round's numbers looked like."""

    model: Vector
    commitment: Commitment
    statistics: RoundStatistics


def rule_of(task: Task) -> Rule:
    """The task's aggregation rule."""
    trimmed = task.rule.name == "trimmed_mean"
    return RULES[task.rule.name](*(task.rule.trim if trimmed else ()))


def algorithm_of(task: Task) -> Algorithm:
    """The task's algorithm."""
    proximal = task.algorithm.name == "fedprox"
    arguments = (task.algorithm.proximal,) if proximal else ()
    return ALGORITHMS[task.algorithm.name](*arguments)


def vector_id(task: Task, root: bytes) -> ContentId:
    """Where the store keeps a model or update of this task."""
    return tree_id(root, task.model.chunk_bytes)


def read_vector(task: Task, store: Store, root: bytes) -> Vector:
    """The int32 vector (coordinates,) under a tree root.

    Raises `BlobMissing`, `BlobCorrupt`, or `InvalidModel` for another length.
    """
    return lattice.from_bytes(store.get(vector_id(task, root)), task.model.coordinates)


def aggregate(
    task: Task, store: Store, base: bytes, counted: Sequence[tuple[int, bytes, int]]
) -> Result:
    """The model after combining `counted` (position, tree root, samples) on the model `base`.

    Raises `UpdateMissing` for the first update that is not to be had whole.
    """
    model = read_vector(task, store, base)
    updates = []
    for position, root, _ in counted:
        try:
            updates.append(read_vector(task, store, root))
        except (BlobMissing, BlobCorrupt, InvalidModel) as error:
            raise UpdateMissing(position, error.message) from error
    combined = rule_of(task).aggregate(updates, [samples for _, _, samples in counted])
    after, _ = algorithm_of(task).step(model, combined, None)
    committed = commit(after, Kind.MODEL, task.model.chunk_bytes)
    return Result(after, committed, round_statistics(updates, combined))
