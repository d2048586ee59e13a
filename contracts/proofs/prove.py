"""Proofs about the contracts' integer arithmetic, by an SMT solver over the integers.

    python prove.py

For fixed-width words a division by a variable is beyond any solver's reach, so these are proofs of
the formulas, for all integers in the stated ranges, with the ranges that keep them inside a word;
that the code is the formula is what fuzzing and the shared vectors are for. Each claim is also
tried on a formula with a mistake in it, of which the solver must find a counterexample.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import z3

TIMEOUT_MS = 60_000
WORD = 2**255
Term = z3.ArithRef


@dataclass(frozen=True)
class Claim:
    """What follows from what, and the same with a mistake, which must not follow."""

    name: str
    proof: z3.BoolRef
    mistaken: z3.BoolRef


def main() -> int:
    """Prove every claim; 1 if one cannot be proved, or its mistake is not seen."""
    failed = 0
    for claim in claims():
        proved = _outcome(claim.proof) == z3.unsat
        seen = _outcome(claim.mistaken) == z3.sat
        verdict = "proved" if proved and seen else "NOT PROVED" if not proved else "BLIND"
        sys.stdout.write(f"{verdict:10}  {claim.name}\n")
        sys.stdout.flush()
        failed += verdict != "proved"
    return int(failed > 0)


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from rounding()
    yield from square_roots()
    yield from conservation()


def rounding() -> Iterator[Claim]:
    """`Arithmetic.rdiv`: nearest, halves away from zero, inside a word."""
    a, b = z3.Ints("a b")
    positive = b > 0

    def about(half: Term, holds: Callable[[Term], z3.BoolRef]) -> z3.BoolRef:
        numerator = z3.If(a < 0, a - half, a + half)
        quotient, defined = _truncated(numerator, b)
        return _follows([positive, *defined], holds(quotient))

    def nearest(q: Term) -> z3.BoolRef:
        return z3.And(-b <= 2 * (a - q * b), 2 * (a - q * b) <= b)

    def outwards(q: Term) -> z3.BoolRef:
        rest = 2 * (a - q * b)
        return z3.And(z3.Implies(rest == b, a < 0), z3.Implies(rest == -b, a > 0))

    half = b / 2
    yield Claim("rdiv is nearest", about(half, nearest), about(half - 1, nearest))
    inwards = z3.If(b % 2 == 0, half - 1, half)
    yield Claim("rdiv sends halves outwards", about(half, outwards), about(inwards, outwards))
    fits = [positive, z3.If(a < 0, -a, a) + half < WORD]
    moved = z3.If(a < 0, a - half, a + half)
    inside = z3.And(moved >= -WORD, moved < WORD)
    yield Claim("rdiv stays inside a word", _follows(fits, inside), _follows(fits[:1], inside))


def square_roots() -> Iterator[Claim]:
    """`Math.sqrt`, as the server's step uses it: six steps of Newton's method from 3 * 2^(e-2),
    2^(e-1) <= root < 2^e, and a last correction. With s the floor and x an estimate, one step gives
    y >= s and y <= s + ((x - s)^2 + 2s) / 2x."""
    a, s, x, q = z3.Ints("a s x q")
    root = [s >= 1, s * s <= a, a < (s + 1) * (s + 1), x >= 1]
    divided = [q * x <= a, a < (q + 1) * x]
    given = [*root, *divided]
    yield Claim(
        "a step never falls below the root",
        _follows(given, x + q >= 2 * s),
        _follows(given, x + q >= 2 * s + 1),
    )
    above = x * (x + q) <= 2 * s * x + (x - s) * (x - s) + 2 * s
    yield Claim(
        "a step's error is about half the square of the one before",
        _follows(given, above),
        _follows(given, x * (x + q) <= 2 * s * x + (x - s) * (x - s)),
    )
    for bits, steps in ((32, 6), (128, 6)):
        reached, short = _converges(bits, steps), _converges(bits, 2)
        known = z3.BoolVal
        yield Claim(
            f"{steps} steps leave an error of at most 1 for roots below 2^{bits}",
            _follows([], known(reached)),
            _follows([], known(short)),
        )
    close = z3.Or(x == s, x == s + 1)
    corrected = z3.If(x > q, x - 1, x)
    yield Claim(
        "the last correction gives the floor",
        _follows([*given, close], corrected == s),
        _follows([*given, close], z3.If(x >= q, x - 1, x) == s),
    )


def _converges(bits: int, steps: int) -> bool:
    """Whether the bound on the error, carried along in whole numbers, ends at 1 or less for every
    size of root. The first estimate is at most 2^(e-2) off on either side."""
    return all(_error(e, steps) <= 1 for e in range(1, bits + 1))


def _error(e: int, steps: int) -> int:
    least, estimate, error = 2 ** (e - 1), 3 * 2**e // 4, 2**e // 4
    error = (error**2 + 2 * (2**e - 1)) // (2 * estimate)
    for _ in range(steps - 1):
        # (d^2 + 2s) / 2(s + d) is at most d^2 / 2s + 1, and falls as s grows.
        error = (error**2 + 2 * least) // (2 * least)
    return error


def conservation() -> Iterator[Claim]:
    """What is divided is never exceeded, and of a slash at least half is burned."""
    pool, share, count, paid, rest = z3.Ints("pool share count paid rest")
    natural = [pool >= 0, count >= 1]
    whole = [*natural, share * count <= pool, pool < (share + 1) * count]
    yield Claim(
        "equal shares, rounded down, never exceed what is shared",
        _follows(whole, z3.And(share >= 0, share * count <= pool, pool - share * count < count)),
        _follows(whole, (share + 1) * count <= pool),
    )
    # Rewards by samples, one participant after the other: `paid * samples <= reward * seen` stays.
    reward, samples, seen, own, part = z3.Ints("reward samples seen own part")
    before = [reward >= 0, samples >= 1, own >= 0, seen >= 0, paid >= 0]
    before += [paid * samples <= reward * seen, part * samples <= reward * own]
    after = (paid + part) * samples <= reward * (seen + own)
    yield Claim(
        "rewards by samples never exceed the reward of the samples seen",
        _follows(before, after),
        _follows(before, (paid + part + 1) * samples <= reward * (seen + own)),
    )
    yield Claim(
        "so the rewards of all never exceed the round's",
        _follows([reward >= 0, samples >= 1, paid * samples <= reward * samples], paid <= reward),
        _follows([reward >= 0, samples >= 1, paid * samples <= reward * samples], paid < reward),
    )
    # An overturned claim: half of the pot, less one fee after the other, then the challenger's.
    pot, left, fee = z3.Ints("pot left fee")
    given = [pot >= 0, fee >= 0, left >= 0, paid >= 0, left + paid == pot / 2]
    taken = z3.If(fee < left, fee, left)
    kept = z3.And(left - taken >= 0, (left - taken) + (paid + taken) == pot / 2)
    yield Claim(
        "dissenters' fees leave the paid half what it was",
        _follows(given, kept),
        _follows(given, z3.And(left - fee >= 0, kept)),
    )
    burned = [pot >= 0, left >= 0, paid >= 0, left + paid == pot / 2, rest == pot - pot / 2]
    yield Claim(
        "at least half of a slash is burned, and nothing is lost",
        _follows(burned, z3.And(2 * rest >= pot, left + paid + rest == pot)),
        _follows(burned, 2 * rest > pot),
    )


def _truncated(numerator: Term, divisor: Term) -> tuple[Term, list[z3.BoolRef]]:
    """Division as the EVM does it, towards zero, by what defines it for a positive divisor."""
    quotient, rest = z3.Ints("quotient rest")
    return quotient, [
        numerator == quotient * divisor + rest,
        z3.If(numerator < 0, z3.And(-divisor < rest, rest <= 0), z3.And(rest >= 0, rest < divisor)),
    ]


def _follows(given: list[z3.BoolRef], holds: z3.BoolRef) -> z3.BoolRef:
    """The negation, whose unsatisfiability is the proof."""
    return z3.And(*given, z3.Not(holds))


def _outcome(negation: z3.BoolRef) -> z3.CheckSatResult:
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(negation)
    return solver.check()


if __name__ == "__main__":
    sys.exit(main())
