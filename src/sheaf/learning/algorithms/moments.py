"""Server steps that keep moments of the aggregate: what momentum, Adagrad, Adam and Yogi share.

The array form of ``sheaf.protocol.optimisers``, equal to it at every coordinate: NumPy or torch, in
int64, chunk by chunk, in place wherever it can be, since a pass over memory costs as much as the
arithmetic. Only the coordinates that a state has moments of, the leading ones, go through it; to
what follows, the statistics, the aggregate is added, since a running variance that momentum carried
on would fall below zero.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.learning.algorithms.algorithm import Algorithm, State, add, unchanged
from sheaf.learning.arrays import COLUMNS, Vector, blocks, check_vectors, empty, namespace
from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.errors import InvalidConfiguration, InvalidModel
from sheaf.protocol.optimisers import MOMENT_BITS, SQUARE_LIMIT, Optimiser

_LITTLE_ENDIAN = np.dtype("<i8")
_EXACT_ROOTS = 2**52

Grow = Callable[[Any, Any, Any], None]
"""``grow(V, square, spare)``: puts what V grows by in place of the aggregate's ``square``."""


def server_optimiser(name: str, optimiser: Optimiser, grow: Grow | None) -> Algorithm:
    """Return the algorithm that trains like FedAvg and steps by moments: M alone, or M and a V.

    Raises ``InvalidConfiguration`` naming the first constant that is out of its bounds.
    """
    for constant, holds in optimiser.bounds():
        if not holds:
            found = getattr(optimiser.constants, constant)
            raise InvalidConfiguration(f"{name}: {constant}: found {found}, which is out of bounds")
    rows = 1 if grow is None else 2

    def step(model: Vector, aggregate: Vector, state: State) -> tuple[Vector, State]:
        trainable = _trainable(model, aggregate, state, rows)
        after = empty((len(model),), "int32", model)  # type: ignore[arg-type]
        moments = empty((rows, trainable), "int64", model)
        kernel = _kernel(optimiser, grow, model)
        for block in blocks(trainable):
            given = (model[block], aggregate[block], state[:, block])  # type: ignore[index]
            after[block] = kernel(*given, moments[:, block])
        rest = slice(trainable, None)
        after[rest], _ = add(model[rest], aggregate[rest], None)  # type: ignore[index]
        return after, moments

    def start(trainable: int) -> NDArray[np.int64]:
        moments = np.array(optimiser.start[:rows], dtype=np.int64)
        return np.repeat(moments[:, np.newaxis], trainable, axis=1)

    return Algorithm(name, unchanged, step, start)


def to_bytes(state: NDArray[np.int64]) -> bytes:
    """Return the canonical bytes of a state: the moments of one coordinate after the other, each an
    int64, little-endian."""
    return np.ascontiguousarray(state.T, dtype=_LITTLE_ENDIAN).tobytes()


def from_bytes(data: bytes | memoryview, trainable: int, element_bytes: int) -> NDArray[np.int64]:
    """Return the state in ``data``, of so many coordinates of so many bytes.

    Raises ``InvalidModel`` when the length is another.
    """
    if len(data) != trainable * element_bytes:
        raise InvalidModel(
            f"found {len(data)} bytes of state, accepted: {trainable * element_bytes}, "
            f"which is {trainable} coordinates of {element_bytes} bytes"
        )
    stored = np.frombuffer(data, dtype=_LITTLE_ENDIAN).reshape(trainable, -1)
    return np.ascontiguousarray(stored.T, dtype=np.int64)


def divide(a: Any, b: Any, spare: Any) -> None:
    """Put int64 ``a / b`` rounded to nearest, halves away from zero, in place of ``a``.

    ``sheaf.learning.arrays.rdiv`` for a ``b > 0`` that may be an array, too; ``|a| + b / 2`` must
    be below 2**63.
    """
    module = namespace(a)
    module.bitwise_right_shift(a, 63, out=spare)
    module.abs(a, out=a)
    a += b >> 1
    a //= b
    # The sign, which is 0 or -1, turns the magnitude back.
    a ^= spare
    a -= spare


def isqrt(v: Any, root: Any, spare: Any, floats: Any) -> None:
    """Put the floors of the square roots of int64 ``v``, at least 0, into ``root``.

    The array form of ``sheaf.protocol.arithmetic.isqrt``. Of numbers below 2**52 the float64 root
    is never rounded up to an integer, so that its whole part is the floor. Above, the integer
    nearest to it is the floor or one more; the square says which.
    """
    module = namespace(v)
    floats[:] = v
    module.sqrt(floats, out=floats)
    if v.max() < _EXACT_ROOTS:
        root[:] = floats
        return
    module.round(floats, out=floats)
    root[:] = floats
    module.multiply(root, root, out=spare)
    module.subtract(v, spare, out=spare)
    spare >>= 63
    root += spare


def _kernel(optimiser: Optimiser, grow: Grow | None, like: Any) -> Callable[..., Any]:
    """Return the step of one chunk: it fills the new moments and returns the new values."""
    module, constants = namespace(like), optimiser.constants
    shift = MOMENT_BITS - optimiser.fraction_bits
    reach = LIMIT >> shift
    integers, floats = empty((3, COLUMNS), "int64", like), empty((COLUMNS,), "float64", like)

    def kernel(values: Any, means: Any, old: Any, new: Any) -> Any:
        change, work, spare = integers[:, : len(values)]
        change[:] = _within(means, -reach, reach)
        change <<= shift
        M = _within(old[0], -LIMIT, LIMIT)
        module.subtract(change, M, out=work)
        divide(work, constants.mean_divisor, spare)
        module.add(M, work, out=new[0])
        module.multiply(new[0], constants.rate, out=work)
        divisor: Any = 1 << MOMENT_BITS + shift
        if grow is not None:
            V = _within(old[1], 0, SQUARE_LIMIT)
            change *= change
            grow(V, change, spare)
            module.add(V, change, out=new[1])
            divisor = change
            isqrt(new[1], divisor, spare, floats[: len(values)])
            divisor += constants.floor
            divisor <<= shift
        divide(work, divisor, spare)
        work += _within(values, -LIMIT, LIMIT)
        return _within(work, -LIMIT, LIMIT)

    return kernel


def _within(entries: Any, low: int, high: int) -> Any:
    """Return integers with those beyond an end moved to it."""
    # A look is cheaper than a copy, and in a round of honest numbers nothing is beyond.
    if entries.min() >= low and entries.max() <= high:
        return entries
    return namespace(entries).clip(entries, low, high)


def _trainable(model: Any, aggregate: Any, state: Any, rows: int) -> int:
    """Return how many coordinates the state has moments of, if everything fits."""
    check_vectors([model, aggregate])
    module = namespace(model)
    if state is None or namespace(state) is not module or state.dtype != module.int64:
        found = "no state" if state is None else f"{state.dtype} of {namespace(state).__name__}"
        raise InvalidModel(f"state: found {found}, accepted: int64 of {module.__name__}")
    shape = tuple(state.shape)
    if len(shape) != 2 or shape[0] != rows or not 1 <= shape[1] <= len(model):
        raise InvalidModel(
            f"state: found shape {shape}, accepted: {rows} rows of 1 to {len(model)} coordinates"
        )
    return int(shape[1])
