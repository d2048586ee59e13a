"""What was asked for last, as much as so many bytes hold.

A bound on entries says nothing of memory where somebody else decides how large one is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, the least recently used of which go first; `most_bytes` of all together, by
    the sizes that they are added with. What is larger than that by itself is not kept."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.held_bytes = most_bytes, 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value under a key, None where it is not kept."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def add(self, key: K, value: V, size_bytes: int) -> None:
        """Keep a value in place of what was under its key, and let the oldest go for it."""
        self.drop(key)
        if size_bytes > self.most_bytes:
            return
        self._entries[key] = value, size_bytes
        self.held_bytes += size_bytes
        while self.held_bytes > self.most_bytes:
            _, (_, size) = self._entries.popitem(last=False)
            self.held_bytes -= size

    def drop(self, key: K) -> None:
        """Forget what is under a key, if anything is."""
        _, size = self._entries.pop(key, (None, 0))
        self.held_bytes -= size

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        self.held_bytes = 0
