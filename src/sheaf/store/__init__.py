"""Where bytes lie, by content id: verified when written and on every read.

May import `sheaf.protocol`; never `sheaf.ledger` or `sheaf.proofs`.
"""

from sheaf.store.disk import DiskStore
from sheaf.store.interface import Store
from sheaf.store.layered import LayeredStore
from sheaf.store.memory import MemoryStore

__all__ = ["DiskStore", "LayeredStore", "MemoryStore", "Store"]
