"""Exact statistics in integers and fractions: no rounding decides what is called unlikely.

- `two_sided`: the exact binomial test (Clopper and Pearson, Biometrika 26, 1934, in its form that
  adds up all outcomes no likelier than the one seen).
- `holm`: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6
  (1979); it bounds the chance of any false alarm under any dependence between the tests.
- `gini`: half the relative mean absolute difference; 0 where all are equal, 1 - 1/n where one has
  everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb


def two_sided(trials: int, hits: int, odds: Fraction) -> Fraction:
    """How likely an outcome at most as likely as `hits` in so many independent `trials` is.

    Raises `ValueError` for odds outside [0, 1] or more hits than trials.
    """
    if not 0 <= odds <= 1 or not 0 <= hits <= trials:
        raise ValueError(f"found {hits} hits in {trials} trials at odds {odds}")
    yes, no = odds.numerator, odds.denominator - odds.numerator
    weights = [comb(trials, x) * yes**x * no ** (trials - x) for x in range(trials + 1)]
    return Fraction(sum(w for w in weights if w <= weights[hits]), odds.denominator**trials)


def holm(values: Sequence[Fraction]) -> list[Fraction]:
    """P-values of a family, adjusted, in the order they came."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, highest = [Fraction(1)] * len(values), Fraction(0)
    for rank, place in enumerate(order):
        highest = max(highest, min(Fraction(1), (len(values) - rank) * values[place]))
        adjusted[place] = highest
    return adjusted


def gini(shares: Sequence[int]) -> Fraction | None:
    """Concentration of non-negative amounts; None where there is nothing to be concentrated."""
    total, count = sum(shares), len(shares)
    if not total:
        return None
    ranked = sum((2 * rank - count - 1) * x for rank, x in enumerate(sorted(shares), 1))
    return Fraction(ranked, count * total)
