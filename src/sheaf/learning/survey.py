"""What a data hook returned, in numbers for people: nothing is decided by them.

Unlike training, a survey reads past NaN and infinity, and counts them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sheaf.learning.samples import unchecked
from sheaf.protocol.errors import InvalidData

MOST_CLASSES = 1000
"""Labels of more whole numbers than this are quantities, not classes."""

_AT_ONCE = 1024


@dataclass(frozen=True)
class Column:
    """The features or the labels of all samples: dtype, shape of one sample, the least and the
    largest finite value (None where there is none), and how many values are NaN or infinite."""

    dtype: str
    shape: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    not_finite: int


@dataclass(frozen=True)
class Survey:
    """``samples`` samples in all. ``classes``: how many of them have which label, in the order of
    the labels, where those are whole numbers, one a sample; None where they are anything else."""

    samples: int
    features: Column
    labels: Column
    classes: Mapping[int, int] | None


def survey_of(data: object) -> Survey:
    """Read all of ``data`` once and describe it.

    Raises ``InvalidData`` as ``samples.unchecked`` does, and where samples are not of one kind.
    """
    samples = unchecked(data)
    features, labels = _Tally("X"), _Tally("y")
    classes: Counter[float] | None = Counter()
    for indices in samples.parts(_AT_ONCE):
        X, y = samples.batch(indices)
        features.add(X, indices)
        whole = labels.add(y, indices)
        classes = _counted(classes, whole)
    counts = None if classes is None else {int(c): n for c, n in sorted(classes.items())}
    return Survey(samples.count, features.column(), labels.column(), counts)


def _counted(classes: Counter[float] | None, labels: NDArray[np.float64]) -> Counter[float] | None:
    """``classes`` with another batch of labels in it, or None once they are no classes."""
    single = labels.size == len(labels)
    if classes is None or not single or not np.array_equal(labels, np.rint(labels)):
        return None
    if not np.isfinite(labels).all():
        return None
    numbers, counts = np.unique(labels, return_counts=True)
    classes.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
    return classes if len(classes) <= MOST_CLASSES else None


class _Tally:
    """A column, batch by batch."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._kind: tuple[str, tuple[int, ...]] | None = None
        self._ends: tuple[float, float] | None = None
        self._not_finite = 0

    def add(self, values: torch.Tensor, indices: Sequence[int]) -> NDArray[np.float64]:
        """Take in a batch, and return it in float64."""
        kind = (str(values.dtype).removeprefix("torch."), tuple(values.shape[1:]))
        self._kind = self._kind or kind
        if kind != self._kind:
            raise InvalidData(
                f"{self._name}, samples {indices[0]} to {indices[-1]}: found {kind[0]} of shape "
                f"{kind[1]}, accepted: {self._kind[0]} of shape {self._kind[1]}, as before them"
            )
        numbers: NDArray[np.float64] = values.to(torch.float64).numpy()
        finite = numbers[np.isfinite(numbers)]
        self._not_finite += numbers.size - finite.size
        if finite.size:
            low, high = self._ends or (np.inf, -np.inf)
            self._ends = min(low, float(finite.min())), max(high, float(finite.max()))
        return numbers

    def column(self) -> Column:
        """What was taken in."""
        dtype, shape = self._kind or ("", ())
        low, high = self._ends or (None, None)
        return Column(dtype, shape, low, high, self._not_finite)
