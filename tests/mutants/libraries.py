"""Mutants of what contracts compute: arithmetic, the server's step, and votes over sets."""

from __future__ import annotations

from tests.mutants.table import Mutant

ARITHMETIC = "libraries/Arithmetic.sol"
STEP = "libraries/ServerStep.sol"
BITMAP = "libraries/Bitmap.sol"
STEPS = "tests/contracts/test_server_step.py"
PARTS = "tests/contracts/test_libraries.py"

SUMS = (
    Mutant(
        "halves to zero", ARITHMETIC, "int256 half = b / 2;", "int256 half = (b - 1) / 2;", STEPS
    ),
    Mutant("halves up", ARITHMETIC, "(a < 0 ? a - half : a + half) / b", "(a + half) / b", STEPS),
    Mutant(
        "a quotient cut off",
        ARITHMETIC,
        "(a < 0 ? a - half : a + half) / b",
        "(a + 0 * half) / b",
        STEPS,
    ),
    Mutant("a range of one more", ARITHMETIC, "LIMIT = 2 ** 31 - 1;", "LIMIT = 2 ** 31;", STEPS),
    Mutant("no lower end", ARITHMETIC, "if (value < low) return low;", "", STEPS),
    Mutant(
        "no upper end", ARITHMETIC, "return value > high ? high : value;", "return value;", STEPS
    ),
    Mutant(
        "an end jumps",
        ARITHMETIC,
        "return clamp(value, -LIMIT, LIMIT);",
        "return clamp(value, -LIMIT - 1, LIMIT);",
        STEPS,
    ),
    Mutant(
        "a root and one",
        ARITHMETIC,
        "Math.sqrt(uint256(value))",
        "Math.sqrt(uint256(value), Math.Rounding.Ceil)",
        STEPS,
    ),
)

MOVES = (
    Mutant(
        "a plain step beyond the range",
        STEP,
        "(value + aggregate.sat()).sat()",
        "value + aggregate.sat()",
        STEPS,
    ),
    Mutant(
        "an aggregate of -2**31",
        STEP,
        "(value + aggregate.sat()).sat()",
        "(value + aggregate).sat()",
        STEPS,
    ),
    Mutant(
        "a value of -2**31",
        STEP,
        "int256 value = here.value.sat();",
        "int256 value = here.value;",
        STEPS,
    ),
    Mutant(
        "no reach", STEP, "aggregate.clamp(-reach, reach) << shift", "aggregate << shift", STEPS
    ),
    Mutant("a reach of the range", STEP, "Arithmetic.LIMIT >> shift", "Arithmetic.LIMIT", STEPS),
    Mutant(
        "a mean beyond its range",
        STEP,
        "next.mean = here.mean.sat();",
        "next.mean = here.mean;",
        STEPS,
    ),
    Mutant("a mean that grows", STEP, "(change - next.mean).rdiv", "change.rdiv", STEPS),
    Mutant(
        "a mean rounded to zero",
        STEP,
        "(change - next.mean).rdiv(constants.meanDivisor)",
        "(change - next.mean) / constants.meanDivisor",
        STEPS,
    ),
    Mutant(
        "a square beyond its range",
        STEP,
        "here.square.clamp(0, SQUARE_LIMIT)",
        "here.square",
        STEPS,
    ),
    Mutant(
        "a square of 62 bits", STEP, "SQUARE_LIMIT = 3 * 2 ** 61", "SQUARE_LIMIT = 2 ** 62", STEPS
    ),
    Mutant(
        "a square of the mean",
        STEP,
        "square, change * change)",
        "square, next.mean * next.mean)",
        STEPS,
    ),
    Mutant(
        "no floor", STEP, "next.square.isqrt() + constants.floor", "next.square.isqrt() + 1", STEPS
    ),
    Mutant("a step at 24 bits", STEP, ".rdiv(divisor << shift)", ".rdiv(divisor)", STEPS),
    Mutant("a move the other way", STEP, "(value + move).sat()", "(value - move).sat()", STEPS),
    Mutant("a move beyond the range", STEP, "(value + move).sat()", "value + move", STEPS),
    Mutant(
        "Adagrad without end",
        STEP,
        "return sum < ADAGRAD_LIMIT ? sum : ADAGRAD_LIMIT;",
        "return sum;",
        STEPS,
    ),
    Mutant(
        "Adam as Adagrad", STEP, "(added - square).rdiv(constants", "added.rdiv(constants", STEPS
    ),
    Mutant(
        "Adam as Yogi",
        STEP,
        "if (constants.kind == OptimiserKind.Adam) {",
        "if (constants.fractionBits == 0) {",
        STEPS,
    ),
    Mutant("Yogi falls alone", STEP, "if (added > square) return square + part;", "", STEPS),
    Mutant(
        "Yogi falls at rest",
        STEP,
        "return added < square ? square - part : square;",
        "return square - part;",
        STEPS,
    ),
)

SETS = tuple(
    Mutant(what, BITMAP, old, new, PARTS)
    for what, old, new in (
        (
            "a position beyond the word",
            "return set >> position & 1 == 1;",
            "return set >> (position & 255) & 1 == 1;",
        ),
        (
            "256 are none",
            "set = set + (set >> 8) & LANES;\n            return set * ONES >> 240;",
            "return set * (type(uint256).max / 255) >> 248;",
        ),
        ("pairs are not counted", "set -= set >> 1 & PAIRS;", "set -= set >> 1 & NIBBLES;"),
        (
            "nibbles overflow",
            "set = set + (set >> 4) & BYTES;",
            "set = (set & BYTES) + (set >> 4 & BYTES >> 4);",
        ),
        (
            "fifteen votes are the most",
            "plane < PLANES && carry != 0",
            "plane < PLANES - 1 && carry != 0",
        ),
        ("a vote is no vote", "carry &= sum;", "carry &= ~sum;"),
        ("more than the threshold", "return more | equal;", "return more;"),
        ("exactly the threshold", "return more | equal;", "return equal;"),
    )
)

LIBRARIES = (*SUMS, *MOVES, *SETS)
