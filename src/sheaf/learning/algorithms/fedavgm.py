"""FedAvgM: FedAvg whose server carries the aggregate on by its momentum.

Hsu, Qi, Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
Classification", 2019: ``v = beta * v + D``, ``x' = x + lr * v``. Kept here is the
average ``M = beta * M + (1 - beta) * D``, which is v / k for ``beta = 1 - 1/k`` and so never leaves
the lattice's range: ``M' = M + rdiv(D - M, k)``, ``x' = sat(x + rdiv(M' * rate, ...))`` with
``rate = lr * k``.

Guarantee: one step is within ``0.5 + (rate / 2**24) / 2**(g + 1)`` lattice steps of exact
arithmetic, ``g = 24 - fraction_bits``.
Breaking point: what one aggregate gets through the rule goes on for k rounds; and as beta nears one
the step overshoots, so that lr has to shrink with it.
"""

from sheaf.learning.algorithms.algorithm import Algorithm
from sheaf.learning.algorithms.moments import server_optimiser
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind


def fedavgm(fraction_bits: int, mean_divisor: int, rate: int) -> Algorithm:
    """Return the algorithm, with the constants of ``sheaf.protocol.optimisers.Constants``.

    Raises ``InvalidConfiguration`` for a constant out of its bounds.
    """
    constants = Constants(mean_divisor, 0, rate, 0)
    optimiser = Optimiser(OptimiserKind.MOMENTUM, fraction_bits, constants)
    return server_optimiser("fedavgm", optimiser, None)
