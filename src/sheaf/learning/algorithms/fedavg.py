"""FedAvg: clients descend their own loss, the server adds the aggregate.

McMahan, Moore, Ramage, Hampson, Aguera y Arcas, "Communication-Efficient Learning of Deep Networks
from Decentralized Data", AISTATS 2017, algorithm 1:  ``x' = sat(x + aggregate)``. With the weighted
mean this is their weighted average of local models, since each update is a local model less x.

Guarantee: with one local full-batch step it is gradient descent on the pooled loss.
Breaking point: with many local steps on unlike data, clients drift to their own optima and the
average need not be a stationary point (Karimireddy et al., "SCAFFOLD", ICML 2020, theorem II).
"""

from sheaf.learning.algorithms.algorithm import Algorithm, add, stateless, unchanged


def fedavg() -> Algorithm:
    """Return the algorithm."""
    return Algorithm("fedavg", unchanged, add, stateless)
