"""Files that survive: written whole or not at all, and durable before anything rests on them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sheaf.protocol.errors import StoreUnavailable

NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""What a system says where nothing is; anything else is no answer to whether something is."""


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """A file system that refuses, as `StoreUnavailable` naming `path`."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from error


def exists(path: Path) -> bool:
    """Whether something lies at `path`. Raises `StoreUnavailable` where nobody can tell."""
    return _mode(path) is not None


def is_file(path: Path) -> bool:
    """Whether a file lies at `path`. Raises `StoreUnavailable` where nobody can tell."""
    return stat.S_ISREG(_mode(path) or 0)


def is_folder(path: Path) -> bool:
    """Whether a folder lies at `path`. Raises `StoreUnavailable` where nobody can tell."""
    return stat.S_ISDIR(_mode(path) or 0)


def require_readable(path: Path) -> None:
    """Raise `StoreUnavailable` for a file that cannot be opened, before it is handed to a library
    that says nothing of why, or that nothing is there."""
    with reachable(path):
        path.open("rb").close()


def _mode(path: Path) -> int | None:
    """What lies there. Python's own question of the name takes a broken disk, in some of its
    versions, for nothing."""
    with reachable(path):
        try:
            return path.stat().st_mode
        except OSError as error:
            if error.errno in NOTHING:
                return None
            raise
        except ValueError:  # a zero byte, which no name has
            return None


def at_once(path: str, flags: int) -> int:
    """An opener for files of others: a pipe to which nobody writes is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


_PART_BYTES = 2**20


def beginning(path: Path, most_bytes: int) -> bytes | None:
    """The first bytes of a file, at most so many; None where a pipe or a device lies there. Raises
    `OSError` where it cannot be read."""
    with open(path, "rb", opener=at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        # In parts, since a read takes the memory of all that it may give.
        found = bytearray()
        while part := file.read(min(_PART_BYTES, most_bytes - len(found))):
            found += part
        return bytes(found)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises `StoreUnavailable`."""
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all; where one cannot be written, none of them is. Raises
    `StoreUnavailable`."""
    partials = {path: path.with_name(path.name + ".partial") for path in contents}
    try:
        for path, content in contents.items():
            with reachable(path), partials[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, partial in partials.items():
            with reachable(path):
                partial.replace(path)
    finally:
        for path, partial in partials.items():
            with reachable(path):
                partial.unlink(missing_ok=True)
    for path in {path.parent: path for path in contents}.values():
        with reachable(path):
            sync_directory(path.parent)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to be written in parts, in any order: in its place at the end, or not at all. Raises
    `StoreUnavailable`."""
    partial = path.with_name(path.name + ".partial")
    try:
        with reachable(path):
            file = partial.open("wb")
        with file:
            yield file
            with reachable(path):
                file.flush()
                os.fsync(file.fileno())
        with reachable(path):
            partial.replace(path)
            sync_directory(path.parent)
    finally:
        with reachable(path):
            partial.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, where the system can open one (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
