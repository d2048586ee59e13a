"""The column form of each aggregation rule: one coordinate, one entry per counted participant.

This is what a contract computes in a dispute and what ``sheaf.learning.rules`` computes for a whole
vector. A column is a sequence of int32 in cohort order; an entry of -2**31 reads as -(2**31 - 1).
A rule returns a lattice integer and raises ``ValueError`` for an empty column.
"""

from collections.abc import Sequence

from sheaf.protocol.arithmetic import lattice_integer, rdiv


def weighted_mean(column: Sequence[int], weights: Sequence[int]) -> int:
    """Return ``rdiv(sum of weight * entry, sum of weights)``.

    Raises ``ValueError`` unless there is one weight per entry, none negative, and not all zero.
    """
    if len(column) != len(weights):
        raise ValueError(f"found {len(weights)} weights, accepted: {len(column)}, one per entry")
    if any(weight < 0 for weight in weights):
        raise ValueError("found a negative weight, accepted: weights of at least 0")
    entries = _read(column)
    products = (entry * weight for entry, weight in zip(entries, weights, strict=True))
    return rdiv(sum(products), sum(weights))


def median(column: Sequence[int]) -> int:
    """Return the middle entry or, of an even number, ``rdiv`` of the middle two's sum by 2."""
    return _middle_mean(column, median_trim(len(column)))


def trimmed_mean(column: Sequence[int], numerator: int, denominator: int) -> int:
    """Return the rounded mean of what is left when ``trim`` entries are dropped at each end.

    Raises ``ValueError`` unless ``0 <= 2 * numerator < denominator``.
    """
    return _middle_mean(column, trim(len(column), numerator, denominator))


def median_trim(count: int) -> int:
    """Return how many of ``count`` entries lie below the middle one, or the middle two."""
    return max(0, count - 1) // 2


def trim(count: int, numerator: int, denominator: int) -> int:
    """Return how many of ``count`` entries a trimmed mean drops at each end: the floor, exactly.

    An exact ratio, because 29 of 100 as a float times 100 is 28.999999999999996.
    Raises ``ValueError`` unless ``0 <= 2 * numerator < denominator``.
    """
    if not 0 <= 2 * numerator < denominator:
        raise ValueError(
            f"found a trim of {numerator}/{denominator}, accepted: at least 0, less than 1/2"
        )
    return count * numerator // denominator


def _middle_mean(column: Sequence[int], dropped: int) -> int:
    middle = sorted(_read(column))[dropped : len(column) - dropped]
    return rdiv(sum(middle), len(middle))


def _read(column: Sequence[int]) -> list[int]:
    if not column:
        raise ValueError("found an empty column, accepted: at least one entry")
    return [lattice_integer(entry) for entry in column]
