"""Evaluation as integer counts, so that another machine can check a reported metric.

Scores are float64, but ``exp`` and matrix products differ between machines in their last bits. So a
metric is reported as counts, and whoever recomputes it accepts what rounding can explain: a count c
of margins above 0 is accepted if ``#(margin > eps) <= c <= #(margin > -eps)`` with ``eps =
2**-30``, a sum of losses if it is within one unit of 2**-16 per sample. What is paid never depends
on any of this.

Scores are raw outputs (logits): shape (n,) or (n, 1) for labels 0 and 1, or (n, classes) for labels
0 to classes - 1. For ``mse`` they are predictions and the labels are real numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.protocol.errors import InvalidConfiguration, InvalidData, NotFinite

EPSILON = 2.0**-30
LOSS_CAP = 64.0
LOSS_UNITS = 2**16
"""Units of loss in 1."""

Scores = NDArray[np.float64]
Labels = NDArray[Any]


@dataclass(frozen=True)
class Counts:
    """A metric in integers. Counts of disjoint data sets add up to those of their union.

    ``counted``: margins above 0, or units of loss. ``tied``: margins of exactly 0, for AUC,
    otherwise 0. ``total``: samples, or pairs for AUC; AUC counts of several data sets add up to the
    AUC over pairs within each.
    """

    counted: int
    tied: int
    total: int

    def __add__(self, other: "Counts") -> "Counts":
        """Return the counts over both data sets."""
        return Counts(
            self.counted + other.counted, self.tied + other.tied, self.total + other.total
        )


@dataclass(frozen=True)
class Metric:
    """Three pure functions of one metric.

    ``count(scores, labels)`` makes counts; ``accepts(reported, scores, labels)`` says whether
    rounding can explain reported counts; ``value(counts)`` is the exact number to show. The first
    two raise ``InvalidData`` for scores and labels that do not fit each other.
    """

    name: str
    count: Callable[[Scores, Labels], Counts]
    accepts: Callable[[Counts, Scores, Labels], bool]
    value: Callable[[Counts], Fraction]


def evaluate(names: Sequence[str], scores: Scores, labels: Labels) -> dict[str, Counts]:
    """Return the counts of the metrics called ``names``.

    Raises ``InvalidConfiguration`` for an unknown metric, ``InvalidData`` for scores and labels
    that do not fit.
    """
    return {name: metric_named(name).count(scores, labels) for name in names}


def metric_named(name: str) -> Metric:
    """Return a row of ``METRICS``.

    Raises ``InvalidConfiguration`` when there is none of that name.
    """
    if name not in METRICS:
        raise InvalidConfiguration(f"found metric {name!r}, accepted: {', '.join(METRICS)}")
    return METRICS[name]


def _count_accuracy(scores: Scores, labels: Labels) -> Counts:
    margins = _margins(*_classified(scores, labels))
    return Counts(int(np.count_nonzero(margins > 0)), 0, len(margins))


def _accepts_accuracy(reported: Counts, scores: Scores, labels: Labels) -> bool:
    margins = _margins(*_classified(scores, labels))
    lowest, highest = (int(np.count_nonzero(margins > edge)) for edge in (EPSILON, -EPSILON))
    return (
        lowest <= reported.counted <= highest
        and reported.tied == 0
        and reported.total == len(margins)
    )


def _margins(scores: Scores, labels: Labels) -> Scores:
    """Return the true class's score less the best other; of one logit, its signed value."""
    if scores.shape[1] == 1:
        return np.where(labels == 1, scores[:, 0], -scores[:, 0])
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    margins: Scores = scores[rows, labels] - others.max(axis=1)
    return margins


def _count_auc(scores: Scores, labels: Labels) -> Counts:
    positive, negative = _sides(scores, labels)
    below = _pairs_above(positive, negative, 0.0)
    at_most = int(np.searchsorted(negative, positive, side="right").sum())
    return Counts(below, at_most - below, len(positive) * len(negative))


def _accepts_auc(reported: Counts, scores: Scores, labels: Labels) -> bool:
    positive, negative = _sides(scores, labels)
    return (
        _pairs_above(positive, negative, EPSILON) <= reported.counted
        and reported.tied >= 0
        and reported.counted + reported.tied <= _pairs_above(positive, negative, -EPSILON)
        and reported.total == len(positive) * len(negative)
    )


def _pairs_above(positive: Scores, sorted_negative: Scores, edge: float) -> int:
    """Return how many pairs have ``positive - negative > edge``, in n log n steps."""
    return int(np.searchsorted(sorted_negative, positive - edge, side="left").sum())


