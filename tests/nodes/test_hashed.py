"""Parts of arrays are read by themselves and checked against the hashes of their chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sheaf.audit.stripes import stripes
from sheaf.nodes.aggregation import vector_id, wanted_vector
from sheaf.nodes.hashed import Hashed
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel
from sheaf.protocol.merkle import leaf_hashes
from sheaf.store import DiskStore, LayeredStore, MemoryStore
from sheaf.store.interface import PART_BYTES
from tests.nodes.test_aggregation import CHUNK, COORDINATES, put, task_of
from tests.nodes.test_holdings import Metered

TASK = task_of()


def drawn(number: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.random.default_rng(number).integers(-99, 99, COORDINATES, dtype=np.int32)


def place_of(store: DiskStore, root: bytes) -> Path:
    name = str(vector_id(TASK, root))
    return store.path / name[-2:] / name


def test_any_part_is_read_by_its_chunks_alone(tmp_path: Path) -> None:
    store, vector = Metered(tmp_path), drawn(1)
    array = Hashed.of(store, wanted_vector(TASK, put(store, vector)), CHUNK)
    assert [*array.leaves] == leaf_hashes(vector.tobytes(), CHUNK)
    assert (store.most_bytes, store.all_bytes) == (PART_BYTES, 4 * COORDINATES)
    for first, last in ((0, 1), (1023, 1025), (2048, 3072), (299_000, COORDINATES)):
        before = store.all_bytes
        data = array.read(slice(first, last))
        assert data == vector[first:last].tobytes()
        chunks = -(-last // 1024) - first // 1024
        assert store.all_bytes - before <= chunks * CHUNK
    assert array.read(slice(299_999, COORDINATES + 7)) == vector[299_999:].tobytes()
    assert array.read(slice(COORDINATES, COORDINATES + 1)) == b""


def test_what_changes_after_it_was_hashed_is_told(tmp_path: Path) -> None:
    store, vector = DiskStore(tmp_path), drawn(1)
    root = put(store, vector)
    array = Hashed.of(store, wanted_vector(TASK, root), CHUNK)
    data = bytearray(vector.tobytes())
    data[4 * 5000] ^= 1
    place_of(store, root).write_bytes(data)
    assert array.read(slice(0, 4096)) == vector[:4096].tobytes()
    with pytest.raises(BlobCorrupt):
        array.read(slice(4100, 5120))
    place_of(store, root).write_bytes(data[:9000])
    with pytest.raises(BlobCorrupt):
        array.read(slice(2048, 4096))
    place_of(store, root).unlink()
    with pytest.raises(BlobMissing):
        array.read(slice(0, 1))


def test_the_first_sound_copy_is_taken(tmp_path: Path) -> None:
    bad, good, vector = MemoryStore(), MemoryStore(), drawn(1)
    root = put(good, vector)
    content_id, wanted = vector_id(TASK, root), wanted_vector(TASK, root)
    data = vector.tobytes()
    for wrong, kind in (
        (data[::-1], BlobCorrupt),
        (data + bytes(4), InvalidModel),
        (data[:-4], BlobCorrupt),
        (None, BlobMissing),
    ):
        bad._blobs = {} if wrong is None else {content_id: wrong}
        with pytest.raises(kind):
            Hashed.of(bad, wanted, CHUNK)
        array = Hashed.of(LayeredStore(bad, good), wanted, CHUNK)
        assert array.read(slice(7, 9)) == data[28:36]


@pytest.mark.parametrize("stripe_bytes", [1, 3 * 4 * 100_000, 2**25])
def test_stripes_are_the_columns_and_never_a_whole_array(tmp_path: Path, stripe_bytes: int) -> None:
    store, vectors = Metered(tmp_path), [drawn(number) for number in range(3)]
    roots = [put(store, vector) for vector in vectors]
    seen = 0
    for stripe in stripes(TASK, store, roots, stripe_bytes):
        assert stripe.place.start == seen
        for row, vector in zip(stripe.rows, vectors, strict=True):
            assert row.tolist() == vector[stripe.place].tolist()
        seen = stripe.place.stop
        if stripe_bytes == 1 and seen == 3:
            assert store.most_bytes == PART_BYTES
            return
    assert seen == COORDINATES
