"""What a data hook returns, checked once and served in batches.

Accepted: a ``torch.utils.data.Dataset`` with a length whose items are pairs (features, label), or a
pair (X, y) of NumPy arrays or tensors with one row per sample.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, default_collate

from sheaf.protocol.errors import InvalidData, NotFinite

ACCEPTED = (
    "a torch Dataset with a length and items (features, label), or a pair (X, y) of arrays or "
    "tensors with a row per sample"
)
_PAIR = 2
_AT_ONCE = 4096
_WIDEST = 8

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Samples:
    """``count`` samples; ``batch`` returns those of some indices as (features, labels)."""

    count: int
    batch: Callable[[Sequence[int]], Batch]

    def parts(self, size: int) -> Iterator[range]:
        """Yield the indices of all samples in order, ``size`` at a time."""
        for start in range(0, self.count, size):
            yield range(start, min(self.count, start + size))


def samples_of(data: object) -> Samples:
    """Return the samples in ``data``, which is one of what the module docstring accepts.

    Raises ``InvalidData`` for anything else, for no samples and for rows that do not match, and
    ``NotFinite`` for NaN or infinity: of arrays at once, of a dataset when a batch is read.
    """
    samples = unchecked(data)
    if not isinstance(data, Dataset):
        for indices in samples.parts(_AT_ONCE):
            _refuse_not_finite(samples.batch(indices), indices)
        return samples

    def batch(indices: Sequence[int]) -> Batch:
        found = samples.batch(indices)
        _refuse_not_finite(found, indices)
        return found

    return Samples(samples.count, batch)


def unchecked(data: object) -> Samples:
    """Return the samples in ``data`` as ``samples_of`` does, but NaN and infinity among them."""
    if isinstance(data, IterableDataset):
        raise InvalidData(
            f"found {type(data).__name__}, an iterable dataset: without a length its samples "
            "cannot be counted, and without an index no seed can schedule its batches; "
            f"accepted: {ACCEPTED}, such as one over list(dataset)"
        )
    if isinstance(data, tuple | list) and len(data) == _PAIR:
        samples = _from_arrays(*data)
    elif isinstance(data, Dataset):
        samples = _from_dataset(data)
    else:
        length = f" of length {len(data)}" if isinstance(data, tuple | list) else ""
        raise InvalidData(f"found a {type(data).__name__}{length}, accepted: {ACCEPTED}")
    if samples.count == 0:
        raise InvalidData("found no samples, accepted: at least one")
    return samples


def _from_arrays(features: object, labels: object) -> Samples:
    X, y = _tensor("X", features), _tensor("y", labels)
    if len(X) != len(y):
        raise InvalidData(
            f"found {len(X)} rows in X and {len(y)} in y, accepted: one label per row"
        )

    def batch(indices: Sequence[int]) -> Batch:
        rows = torch.tensor(indices, dtype=torch.int64)
        return X[rows], y[rows]

    return Samples(len(X), batch)


def _tensor(name: str, values: object) -> torch.Tensor:
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "biuf" or values.dtype.itemsize > _WIDEST:
            accepted = "numbers of up to 64 bits"
            raise InvalidData(f"{name}: found dtype {values.dtype}, accepted: {accepted}")
        # Copied, since a tensor must not share memory with an array that may be read-only.
        values = torch.from_numpy(values.astype(values.dtype.newbyteorder("="), copy=True))
    if not isinstance(values, torch.Tensor):
        raise InvalidData(f"{name}: found a {type(values).__name__}, accepted: an array or tensor")
    if values.ndim == 0 or values.is_complex():
        raise InvalidData(
            f"{name}: found shape {tuple(values.shape)} of {values.dtype}, "
            "accepted: real numbers, one row per sample"
        )
    return values.detach()


def _from_dataset(dataset: Dataset[Any]) -> Samples:
    count = getattr(dataset, "__len__", None)
    if count is None:
        raise InvalidData(f"found {type(dataset).__name__} without a length, accepted: {ACCEPTED}")

    def batch(indices: Sequence[int]) -> Batch:
        items = [dataset[index] for index in indices]
        for index, item in zip(indices, items, strict=True):
            if not isinstance(item, tuple | list) or len(item) != _PAIR:
                raise InvalidData(
                    f"sample {index}: found a {type(item).__name__}, accepted: (features, label)"
                )
        try:
            collated = default_collate([tuple(item) for item in items])
        except (RuntimeError, TypeError) as error:
            raise InvalidData(
                f"samples {indices[0]} to {indices[-1]}: found items that make no batch ({error}), "
                "accepted: tensors or arrays of one shape"
            ) from error
        features, labels = (_tensor(name, part) for name, part in zip("Xy", collated, strict=True))
        return features, labels

    return Samples(count(), batch)


def _refuse_not_finite(batch: Batch, indices: Sequence[int]) -> None:
    for name, values in zip("Xy", batch, strict=True):
        if not values.is_floating_point() or values.numel() == 0:
            continue
        finite = torch.isfinite(values).reshape(len(values), -1).all(dim=1)
        if not finite.all():
            sample = indices[int(finite.int().argmin())]
            raise NotFinite(
                f"{name}, sample {sample}: found NaN or infinity, accepted: finite numbers"
            )
