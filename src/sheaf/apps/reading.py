"""Files that somebody names on a command line: read up to a bound, and never waited for."""

from __future__ import annotations

import errno
from pathlib import Path

from sheaf.protocol.errors import InvalidUsage, SheafError, StoreUnavailable
from sheaf.store.files import NOTHING, beginning

_MISTAKEN = (*NOTHING, errno.EISDIR)
"""What a system says of a name that is no file's; anything else is a file's own trouble."""


def content(
    path: Path, most_bytes: int, option: str = "", refusal: type[SheafError] = InvalidUsage
) -> bytes:
    """The bytes of a file, at most so many; `option` is what named it, for messages.

    Raises `InvalidUsage` for what is no regular file, such as a pipe, or not there, `refusal` for a
    larger one, and `StoreUnavailable` for one that cannot be read.
    """
    name = f"{option}: {path}" if option else str(path)
    try:
        found = beginning(path, most_bytes + 1)
    except OSError as error:
        kind = InvalidUsage if error.errno in _MISTAKEN else StoreUnavailable
        raise kind(f"{name}: cannot be read: {error.strerror or error}") from error
    if found is None:
        raise InvalidUsage(f"{name}: found a pipe or a device, accepted: a file")
    if len(found) > most_bytes:
        raise refusal(f"{name}: found more than {most_bytes:,} bytes, accepted: fewer")
    return found
