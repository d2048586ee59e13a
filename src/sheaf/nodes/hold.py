"""Holding a run directory: one process at a time works on a run.

The lock is the system's, so it goes with its process however that ends. Beside it lies the holder's
process id, for whoever is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sheaf.protocol.errors import RunHeld, StoreUnavailable
from sheaf.store.files import is_file, reachable

LOCK = "lock"
HOLDER = "lock.pid"


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold `directory` for this process.

    Raises `RunHeld`, naming who holds it, or `StoreUnavailable` where nothing can be written.
    """
    lock, holder = FileLock(directory / LOCK), directory / HOLDER
    with reachable(directory):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise RunHeld(
                f"{directory.name}: found {_holder(holder)} at work on it, accepted: one at a time",
                hint="wait for it, or end it first",
            ) from None
    try:
        with reachable(holder):
            holder.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def holder(directory: Path) -> str:
    """Who is at work on `directory`; "" if nobody is, or that cannot be found out."""
    lock = FileLock(directory / LOCK)
    try:
        if not is_file(directory / LOCK):
            return ""
        lock.acquire(blocking=False)
    except Timeout:
        return _holder(directory / HOLDER)
    except (OSError, StoreUnavailable):
        return ""
    lock.release()
    return ""


def _holder(holder: Path) -> str:
    try:
        return f"process {int(holder.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
