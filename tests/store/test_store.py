"""One suite over all stores, then what only a disk can do wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sheaf.protocol.content import ContentId, document_id, raw_id, tree_id
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, StoreUnavailable
from sheaf.protocol.merkle import tree_root
from sheaf.store import DiskStore, LayeredStore, MemoryStore, Store
from sheaf.store.interface import Copy, sound_copy
from sheaf.store.several import SeveralStores

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _path: MemoryStore(),
    "disk": lambda path: DiskStore(path / "blobs"),
    "layered": lambda path: LayeredStore(MemoryStore(), DiskStore(path / "blobs")),
}
MODEL = bytes(range(256)) * 50
MODEL_ID = tree_id(tree_root(MODEL, 4096), 4096)


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


def file_of(root: Path, content_id: ContentId) -> Path:
    (found,) = root.rglob(str(content_id))
    return found


class TestEveryStore:
    @pytest.mark.parametrize(
        ("data", "content_id"),
        [(b"", raw_id(b"")), (b"\xa0", document_id(b"\xa0")), (MODEL, MODEL_ID)],
    )
    def test_what_was_put_is_got(self, store: Store, data: bytes, content_id: ContentId) -> None:
        assert not store.has(content_id)
        store.put(data, content_id)
        store.put(data, content_id)
        assert store.has(content_id)
        assert store.get(content_id) == data
        assert list(store.ids()) == [content_id]

    def test_ids_come_in_order_of_their_text(self, store: Store) -> None:
        kept = [raw_id(bytes([i])) for i in range(20)]
        for i, content_id in enumerate(kept):
            store.put(bytes([i]), content_id)
        assert list(store.ids()) == sorted(kept, key=str)

    def test_a_missing_blob_is_named(self, store: Store) -> None:
        with pytest.raises(BlobMissing, match=str(MODEL_ID)):
            store.get(MODEL_ID)

    def test_other_bytes_are_refused_and_not_kept(self, store: Store) -> None:
        with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
            store.put(MODEL + b"\0", MODEL_ID)
        assert not store.has(MODEL_ID)
        assert list(store.ids()) == []

    def test_a_copy_is_read_in_parts(self, store: Store) -> None:
        store.put(MODEL, MODEL_ID)
        (copy,) = store.copies(MODEL_ID)
        assert copy.size_bytes == len(MODEL)
        assert copy.read(MODEL_ID, 5000, 9000) == MODEL[5000:9000]
        assert copy.read(MODEL_ID, 0, len(MODEL)) == MODEL
        with pytest.raises(BlobCorrupt, match=f"{MODEL_ID}: found 1 bytes from 12799 to 12801"):
            copy.read(MODEL_ID, 12_799, 12_801)

    def test_there_is_no_copy_of_a_missing_blob(self, store: Store) -> None:
        with pytest.raises(BlobMissing, match=str(MODEL_ID)):
            next(store.copies(MODEL_ID))

    def test_what_was_drafted_in_parts_is_got(self, store: Store) -> None:
        with store.draft() as draft:
            for start in range(0, len(MODEL), 1000):
                draft.append(MODEL[start : start + 1000])
            assert list(store.ids()) == []
            draft.keep(MODEL_ID)
        assert store.get(MODEL_ID) == MODEL

    def test_a_draft_of_other_bytes_is_refused_and_not_kept(self, store: Store) -> None:
        with store.draft() as draft:
            draft.append(MODEL[:-1])
            with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
                draft.keep(MODEL_ID)
        with store.draft() as forgotten:
            forgotten.append(MODEL)
        assert list(store.ids()) == []


def test_memory_is_verified_on_every_read_too() -> None:
    store = MemoryStore()
    store.put(MODEL, MODEL_ID)
    store._blobs[MODEL_ID] = MODEL[:-1]
    with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
        store.get(MODEL_ID)


def test_layers_are_read_from_the_near_one_first_and_from_the_far_one_where_that_fails() -> None:
    near, far = MemoryStore(), MemoryStore()
    store, other = LayeredStore(near, far), raw_id(b"far")
    far.put(b"far", other)
    far.put(MODEL, MODEL_ID)
    assert store.get(other) == b"far"
    store.put(MODEL, MODEL_ID)
    assert near.get(MODEL_ID) == MODEL
    assert not near.has(other)
    assert list(store.ids()) == sorted([other, MODEL_ID], key=str)
    near._blobs[MODEL_ID] = MODEL[:-1]
    assert store.get(MODEL_ID) == MODEL
    assert [copy.size_bytes for copy in store.copies(MODEL_ID)] == [len(MODEL) - 1, len(MODEL)]
    assert sound_copy(store, MODEL_ID).size_bytes == len(MODEL)
    far._blobs[MODEL_ID] = MODEL[:-1]
    with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
        sound_copy(store, MODEL_ID)
    with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
        store.get(MODEL_ID)


class TestDiskStore:
    def test_blobs_survive_reopening(self, tmp_path: Path) -> None:
        DiskStore(tmp_path).put(MODEL, MODEL_ID)
        assert DiskStore(tmp_path).get(MODEL_ID) == MODEL

    @pytest.mark.parametrize("change", ["flipped", "truncated", "longer", "empty"])
    def test_a_corrupt_file_is_never_returned(self, tmp_path: Path, change: str) -> None:
        store = DiskStore(tmp_path)
        store.put(MODEL, MODEL_ID)
        file = file_of(tmp_path, MODEL_ID)
        flipped = MODEL[:5000] + bytes([MODEL[5000] ^ 1]) + MODEL[5001:]
        file.write_bytes(
            {"flipped": flipped, "truncated": MODEL[:-1], "longer": MODEL + b"\0", "empty": b""}[
                change
            ]
        )
        with pytest.raises(BlobCorrupt, match=str(MODEL_ID)) as caught:
            store.get(MODEL_ID)
        assert str(file) in caught.value.message
        assert caught.value.exit_code == 4

    @pytest.mark.parametrize("kind", ["link", "linked folder", "pipe"])
    def test_what_is_no_plain_file_of_the_store_is_not_read(
        self, tmp_path: Path, kind: str
    ) -> None:
        """A store that somebody gave may link to any file of this machine, or never end."""
        store, elsewhere = DiskStore(tmp_path / "store"), DiskStore(tmp_path / "elsewhere")
        elsewhere.put(MODEL, MODEL_ID)
        other = file_of(tmp_path / "elsewhere", MODEL_ID)
        file = tmp_path / "store" / other.relative_to(tmp_path / "elsewhere")
        if kind == "linked folder":
            file.parent.symlink_to(other.parent)
        else:
            file.parent.mkdir()
            if kind == "link":
                file.symlink_to(other)
            else:
                os.mkfifo(file)
        for read in (store.get, lambda content_id: list(store.copies(content_id))):
            with pytest.raises(BlobMissing, match="accepted: a plain file"):
                read(MODEL_ID)
        # Another store is asked instead.
        for whole in (
            LayeredStore(store, elsewhere),
            SeveralStores([("given", store), ("own", elsewhere)]),
        ):
            assert whole.get(MODEL_ID) == MODEL
            assert sound_copy(whole, MODEL_ID).size_bytes == len(MODEL)

    def test_nothing_is_left_of_a_draft_that_was_not_kept(self, tmp_path: Path) -> None:
        with DiskStore(tmp_path).draft() as draft:
            draft.append(b"other bytes")
            with pytest.raises(BlobCorrupt):
                draft.keep(MODEL_ID)
        assert [path.name for path in tmp_path.rglob("*")] == ["partial"]

    @pytest.mark.parametrize("change", ["cut", "gone", "a directory"])
    def test_a_file_that_changes_while_it_is_read_in_parts(
        self, tmp_path: Path, change: str
    ) -> None:
        store = DiskStore(tmp_path)
        store.put(MODEL, MODEL_ID)
        (copy,) = store.copies(MODEL_ID)
        file = file_of(tmp_path, MODEL_ID)
        file.unlink()
        if change == "cut":
            file.write_bytes(MODEL[:100])
        if change == "a directory":
            file.mkdir()
        with pytest.raises(BlobMissing if change == "gone" else BlobCorrupt, match=str(MODEL_ID)):
            copy.read(MODEL_ID, 0, len(MODEL))

    def test_putting_the_right_bytes_again_heals(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        store.put(MODEL, MODEL_ID)
        file_of(tmp_path, MODEL_ID).write_bytes(b"rubbish")
        store.put(MODEL, MODEL_ID)
        assert store.get(MODEL_ID) == MODEL

    def test_a_deleted_file_is_missing(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        store.put(MODEL, MODEL_ID)
        file_of(tmp_path, MODEL_ID).unlink()
        assert not store.has(MODEL_ID)
        with pytest.raises(BlobMissing, match=str(MODEL_ID)):
            store.get(MODEL_ID)

    def test_a_foreign_file_is_reported(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        (tmp_path / "zz").mkdir()
        (tmp_path / "zz" / "notes").write_text("mine")
        with pytest.raises(BlobCorrupt, match="zz/notes"):
            list(store.ids())

    def test_concurrent_puts_of_one_blob(self, tmp_path: Path) -> None:
        stores = [DiskStore(tmp_path) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(store.put, MODEL, MODEL_ID) for store in stores for _ in range(10)]
        assert [future.exception() for future in done] == [None] * 80
        assert stores[0].get(MODEL_ID) == MODEL
        assert len(list(tmp_path.rglob("*/*"))) == 1

    @pytest.mark.parametrize("end", ["full", "killed"])
    def test_a_write_cut_off_half_way_shows_nothing(self, tmp_path: Path, end: str) -> None:
        """The system cuts the writer off at 1,000 bytes: as an error, or by killing it."""
        root = tmp_path / "blobs"
        writer = f"""
            import resource, signal, sys
            from pathlib import Path
            from sheaf.protocol.content import raw_id
            from sheaf.protocol.errors import StoreUnavailable
            from sheaf.store import DiskStore

            store = DiskStore(Path({str(root)!r}))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if {end == "killed"}:
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            try:
                store.put(bytes(5000), raw_id(bytes(5000)))
            except StoreUnavailable as error:
                sys.exit(f"{{error.exit_code}} {{error}}")
        """
        command = [sys.executable, "-c", textwrap.dedent(writer)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        store, content_id = DiskStore(root), raw_id(bytes(5000))
        left = [file.stat().st_size for file in (root / "partial").iterdir()]
        if end == "killed":
            assert ended.returncode == -signal.SIGXFSZ
            assert left == [1000]
        else:
            assert ended.stderr.startswith("4 ")
            assert "File too large" in ended.stderr
            assert left == []
        assert list(store.ids()) == []
        with pytest.raises(BlobMissing):
            store.get(content_id)
        store.put(bytes(5000), content_id)
        assert store.get(content_id) == bytes(5000)

    def test_reading_makes_nothing(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        assert not store.has(MODEL_ID)
        assert list(store.ids()) == []
        with pytest.raises(BlobMissing):
            store.get(MODEL_ID)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_where_blobs_fan_out_holds_none(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        (tmp_path / str(MODEL_ID)[-2:]).write_text("in the way")
        with pytest.raises(BlobMissing, match=str(MODEL_ID)):
            store.get(MODEL_ID)
        assert list(store.ids()) == []

    def test_a_place_that_is_no_directory_is_unavailable(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("in the way")
        with pytest.raises(StoreUnavailable, match=f"{file}") as caught:
            DiskStore(file)
        assert caught.value.exit_code == 4

    def test_a_directory_in_a_blobs_place_is_corrupt(self, tmp_path: Path) -> None:
        store = DiskStore(tmp_path)
        store.put(MODEL, MODEL_ID)
        file = file_of(tmp_path, MODEL_ID)
        file.unlink()
        file.mkdir()
        with pytest.raises(BlobCorrupt, match=f"{MODEL_ID}: found a directory at {file}"):
            store.get(MODEL_ID)
        with pytest.raises(StoreUnavailable, match="Is a directory"):
            store.put(MODEL, MODEL_ID)


def test_of_several_stores_none_makes_a_reader_hold_what_it_says_it_has() -> None:
    held = MemoryStore()
    held.put(MODEL, MODEL_ID)

    def never(start: int, stop: int) -> bytes:
        raise AssertionError((start, stop))

    class Boasting(MemoryStore):
        def copies(self, content_id: ContentId) -> Iterator[Copy]:
            yield Copy("of a liar", 2**30 + 1, never)

    several = SeveralStores([("liar", Boasting()), ("honest", held)])
    assert several.get(MODEL_ID) == MODEL
    with pytest.raises(BlobCorrupt, match="accepted: at most 1073741824"):
        SeveralStores([("liar", Boasting())]).get(MODEL_ID)


def test_of_several_stores_the_next_is_asked_where_one_falls_silent_while_it_is_read() -> None:
    held = MemoryStore()
    held.put(MODEL, MODEL_ID)

    def silent(start: int, stop: int) -> bytes:
        raise StoreUnavailable("it went away")

    class Leaving(MemoryStore):
        def copies(self, content_id: ContentId) -> Iterator[Copy]:
            yield Copy("on its way out", len(MODEL), silent)

    several = SeveralStores([("leaving", Leaving()), ("honest", held)])
    assert several.get(MODEL_ID) == MODEL
    assert several.troubles == ["leaving: it went away; it was not asked again"]
    with pytest.raises(BlobMissing, match="found in none of leaving"):
        SeveralStores([("leaving", Leaving())]).get(MODEL_ID)
