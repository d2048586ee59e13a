"""Federated algorithms: how a client trains and how the server steps.

An algorithm is one file and one row of ``ALGORITHMS``; ``tests/learning/test_algorithms.py`` holds
every row to the same checks. A task can name it once ``sheaf.protocol.bounds`` has a row, too.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sheaf.learning.algorithms.algorithm import Algorithm, ServerStep, State
from sheaf.learning.algorithms.fedadagrad import fedadagrad
from sheaf.learning.algorithms.fedadam import fedadam
from sheaf.learning.algorithms.fedavg import fedavg
from sheaf.learning.algorithms.fedavgm import fedavgm
from sheaf.learning.algorithms.fedprox import fedprox
from sheaf.learning.algorithms.fedyogi import fedyogi

ALGORITHMS: Mapping[str, Callable[..., Algorithm]] = MappingProxyType(
    {
        "fedavg": fedavg,
        "fedprox": fedprox,
        "fedavgm": fedavgm,
        "fedadagrad": fedadagrad,
        "fedadam": fedadam,
        "fedyogi": fedyogi,
    }
)
"""Factories by the name that a task gives."""

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "ServerStep",
    "State",
    "fedadagrad",
    "fedadam",
    "fedavg",
    "fedavgm",
    "fedprox",
    "fedyogi",
]
