"""A model's file: its float view as safetensors, float32 tensors under their names.

Written and compared block by block, while the model is read from a store and hashed: neither the
model nor the file is ever held whole. A block of columns lies in one or several tensors, whose
places in the file go by their names: https://huggingface.co/docs/safetensors has the format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO

from sheaf.learning import lattice
from sheaf.nodes.aggregation import wanted_vector
from sheaf.nodes.blocks import COLUMNS, Reading, Unavailable
from sheaf.nodes.hashed import Hashed
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.layout import Tensor
from sheaf.protocol.task import Task
from sheaf.store.files import is_file, reachable, written_whole
from sheaf.store.interface import Store

Piece = tuple[int, bytes]
"""Bytes and where they lie in a file."""


def write_model(task: Task, store: Store, root: bytes, path: Path) -> None:
    """Write the file of the model under a tree root, whole or not at all.

    Raises `BlobMissing`, `BlobCorrupt` or `InvalidModel` for a model that is not to be had, and
    `StoreUnavailable` where the file cannot be written.
    """
    plan = _Plan.of(task)
    with written_whole(path) as file:
        file.write(plan.head)

        def put(pieces: Sequence[Piece]) -> None:
            with reachable(path):
                for place, data in pieces:
                    file.seek(place)
                    file.write(data)

        _read(task, store, root, plan, lambda: put)


def file_parts(task: Task, store: Store, root: bytes) -> Iterator[bytes]:
    """The file of the model under a tree root, part by part.

    Raises `BlobMissing`, `BlobCorrupt` or `InvalidModel` for a model that is not to be had.
    """
    plan, (_, most) = _Plan.of(task), COLUMNS
    model = Hashed.of(store, wanted_vector(task, root), task.model.chunk_bytes)
    yield plan.head
    for first, _, tensor in sorted(plan.tensors, key=lambda each: each[1]):
        end = first + tensor.size
        for start in range(first, end, most):
            block = slice(start, min(end, start + most))
            ((_, data),) = plan.pieces(block, model.read(block))
            yield data


def is_model(task: Task, store: Store, root: bytes, path: Path) -> bool:
    """Whether a file is that of the model under a tree root, which is read to its end.

    Raises as `write_model` does for the model, `StoreUnavailable` for a file that cannot be read.
    """
    plan, same = _Plan.of(task), [True]
    with reachable(path):
        file = path.open("rb") if is_file(path) else None

    def begin() -> Callable[[Sequence[Piece]], None]:
        with reachable(path):
            same[0] = file is not None and plan.begins(file)
        return compare

    def compare(pieces: Sequence[Piece]) -> None:
        if same[0] and file is not None:
            with reachable(path):
                same[0] = all(_at(file, place, len(data)) == data for place, data in pieces)

    try:
        _read(task, store, root, plan, begin)
    finally:
        if file is not None:
            file.close()
    return same[0]


def _at(file: IO[bytes], place: int, size: int) -> bytes:
    """Bytes of a file, fewer where it ends."""
    file.seek(place)
    return file.read(size)


def _read(
    task: Task,
    store: Store,
    root: bytes,
    plan: _Plan,
    begin: Callable[[], Callable[[Sequence[Piece]], None]],
) -> None:
    def work(block: slice, parts: Sequence[bytes]) -> Sequence[Piece]:
        return [*plan.pieces(block, parts[0])]

    try:
        Reading(store, [wanted_vector(task, root)], task.model.chunk_bytes).run(work, begin)
    except Unavailable as missing:
        raise missing.reason from None


@dataclass(frozen=True)
class _Plan:
    """Where what lies: the bytes before the tensors', and of each tensor, in the order of the
    vector, its first coordinate and its place in the file."""

    head: bytes
    tensors: Sequence[tuple[int, int, Tensor]]
    size_bytes: int

    @classmethod
    def of(cls, task: Task) -> _Plan:
        """That of a task's models."""
        layout = task.model.layout
        named = sorted(layout, key=lambda tensor: tensor.name)
        ends = [*accumulate(tensor.size * ELEMENT_BYTES for tensor in named)]
        starts = dict(zip((tensor.name for tensor in named), [0, *ends], strict=False))
        listed = {
            tensor.name: {
                "dtype": "F32",
                "shape": [*tensor.shape],
                "data_offsets": [starts[tensor.name], end],
            }
            for tensor, end in zip(named, ends, strict=True)
        }
        text = json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        head = len(text).to_bytes(8, "little") + text
        firsts = [0, *accumulate(tensor.size for tensor in layout)]
        tensors = [
            (first, len(head) + starts[tensor.name], tensor)
            for first, tensor in zip(firsts, layout, strict=False)
        ]
        return cls(head, tensors, len(head) + ends[-1])

    def begins(self, file: IO[bytes]) -> bool:
        """Whether a file has this size and what stands before the tensors."""
        sized = os.fstat(file.fileno()).st_size == self.size_bytes
        return sized and _at(file, 0, len(self.head)) == self.head

    def pieces(self, block: slice, data: bytes) -> Iterator[Piece]:
        """The float view of a block's bytes, by tensor."""
        vector = lattice.from_bytes(data, block.stop - block.start)
        for begin, place, tensor in self.tensors:
            first, last = max(block.start, begin), min(block.stop, begin + tensor.size)
            if first < last:
                part = vector[first - block.start : last - block.start]
                floats = lattice.float_view(part, tensor.frac_bits).astype("<f4", copy=False)
                yield place + (first - begin) * ELEMENT_BYTES, floats.tobytes()
