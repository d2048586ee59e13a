"""Sheaf: federated learning on a ledger, where a stranger can recompute every number.

Importing this package loads nothing else: take what you need from its rooms. Imports between rooms
point down only: apps, nodes, (ledger, store, proofs: siblings), learning, protocol.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
