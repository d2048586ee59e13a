"""The layout of a flat vector: order, plain form, and a clear line for each mismatch."""

from typing import Any

import numpy as np
import pytest

from sheaf.learning.layout import Layout
from sheaf.protocol.errors import InvalidModel, NotFinite
from sheaf.protocol.layout import Tensor

WEIGHT = Tensor("weight", (2, 3), "trainable", 16)
BIAS = Tensor("bias", (), "trainable", 16)
MEAN = Tensor("mean", (2,), "statistic", 8)
LAYOUT = Layout((WEIGHT, BIAS, MEAN))


def arrays() -> dict[str, Any]:
    return {
        "mean": np.array([8.0, 9.0]),
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "bias": np.array(7.0, dtype=np.float16),
    }


def test_counts_by_hand() -> None:
    assert (LAYOUT.coordinates, LAYOUT.trainable_count, LAYOUT.frac_bits) == (9, 7, 16)
    assert np.asarray(LAYOUT.bits).tolist() == [16] * 7 + [8] * 2
    assert Layout((WEIGHT, BIAS)).bits == 16


def test_flatten_follows_the_layout_not_the_dict() -> None:
    vector = LAYOUT.flatten(arrays())
    assert vector.dtype == np.float64
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 9]


def test_unflatten_is_its_inverse() -> None:
    back = LAYOUT.unflatten(LAYOUT.flatten(arrays()))
    assert back["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["bias"].shape == ()
    assert float(back["bias"]) == 7
    assert back["mean"].tolist() == [8, 9]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (("", (1,), "trainable", 16), "found tensor name ''"),
        (("w", (0,), "trainable", 16), r"w: found shape \(0,\), accepted: sizes of at least 1"),
        (("w", (True,), "trainable", 16), "w: found shape"),
        (("w", (1,), "buffer", 16), "w: found kind 'buffer'"),
        (("w", (1,), "trainable", 7), "w: found 7 fraction bits, accepted: 8 to 24"),
        (("w", (1,), "trainable", 25), "w: found 25 fraction bits"),
        (("w", (1,), "trainable", 16.0), "w: found 16.0 fraction bits"),
    ],
)
def test_entries_out_of_bounds_are_refused(fields: Any, line: str) -> None:
    with pytest.raises(InvalidModel, match=line):
        Tensor(*fields)


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ((), "found no trainable tensor"),
        ((MEAN,), "found no trainable tensor"),
        ((MEAN, WEIGHT), "mean: found before a trainable tensor"),
        ((WEIGHT, WEIGHT), "weight: found twice"),
        ((WEIGHT, Tensor("b", (1,), "trainable", 20)), "b: found 20 .* accepted: 16, as weight"),
    ],
)
def test_impossible_layouts_are_refused(entries: tuple[Tensor, ...], line: str) -> None:
    with pytest.raises(InvalidModel, match=line):
        Layout(entries)


def test_mismatching_arrays_are_refused_by_name() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({**arrays(), "weight": np.zeros((3, 2))}, r"weight: found shape \(3, 2\), acc.*\(2, 3\)"),
        ({**arrays(), "extra": np.zeros(1)}, "extra: found a tensor the layout does not have"),
        ({"weight": np.zeros((2, 3))}, "bias: found no such tensor"),
        ({**arrays(), "mean": np.zeros(2, dtype=np.int64)}, "mean: found dtype int64"),
    ]
    for found, line in cases:
        with pytest.raises(InvalidModel, match=line):
            LAYOUT.flatten(found)


def test_not_finite_is_refused_by_tensor_and_index() -> None:
    weight = np.zeros((2, 3))
    weight[1, 2] = np.nan
    with pytest.raises(NotFinite, match=r"weight\[1, 2\]: found nan"):
        LAYOUT.flatten({**arrays(), "weight": weight})
    with pytest.raises(NotFinite, match="bias: found -inf"):
        LAYOUT.flatten({**arrays(), "bias": np.array(-np.inf)})


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"found a vector of shape \(8,\), accepted: \(9,\)"):
        LAYOUT.unflatten(np.zeros(8))


def test_coordinates_have_names() -> None:
    names = [LAYOUT.name_of(coordinate) for coordinate in (0, 5, 6, 8)]
    assert names == ["weight[0, 0]", "weight[1, 2]", "bias", "mean[1]"]
    with pytest.raises(InvalidModel, match="found coordinate 9, accepted: 0 to 8"):
        LAYOUT.name_of(9)
