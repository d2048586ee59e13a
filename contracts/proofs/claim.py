"""What is proved, and how far Newton's method is off."""

from __future__ import annotations

from dataclasses import dataclass

import z3


@dataclass(frozen=True)
class Claim:
    """What would refute it, and what would refute the same with a mistake: the first must not be
    found, the second must."""

    name: str
    proof: z3.BoolRef
    mistaken: z3.BoolRef


def error_after(e: int, steps: int) -> int:
    """The most that an estimate of a root of `e` bits is off after so many steps from 3 * 2^(e-2),
    carried along in whole numbers."""
    least, estimate, error = 2 ** (e - 1), 3 * 2**e // 4, 2**e // 4
    error = (error**2 + 2 * (2**e - 1)) // (2 * estimate)
    for _ in range(steps - 1):
        # (d^2 + 2s) / 2(s + d) is at most d^2 / 2s + 1, and falls as s grows.
        error = (error**2 + 2 * least) // (2 * least)
    return error
