"""Sheaf: federated learning on a ledger, where a stranger can recompute every number.

    import sheaf

    result = sheaf.run("mytask")     # what `sheaf run mytask` does; the rounds as a table
    sheaf.verify(result)             # recomputes it, or raises where something differs
    weights = result.model()         # tensors by name

Importing this package loads nothing else: these names bring in what they need when they are first
used. Imports between rooms point down only: apps, nodes, (ledger, store, proofs: siblings),
learning, protocol.
"""

from importlib import import_module

__version__ = "0.1.0"

__all__ = [
    "RoundResult",
    "RunResult",
    "VerificationResult",
    "__version__",
    "load",
    "run",
    "verify",
]


def __getattr__(name: str) -> object:
    """What `__all__` names beside the version, out of `sheaf.apps.api`."""
    if name in __all__:
        return getattr(import_module("sheaf.apps.api"), name)
    raise AttributeError(f"module 'sheaf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
