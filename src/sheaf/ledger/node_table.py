"""The engine's key-value mapping as a table: what a block writes waits until it is committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableMapping

from sheaf.ledger.connections import translated
from sheaf.ledger.recent import Recent

_RECENT_BYTES = 32 * 2**20
"""Of entries kept in memory, a few hundred bytes each: a block reads some two thousand of them."""

_ENTRY_BYTES = 200
"""About what one takes besides its value."""


class NodeTable(MutableMapping[bytes, bytes]):
    """The engine's mapping: reads go to the table, writes wait until the block is committed."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._waiting: dict[bytes, bytes | None] = {}
        self._recent: Recent[bytes, bytes] = Recent(_RECENT_BYTES)

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._waiting:
            value = self._waiting[key]
        else:
            value = self._recent.get(key)
            if value is None:
                value = self._read(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._waiting[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._waiting[key] = None

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[bytes]:
        with translated(self._name):
            keys = self._connection.execute("SELECT key FROM nodes ORDER BY key").fetchall()
        yield from (key for (key,) in keys)

    def __len__(self) -> int:
        with translated(self._name):
            return int(self._connection.execute("SELECT count(*) FROM nodes").fetchone()[0])

    def discard(self) -> None:
        """Forget what was not flushed and committed."""
        self._waiting.clear()

    def flush(self) -> None:
        """Write what waits, inside the caller's SQLite transaction."""
        written = [(key, value) for key, value in self._waiting.items() if value is not None]
        removed = [(key,) for key, value in self._waiting.items() if value is None]
        self._connection.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?)", written)
        self._connection.executemany("DELETE FROM nodes WHERE key = ?", removed)

    def keep(self) -> None:
        """What waited is committed: from now on it is read from memory while there is room."""
        for key, value in self._waiting.items():
            if value is None:
                self._recent.drop(key)
            else:
                self._remember(key, value)
        self._waiting.clear()

    def _read(self, key: bytes) -> bytes | None:
        with translated(self._name):
            found = self._connection.execute("SELECT value FROM nodes WHERE key = ?", (key,))
            row = found.fetchone()
        if row is None:
            return None
        value: bytes = row[0]
        self._remember(key, value)
        return value

    def _remember(self, key: bytes, value: bytes) -> None:
        self._recent.add(key, value, len(value) + _ENTRY_BYTES)
