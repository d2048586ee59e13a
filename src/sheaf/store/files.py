"""Files that survive: written whole or not at all, and durable before anything rests on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sheaf.protocol.errors import StoreUnavailable


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """A file system that refuses, as `StoreUnavailable` naming `path`."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises `StoreUnavailable`."""
    partial = path.with_name(path.name + ".partial")
    with reachable(path):
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, where the system can open one (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
