"""Chunks of arrays are opened without holding the arrays, and their hashes are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sheaf.learning.algorithms import moments
from sheaf.nodes.aggregation import algorithm_of, vector_id
from sheaf.nodes.hashed import Leaves
from sheaf.nodes.holdings import Holdings, first_state, remembered
from sheaf.proofs.commitment import commit_state, open_state_at
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing
from sheaf.protocol.merkle import leaf_hashes
from sheaf.protocol.opening import Shape
from sheaf.store import DiskStore, LayeredStore, MemoryStore
from sheaf.store.interface import PART_BYTES, Copy
from tests.nodes.test_aggregation import CHUNK, put, task_of

ELEMENTS = 700_001
"""Three parts of a reading, the last of them short, as its last chunk is."""

SHAPE = Shape(4, ELEMENTS, CHUNK)


class Metered(DiskStore):
    """Says how much is read at once, at most, and in all."""

    most_bytes = all_bytes = 0

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        (copy,) = super().copies(content_id)

        def ranged(start: int, stop: int) -> bytes:
            self.most_bytes = max(self.most_bytes, stop - start)
            self.all_bytes += stop - start
            return copy.ranged(start, stop)

        yield replace(copy, ranged=ranged)


@dataclass(frozen=True)
class Kept:
    data: bytes
    root: bytes
    store: Metered
    holdings: Holdings

    @property
    def place(self) -> Path:
        name = str(vector_id(task_of(), self.root))
        return self.store.path / name[-2:] / name


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    remembered.clear()
    vector = np.random.default_rng(2).integers(-(2**31) + 1, 2**31 - 1, ELEMENTS, dtype=np.int32)
    store = Metered(tmp_path / "store")
    root = put(store, vector)
    return Kept(vector.tobytes(), root, store, Holdings(task_of(), store))


def test_a_chunk_is_opened_from_parts(kept: Kept) -> None:
    for chunk in (0, 1, SHAPE.leaves - 2, SHAPE.leaves - 1):
        opening = kept.holdings.open(kept.root, chunk, SHAPE)
        assert opening is not None
        assert opening.chunk == kept.data[chunk * CHUNK : (chunk + 1) * CHUNK]
        assert SHAPE.proves(opening, chunk, kept.root)
    assert kept.store.most_bytes == PART_BYTES
    # Once to the end, and then four chunks, of which the last one is short.
    assert kept.store.all_bytes == len(kept.data) + 3 * CHUNK + len(kept.data) % CHUNK
    assert remembered.held_bytes == 32 * SHAPE.leaves
    last = kept.holdings.element(kept.root, ELEMENTS - 1, SHAPE)
    assert last == kept.data[-4:]


@pytest.mark.parametrize("at", [0, PART_BYTES, 4 * ELEMENTS - 1])
def test_a_copy_with_a_wrong_byte_is_none(kept: Kept, at: int) -> None:
    data = bytearray(kept.data)
    data[at] ^= 1
    kept.place.write_bytes(data)
    assert kept.holdings.find(kept.root, SHAPE) is None
    with pytest.raises(BlobMissing):
        kept.holdings.opened(kept.root, 0, SHAPE)
    good = MemoryStore()
    good.put(kept.data, vector_id(task_of(), kept.root))
    both = Holdings(task_of(), LayeredStore(kept.store, good))
    assert both.opened(kept.root, 1, SHAPE).chunk == kept.data[CHUNK : 2 * CHUNK]
    assert [*both.leaves(kept.root, SHAPE)] == leaf_hashes(kept.data, CHUNK)


def test_other_shapes_and_none_are_not_to_be_had(kept: Kept) -> None:
    for shape in (Shape(4, ELEMENTS - 1, CHUNK), Shape(4, ELEMENTS + 1, CHUNK)):
        assert kept.holdings.find(kept.root, shape) is None
    assert kept.holdings.find(bytes(32), SHAPE) is None
    with pytest.raises(BlobMissing):
        kept.holdings.leaves(bytes(32), SHAPE)


def test_a_copy_that_changes_after_it_was_hashed_is_not_opened(kept: Kept) -> None:
    kept.holdings.leaves(kept.root, SHAPE)
    kept.place.write_bytes(bytes(len(kept.data)))
    assert kept.holdings.open(kept.root, 3, SHAPE) is None


@pytest.mark.parametrize("chunk_bytes", [16, 64, 4096])
@pytest.mark.parametrize("elements", [1, 4, 5, 257, 1000])
def test_the_first_state_is_opened_without_making_it(chunk_bytes: int, elements: int) -> None:
    task = task_of(algorithm="fedadam")
    state = algorithm_of(task).start(elements)
    assert state is not None
    made, shape = commit_state(state, chunk_bytes), Shape(16, elements, chunk_bytes)
    for place in {0, elements // 2, elements - 1}:
        opening = first_state(task, place // shape.per_chunk, shape)
        assert opening == open_state_at(state, place, made)
    assert len(moments.to_bytes(state)) == 16 * elements


def test_leaves_are_a_sequence() -> None:
    hashes = [bytes([number]) * 32 for number in range(5)]
    leaves = Leaves(b"".join(hashes))
    assert [*leaves] == hashes
    assert (leaves[-1], leaves[1:4], leaves[::2]) == (hashes[-1], hashes[1:4], hashes[::2])
    assert len(leaves) == 5
    with pytest.raises(IndexError):
        leaves[5]
