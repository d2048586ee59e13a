"""What a data hook may return, and one clear line for everything else."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from sheaf.learning.samples import samples_of
from sheaf.protocol.errors import InvalidData, NotFinite

WIDE = [wide for wide in [np.dtype(np.longdouble)] if wide.itemsize > 8]
"""Floats that torch does not have, where the platform does."""

X = np.arange(6, dtype=np.float32).reshape(3, 2)
Y = np.array([0, 1, 1])


class Items(Dataset[Any]):
    """A dataset over a list."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Unbounded(Dataset[Any]):
    """A dataset that does not know its length."""

    def __getitem__(self, index: int) -> Any:
        return X[0], 1


class Stream(IterableDataset[Any]):
    """A dataset without an index."""

    def __iter__(self) -> Iterator[Any]:
        yield X[0], 1


def readonly(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        [X, Y],
        (readonly(X), readonly(Y)),
        (X.astype(">f4"), Y.astype(">i8")),
        (torch.from_numpy(X), torch.from_numpy(Y)),
        (X, torch.from_numpy(Y)),
        TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
        Items([(X[i], int(Y[i])) for i in range(3)]),
        Items([[X[i], Y[i]] for i in range(3)]),
    ],
    ids=[
        "arrays",
        "list",
        "read-only",
        "big-endian",
        "tensors",
        "mixed",
        "tensor dataset",
        "dataset",
        "lists",
    ],
)
def test_accepted_forms_give_the_same_batches(data: object) -> None:
    samples = samples_of(data)
    features, labels = samples.batch([2, 0])
    assert samples.count == 3
    assert features.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert features.dtype == torch.float32
    assert labels.tolist() == [1, 0]
    assert labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (None, "found a NoneType, accepted: a torch Dataset"),
        ((X, Y, Y), "found a tuple of length 3"),
        (X, "found a ndarray"),
        ((X[:0], Y[:0]), "found no samples"),
        (Items([]), "found no samples"),
        ((X, Y[:2]), "found 3 rows in X and 2 in y"),
        ((X, "labels"), "y: found a str"),
        ((X.tolist(), Y), "X: found a list"),
        ((np.array(["a", "b", "c"]), Y), "X: found dtype <U1, accepted: numbers"),
        ((X.astype(object), Y), "X: found dtype object"),
        ((X, np.array(1)), r"y: found shape \(\)"),
        *(
            ((X.astype(wide), Y), f"X: found dtype {wide}, accepted: numbers of up to 64 bits")
            for wide in WIDE
        ),
        ((X + 0j, Y), "X: found dtype complex64"),
        (Unbounded(), "found Unbounded without a length"),
        (
            Stream(),
            "found Stream, an iterable dataset: without a length its samples cannot be counted, "
            "and without an index no seed can schedule its batches; accepted: a torch Dataset with "
            r"a length and items .* row per sample, such as one over list\(dataset\)$",
        ),
    ],
)
def test_other_data_is_refused(data: object, line: str) -> None:
    with pytest.raises(InvalidData, match=line):
        samples_of(data)


@pytest.mark.parametrize(
    ("items", "line"),
    [
        ([X[0], X[1]], "sample 0: found a ndarray, accepted: .features, label."),
        ([(X[0], 1), (X[1], 1, 1)], "sample 1: found a tuple"),
        ([(X[0], 1), (X[0, :1], 1)], "samples 0 to 1: found items that make no batch"),
        ([(X[0], None), (X[0], None)], "found items that make no batch"),
        ([(X[0], "a"), (X[0], "b")], "y: found a tuple"),
    ],
)
def test_items_that_make_no_batch_are_refused(items: list[Any], line: str) -> None:
    with pytest.raises(InvalidData, match=line):
        samples_of(Items(items)).batch([0, 1])


def test_not_finite_is_refused_by_sample() -> None:
    broken = X.copy()
    broken[1, 1] = np.inf
    with pytest.raises(NotFinite, match="X, sample 1: found NaN or infinity"):
        samples_of((broken, Y))
    with pytest.raises(NotFinite, match="y, sample 2: found NaN or infinity"):
        samples_of((X, np.array([0.0, 1.0, np.nan])))
    samples = samples_of(Items([(row, 1.0) for row in broken]))
    assert samples.batch([0, 2])[0].shape == (2, 2)
    with pytest.raises(NotFinite, match="X, sample 1: found NaN or infinity"):
        samples.batch([2, 1])


def test_not_finite_is_found_in_long_arrays() -> None:
    long = np.zeros((5000, 1), np.float32)
    long[4999] = np.nan
    with pytest.raises(NotFinite, match="X, sample 4999: found NaN or infinity"):
        samples_of((long, np.zeros(5000)))


def test_parts_are_all_samples_in_order() -> None:
    samples = samples_of((X, Y))
    assert [list(part) for part in samples.parts(2)] == [[0, 1], [2]]
    assert [list(part) for part in samples.parts(3)] == [[0, 1, 2]]
