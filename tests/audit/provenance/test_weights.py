"""A model's file is read by its places, in parts, as the format's own library reads it whole."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sheaf.audit.provenance.weights import PART, Weights
from sheaf.learning.layout import Layout
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.layout import Tensor

MOST = 4096
LAYOUT = Layout(
    (
        Tensor("weight", (3, 2), "trainable", 16),
        Tensor("bias", (), "trainable", 16),
        Tensor("mean", (2,), "statistic", 8),
    )
)
VALUES = {
    "weight": np.arange(6, dtype=np.float32).reshape(3, 2),
    "bias": np.array(-7.5, np.float32),
    "mean": np.array([8, -0.0], np.float32),
}
# weight, bias, mean: in a file of safetensors' they stand by name, and so does bias first.
VECTOR = [0, 1, 2, 3, 4, 5, -7.5, 8, 0]


def read(file: bytes, layout: Layout = LAYOUT) -> list[float]:
    """All weights of a file, in the vector's order."""
    weights = Weights.of(BytesIO(file), layout, MOST)
    return [float(value) for part in weights.parts() for value in part.floats]


def built(header: Any, data: bytes = bytes(36)) -> bytes:
    """A file with a header of any content."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def listed(**changes: dict[str, Any] | None) -> dict[str, Any]:
    """The header of a file in which the tensors stand as mean, weight, bias; changed."""
    places = {"mean": ([2], 0, 8), "weight": ([3, 2], 8, 32), "bias": ([], 32, 36)}
    made: dict[str, Any] = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": [first, last]}
        for name, (shape, first, last) in places.items()
    }
    for name, change in changes.items():
        made[name] = {**made.get(name, {}), **(change or {})}
    return made


def test_a_file_of_the_library_s_is_read_in_the_vector_s_order() -> None:
    assert read(save(VALUES)) == VECTOR
    assert read(save(VALUES, {"note": "beside the weights"})) == VECTOR


def test_any_order_in_the_file_will_do() -> None:
    data = b"".join(VALUES[name].tobytes() for name in ("mean", "weight", "bias"))
    assert read(built(listed(), data)) == VECTOR
    assert load(built(listed(), data)).keys() == VALUES.keys()  # and the library agrees


def test_no_part_is_large() -> None:
    layout = Layout(
        (Tensor("z", (2 * PART + 5,), "trainable", 16), Tensor("a", (3,), "trainable", 16))
    )
    values = {
        "z": np.arange(2 * PART + 5, dtype=np.float32),
        "a": np.array([-1, -2, -3], np.float32),
    }
    parts = [*Weights.of(BytesIO(save(values)), layout, MOST).parts()]
    assert [part.floats.size for part in parts] == [PART, PART, 5, 3]
    assert [part.tensor.name for part in parts] == ["z", "z", "z", "a"]
    assert [(part.place.start, part.place.stop) for part in parts] == [
        (0, PART),
        (PART, 2 * PART),
        (2 * PART, 2 * PART + 5),
        (2 * PART + 5, 2 * PART + 8),
    ]
    whole = np.concatenate([part.floats for part in parts])
    assert np.array_equal(whole, np.concatenate([values["z"], values["a"]]))


TWICE = json.dumps(listed())[:-1].encode() + b', "bias": {}}'
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "found 0 bytes, accepted: 9 float32 and names"),
    "short": (built(listed(), bytes(35)), "of which"),
    "long": (built(listed(), bytes(37)), "of which"),
    "header beyond the end": ((2**63).to_bytes(8, "little") + bytes(64), "a header of"),
    "long header": (built(listed(x={"y": "z" * MOST})), "a header of"),
    "no object": (built([]), "a header that is no object"),
    "spaces first": (built(b" " + json.dumps(listed()).encode()), "a header that is no object"),
    "other encoding": (built(json.dumps(listed()).encode("utf-16")), "found no text"),
    "no JSON": (built(b"{"), "found no JSON"),
    "deep": (built(b'{"a":' + b"[" * 4000), "accepted: a safetensors file"),
    "twice": (built(TWICE), "a key stands there twice"),
    "no offsets": (built(listed() | {"bias": {"dtype": "F32", "shape": []}}), "'data_offsets'"),
    "no tensor": (built(listed() | {"bias": 1}), "accepted: a safetensors file"),
    "gap": (built(listed(bias={"data_offsets": [33, 37]}), bytes(37)), "33 to 37"),
    "overlap": (built(listed(bias={"data_offsets": [28, 32]}), bytes(36)), "28 to 32"),
    "backwards": (built(listed(bias={"data_offsets": [36, 32]})), "36 to 32"),
    "true": (built(listed(mean={"data_offsets": [False, 8]})), "mean: found offsets [False, 8]"),
    "fractions": (built(listed(mean={"data_offsets": [0.0, 8]})), "mean: found offsets [0.0, 8]"),
    "half": (built(listed(mean={"dtype": "F16"})), "mean: found 'F16', accepted: 'F32'"),
    "shape": (built(listed(mean={"shape": [1, 2]})), "mean: found shape [1, 2], accepted: [2]"),
    "shape of a fraction": (
        built(listed(weight={"shape": [3.0, 2]})),
        "weight: found shape [3.0, 2], accepted: [3, 2]",
    ),
    "shape that is none": (built(listed(bias={"shape": {}})), "bias: found shape {}"),
    "shape of a text": (built(listed(bias={"shape": ""})), "bias: found shape ''"),
    "offsets that are none": (built(listed(mean={"data_offsets": 5})), "found offsets 5"),
    "metadata": (built(listed() | {"__metadata__": 5}), "__metadata__: found 5"),
    "metadata's values": (
        built(listed() | {"__metadata__": {"a": [1]}}),
        "__metadata__: found {'a': [1]}, accepted: texts by their names",
    ),
    "no number": (built(listed(mean={"more": float("nan")})), "NaN, which JSON does not have"),
    "another": (built(listed(other={})), "other: found a tensor the layout does not have"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_a_line(name: str) -> None:
    file, told = REFUSED[name]
    with pytest.raises(InvalidModel) as caught:
        read(file)
    assert told in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.message.count("found ") == 1


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - {"half", "another", "spaces first"}))
def test_the_library_refuses_it_or_has_another_model(name: str) -> None:
    try:
        arrays = load(REFUSED[name][0])
    except SafetensorError:
        return
    shapes = {each: array.shape for each, array in arrays.items()}
    assert shapes != {each: array.shape for each, array in VALUES.items()}


def test_true_is_no_length() -> None:
    layout = Layout((Tensor("a", (1,), "trainable", 16),))
    header = {"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}
    with pytest.raises(InvalidModel, match=r"^a: found shape \[True\], accepted: \[1\]$"):
        read(built(header, bytes(4)), layout)


def test_a_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(VALUES))
    with path.open("r+b") as file:
        weights = Weights.of(file, LAYOUT, MOST)
        file.truncate(path.stat().st_size - 1)
        with pytest.raises(InvalidModel, match=r"^weight: found its end missing"):
            [*weights.parts()]


@given(st.integers(0, 8 + 176 - 1), st.integers(0, 255))
def test_what_is_read_is_what_the_library_reads(place: int, value: int) -> None:
    """One byte of the header is another one: the file is refused, or says the same to both."""
    file = bytearray(save(VALUES))
    assert len(file) == 8 + 176 + 36
    file[place] = value
    try:
        found = read(bytes(file))
    except InvalidModel:
        return
    arrays = load(bytes(file))
    flat = [arrays[name].reshape(-1) for name in ("weight", "bias", "mean")]
    assert found == np.concatenate(flat).tolist()
