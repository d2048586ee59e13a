"""Who moved the model in a round: each counted update left out in turn, and the model made again.

What is made again is what everybody makes: the task's own rule and server step, integer by integer,
on the updates that remain. How far the model then lies from the settled one is the update's
influence. Leaving one out says what that update did given all others; where two push the same way
behind a median, neither may seem to have done much.

Cook, "Detection of Influential Observation in Linear Regression", Technometrics 19(1), 1977, has
the idea; here the fit is exact and every case is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sheaf.audit.stripes import STRIPE_BYTES, Stripe, Units, stripes
from sheaf.learning.algorithms import Algorithm, State
from sheaf.learning.algorithms.algorithm import add
from sheaf.learning.algorithms.moments import from_bytes
from sheaf.learning.arrays import rdiv
from sheaf.learning.rules import Rule
from sheaf.nodes.aggregation import Vector, algorithm_of, rule_of, wanted_state
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.hashed import Hashed
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import RoundSettled
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task

Floats = NDArray[np.float64]
Counted = Sequence[tuple[int, bytes, int]]
"""Updates as (cohort position, tree root, samples)."""


@dataclass(frozen=True)
class Layer:
    """One tensor: how far it moves without the update (L2), and the update's own norm there."""

    name: str
    moved: float
    norm: float


@dataclass(frozen=True)
class Influence:
    """What one counted update did to the settled model. `moved` (L2) and `moved_most` (the largest
    coordinate) are how far the model without it lies from the settled one; `cosine` is that of the
    update with the round's aggregate, None where either is zero. Floats, as the lattice has them.
    """

    position: int
    account: bytes
    root: bytes
    samples: int
    moved: float
    moved_most: float
    norm: float
    cosine: float | None
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Blame:
    """A settled round's updates, the one that moved the model furthest first; `step` is how far the
    round moved the model (L2)."""

    round: int
    attempt: int
    rule: str
    step: float
    ranking: tuple[Influence, ...]


def blame(evidence: Evidence, round: int, stripe_bytes: int = STRIPE_BYTES) -> Blame:
    """Rank the counted updates of a settled round, from the bytes in the store.

    Raises `InvalidUsage` for a round that did not settle, and `BlobMissing` or `BlobCorrupt` for
    bytes that a verification would have missed, too.
    """
    counted, attempt = settled_updates(evidence, round)
    task, trail = evidence.task, evidence.trail
    moments, trial = _before(evidence, round, counted)
    tally = _Tally(Units.of(task), len(counted))
    for stripe in stripes(task, evidence.store, _roots(evidence, round, counted), stripe_bytes):
        tally.take(stripe, trial, moments.columns(stripe.place))
    reveals = trail.rounds[round].reveals
    ranking = [
        tally.influence(index, position, reveals[position].account, root, samples)
        for index, (position, root, samples) in enumerate(counted)
    ]
    ranking.sort(key=lambda each: (-each.moved, each.position))
    return Blame(round, attempt, task.rule.name, float(np.sqrt(tally.step)), tuple(ranking))


def model_without(evidence: Evidence, round: int, position: int) -> Vector:
    """The model after a settled round had it not counted the update at a cohort position."""
    counted, _ = settled_updates(evidence, round)
    index = [place for place, _, _ in counted].index(position)
    moments, trial = _before(evidence, round, counted)
    task, model = evidence.task, np.empty(evidence.task.model.coordinates, np.int32)
    for stripe in stripes(task, evidence.store, _roots(evidence, round, counted)):
        base, *updates = stripe.rows
        state = moments.columns(stripe.place)
        model[stripe.place] = trial.without(base, updates, state)(index)
    return model


def _before(evidence: Evidence, round: int, counted: Counted) -> tuple[_Moments, _Trial]:
    """The optimiser's state before a round, and the arithmetic of the round."""
    task, root = evidence.task, evidence.trail.state_after(round - 1)
    state = None
    if root != ZERO:
        state = Hashed.of(evidence.store, wanted_state(task, root), task.model.chunk_bytes)
    trial = _Trial(rule_of(task), algorithm_of(task), [weight for _, _, weight in counted])
    return _Moments(task, trial.algorithm, state), trial


def _roots(evidence: Evidence, round: int, counted: Counted) -> list[bytes]:
    base = evidence.trail.model_after(round - 1, evidence.task.model.initial)
    return [base, *(root for _, root, _ in counted)]


def settled_updates(evidence: Evidence, round: int) -> tuple[Counted, int]:
    """The updates that made a round's model, and their attempt.

    Raises `InvalidUsage` for a round that made none.
    """
    found = evidence.trail.rounds.get(round)
    if found is None or found.claim is None or not isinstance(found.outcome, RoundSettled):
        rounds = sorted(evidence.trail.rounds.items())
        settled = [n for n, each in rounds if isinstance(each.outcome, RoundSettled)]
        accepted = ", ".join(map(str, settled)) or "none, since none did"
        raise InvalidUsage(f"--blame: found round {round}, accepted: one that settled: {accepted}")
    return found.counted_updates(found.claim.attempt), found.claim.attempt


