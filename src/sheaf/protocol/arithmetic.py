"""The integer arithmetic that every party, and the contracts, agree on to the bit.

Plain Python integers, so nothing here overflows. The fast array forms of the same operations are in
``sheaf.learning``; the tests hold them equal to these.
"""

import math

LIMIT = 2**31 - 1
"""The largest lattice integer; the smallest is ``-LIMIT``, so that negation stays in the range."""

ELEMENT_BYTES = 4
"""Of a lattice integer where it is stored or hashed: a little-endian int32."""

WEIGHT_LIMIT = 65_535
"""The largest weight cap a task may set: a weight fills one sixteen-bit lane of a storage slot."""

WEIGHT_SUM_LIMIT = 2**32
"""Weights of a round sum below this, so that a weighted sum plus half its divisor is an int64."""


def sat(x: int) -> int:
    """Return ``x`` moved to the nearest lattice integer."""
    return max(-LIMIT, min(LIMIT, x))


def lattice_integer(q: int) -> int:
    """Return the lattice integer that the int32 ``q`` stands for; -2**31 reads as -LIMIT.

    Raises ``ValueError`` when ``q`` is no int32.
    """
    if not -LIMIT - 1 <= q <= LIMIT:
        raise ValueError(f"found {q}, accepted: an int32")
    return max(-LIMIT, q)


def rdiv(a: int, b: int) -> int:
    """Return ``a / b`` rounded to the nearest integer, halves away from zero.

    Raises ``ValueError`` unless ``b`` is positive.
    """
    if b <= 0:
        raise ValueError(f"found divisor {b}, accepted: a positive integer")
    magnitude = (abs(a) + b // 2) // b
    return -magnitude if a < 0 else magnitude


def isqrt(v: int) -> int:
    """Return the floor of the square root of ``v``.

    Raises ``ValueError`` when ``v`` is negative.
    """
    if v < 0:
        raise ValueError(f"found {v}, accepted: an integer of at least 0")
    return math.isqrt(v)


def weights_fit(cohort: int, weight_cap: int) -> bool:
    """Return whether ``cohort`` weights of up to ``weight_cap`` keep weighted sums in int64."""
    return 1 <= weight_cap <= WEIGHT_LIMIT and 1 <= cohort * weight_cap < WEIGHT_SUM_LIMIT
