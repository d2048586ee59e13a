"""Server optimisers, one coordinate at a time: the column form of the server's step.

Hsu, Qi, Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
Classification", 2019 (momentum); Reddi et al., "Adaptive Federated Optimization", ICLR 2021,
algorithm 2 (Adagrad, Adam, Yogi), in integers (docs/protocol/numbers.md). A mean M and, but for
momentum, a square V of what the rule gave are kept for each trainable coordinate at 24 fraction
bits, and the model moves by the one over the root of the other. This is what a contract computes in
a dispute and what `sheaf.learning.algorithms` computes for a whole vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from sheaf.protocol import merkle
from sheaf.protocol.arithmetic import LIMIT, isqrt, lattice_integer, rdiv, sat
from sheaf.protocol.hashing import ZERO

MOMENT_BITS = 24
"""Fraction bits of the moments and of the rate and floor that go with them."""

MAX_DIVISOR = 2**24 - 1
MAX_FIXED = 2**31 - 1
LEAST_FLOOR = 2**10
"""2^-14 at 24 bits: a smaller floor would let a coordinate that hardly ever moves leap."""

ADAGRAD_LIMIT = 2**62
"""Where Adagrad's sum of squares stops growing."""

SQUARE_LIMIT = 3 * 2**61
"""Above every V: Yogi adds at most half of a square below 2^62 to what lies below that square."""

MOMENT_BYTES = 8

Moments = tuple[int, int]
"""M and V of one coordinate; V is 0 where none is kept."""


class OptimiserKind(IntEnum):
    """How the server moves the model: by the aggregate alone, or by moments of it. The order says
    who needs a floor (from ADAGRAD on) and a divisor of squares (from ADAM on)."""

    PLAIN = 0
    MOMENTUM = 1
    ADAGRAD = 2
    ADAM = 3
    YOGI = 4


@dataclass(frozen=True)
class Constants:
    """What a server optimiser is given; zero what it has no use for.

    A decay is `beta = 1 - 1/k`: `mean_divisor` is the k of M, `square_divisor` that of V. `rate`
    (the paper's eta, for momentum times the k of M) and `floor` (its tau) are in units of 2^-24.
    """

    mean_divisor: int
    square_divisor: int
    rate: int
    floor: int


NO_CONSTANTS = Constants(0, 0, 0, 0)


@dataclass(frozen=True)
class Optimiser:
    """A server optimiser for models of so many fraction bits."""

    kind: int
    fraction_bits: int
    constants: Constants

    @property
    def element_bytes(self) -> int:
        """Bytes of state for each trainable coordinate: none, M, or M and V."""
        return MOMENT_BYTES * min(self.kind, 2)

    def bounds(self) -> Iterator[tuple[str, bool]]:
        """Each constant's name, and whether it lies in its bounds."""
        kind, c = self.kind, self.constants
        yield "optimiser", 0 <= kind <= max(OptimiserKind)
        moves, divides = kind > OptimiserKind.PLAIN, kind >= OptimiserKind.ADAGRAD
        yield "mean_divisor", _holds(moves, c.mean_divisor, 1, MAX_DIVISOR)
        decays = kind >= OptimiserKind.ADAM
        yield "square_divisor", _holds(decays, c.square_divisor, 2, MAX_DIVISOR)
        yield "rate", _holds(moves, c.rate, 1, MAX_FIXED)
        yield "floor", _holds(divides, c.floor, LEAST_FLOOR, MAX_FIXED)

    @property
    def start(self) -> Moments:
        """The moments before the first round: M = 0, V the square of the floor."""
        return 0, self.constants.floor**2

    def step(self, value: int, mean: int, moments: Moments) -> tuple[int, Moments]:
        """The next value and moments of a trainable coordinate at `value`, whose column came to
        `mean`; both int32, as a column's entries are.

        Moments out of their range read as the end they are beyond. Raises `ValueError` for what is
        no int32.
        """
        value, mean = lattice_integer(value), lattice_integer(mean)
        if self.kind == OptimiserKind.PLAIN:
            return sat(value + mean), (0, 0)
        shift = MOMENT_BITS - self.fraction_bits
        reach = LIMIT >> shift
        change = max(-reach, min(reach, mean)) << shift
        M, V = sat(moments[0]), max(0, min(SQUARE_LIMIT, moments[1]))
        M += rdiv(change - M, self.constants.mean_divisor)
        if self.kind == OptimiserKind.MOMENTUM:
            return sat(value + rdiv(M * self.constants.rate, 1 << MOMENT_BITS + shift)), (M, 0)
        V = self._square(V, change**2)
        divisor = isqrt(V) + self.constants.floor << shift
        return sat(value + rdiv(M * self.constants.rate, divisor)), (M, V)

    def _square(self, V: int, square: int) -> int:
        """V after a change of this square."""
        if self.kind == OptimiserKind.ADAGRAD:
            return min(V + square, ADAGRAD_LIMIT)
        if self.kind == OptimiserKind.ADAM:
            return V + rdiv(square - V, self.constants.square_divisor)
        sign = (square > V) - (square < V)
        return V + sign * rdiv(square, self.constants.square_divisor)

    def initial_root(self, trainable: int, chunk_bytes: int) -> bytes:
        """Tree root of the state before the first round; zero where none is kept.

        All full chunks are alike, so that one is hashed for all.
        """
        if not self.element_bytes:
            return ZERO
        moments = self.start[: self.element_bytes // MOMENT_BYTES]
        element = b"".join(m.to_bytes(MOMENT_BYTES, "little", signed=True) for m in moments)
        full, rest = divmod(trainable, chunk_bytes // self.element_bytes)
        leaf = merkle.leaf_hash(element * (chunk_bytes // self.element_bytes))
        leaves = [leaf] * full + [merkle.leaf_hash(element * rest)] * bool(rest)
        return merkle.root_of(leaves)


def _holds(used: bool, value: int, least: int, most: int) -> bool:
    """Whether a constant lies in its range or, where it has no use, is zero."""
    return least <= value <= most if used else value == 0
