"""What an aggregation rule is: a frozen pair of forms, one for vectors and one for a column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sheaf.learning.arrays import Vector, check_vectors
from sheaf.protocol.arithmetic import WEIGHT_LIMIT, WEIGHT_SUM_LIMIT
from sheaf.protocol.errors import InvalidModel


class Aggregate(Protocol):
    """The vector form of a rule."""

    def __call__(self, updates: Sequence[Vector], weights: Sequence[int]) -> Vector:
        """Return the aggregate of ``updates``, int32 vectors of one length in cohort order.

        ``weights`` are the capped samples, one per update; rules that do not weigh check them all
        the same. The result is an int32 vector of the library that the updates are of.

        Raises ``InvalidModel`` when an update or the weights do not fit.
        """


@dataclass(frozen=True)
class Rule:
    """How updates become one vector: ``aggregate`` over vectors, ``column`` over one coordinate.

    For each coordinate ``aggregate(updates, weights)`` equals ``column`` of that coordinate's
    entries; the column form, from ``sheaf.protocol.columns``, is what a contract computes.
    """

    name: str
    aggregate: Aggregate
    column: Callable[[Sequence[int], Sequence[int]], int]


def check_round(updates: Sequence[object], weights: Sequence[int]) -> None:
    """Raise ``InvalidModel`` unless updates and weights are what ``Aggregate`` accepts."""
    check_vectors(updates)
    if len(weights) != len(updates):
        raise InvalidModel(
            f"found {len(weights)} weights, accepted: {len(updates)}, one per update"
        )
    for index, weight in enumerate(weights):
        if not 1 <= weight <= WEIGHT_LIMIT:
            raise InvalidModel(f"weight {index}: found {weight}, accepted: 1 to {WEIGHT_LIMIT}")
    if sum(weights) >= WEIGHT_SUM_LIMIT:
        raise InvalidModel(f"found weights of sum {sum(weights)}, accepted: below 2**32")
