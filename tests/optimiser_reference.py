"""Server optimisers in exact rationals, and columns to try every implementation on.

Written from the formulas of Reddi et al. (ICLR 2021, algorithm 2) and Hsu et al. (2019) and the
rounding that docs/protocol/numbers.md gives them; shares no code with `sheaf`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

END = 2**31 - 1
UNIT = Fraction(1, 2**24)
"""One unit of a moment, of the rate and of the floor."""

MOMENTUM, ADAGRAD, ADAM, YOGI = range(1, 5)


@dataclass(frozen=True)
class Column:
    """Constants, where one coordinate stands, and what the rule gave for it."""

    kind: int
    fraction_bits: int
    mean_divisor: int
    square_divisor: int
    rate: int
    floor: int
    value: int
    mean: int
    square: int
    aggregate: int


def exact_step(c: Column) -> tuple[int, int, int]:
    """The next value, M and V."""
    unit_of_value = Fraction(1, 2**c.fraction_bits)
    reach = math.floor(END / (unit_of_value / UNIT))
    D = Fraction(_within(c.aggregate, -reach, reach)) * unit_of_value
    M = Fraction(_within(c.mean, -END, END)) * UNIT
    M += nearest((D - M) / c.mean_divisor / UNIT) * UNIT
    rate = c.rate * UNIT
    if c.kind == MOMENTUM:
        return _moved(c, rate * M / unit_of_value), int(M / UNIT), 0
    V = Fraction(_within(c.square, 0, 6 * 2**60)) * UNIT**2
    if c.kind == ADAGRAD:
        V = min(V + D**2, Fraction(2**62) * UNIT**2)
    elif c.kind == ADAM:
        V += nearest((D**2 - V) / c.square_divisor / UNIT**2) * UNIT**2
    elif D**2 != V:
        part = nearest(D**2 / c.square_divisor / UNIT**2) * UNIT**2
        V += part if D**2 > V else -part
    root = whole_root(int(V / UNIT**2)) * UNIT
    return (
        _moved(c, rate * M / (root + c.floor * UNIT) / unit_of_value),
        int(M / UNIT),
        int(V / UNIT**2),
    )


def nearest(q: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    magnitude = math.floor(abs(q) + Fraction(1, 2))
    return magnitude if q > 0 else -magnitude


def nearest_quotient(a: int, b: int) -> int:
    """`a / b` as `nearest` rounds it."""
    return nearest(Fraction(a, b))


def whole_root(v: int) -> int:
    """The floor of a square root, by decimals."""
    with localcontext() as context:
        context.prec = 60
        root = int(Decimal(v).sqrt())
    assert root**2 <= v < (root + 1) ** 2
    return root


def _within(x: int, low: int, high: int) -> int:
    return sorted((low, x, high))[1]


def _moved(c: Column, steps: Fraction) -> int:
    return _within(_within(c.value, -END, END) + nearest(steps), -END, END)


BITS = (8, 9, 15, 16, 17, 23, 24)
DIVISORS = (1, 2, 3, 4, 7, 10, 99, 100, 101, 2**24 - 1)
FIXED = (1, 2, 2**10, 2**10 + 1, 2**14, 2**24, 2**31 - 1)
WORDS = (0, 1, 2, 3, 127, 2**15 - 1, 2**15, 2**23 - 1, 2**23, 2**23 + 1, 2**30, END - 1, END)
SQUARES = (0, 1, 2, 2**20, 2**28, 2**52 - 1, 2**53 + 1, END**2 - 1, END**2, END**2 + 1)
LIMITS = (2**62 - 1, 2**62, 2**62 + 1, 6 * 2**60 - 1, 6 * 2**60, 6 * 2**60 + 1, 2**63 - 1, -1)


def columns(count: int, seed: int) -> Iterator[Column]:
    """Columns of every kind, as many extreme as random."""
    for (column,) in vectors(count, 1, seed):
        yield column


def vectors(count: int, width: int, seed: int) -> Iterator[list[Column]]:
    """Columns of every kind, so many of the same constants together."""
    dice = random.Random(seed)
    for number in range(count):
        kind = number % 4 + 1
        divides = kind != MOMENTUM
        decays = kind in (ADAM, YOGI)
        constants = (
            kind,
            dice.choice(BITS),
            dice.choice(DIVISORS),
            dice.choice(DIVISORS[1:]) if decays else 0,
            _fixed(dice, FIXED),
            _fixed(dice, FIXED[2:]) if divides else 0,
        )
        squares = [_square(dice) if divides else 0 for _ in range(width)]
        yield [
            Column(*constants, _word(dice), _mean(dice), square, _aggregate(dice, square))
            for square in squares
        ]


def _word(dice: random.Random) -> int:
    """An int32."""
    extreme = dice.choice(WORDS) if dice.random() < 0.5 else dice.getrandbits(dice.randint(1, 31))
    return -(2**31) if dice.random() < 0.02 else dice.choice((1, -1)) * extreme


def _mean(dice: random.Random) -> int:
    """An M as it may be stored: an int64, mostly one that fits."""
    return _word(dice) * dice.choice((1, 1, 1, 2**31))


def _fixed(dice: random.Random, extremes: tuple[int, ...]) -> int:
    """A rate or floor: above the least of the extremes."""
    if dice.random() < 0.5:
        return dice.choice(extremes)
    return max(extremes[0], dice.getrandbits(dice.randint(1, 31)))


def _square(dice: random.Random) -> int:
    """A V as it may be stored: an int64, mostly near a square."""
    kind = dice.random()
    if kind < 0.2:
        return dice.choice(SQUARES)
    if kind < 0.3:
        return dice.choice(LIMITS)
    if kind < 0.7:
        return max(0, dice.getrandbits(dice.randint(1, 31)) ** 2 + dice.choice((-1, 0, 0, 1)))
    return dice.getrandbits(dice.randint(1, 62))


def _aggregate(dice: random.Random, square: int) -> int:
    """An int32; now and then one whose square is V, or a unit beside it, at 24 fraction bits."""
    if dice.random() < 0.2 and square >= 0:
        return min(END, math.isqrt(square) + dice.choice((-1, 0, 1)))
    return _word(dice)
