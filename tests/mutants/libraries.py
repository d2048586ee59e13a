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
)

SETS = (
    Mutant(
        "a position beyond the word",
        BITMAP,
        "return set >> position & 1 == 1;",
        "return set >> (position & 255) & 1 == 1;",
        PARTS,
    ),
    Mutant(
        "256 are none",
        BITMAP,
        "set = set + (set >> 8) & LANES;\n            return set * ONES >> 240;",
        "return set * (type(uint256).max / 255) >> 248;",
        PARTS,
    ),
    Mutant(
        "pairs are not counted",
        BITMAP,
        "set -= set >> 1 & PAIRS;",
        "set -= set >> 1 & NIBBLES;",
        PARTS,
    ),
    Mutant(
        "nibbles overflow",
        BITMAP,
        "set = set + (set >> 4) & BYTES;",
        "set = (set & BYTES) + (set >> 4 & BYTES >> 4);",
        PARTS,
    ),
    Mutant(
        "fifteen votes are the most",
        BITMAP,
        "plane < PLANES && carry != 0",
        "plane < PLANES - 1 && carry != 0",
        PARTS,
    ),
    Mutant("a vote is no vote", BITMAP, "carry &= sum;", "carry &= ~sum;", PARTS),
    Mutant("more than the threshold", BITMAP, "return more | equal;", "return more;", PARTS),
    Mutant("exactly the threshold", BITMAP, "return more | equal;", "return equal;", PARTS),
)

LIBRARIES = (*SUMS, *MOVES, *SETS)
