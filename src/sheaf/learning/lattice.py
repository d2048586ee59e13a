"""Models and updates as lattice integers: int32 in ``[-(2**31 - 1), 2**31 - 1]``, f fraction bits.

An integer q stands for ``q * 2**-f``. Floats become integers here, on the participant's side, and
integers become floats again only to train and to evaluate; everything between is integer
arithmetic, the same on every machine. ``frac_bits`` is one int, or an int array with one entry per
coordinate (``Layout.bits``), since statistics may differ.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.protocol.arithmetic import ELEMENT_BYTES, LIMIT
from sheaf.protocol.errors import InvalidModel, NotFinite

FRAC_BITS_DEFAULT = 16

_LITTLE_ENDIAN = np.dtype("<i4")

Integers = NDArray[np.int32]
Floats = NDArray[np.floating[Any]]
FracBits = int | NDArray[np.integer[Any]]


def float_view(vector: Integers, frac_bits: FracBits) -> NDArray[np.float32]:
    """Return the floats ``vector`` stands for, rounded once, to nearest even."""
    return exact_view(vector, frac_bits).astype(np.float32)


def exact_view(vector: Integers, frac_bits: FracBits) -> NDArray[np.float64]:
    """Return the numbers ``vector`` stands for, which float64 holds exactly."""
    view: NDArray[np.float64] = np.ldexp(vector.astype(np.float64), _exponents(frac_bits, -1))
    return view


def encode_model(values: Floats, frac_bits: FracBits) -> Integers:
    """Return the lattice vector nearest to ``values``, of any float dtype; out of range saturates.

    Raises ``NotFinite`` naming the first coordinate that is NaN or infinite.
    """
    _refuse_not_finite(values)
    return _round(np.asarray(values, dtype=np.float64), frac_bits)


def encode_update(local: Floats, base: Integers, frac_bits: FracBits) -> Integers:
    """Return ``rint((local - float_view(base)) * 2**f)`` in float64; out of range saturates.

    The difference is taken to the float view, where training started, and not to the integers: a
    participant that did not train sends zeros even where float32 cannot hold the integer.

    Raises ``NotFinite`` naming the first coordinate of ``local`` that is NaN or infinite, and
    ``InvalidModel`` when the lengths differ.
    """
    if local.shape != base.shape:
        raise InvalidModel(
            f"found {local.size} trained values in shape {local.shape}, accepted: {base.shape}"
        )
    _refuse_not_finite(local)
    difference = local.astype(np.float64)
    difference -= float_view(base, frac_bits)
    return _round(difference, frac_bits)


def to_bytes(vector: Integers) -> bytes:
    """Return the canonical bytes of ``vector``: int32, little-endian, in order."""
    return np.ascontiguousarray(vector, dtype=_LITTLE_ENDIAN).tobytes()


def from_bytes(data: bytes | memoryview, coordinates: int) -> Integers:
    """Return the ``coordinates`` lattice integers in ``data``; -2**31 reads as -(2**31 - 1).

    It is a view of ``data`` where it can be, so not to be written to.

    Raises ``InvalidModel`` when the length is another.
    """
    if len(data) != coordinates * ELEMENT_BYTES:
        raise InvalidModel(
            f"found {len(data)} bytes, accepted: {coordinates * ELEMENT_BYTES}, "
            f"which is {coordinates} coordinates of {ELEMENT_BYTES} bytes"
        )
    stored = np.frombuffer(data, dtype=_LITTLE_ENDIAN).astype(np.int32, copy=False)
    if coordinates and stored.min() < -LIMIT:
        return np.maximum(stored, np.int32(-LIMIT))
    return stored


def _round(values: NDArray[np.float64], frac_bits: FracBits) -> Integers:
    # A huge float may overflow to infinity in the scaling; the clip brings it back.
    with np.errstate(over="ignore"):
        scaled = np.rint(np.ldexp(values, _exponents(frac_bits, 1)))
    return np.clip(scaled, -LIMIT, LIMIT).astype(np.int32)


def _exponents(frac_bits: FracBits, sign: int) -> NDArray[np.int32]:
    return np.asarray(frac_bits, dtype=np.int32) * np.int32(sign)


def _refuse_not_finite(values: Floats) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        coordinate = int(np.argmin(finite))
        raise NotFinite(
            f"found {values.flat[coordinate]} at coordinate {coordinate}, accepted: finite numbers"
        )
