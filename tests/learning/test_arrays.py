"""Rounded quotients of arrays equal those of plain integers, halves and limits included."""

import numpy as np
import pytest
import torch

from sheaf.learning.arrays import EXACT_QUOTIENTS, rdiv, round_quotients
from sheaf.protocol import arithmetic

DIVISORS = [1, 2, 3, 4, 7, 10, 64, 99, 100, 65_535, 2**16, 2**17 - 1, 2**17]


def sums_of(divisor: int, largest: int) -> list[int]:
    """Numbers at and beside halves and wholes of the divisor: small, at the limit, drawn."""
    generator = np.random.default_rng(divisor)
    quotients = [0, 1, 2, 1000, (largest - 1) // divisor - 1]
    quotients += generator.integers(0, largest // divisor, 2_000).tolist()
    beside = [-1, 0, 1, divisor // 2 - 1, divisor // 2, divisor // 2 + 1]
    found = {quotient * divisor + step for quotient in quotients for step in beside}
    found |= {largest - 1, *generator.integers(0, largest, 2_000).tolist()}
    return [sign * each for each in sorted(found) if each < largest for sign in (1, -1)]


@pytest.mark.parametrize("divisor", DIVISORS)
def test_quotients_in_floats_are_exact(divisor: int) -> None:
    sums = sums_of(divisor, EXACT_QUOTIENTS)
    expected = [arithmetic.rdiv(each, divisor) for each in sums]
    floats = np.array(sums, dtype=np.float64)
    tensors = torch.tensor(sums, dtype=torch.float64)
    round_quotients(floats, divisor)
    round_quotients(tensors, divisor)
    assert floats.astype(np.int64).tolist() == expected
    assert tensors.to(torch.int64).tolist() == expected


@pytest.mark.parametrize("divisor", [*DIVISORS, 2**31 - 1, 2**32 - 1])
def test_quotients_in_integers_are_exact(divisor: int) -> None:
    sums = sums_of(divisor, 2**62)
    expected = [arithmetic.rdiv(each, divisor) for each in sums]
    assert rdiv(np.array(sums, dtype=np.int64), divisor).tolist() == expected
    assert rdiv(torch.tensor(sums, dtype=torch.int64), divisor).tolist() == expected
