"""What a survey says of data, on small data counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from sheaf.learning.survey import MOST_CLASSES, Column, survey_of
from sheaf.protocol.errors import InvalidData

X = np.array([[1, 2], [3, np.nan], [-5, np.inf]], dtype=np.float32)
ROWS = np.zeros((3, 1), np.float32)


class Growing(Dataset[Any]):
    """One more feature from sample 1024 on, which the second batch begins with."""

    def __len__(self) -> int:
        return 2048

    def __getitem__(self, index: int) -> Any:
        return np.zeros(2 if index < 1024 else 3, np.float32), index % 2


def test_a_survey_counts_what_training_would_refuse() -> None:
    found = survey_of((X, np.array([0, 1, 1])))
    assert found.samples == 3
    assert found.features == Column("float32", (2,), -5.0, 3.0, 2)
    assert found.labels == Column("int64", (), 0.0, 1.0, 0)
    assert found.classes == {0: 1, 1: 2}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([[2], [0], [2]]), {0: 1, 2: 2}),
        (np.array([2.0, 0.0, 2.0], np.float32), {0: 1, 2: 2}),
        (np.array([True, False, True]), {0: 1, 1: 2}),
        (np.array([-1, -1, 7], np.int8), {-1: 2, 7: 1}),
        (np.array([0.5, 0.0, 1.0]), None),
        (np.array([0.0, np.nan, 1.0]), None),
        (np.array([0.0, np.inf, 1.0]), None),
        (np.eye(3), None),
    ],
    ids=["column", "floats", "booleans", "negative", "fractions", "NaN", "infinity", "one-hot"],
)
def test_labels_are_classes_where_they_are_whole_and_one_a_sample(
    labels: Any, classes: dict[int, int] | None
) -> None:
    assert survey_of((ROWS, labels)).classes == classes


def test_many_whole_numbers_are_quantities() -> None:
    few, many = np.arange(MOST_CLASSES), np.arange(MOST_CLASSES + 1)
    assert survey_of((few[:, None], few)).classes == dict.fromkeys(range(MOST_CLASSES), 1)
    found = survey_of((many[:, None], many))
    assert found.classes is None
    assert (found.labels.minimum, found.labels.maximum) == (0.0, 1000.0)


def test_batches_add_up() -> None:
    labels = np.arange(3000) % 3
    found = survey_of((torch.arange(3000).reshape(3000, 1), labels))
    assert found.classes == {0: 1000, 1: 1000, 2: 1000}
    assert found.features == Column("int64", (1,), 0.0, 2999.0, 0)


def test_without_a_finite_value_there_are_no_ends() -> None:
    found = survey_of((np.full((2, 2), np.nan), np.array([1, 1])))
    assert found.features == Column("float64", (2,), None, None, 4)


def test_samples_of_two_kinds_are_refused() -> None:
    line = (
        r"X, samples 1024 to 2047: found float32 of shape \(3,\), "
        r"accepted: float32 of shape \(2,\), as before them"
    )
    with pytest.raises(InvalidData, match=line):
        survey_of(Growing())
