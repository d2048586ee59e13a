"""FedAdam: FedAvg whose server steps by Adam, without the correction of the first steps' bias.

Reddi, Charles, Zaheer, Garrett, Rush, Konecny, Kumar, McMahan, "Adaptive Federated Optimization",
ICLR 2021, algorithm 2, with D the aggregate:
``M' = M + rdiv(D - M, k1)``, ``V' = V + rdiv(D**2 - V, k2)``,
``x' = sat(x + rdiv(M' * rate, isqrt(V') + floor))``. Their beta is ``1 - 1/k``, their tau is
the floor, and V starts at its square.

Guarantee: on smooth losses of bounded variance the least squared gradient so far falls as
1/sqrt(rounds) (their theorem 2); layers of unlike gradients need no rates of their own.
Breaking point: the step hardly shrinks with the aggregate, since both moments do, so that a
coordinate that only carries noise walks at the full rate; a small floor makes it leap. V forgets a
large aggregate within k2 rounds, and the step grows again as fast (FedYogi's does not).
"""

from typing import Any

from sheaf.learning.algorithms.algorithm import Algorithm
from sheaf.learning.algorithms.moments import divide, server_optimiser
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind


def fedadam(
    fraction_bits: int, mean_divisor: int, square_divisor: int, rate: int, floor: int
) -> Algorithm:
    """Return the algorithm, with the constants of ``sheaf.protocol.optimisers.Constants``.

    Raises ``InvalidConfiguration`` for a constant out of its bounds.
    """
    constants = Constants(mean_divisor, square_divisor, rate, floor)

    def grow(V: Any, square: Any, spare: Any) -> None:
        square -= V
        divide(square, square_divisor, spare)

    optimiser = Optimiser(OptimiserKind.ADAM, fraction_bits, constants)
    return server_optimiser("fedadam", optimiser, grow)
