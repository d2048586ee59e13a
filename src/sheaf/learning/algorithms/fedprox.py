"""FedProx: FedAvg whose clients are held to the model they started from.

Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith, "Federated Optimization in Heterogeneous Networks",
MLSys 2020, equation 2: a client minimises ``F(w) + mu / 2 * |w - x|**2``, so its gradient at w is
that of F plus ``mu * (w - x)``. The server step is FedAvg's.

Guarantee: for mu large against the clients' dissimilarity the expected loss falls each round (their
theorem 4).
Breaking point: mu too large, and nobody moves; mu = 0 is FedAvg. It corrects drift, not malice.
"""

from collections.abc import Sequence
from typing import Any

from sheaf.learning.algorithms.algorithm import Algorithm, add, stateless
from sheaf.learning.hyperparameters import real


def fedprox(mu: Sequence[int]) -> Algorithm:
    """Return the algorithm for ``mu``, a ratio ``[numerator, denominator]``.

    Raises ``InvalidConfiguration`` unless ``mu`` is a ratio of at least 0.
    """
    strength = real(mu, minimum=0)

    def correct(gradient: Any, local: Any, start: Any) -> Any:
        return gradient + strength * (local - start)

    return Algorithm("fedprox", correct, add, stateless)
