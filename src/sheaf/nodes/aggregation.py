"""The aggregation of one round, as every member, challenger and verifier computes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sheaf.learning import lattice
from sheaf.learning.algorithms import ALGORITHMS, Algorithm, State, moments
from sheaf.learning.algorithms.algorithm import add
from sheaf.learning.rules import RULES, RoundStatistics, Rule, round_statistics
from sheaf.nodes import blocks
from sheaf.nodes.blocks import Reading, Unavailable, Wanted
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.content import ContentId, tree_id
from sheaf.protocol.errors import BlobMissing, SheafError
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import leaf_hashes, root_of
from sheaf.protocol.task import Task
from sheaf.store.interface import Draft, Store

Vector = NDArray[np.int32]


class UpdateMissing(BlobMissing):
    """An update that cannot be had; `position` is its place in the cohort, `reason` is why."""

    def __init__(self, position: int, reason: SheafError) -> None:
        super().__init__(reason.message)
        self.position, self.reason = position, reason


@dataclass(frozen=True)
class Result:
    """Tree roots of a new model and of the optimiser's new state, zero where there is none, and
    what the round's numbers looked like."""

    root: bytes
    state_root: bytes
    statistics: RoundStatistics
    copies: Mapping[ContentId, str] = field(default_factory=dict, compare=False)
    """Of what was read, the identities of the copies (`Copy.identity`)."""


@dataclass(frozen=True)
class Given:
    """All that a round's result follows from: tree roots, and (position, root, samples) of each
    counted update. A state of zero is the one that the task starts with."""

    task: Task
    base: bytes
    state: bytes
    counted: Sequence[tuple[int, bytes, int]]

    def reading(self, store: Store) -> Reading:
        """Of model, state and updates, in this order."""
        return Reading(store, self._wanted(), self.task.model.chunk_bytes)

    def arithmetic(self) -> Arithmetic:
        """What is done with them."""
        samples = [samples for _, _, samples in self.counted]
        return Arithmetic.of(self.task, samples, has_state=self.state != ZERO)

    def _wanted(self) -> list[Wanted]:
        first = [wanted_vector(self.task, self.base)]
        first += [] if self.state == ZERO else [wanted_state(self.task, self.state)]
        return [*first, *(wanted_vector(self.task, root) for _, root, _ in self.counted)]


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


def require_vector(task: Task, store: Store, root: bytes) -> None:
    """Read a vector to its end without holding it. Raises as `read_vector` does."""
    blocks.require(store, wanted_vector(task, root))


def require_state(task: Task, store: Store, root: bytes) -> None:
    """Read an optimiser's state to its end without holding it. Raises as `read_state` does."""
    blocks.require(store, wanted_state(task, root))


def wanted_vector(task: Task, root: bytes) -> Wanted:
    """A model or an update, as something to be read in blocks."""
    return Wanted(vector_id(task, root), task.model.coordinates, ELEMENT_BYTES)


def wanted_state(task: Task, root: bytes) -> Wanted:
    """An optimiser's state, as something to be read in blocks."""
    width = task.terms().model.server.element_bytes
    return Wanted(vector_id(task, root), task.model.trainable, width)


def aggregate(
    task: Task,
    store: Store,
    base: bytes,
    counted: Sequence[tuple[int, bytes, int]],
    state: bytes = ZERO,
    *,
    kept: Store | None = None,
    told: Callable[[int], None] = lambda columns: None,
) -> Result:
    """Combine `counted` (position, tree root, samples) on the model `base` and the optimiser's
    `state` (tree roots; a state of zero is the one that the task starts with).

    All is read in blocks of columns, and `told` is told how many columns are done. The new model
    and state are written to `kept`, where it is given.

    Raises `UpdateMissing` for the first update that is not to be had whole; `BlobMissing`,
    `BlobCorrupt` or `InvalidModel` for the model and the state.
    """
    given = Given(task, base, state, counted)
    reading, arithmetic = given.reading(store), given.arithmetic()
    with ExitStack() as stack:
        outcomes: list[Outcome] = []

        def begin() -> Callable[[Block], None]:
            # A try before this one, whose parts were not what they were called, counts for nothing.
            stack.close()
            has_state = arithmetic.element_bytes > 0
            outcomes[:] = [Outcome.begun(stack, kept, has_state=has_state)]
            return take

        def take(block: Block) -> None:
            outcomes[0].take(block)
            told(outcomes[0].counts["coordinates"])

        try:
            identities = reading.run(arithmetic, begin)
        except Unavailable as missing:
            place = missing.place - (len(reading.wanted) - len(counted))
            if place < 0:
                raise missing.reason from None
            raise UpdateMissing(counted[place][0], missing.reason) from missing.reason
        ids = [each.content_id for each in reading.wanted]
        return outcomes[0].kept(task, dict(zip(ids, identities, strict=True)))


