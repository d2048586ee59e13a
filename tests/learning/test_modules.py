"""Modules and layouts."""

import numpy as np
import pytest
import torch
from torch import nn

from sheaf.learning.lattice import encode_model, float_view
from sheaf.learning.modules import arrays_of, layout_of, load, vector_of
from sheaf.protocol.errors import InvalidModel, NotFinite
from sheaf.protocol.layout import Tensor


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


class Tied(nn.Module):
    """One weight under two names, a table that is recomputed, and a frozen scale."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)
        self.register_buffer("table", torch.zeros(5), persistent=False)
        self.register_buffer("mean", torch.zeros(1, dtype=torch.bfloat16))


def test_layout_puts_statistics_last_and_leaves_counters_out() -> None:
    layout = layout_of(normalised(), 20, {"1.running_var": 8})
    assert layout.entries == (
        Tensor("0.weight", (2, 3), "trainable", 20),
        Tensor("0.bias", (2,), "trainable", 20),
        Tensor("1.weight", (2,), "trainable", 20),
        Tensor("1.bias", (2,), "trainable", 20),
        Tensor("1.running_mean", (2,), "statistic", 20),
        Tensor("1.running_var", (2,), "statistic", 8),
    )
    assert (layout.coordinates, layout.trainable_count) == (16, 12)


def test_layout_of_a_module_with_shared_and_passing_tensors() -> None:
    names = [(entry.name, entry.shape) for entry in layout_of(Tied()).entries]
    assert names == [("scale", ()), ("first.weight", (2, 2)), ("mean", (1,))]
    assert {name: array.dtype for name, array in arrays_of(Tied()).items()} == {
        "scale": np.float32,
        "first.weight": np.float32,
        "mean": np.float32,
    }


@pytest.mark.parametrize("module", [normalised(), Tied()], ids=["normalised", "tied"])
def test_what_is_loaded_is_read_back(module: nn.Module) -> None:
    layout = layout_of(module)
    floats = np.linspace(-3, 3, layout.coordinates)
    vector = encode_model(floats, layout.bits)
    load(module, layout, vector)
    # Seven bits are what bfloat16 keeps, and the other dtypes hold the float view exactly.
    tolerance = 2**-7 if isinstance(module, Tied) else 0
    np.testing.assert_allclose(
        vector_of(module, layout), float_view(vector, layout.bits), rtol=tolerance
    )


def test_loading_copies_and_reading_copies() -> None:
    module = nn.Linear(1, 1)
    layout = layout_of(module)
    load(module, layout, np.array([65536, -65536], dtype=np.int32))
    arrays = arrays_of(module)
    with torch.no_grad():
        module.weight += 1
    assert arrays["weight"].tolist() == [[1.0]]
    assert vector_of(module, layout).tolist() == [2.0, -1.0]


def test_a_module_of_another_layout_is_refused_and_unchanged() -> None:
    module = nn.Linear(3, 2)
    before = arrays_of(module)
    cases = [
        (nn.Linear(2, 3), "found shape"),
        (nn.Linear(3, 2, bias=False), "bias: found only in the module"),
        (normalised(), "found only in the layout"),
    ]
    for other, line in cases:
        layout = layout_of(other)
        with pytest.raises(InvalidModel, match=line):
            load(module, layout, np.zeros(layout.coordinates, dtype=np.int32))
        with pytest.raises(InvalidModel, match="accepted"):
            vector_of(module, layout)
    with pytest.raises(InvalidModel, match=r"found a vector of shape \(7,\), accepted: \(8,\)"):
        load(module, layout_of(module), np.zeros(7, dtype=np.int32))
    assert all((before[name] == array).all() for name, array in arrays_of(module).items())


def test_what_cannot_be_a_model_is_refused() -> None:
    complex_module = nn.Module()
    complex_module.weight = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    cases: list[tuple[nn.Module, str]] = [
        (nn.ReLU(), "found no trainable tensor"),
        (complex_module, "weight: found dtype torch.complex64"),
        (nn.LazyLinear(2), "weight: found no shape yet"),
    ]
    for module, line in cases:
        with pytest.raises(InvalidModel, match=line):
            layout_of(module)
    with pytest.raises(InvalidModel, match=r"0.weight: found fraction bits .* statistic"):
        layout_of(normalised(), 16, {"0.weight": 8})


def test_a_diverged_module_is_refused_by_tensor() -> None:
    module = nn.Linear(2, 1)
    layout = layout_of(module)
    with torch.no_grad():
        module.weight[0, 1] = torch.nan
    with pytest.raises(NotFinite, match=r"weight\[0, 1\]: found nan"):
        vector_of(module, layout)
