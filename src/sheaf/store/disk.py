"""A store in a directory: one file per blob, named by its id.

A file is written beside its place, flushed to disk and renamed into it, so that a reader sees all
of a blob or none, and a killed process or a second writer leaves nothing half done. What a killed
writer left lies in `partial/`, which no read looks at. Blobs fan out over directories by the last
two characters of their id; the first ones are the same for all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument
from sheaf.store.files import reachable, sync_directory
from sheaf.store.interface import verified

_PARTIAL = "partial"


class DiskStore:
    """Blobs under `path`, which is made if it is not there.

    Every method raises StoreUnavailable, naming the path, if the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reachable(path):
            path.mkdir(parents=True, exist_ok=True)

    def _place(self, content_id: ContentId) -> Path:
        name = str(content_id)
        return self.path / name[-2:] / name

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` under its id (see `Store.put`); a corrupt blob found there is replaced."""
        verified(data, content_id, "given to put")
        place = self._place(content_id)
        with reachable(place):
            if place.is_file() and place.read_bytes() == data:
                return
            place.parent.mkdir(exist_ok=True)
            self._write(data, place)

    def _write(self, data: bytes, place: Path) -> None:
        beside = self.path / _PARTIAL
        if not beside.is_dir():  # not made before: whoever only reads changes nothing
            beside.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=beside, prefix=place.name)
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)
        # The name is durable only once its directories are: also the fan-out's own, if it is new.
        sync_directory(place.parent)
        sync_directory(self.path)

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        place = self._place(content_id)
        with reachable(place):
            try:
                data = place.read_bytes()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise BlobMissing(f"{content_id}: not in the store at {self.path}") from error
            except (IsADirectoryError, PermissionError) as error:  # the latter on Windows
                if not place.is_dir():
                    raise
                raise BlobCorrupt(f"{content_id}: found a directory at {place}") from error
        return verified(data, content_id, f"in {place}")

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id."""
        return self._place(content_id).is_file()

    def ids(self) -> Iterator[ContentId]:
        """All ids kept, in order of their text; BlobCorrupt for a file that is none of ours."""
        files = (file for file in self.path.glob("??/*") if file.is_file())
        for file in sorted(files, key=lambda found: found.name):
            yield _named(file)


def _named(file: Path) -> ContentId:
    try:
        return ContentId.parse(file.name)
    except InvalidDocument as error:
        raise BlobCorrupt(f"{file}: the file's name is no content id") from error
