"""One set of operations over NumPy arrays and torch tensors, so that a rule is written once.

NumPy and torch agree on most of what the rules use (``minimum``, ``maximum``, ``clip``, ``//``);
what they call differently is here. Torch is never imported: whoever passes a tensor has done so.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import numpy as np

from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.errors import InvalidModel

Vector = TypeVar("Vector")
"""An int32 vector: ``NDArray[np.int32]`` or a one-dimensional ``torch.Tensor`` of that dtype."""

COLUMNS = 16_384
"""Columns worked on at once: a 64 KiB row of int32, so that a chunk's rows stay in the L2 cache."""

Dtype = Literal["int32", "int64", "float64"]


def namespace(array: Any) -> Any:
    """Return the module that ``array`` belongs to, ``numpy`` or ``torch``.

    Raises ``InvalidModel`` for anything else.
    """
    if isinstance(array, np.ndarray):
        return np
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return torch
    raise InvalidModel(
        f"found a {type(array).__name__}, accepted: a NumPy array or a torch tensor of int32"
    )


def empty(shape: tuple[int, ...], dtype: Dtype, like: Any) -> Any:
    """Return an array to be filled, of ``like``'s library and on its device."""
    module = namespace(like)
    where = {} if module is np else {"device": like.device}
    return module.empty(shape, dtype=getattr(module, dtype), **where)


def sort_rows(block: Any) -> Any:
    """Return ``block``, of shape (rows, entries), with each row in ascending order."""
    if isinstance(block, np.ndarray):
        block.sort(axis=1)
        return block
    return block.sort(dim=1).values


def rdiv(a: Any, b: int) -> Any:
    """Return int64 ``a / b`` rounded to nearest, halves away from zero, for ``b > 0``.

    The array form of ``sheaf.protocol.arithmetic.rdiv``. ``|a| + b // 2`` must be below 2**63.
    """
    nudged = a + b // 2
    if b % 2 == 0:
        # Only an even divisor has halves; the sign bit sends negative ones down.
        nudged += a >> 63
    return nudged // b


EXACT_QUOTIENTS = 2**48
"""Below this magnitude, ``round_quotients`` is ``rdiv``."""


def round_quotients(sums: Any, divisor: int) -> None:
    """Put ``sums / divisor`` rounded to nearest, halves away from zero, in place of ``sums``.

    ``sums`` are integers below ``EXACT_QUOTIENTS`` in float64. The factor is above ``1 / divisor``
    by a share between 2**-51 and 2**-49, its own rounding and the product's included. So a half is
    no half any more, and nothing else reaches one, since it is ``1 / (2 * divisor)`` or more away.
    """
    sums *= (1 + 2**-50) / divisor
    namespace(sums).round(sums, out=sums)


def check_vectors(vectors: Sequence[Any]) -> None:
    """Raise ``InvalidModel`` unless ``vectors`` are int32 vectors of one library and one length."""
    if not vectors:
        raise InvalidModel("found no vector, accepted: at least one")
    module, length = namespace(vectors[0]), vectors[0].shape
    for index, vector in enumerate(vectors):
        if namespace(vector) is not module or vector.dtype != module.int32:
            raise InvalidModel(
                f"vector {index}: found {vector.dtype} of {namespace(vector).__name__}, "
                f"accepted: int32 of {module.__name__}"
            )
        if len(vector.shape) != 1 or vector.shape != length:
            raise InvalidModel(
                f"vector {index}: found shape {tuple(vector.shape)}, accepted: {tuple(length[:1])}"
            )


def blocks(coordinates: int, columns: int = COLUMNS) -> Iterator[slice]:
    """Yield the slices that cut a vector into chunks of ``columns``, the last one short."""
    for start in range(0, coordinates, columns):
        yield slice(start, min(coordinates, start + columns))


def by_columns(
    vectors: Sequence[Vector], kernel: Callable[[list[Any]], Any], columns: int = COLUMNS
) -> Vector:
    """Return the int32 vector that ``kernel`` makes of checked ``vectors``, chunk by chunk.

    ``kernel`` gets one slice of at most ``columns`` entries per vector, as they are, which it must
    not write to, and returns integers in the lattice's range, in an array that it may use again.
    """
    coordinates = len(vectors[0])  # type: ignore[arg-type]  # a vector of either library has one
    result = empty((coordinates,), "int32", vectors[0])
    for block in blocks(coordinates, columns):
        result[block] = kernel([vector[block] for vector in vectors])  # type: ignore[index]
    return result  # type: ignore[no-any-return]


def lattice_integers(entries: Any) -> Any:
    """Return int32 ``entries`` as lattice integers: -2**31 reads as -(2**31 - 1)."""
    # A read is cheaper than a copy, and nobody honest sends the one number that has to change.
    if entries.min() >= -LIMIT:
        return entries
    return namespace(entries).clip(entries, -LIMIT, LIMIT)
