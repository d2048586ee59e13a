"""The weights in a model's file, read by their places: a part is held at a time, never the file.

A safetensors file (https://huggingface.co/docs/safetensors has the format) is the length of a
header, the header in JSON, and the tensors' bytes without a gap, in whatever order the header says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sheaf.identity.canonical import misread, unique
from sheaf.learning.layout import Layout
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.layout import Tensor

PART = 2**17
"""Weights of one part, at most."""

_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_FILE = "a safetensors file of the task's tensors"


@dataclass(frozen=True)
class Part:
    """Some weights of one tensor: their coordinates in the vector, and float32 as they stand."""

    place: slice
    tensor: Tensor
    floats: NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """A file that has all tensors of a layout and nothing else but metadata, each where `starts`
    says, in the layout's order."""

    file: IO[bytes]
    layout: Layout
    starts: Sequence[int]

    @classmethod
    def of(cls, file: IO[bytes], layout: Layout, most_bytes: int) -> Weights:
        """The weights in a file whose header has at most `most_bytes`.

        Raises `InvalidModel` for a file of anything else, and `OSError`.
        """
        size = file.seek(0, os.SEEK_END)
        least = layout.coordinates * ELEMENT_BYTES
        if size < least:
            found, accepted = f"{size} bytes", f"{layout.coordinates} float32 and names"
            raise InvalidModel(f"found {found}, accepted: {accepted}")
        file.seek(0)
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > min(most_bytes, size - _LENGTH_BYTES):
            raise _other(f"a header of {length} bytes in a file of {size}")
        try:
            header = _object(file.read(length))
            begin = _LENGTH_BYTES + length
            return cls(file, layout, [*_starts(header, layout, begin, size)])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _other(misread(error)) from error

    def parts(self) -> Iterator[Part]:
        """All weights, in the vector's order. Raises `InvalidModel` for a file that ends early, and
        `OSError`."""
        first = 0
        for tensor, start in zip(self.layout.entries, self.starts, strict=True):
            for done in range(0, tensor.size, PART):
                count = min(PART, tensor.size - done)
                self.file.seek(start + done * ELEMENT_BYTES)
                data = self.file.read(count * ELEMENT_BYTES)
                if len(data) < count * ELEMENT_BYTES:
                    raise InvalidModel(f"{tensor.name}: found its end missing, accepted: {_FILE}")
                place = slice(first + done, first + done + count)
                yield Part(place, tensor, np.frombuffer(data, dtype="<f4"))
            first += tensor.size


def _object(data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8")
    if not text.startswith("{"):
        raise ValueError("a header that is no object")
    header: dict[str, Any] = json.loads(text, object_pairs_hook=unique, parse_constant=_no_number)
    return header


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text}, which JSON does not have")


def _starts(
    header: Mapping[str, Any], layout: Layout, begin: int, size_bytes: int
) -> Iterator[int]:
    """Where each tensor begins, once they fill the file from `begin` on."""
    layout.refuse_other_names(name for name in header if name != _METADATA)
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InvalidModel(f"{_METADATA}: found {metadata!r:.80}, accepted: texts by their names")
    spans = []
    for tensor in layout.entries:
        listed = header[tensor.name]
        shape, kind = listed["shape"], listed["dtype"]
        if not _integers(shape) or tuple(shape) != tensor.shape:
            told = f"found shape {shape!r:.80}, accepted: {[*tensor.shape]}"
            raise InvalidModel(f"{tensor.name}: {told}")
        if kind != "F32":
            raise InvalidModel(f"{tensor.name}: found {kind!r:.80}, accepted: 'F32'")
        offsets = listed["data_offsets"]
        if not _integers(offsets) or len(offsets) != 2:
            told = f"found offsets {offsets!r:.80}, accepted: two integers"
            raise InvalidModel(f"{tensor.name}: {told}")
        first, last = offsets
        spans.append((first, last, tensor.size * ELEMENT_BYTES))
    end = 0
    for first, last, wanted in sorted(spans):
        if first != end or last - first != wanted:
            raise ValueError(f"found bytes {first} to {last}, which is not where {wanted} are")
        end = last
    if begin + end != size_bytes:
        raise ValueError(f"found {size_bytes} bytes, of which {begin + end} are told of")
    yield from (begin + first for first, _, _ in spans)


def _integers(value: object) -> bool:
    """Whether a value is a list of integers, of which true and 1.0 are none."""
    return isinstance(value, list) and all(type(each) is int for each in value)


def _other(found: str) -> InvalidModel:
    return InvalidModel(f"found {found}, accepted: {_FILE}")
