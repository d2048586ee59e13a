"""Metrics as integer counts, by hand and against all pairs, and what a verifier accepts."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.learning.evaluation import EPSILON, METRICS, Counts, evaluate
from sheaf.protocol.errors import InvalidConfiguration, InvalidData, NotFinite

BINARY = np.array([2.0, -1.0, 0.0, 0.5, -3.0])
BINARY_LABELS = np.array([1, 0, 1, 0, 0])
CLASSES = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0], [0.0, -1.0, 0.5]])
CLASS_LABELS = np.array([1, 0, 0])


def example_of(name: str) -> tuple[Any, Any]:
    return (BINARY, BINARY_LABELS * 1.5) if name == "mse" else (BINARY, BINARY_LABELS)


def test_accuracy_by_hand() -> None:
    # A margin of 0 is no success: the third sample is a coin toss, the fourth is wrong.
    expected = {"accuracy": Counts(3, 0, 5)}
    assert evaluate(["accuracy"], BINARY, BINARY_LABELS) == expected
    assert evaluate(["accuracy"], BINARY[:, None], BINARY_LABELS[:, None]) == expected
    assert evaluate(["accuracy"], BINARY, BINARY_LABELS.astype(np.float32)) == expected
    assert METRICS["accuracy"].count(CLASSES, CLASS_LABELS) == Counts(1, 0, 3)
    assert METRICS["accuracy"].value(Counts(3, 0, 5)) == Fraction(3, 5)


def test_auc_by_hand() -> None:
    scores, labels = np.array([1.0, 2.0, 2.0, 0.0, 3.0]), np.array([1, 1, 0, 0, 0])
    # Positives 1 and 2, negatives 2, 0 and 3: 1 > 0, 2 > 0, 2 = 2.
    assert METRICS["auc"].count(scores, labels) == Counts(2, 1, 6)
    assert METRICS["auc"].value(Counts(2, 1, 6)) == Fraction(5, 12)
    two_outputs = np.stack([np.ones(5), scores + 1], axis=1)
    assert METRICS["auc"].count(two_outputs, labels) == Counts(2, 1, 6)


def test_loss_by_hand() -> None:
    loss = METRICS["loss"]
    units = math.log(2) * 65536
    assert loss.count(np.zeros(3), np.array([0, 1, 1])) == Counts(3 * round(units), 0, 3)
    assert loss.count(np.zeros((2, 4)), np.array([3, 0])) == Counts(2 * round(2 * units), 0, 2)
    # log(1 + e**-2) and log(1 + e**2)
    values = [math.log1p(math.exp(-2)), math.log1p(math.exp(2))]
    expected = Counts(sum(round(value * 65536) for value in values), 0, 2)
    assert loss.count(np.array([2.0, 2.0]), np.array([1, 0])) == expected
    as_two = np.array([[1.0, 3.0], [1.0, 3.0]])
    assert loss.count(as_two, np.array([1, 0])) == expected
    assert loss.value(Counts(3 * 65536, 0, 2)) == Fraction(3, 2)


@pytest.mark.parametrize("scale", [100.0, 1e6, 1e308])
def test_a_loss_is_capped(scale: float) -> None:
    capped = Counts(64 * 65536, 0, 1)
    assert METRICS["loss"].count(np.array([-scale]), np.array([1])) == capped
    assert METRICS["loss"].count(np.array([[scale, -scale]]), np.array([1])) == capped
    assert METRICS["mse"].count(np.array([scale]), np.array([0.0])) == capped


def test_mse_by_hand() -> None:
    counts = METRICS["mse"].count(np.array([1.0, 2.5]), np.array([0.5, 2.5]))
    assert counts == Counts(65536 // 4, 0, 2)
    assert METRICS["mse"].value(counts) == Fraction(1, 8)
    rows = np.array([[1.0, 3.0], [0.0, 0.0]])
    assert METRICS["mse"].count(rows, np.zeros((2, 2))) == Counts(5 * 65536, 0, 2)


@pytest.mark.parametrize("name", METRICS)
def test_counts_are_accepted_by_themselves_and_add_up(name: str) -> None:
    metric = METRICS[name]
    scores, labels = example_of(name)
    counts = metric.count(scores, labels)
    assert metric.name == name
    assert metric.accepts(counts, scores, labels)
    twice = counts + counts
    assert metric.value(twice) == metric.value(counts)
    assert not metric.accepts(twice, scores, labels)
    assert not metric.accepts(counts + Counts(0, 0, 1), scores, labels)
    assert not metric.accepts(counts + Counts(0, -1, 0), scores, labels)
    with pytest.raises(InvalidData, match="found counts over 0"):
        metric.value(Counts(0, 0, 0))


@pytest.mark.parametrize(
    ("margin", "accepted"),
    [
        (0.0, [1, 2]),
        (EPSILON / 2, [1, 2]),
        (-EPSILON / 2, [1, 2]),
        (EPSILON, [1, 2]),
        (-EPSILON, [1]),
        (2 * EPSILON, [2]),
        (-2 * EPSILON, [1]),
    ],
)
def test_accuracy_accepts_what_rounding_explains(margin: float, accepted: list[int]) -> None:
    scores, labels = np.array([1.0, margin, -1.0]), np.array([1, 1, 1])
    metric = METRICS["accuracy"]
    assert [c for c in range(4) if metric.accepts(Counts(c, 0, 3), scores, labels)] == accepted


def test_auc_accepts_what_rounding_explains() -> None:
    # Pairs: 1 is above 0 and near 1 + eps/2 (either way, or a tie), 3 is above both.
    scores = np.array([1.0, 3.0, 0.0, 1.0 + EPSILON / 2])
    labels = np.array([1, 1, 0, 0])
    metric = METRICS["auc"]
    accepted = [
        (counted, tied)
        for counted in range(6)
        for tied in range(-1, 4)
        if metric.accepts(Counts(counted, tied, 4), scores, labels)
    ]
    assert accepted == [(3, 0), (3, 1), (4, 0)]


@pytest.mark.parametrize("name", ["loss", "mse"])
def test_a_loss_is_accepted_within_one_unit_per_sample(name: str) -> None:
    metric = METRICS[name]
    scores, labels = example_of(name)
    counts = metric.count(scores, labels)
    for units, accepted in [(-6, False), (-5, True), (5, True), (6, False)]:
        shifted = counts + Counts(units, 0, 0)
        assert metric.accepts(shifted, scores, labels) is accepted


few_scores = st.sampled_from([-1.0, 0.0, 0.0 + EPSILON / 4, 0.5, 2.0])


@given(st.lists(st.tuples(few_scores, st.integers(0, 1)), min_size=2, max_size=30))
def test_auc_equals_all_pairs(samples: list[tuple[float, int]]) -> None:
    positive = [score for score, label in samples if label == 1]
    negative = [score for score, label in samples if label == 0]
    scores = np.array([score for score, _ in samples])
    labels = np.array([label for _, label in samples])
    if not positive or not negative:
        with pytest.raises(InvalidData, match="one class only"):
            METRICS["auc"].count(scores, labels)
        return
    margins = [p - n for p in positive for n in negative]
    above, tied = sum(m > 0 for m in margins), sum(m == 0 for m in margins)
    assert METRICS["auc"].count(scores, labels) == Counts(above, tied, len(margins))
    lowest, highest = sum(m > EPSILON for m in margins), sum(m > -EPSILON for m in margins)
    for counted in range(len(margins) + 1):
        reported = Counts(counted, 0, len(margins))
        assert METRICS["auc"].accepts(reported, scores, labels) is (lowest <= counted <= highest)


@pytest.mark.parametrize("name", METRICS)
def test_scores_that_do_not_fit_are_refused(name: str) -> None:
    metric = METRICS[name]
    labels = np.array([0, 1])
    with pytest.raises(NotFinite, match="sample 1: found NaN or infinity"):
        metric.count(np.array([0.0, np.nan]), labels)
    with pytest.raises(InvalidData, match=r"found shape \(0,\)"):
        metric.count(np.zeros(0), np.zeros(0))
    with pytest.raises(InvalidData, match=r"found shape \(1, 1, 1\)"):
        metric.count(np.zeros((1, 1, 1)), labels)
    with pytest.raises(InvalidData, match=r"found labels of shape \(2,\), accepted: \(3,"):
        metric.count(np.zeros(3), labels)


@pytest.mark.parametrize("labels", [[0, 2], [-1, 1], [0.5, 1], [np.nan, 1]])
def test_labels_that_are_no_classes_are_refused(labels: list[float]) -> None:
    for name in ("accuracy", "auc", "loss"):
        with pytest.raises(InvalidData, match="accepted: whole numbers from 0 to 1"):
            METRICS[name].count(np.zeros(2), np.array(labels))


def test_auc_needs_two_classes_of_scores() -> None:
    with pytest.raises(InvalidData, match="found 3 classes, accepted: 2"):
        METRICS["auc"].count(CLASSES, CLASS_LABELS)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="found metric 'f1', accepted: accuracy, auc"):
        evaluate(["accuracy", "f1"], BINARY, BINARY_LABELS)
