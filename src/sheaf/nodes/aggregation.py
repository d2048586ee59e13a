"""The aggregation of one round, as every member, challenger and verifier computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sheaf.learning import lattice
from sheaf.learning.algorithms import ALGORITHMS, Algorithm, State, moments
from sheaf.learning.rules import RULES, RoundStatistics, Rule, round_statistics
from sheaf.proofs.commitment import Commitment, commit, commit_state
from sheaf.protocol.content import ContentId, tree_id
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel
from sheaf.protocol.hashing import ZERO
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
    """A new model and optimiser's state (None where there is none) with their commitments, and what
    the round's numbers looked like."""

    model: Vector
    commitment: Commitment
    state: State
    state_commitment: Commitment | None
    statistics: RoundStatistics

    @property
    def state_root(self) -> bytes:
        """Tree root of the new state; zero where there is none."""
        return self.state_commitment.tree_root if self.state_commitment else ZERO

    @property
    def state_header(self) -> bytes:
        """Header of the new state; zero where there is none."""
        return self.state_commitment.header if self.state_commitment else ZERO


def rule_of(task: Task) -> Rule:
    """The task's aggregation rule."""
    trimmed = task.rule.name == "trimmed_mean"
    return RULES[task.rule.name](*(task.rule.trim if trimmed else ()))


def algorithm_of(task: Task) -> Algorithm:
    """The task's algorithm."""
    a = task.algorithm
    if a.name == "fedprox":
        return ALGORITHMS[a.name](a.proximal)
    # An algorithm's constants are those that are not zero.
    constants = {name: value for name, value in vars(a.server).items() if value}
    if constants:
        constants["fraction_bits"] = task.model.fraction_bits
    return ALGORITHMS[a.name](**constants)


def vector_id(task: Task, root: bytes) -> ContentId:
    """Where the store keeps a model, an update or an optimiser's state of this task."""
    return tree_id(root, task.model.chunk_bytes)


def read_vector(task: Task, store: Store, root: bytes) -> Vector:
    """The int32 vector (coordinates,) under a tree root.

    Raises `BlobMissing`, `BlobCorrupt`, or `InvalidModel` for another length.
    """
    return lattice.from_bytes(store.get(vector_id(task, root)), task.model.coordinates)


def read_state(task: Task, store: Store, root: bytes) -> State:
    """The optimiser's state under a tree root; the one that the task starts with under zero.

    Raises `BlobMissing`, `BlobCorrupt`, or `InvalidModel` for another length.
    """
    if root == ZERO:
        return algorithm_of(task).start(task.model.trainable)
    width = task.terms().model.server.element_bytes
    return moments.from_bytes(store.get(vector_id(task, root)), task.model.trainable, width)


def aggregate(
    task: Task,
    store: Store,
    base: bytes,
    counted: Sequence[tuple[int, bytes, int]],
    state: bytes = ZERO,
) -> Result:
    """The model after combining `counted` (position, tree root, samples) on the model `base` and
    the optimiser's `state` (tree roots; a state of zero is the one that the task starts with).

    Raises `UpdateMissing` for the first update that is not to be had whole.
    """
    model, before = read_vector(task, store, base), read_state(task, store, state)
    updates = []
    for position, root, _ in counted:
        try:
            updates.append(read_vector(task, store, root))
        except (BlobMissing, BlobCorrupt, InvalidModel) as error:
            raise UpdateMissing(position, error.message) from error
    combined = rule_of(task).aggregate(updates, [samples for _, _, samples in counted])
    after, kept = algorithm_of(task).step(model, combined, before)
    committed = commit(after, Kind.MODEL, task.model.chunk_bytes)
    kept_commitment = None if kept is None else commit_state(kept, task.model.chunk_bytes)
    statistics = round_statistics(updates, combined)
    return Result(after, committed, kept, kept_commitment, statistics)