@dataclass(frozen=True)
class Block:
    """What came of one block: bytes of the new model and state, and the roots over them."""

    model: bytes
    state: bytes
    roots: tuple[bytes, bytes]
    statistics: RoundStatistics


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of a round on one block of columns: rules and server steps know no other
    column than the one that they are at."""

    rule: Rule
    algorithm: Algorithm
    samples: Sequence[int]
    trainable: int
    element_bytes: int
    chunk_bytes: int
    has_state: bool

    @classmethod
    def of(cls, task: Task, samples: Sequence[int], *, has_state: bool) -> Arithmetic:
        """That of a task, for updates of so many samples, whose state is read if it has one."""
        m, width = task.model, task.terms().model.server.element_bytes
        made = (rule_of(task), algorithm_of(task), samples)
        return cls(*made, m.trainable, width, m.chunk_bytes, has_state)

    def __call__(self, block: slice, parts: Sequence[bytes]) -> Block:
        """What comes of the bytes of a block of model, state and updates."""
        width = block.stop - block.start
        first = 2 if self.has_state else 1
        model, *updates = (lattice.from_bytes(part, width) for part in (parts[0], *parts[first:]))
        combined = self.rule.aggregate(updates, self.samples)
        # The leading coordinates have moments; the aggregate is added to the others, as ever.
        moving = max(0, min(block.stop, self.trainable) - block.start)
        after, state = model, None
        if moving:
            before = self._state(parts[1] if self.has_state else None, moving)
            after, state = self.algorithm.step(model, combined, before)
        else:
            after, _ = add(model, combined, None)
        new, kept = lattice.to_bytes(after), b"" if state is None else moments.to_bytes(state)
        seen = round_statistics(updates, combined)
        return Block(new, kept, (self._root(new), self._root(kept)), seen)

    def _root(self, data: bytes) -> bytes:
        return root_of(leaf_hashes(data, self.chunk_bytes))

    def _state(self, part: bytes | None, moving: int) -> State:
        if part is None:
            return self.algorithm.start(moving)
        return moments.from_bytes(part, moving, self.element_bytes)


@dataclass
class Outcome:
    """What came of the blocks so far."""

    drafts: Sequence[Draft] = ()
    roots: tuple[list[bytes], list[bytes]] = field(default_factory=lambda: ([], []))
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def begun(cls, stack: ExitStack, store: Store | None, *, has_state: bool) -> Outcome:
        """Nothing yet, to be kept in a store where there is one."""
        if store is None:
            return cls()
        return cls([stack.enter_context(store.draft()) for _ in range(1 + has_state)])

    def take(self, block: Block) -> None:
        """Add what came of the next block."""
        for roots, root, data in zip(
            self.roots, block.roots, (block.model, block.state), strict=True
        ):
            roots.extend([root] if data else [])
        for draft, data in zip(self.drafts, (block.model, block.state), strict=False):
            draft.append(data)
        self.counts.update(vars(block.statistics))

    def kept(self, task: Task, copies: Mapping[ContentId, str]) -> Result:
        """The result of what was read of these copies, in the store if there is one."""
        model = root_of(self.roots[0])
        state = root_of(self.roots[1]) if self.roots[1] else ZERO
        for draft, root in zip(self.drafts, (model, state), strict=False):
            draft.keep(vector_id(task, root))
        return Result(model, state, RoundStatistics(**self.counts), copies)
