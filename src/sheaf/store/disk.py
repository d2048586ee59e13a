"""A store in a directory: one file per blob, named by its id.

A file is written beside its place, flushed to disk and renamed into it, so that a reader sees all
of a blob or none, and a killed process or a second writer leaves nothing half done. What a killed
writer left lies in `partial/`, which no read looks at. Blobs fan out over directories by the last
two characters of their id; the first ones are the same for all.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument
from sheaf.store.files import is_file, is_folder, reachable, sync_directory
from sheaf.store.interface import Copy, Draft, verified, verify_copy

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
            if is_file(place) and place.read_bytes() == data:
                return
            place.parent.mkdir(exist_ok=True)
            self._write(data, place)

    def _write(self, data: bytes, place: Path) -> None:
        with self._beside(place.name) as (file, written):
            file.write(data)
            self._settle(file, written, place)

    @contextmanager
    def _beside(self, prefix: str) -> Iterator[tuple[BinaryIO, Path]]:
        """A new file beside the blobs, which is gone at the end unless it was moved."""
        folder = self.path / _PARTIAL
        if not is_folder(folder):  # not made before: whoever only reads changes nothing
            folder.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix)
        written = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, written
        finally:
            written.unlink(missing_ok=True)

    def _settle(self, file: BinaryIO, written: Path, place: Path) -> None:
        """Move what was written to its place, durably."""
        file.flush()
        os.fsync(file.fileno())
        file.close()
        written.replace(place)
        # The name is durable only once its directories are: also the fan-out's own, if it is new.
        sync_directory(place.parent)
        sync_directory(self.path)

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """A blob to be written in parts (see `Store.draft`), to a file from the first one on."""
        with reachable(self.path), self._beside("draft") as (file, written):
            yield _DiskDraft(self, file, written)

    def keep(self, file: BinaryIO, written: Path, content_id: ContentId) -> None:
        """Move the file of a draft to its place, once what can be read from it was verified."""
        place = self._place(content_id)
        with reachable(place):
            file.flush()
            verify_copy(_copy(written), content_id)
            place.parent.mkdir(exist_ok=True)
            self._settle(file, written, place)

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        place = self._place(content_id)
        with reachable(place):
            try:
                _require_plain(place)
                data = place.read_bytes()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise BlobMissing(f"{content_id}: not in the store at {self.path}") from error
            except (IsADirectoryError, PermissionError) as error:  # the latter on Windows
                if not place.is_dir():
                    raise
                raise BlobCorrupt(f"{content_id}: found a directory at {place}") from error
        return verified(data, content_id, f"in {place}")

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """The one copy (see `Store.copies`); its file is opened for each part."""
        place = self._place(content_id)
        with reachable(place):
            try:
                copy = _copy(place)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise BlobMissing(f"{content_id}: not in the store at {self.path}") from error
        yield copy

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id."""
        return is_file(self._place(content_id))

    def ids(self) -> Iterator[ContentId]:
        """All ids kept, in order of their text; BlobCorrupt for a file that is none of ours."""
        with reachable(self.path):
            files = [file for file in self.path.glob("??/*") if is_file(file)]
        for file in sorted(files, key=lambda found: found.name):
            yield _named(file)


@dataclass(frozen=True)
class _DiskDraft:
    store: DiskStore
    file: BinaryIO
    written: Path

    def append(self, data: bytes) -> None:
        self.file.write(data)

    def keep(self, content_id: ContentId) -> None:
        self.store.keep(self.file, self.written, content_id)


def _require_plain(place: Path) -> None:
    """Raise BlobMissing for what is no file of the store's own: a link leads to others' files, and
    a pipe or device never ends. Directories are told of where they are read."""
    kind = place.lstat().st_mode
    if place.parent.is_symlink() or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise BlobMissing(f"{place}: found a link or a device, accepted: a plain file")


def _copy(place: Path) -> Copy:
    _require_plain(place)
    found = place.stat()
    identity = f"{place.resolve()} {found.st_ino} {found.st_size} {found.st_mtime_ns}"
    return Copy(f"in {place}", found.st_size, partial(_ranged, place), identity)


def _ranged(place: Path, start: int, stop: int) -> bytes:
    with reachable(place):
        try:
            with place.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(stop - start) or b""
        except FileNotFoundError as error:
            raise BlobMissing(f"{place}: gone while it was read") from error
        except (IsADirectoryError, PermissionError) as error:  # the latter on Windows
            if not place.is_dir():
                raise
            raise BlobCorrupt(f"found a directory at {place}") from error


def _named(file: Path) -> ContentId:
    try:
        return ContentId.parse(file.name)
    except InvalidDocument as error:
        raise BlobCorrupt(f"{file}: the file's name is no content id") from error
