"""Federated algorithms: how a client trains and how the server steps.

An algorithm is one file and one row of ``ALGORITHMS``; ``tests/learning/test_algorithms.py`` holds
every row to the same checks.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sheaf.learning.algorithms.algorithm import Algorithm, ServerStep, State
from sheaf.learning.algorithms.fedavg import fedavg
from sheaf.learning.algorithms.fedprox import fedprox

ALGORITHMS: Mapping[str, Callable[..., Algorithm]] = MappingProxyType(
    {
        "fedavg": fedavg,
        "fedprox": fedprox,
    }
)
"""Factories by the name that a task gives."""

__all__ = ["ALGORITHMS", "Algorithm", "ServerStep", "State", "fedavg", "fedprox"]