@dataclass(frozen=True)
class _Moments:
    """The optimiser's state before a round: in the store, or the one that a task starts with."""

    task: Task
    algorithm: Algorithm
    state: Hashed | None

    def columns(self, place: slice) -> State:
        """The moments of the trained ones among columns `place`."""
        count = max(0, min(place.stop, self.task.model.trainable) - place.start)
        if self.state is None or not count:
            return self.algorithm.start(count)
        return from_bytes(self.state.read(place), count, self.state.wanted.element_bytes)


@dataclass(frozen=True)
class _Trial:
    """The task's arithmetic on columns: of all updates, or of all but one."""

    rule: Rule
    algorithm: Algorithm
    weights: Sequence[int]

    def model(self, base: Vector, updates: Sequence[Vector], state: State) -> tuple[Vector, Vector]:
        """The aggregate and the model after it."""
        aggregate = self.rule.aggregate(updates, self.weights)
        return aggregate, self._step(base, aggregate, state)

    def without(
        self, base: Vector, updates: Sequence[Vector], state: State
    ) -> Callable[[int], Vector]:
        """The model had the round not counted the update at an index; of one alone, the base."""
        if len(updates) == 1:
            return lambda index: base
        others = self._mean(updates) if self.rule.name == "weighted_mean" else self._rule(updates)
        return lambda index: self._step(base, others(index), state)

    def _rule(self, updates: Sequence[Vector]) -> Callable[[int], Vector]:
        def aggregate(index: int) -> Vector:
            rest = [u for i, u in enumerate(updates) if i != index]
            weights = [w for i, w in enumerate(self.weights) if i != index]
            return self.rule.aggregate(rest, weights)

        return aggregate

    def _mean(self, updates: Sequence[Vector]) -> Callable[[int], Vector]:
        """The weighted mean, which is a quotient of integers: its dividend is summed once, and each
        update taken off it again. Below 2**63, since weights sum to less than 2**32."""
        total = np.zeros(len(updates[0]), np.int64)
        for update, weight in zip(updates, self.weights, strict=True):
            total += np.multiply(update, weight, dtype=np.int64)

        def aggregate(index: int) -> Vector:
            rest = total - np.multiply(updates[index], self.weights[index], dtype=np.int64)
            mean: Vector = rdiv(rest, sum(self.weights) - self.weights[index]).astype(np.int32)
            return mean

        return aggregate

    def _step(self, base: Vector, aggregate: Vector, state: State) -> Vector:
        if state is not None and state.shape[1] == 0:  # columns that no optimiser moves
            return add(base, aggregate, None)[0]
        return self.algorithm.step(base, aggregate, state)[0]


@dataclass
class _Tally:
    """Sums over columns, an entry an update and, by tensor, a row an update."""

    units: Units
    count: int
    step: float = 0.0
    aggregate: float = 0.0
    most: Floats = field(init=False)
    along: Floats = field(init=False)
    moved: Floats = field(init=False)
    norms: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.most, self.along = np.zeros((2, self.count))
        self.moved, self.norms = np.zeros((2, self.count, len(self.units.layout.entries)))

    def take(self, stripe: Stripe, trial: _Trial, state: State) -> None:
        """Take in a stripe: the base and the updates."""
        base, *updates = stripe.rows
        aggregate, after = trial.model(base, updates, state)
        combined = self.units.floats(aggregate, stripe.place)
        self.step += _squares(self._apart(after, base, stripe.place))
        self.aggregate += _squares(combined)
        without = trial.without(base, updates, state)
        for index, update in enumerate(updates):
            values = self.units.floats(update, stripe.place)
            apart = self._apart(after, without(index), stripe.place)
            self.most[index] = max(self.most[index], np.abs(apart).max())
            self.along[index] += float(values @ combined)
            for tensor, part in self.units.parts(stripe.place):
                self.moved[index, tensor] += _squares(apart[part])
                self.norms[index, tensor] += _squares(values[part])

    def _apart(self, one: Vector, other: Vector, place: slice) -> Floats:
        return self.units.floats(one.astype(np.int64) - other, place)

    def influence(
        self, index: int, position: int, account: bytes, root: bytes, samples: int
    ) -> Influence:
        """What came of an update."""
        moved, norms = np.sqrt(self.moved[index]), np.sqrt(self.norms[index])
        norm = float(np.sqrt(self.norms[index].sum()))
        both = norm * float(np.sqrt(self.aggregate))
        names = (tensor.name for tensor in self.units.layout.entries)
        return Influence(
            position=position,
            account=account,
            root=root,
            samples=samples,
            moved=float(np.sqrt(self.moved[index].sum())),
            moved_most=float(self.most[index]),
            norm=norm,
            cosine=float(self.along[index]) / both if both else None,
            layers=tuple(
                Layer(name, float(m), float(n))
                for name, m, n in zip(names, moved, norms, strict=True)
            ),
        )


def _squares(values: Floats) -> float:
    return float(values @ values)
