"""Connections to SQLite: their errors, how durable they write, and who has the file."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sheaf.ledger.errors import LedgerInUse
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable

_BUSY_SECONDS = 10.0


@contextmanager
def translated(name: str) -> Iterator[None]:
    """SQLite's errors, and the file system's, as the two that callers know."""
    try:
        yield
    except OSError as error:
        raise LedgerUnavailable(f"{name} cannot be used: {error.strerror or error}") from error
    except sqlite3.OperationalError as error:
        raise LedgerUnavailable(f"{name} cannot be used: {error}") from error
    except (sqlite3.DatabaseError, ValueError) as error:
        raise LedgerCorrupt(f"{name} is corrupt: {error}") from error


def size_bytes(path: Path) -> int | None:
    """Of a file; None where none lies. LedgerUnavailable where nobody can tell."""
    with translated(str(path)):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    """A connection that is closed in whatever thread Python happens to clear it away."""
    return sqlite3.connect(
        name, _BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri
    )


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """A number that SQLite knows of the file."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def take(connection: sqlite3.Connection) -> None:
    """Have the file alone, until the connection is closed; LedgerInUse, at once, where somebody
    else has it. Nothing may have been read before: SQLite would keep the lock that that took."""
    try:
        _set(connection, "busy_timeout = 0", "locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise LedgerInUse("the file is in use by somebody else") from error


def settle(connection: sqlite3.Connection, *, alone: bool) -> None:
    """Have every commit written through or, to a file that nobody else has, write faster: a power
    cut may take the last commits then, but tears none."""
    if alone:
        _set(connection, "journal_mode = WAL", "synchronous = NORMAL", "wal_checkpoint(TRUNCATE)")
    else:
        _set(connection, "synchronous = FULL")


def _set(connection: sqlite3.Connection, *settings: str) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}").fetchall()
