"""What an algorithm is: a frozen pair of pure functions, a client half and a server half."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sheaf.learning.arrays import (
    Vector,
    by_columns,
    check_vectors,
    empty,
    lattice_integers,
    namespace,
)
from sheaf.protocol.arithmetic import LIMIT

State = Any
"""What a server half carries from round to round, never holds: None, or its moments as int64 of
shape (moments, trainable), of the library that the vectors are of."""


class ServerStep(Protocol):
    """The server half: integers in, integers out, the same on every machine."""

    def __call__(self, model: Vector, aggregate: Vector, state: State) -> tuple[Vector, State]:
        """Return the next model and the next state, from int32 vectors of one length.

        Raises ``InvalidModel`` when they do not fit.
        """


Start = Callable[[int], State]
"""``start(trainable)``: the state before the first round, in NumPy, for so many coordinates."""


@dataclass(frozen=True)
class Algorithm:
    """How a client trains and how the server steps.

    ``correct(gradient, local, start)`` is the client half: it returns the gradient to descend at
    ``local`` for a participant that started the round at ``start``; three float arrays of one
    shape, NumPy or torch. ``step`` is the server half, ``start`` what it starts from.
    """

    name: str
    correct: Callable[[Any, Any, Any], Any]
    step: ServerStep
    start: Start


def unchanged(gradient: Any, local: Any, start: Any) -> Any:
    """Return the gradient as it is: the client half of whoever descends its own loss alone."""
    return gradient


def stateless(trainable: int) -> None:
    """Return no state, which is what plain averaging carries from round to round."""


def add(model: Vector, aggregate: Vector, state: State) -> tuple[Vector, State]:
    """Return ``sat(model + aggregate)`` at each coordinate: the server step of plain averaging."""
    check_vectors([model, aggregate])
    module = namespace(model)

    def kernel(entries: list[Any]) -> Any:
        total = empty((len(entries[0]),), "int64", entries[0])
        total[:] = lattice_integers(entries[0])
        total += lattice_integers(entries[1])
        return module.clip(total, -LIMIT, LIMIT)

    return by_columns([model, aggregate], kernel), state
