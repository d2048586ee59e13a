"""FedYogi: FedAdam whose V moves by the size of the square alone, never by its distance from it.

Reddi et al., "Adaptive Federated Optimization", ICLR 2021, algorithm 2, after Zaheer, Reddi,
Sachan, Kale, Kumar, "Adaptive Methods for Nonconvex Optimization", NeurIPS 2018:
``V' = V + sign(D**2 - V) * rdiv(D**2, k2)``; all else as in FedAdam.

Guarantee: FedAdam's, which they say carries over; besides, V falls by at most D**2 / k2 a round, so
that the step does not grow at once when aggregates become small.
Breaking point: for the same reason one huge aggregate holds a coordinate back for long: a Byzantine
participant that gets it through the rule slows learning instead of steering it.
"""

from typing import Any

from sheaf.learning.algorithms.algorithm import Algorithm
from sheaf.learning.algorithms.moments import divide, server_optimiser
from sheaf.learning.arrays import namespace
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind


def fedyogi(
    fraction_bits: int, mean_divisor: int, square_divisor: int, rate: int, floor: int
) -> Algorithm:
    """Return the algorithm, with the constants of ``sheaf.protocol.optimisers.Constants``.

    Raises ``InvalidConfiguration`` for a constant out of its bounds.
    """
    constants = Constants(mean_divisor, square_divisor, rate, floor)

    def grow(V: Any, square: Any, spare: Any) -> None:
        direction = namespace(V).sign(square - V)
        divide(square, square_divisor, spare)
        square *= direction

    optimiser = Optimiser(OptimiserKind.YOGI, fraction_bits, constants)
    return server_optimiser("fedyogi", optimiser, grow)
