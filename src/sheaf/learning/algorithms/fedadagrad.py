"""FedAdagrad: FedAvg whose server divides by the root of all squares so far.

Reddi et al., "Adaptive Federated Optimization", ICLR 2021, algorithm 2, after Duchi, Hazan, Singer,
"Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011:
``V' = min(V + D**2, 2**62)``; all else as in FedAdam. Their experiments take ``mean_divisor = 1``.

Guarantee: on smooth losses of bounded variance the least squared gradient so far falls as
1/sqrt(rounds) (their theorem 1); a coordinate that is rarely touched keeps its large steps, which
suits sparse data.
Breaking point: V never falls, so that steps only shrink; one huge aggregate ends a coordinate's
learning for good.
"""

from typing import Any

from sheaf.learning.algorithms.algorithm import Algorithm
from sheaf.learning.algorithms.moments import server_optimiser
from sheaf.learning.arrays import namespace
from sheaf.protocol.optimisers import ADAGRAD_LIMIT, Constants, Optimiser, OptimiserKind


def fedadagrad(fraction_bits: int, mean_divisor: int, rate: int, floor: int) -> Algorithm:
    """Return the algorithm, with the constants of ``sheaf.protocol.optimisers.Constants``.

    Raises ``InvalidConfiguration`` for a constant out of its bounds.
    """
    constants = Constants(mean_divisor, 0, rate, floor)
    optimiser = Optimiser(OptimiserKind.ADAGRAD, fraction_bits, constants)
    return server_optimiser("fedadagrad", optimiser, _grow)


def _grow(V: Any, square: Any, spare: Any) -> None:
    # What is left below the limit comes first, since the sum might not fit.
    spare[:] = ADAGRAD_LIMIT
    spare -= V
    namespace(V).minimum(square, spare, out=square)
