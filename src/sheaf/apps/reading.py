"""Files that somebody names on a command line: read up to a bound, and never waited for."""

from __future__ import annotations

from pathlib import Path

from sheaf.protocol.errors import InvalidUsage, SheafError
from sheaf.store.files import beginning


def content(
    path: Path, most_bytes: int, option: str = "", refusal: type[SheafError] = InvalidUsage
) -> bytes:
    """The bytes of a file, at most so many; `option` is what named it, for messages.

    Raises `InvalidUsage` for what is no regular file, such as a pipe, or cannot be read, and
    `refusal` for a larger one.
    """
    name = f"{option}: {path}" if option else str(path)
    try:
        found = beginning(path, most_bytes + 1)
    except OSError as error:
        raise InvalidUsage(f"{name}: cannot be read: {error.strerror or error}") from error
    if found is None:
        raise InvalidUsage(f"{name}: found a pipe or a device, accepted: a file")
    if len(found) > most_bytes:
        raise refusal(f"{name}: found more than {most_bytes:,} bytes, accepted: fewer")
    return found