def _sides(scores: Scores, labels: Labels) -> tuple[Scores, Scores]:
    """Return the scores of the positive samples, and of the negative in ascending order."""
    scores, labels = _classified(scores, labels)
    if scores.shape[1] > 2:
        raise InvalidData(f"found {scores.shape[1]} classes, accepted: 2, for a metric over pairs")
    single = scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]
    positive, negative = single[labels == 1], np.sort(single[labels == 0])
    if len(positive) == 0 or len(negative) == 0:
        raise InvalidData("found labels of one class only, accepted: both, for a metric over pairs")
    return positive, negative


def _cross_entropies(scores: Scores, labels: Labels) -> Scores:
    scores, labels = _classified(scores, labels)
    if scores.shape[1] == 1:
        return np.logaddexp(0.0, -_margins(scores, labels))
    highest = scores.max(axis=1)
    sums = np.exp(scores - highest[:, None]).sum(axis=1)
    losses: Scores = np.log(sums) + (highest - scores[np.arange(len(labels)), labels])
    return losses


def _squared_errors(scores: Scores, labels: Labels) -> Scores:
    predictions = _rows(scores)
    targets = _rows(np.asarray(labels, dtype=np.float64))
    if predictions.shape != targets.shape:
        raise InvalidData(
            f"found labels of shape {labels.shape}, accepted: {scores.shape}, as the scores"
        )
    losses: Scores = np.square(predictions - targets).mean(axis=1)
    return losses


def _loss_metric(name: str, losses_of: Callable[[Scores, Labels], Scores]) -> Metric:
    def count(scores: Scores, labels: Labels) -> Counts:
        # Beyond the float range a loss is infinite, and the cap brings it back.
        with np.errstate(over="ignore"):
            losses = np.minimum(losses_of(scores, labels), LOSS_CAP)
        units = np.rint(losses * LOSS_UNITS).astype(np.int64)
        return Counts(int(units.sum()), 0, len(units))

    def accepts(reported: Counts, scores: Scores, labels: Labels) -> bool:
        own = count(scores, labels)
        near = abs(reported.counted - own.counted) <= own.total
        return near and reported.tied == 0 and reported.total == own.total

    return Metric(name, count, accepts, lambda counts: _share(counts) / LOSS_UNITS)


def _share(counts: Counts) -> Fraction:
    """Return counted per total, ties counting half."""
    if counts.total < 1:
        raise InvalidData(f"found counts over {counts.total}, accepted: at least 1")
    return Fraction(2 * counts.counted + counts.tied, 2 * counts.total)


def _classified(scores: Scores, labels: Labels) -> tuple[Scores, NDArray[np.int64]]:
    """Return scores of shape (n, outputs) and class numbers of shape (n,), checked."""
    rows = _rows(scores)
    flat = labels.reshape(-1) if labels.shape == (len(rows), 1) else labels
    if flat.shape != (len(rows),):
        raise InvalidData(f"found labels of shape {labels.shape}, accepted: ({len(rows)},)")
    classes = max(2, rows.shape[1])
    with np.errstate(invalid="ignore"):  # a NaN becomes some integer, and differs from it below
        numbers = flat.astype(np.int64)
    if not np.array_equal(numbers, flat) or numbers.min() < 0 or numbers.max() >= classes:
        raise InvalidData(
            f"found labels from {flat.min()} to {flat.max()}, "
            f"accepted: whole numbers from 0 to {classes - 1}"
        )
    return rows, numbers


def _rows(values: Scores) -> Scores:
    """Return finite ``values`` of shape (n,) or (n, outputs) as (n, outputs)."""
    if values.ndim not in (1, 2) or values.size == 0:
        raise InvalidData(f"found shape {values.shape}, accepted: (samples,) or (samples, outputs)")
    if not np.isfinite(values).all():
        sample = int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise NotFinite(f"sample {sample}: found NaN or infinity, accepted: finite numbers")
    return values.astype(np.float64, copy=False).reshape(len(values), -1)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": Metric("accuracy", _count_accuracy, _accepts_accuracy, _share),
        "auc": Metric("auc", _count_auc, _accepts_auc, _share),
        "loss": _loss_metric("loss", _cross_entropies),
        "mse": _loss_metric("mse", _squared_errors),
    }
)
"""Metrics by name; ``loss`` is the cross-entropy of logits, ``mse`` the squared error."""
