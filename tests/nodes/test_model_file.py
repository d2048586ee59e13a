"""A model file that is written in blocks is the one that the safetensors package writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from sheaf.nodes.model_file import file_parts, is_model, write_model
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel, StoreUnavailable
from sheaf.protocol.layout import Tensor
from sheaf.protocol.task import Task
from sheaf.store import DiskStore, LayeredStore, MemoryStore
from sheaf.store.interface import Copy
from tests.e2e.filecalls import Calls, counted
from tests.nodes.plans import plan
from tests.nodes.test_aggregation import put

LAYOUT = (
    Tensor("z.weight", (3, 50_000), "trainable", 16),
    Tensor("a", (), "trainable", 16),
    Tensor('"é\n\x01/\U0001f600', (7, 1), "trainable", 16),
    Tensor("middle", (200_000,), "trainable", 16),
    Tensor("b.running", (11,), "statistic", 20),
    Tensor("A.running", (5,), "statistic", 8),
)
"""More than two blocks of columns; names in another order than the vector's."""

END = 2**31 - 1


@dataclass(frozen=True)
class Model:
    task: Task
    store: MemoryStore
    root: bytes
    expected: bytes


@pytest.fixture(scope="module")
def model() -> Model:
    task = plan().task(LAYOUT, bytes(32), bytes(32), bytes(20))
    dice = np.random.default_rng(3)
    vector = dice.integers(-END, END, task.model.coordinates, dtype=np.int32)
    vector[:4] = END, -END, -END - 1, 2**24 + 1
    store = MemoryStore()
    root = put(store, vector)
    return Model(task, store, root, save(floats(vector)))


def floats(vector: NDArray[np.int32]) -> dict[str, NDArray[np.float32]]:
    """The float view, tensor by tensor: q * 2**-f rounded once; -2**31 reads as -(2**31 - 1)."""
    whole, start, found = np.maximum(vector, -END).astype(np.float64), 0, {}
    for tensor in LAYOUT:
        part = whole[start : start + tensor.size] / 2**tensor.frac_bits
        found[tensor.name] = part.astype(np.float32).reshape(tensor.shape)
        start += tensor.size
    return found


def test_it_is_what_safetensors_writes(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(model.task, model.store, model.root, path)
    assert path.read_bytes() == model.expected
    assert is_model(model.task, model.store, model.root, path)
    assert [*tmp_path.iterdir()] == [path]
    parts = [*file_parts(model.task, model.store, model.root)]
    assert b"".join(parts) == model.expected
    assert max(map(len, parts)) == 4 * 2**17


@pytest.mark.parametrize("at", [0, 7, 8, 100, -1, -600_000, -1_200_000])
def test_any_other_byte_is_another_file(model: Model, tmp_path: Path, at: int) -> None:
    path, data = tmp_path / "model.safetensors", bytearray(model.expected)
    data[at] ^= 1
    path.write_bytes(data)
    assert not is_model(model.task, model.store, model.root, path)


def test_shorter_and_longer_files_and_none_are_others(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    assert not is_model(model.task, model.store, model.root, path)
    for content in (b"", model.expected[:-1], model.expected + b"\0"):
        path.write_bytes(content)
        assert not is_model(model.task, model.store, model.root, path)
    path.unlink()
    path.mkdir()
    assert not is_model(model.task, model.store, model.root, path)


def test_a_file_that_cannot_be_read_is_not_called_another(model: Model, tmp_path: Path) -> None:
    path, calls = tmp_path / "model.safetensors", Calls(reads=True)
    path.write_bytes(model.expected)
    with counted(calls):
        assert is_model(model.task, model.store, model.root, path)
    assert {"stat", "open to read", "read"} == set(calls.made)
    for number in range(1, len(calls.made) + 1):
        with counted(Calls(number, reads=True)), pytest.raises(StoreUnavailable, match=str(path)):
            is_model(model.task, model.store, model.root, path)


def test_a_model_that_is_not_to_be_had_is_no_file(model: Model, tmp_path: Path) -> None:
    """Whatever the file is: nobody says that it is that of a model which cannot be read."""
    path, other = tmp_path / "model.safetensors", MemoryStore()
    path.write_bytes(model.expected)
    (content_id,) = model.store.ids()
    data = model.store.get(content_id)
    for wrong, kind in (
        (None, BlobMissing),
        (data[::-1], BlobCorrupt),
        (data + bytes(4), InvalidModel),
    ):
        if wrong is not None:
            other._blobs[content_id] = wrong
        with pytest.raises(kind):
            is_model(model.task, other, model.root, path)
        with pytest.raises(kind):
            write_model(model.task, other, model.root, tmp_path / "new")
        assert [*tmp_path.iterdir()] == [path]
    good = LayeredStore(other, model.store)
    assert is_model(model.task, LayeredStore(other, model.store), model.root, path)
    other._blobs[content_id] = data[:-1] + b"\xff"
    write_model(model.task, good, model.root, tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == model.expected


class Metered(DiskStore):
    """Says how much is read at once, at most."""

    most_bytes = 0

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        (copy,) = super().copies(content_id)

        def ranged(start: int, stop: int) -> bytes:
            self.most_bytes = max(self.most_bytes, stop - start)
            return copy.ranged(start, stop)

        yield Copy(copy.where, copy.size_bytes, ranged, copy.identity)


def test_it_is_read_in_blocks(model: Model, tmp_path: Path) -> None:
    store = Metered(tmp_path / "store")
    (content_id,) = model.store.ids()
    store.put(model.store.get(content_id), content_id)
    write_model(model.task, store, model.root, tmp_path / "file")
    assert is_model(model.task, store, model.root, tmp_path / "file")
    assert store.most_bytes == 4 * 2**17
