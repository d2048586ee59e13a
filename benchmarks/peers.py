"""The aggregation functions of Flower and ByzFL, as they are, from a folder of their own.

`make bench` installs them there; peers.txt says why not beside Sheaf.
"""

# The peers are not in the environment that is checked.
# mypy: disable-error-code="import-not-found,import-untyped,unused-ignore"

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / ".venv" / "peers"

Vectors = Sequence[NDArray[Any]]
Combine = Callable[[Any, Sequence[int], int], Any]
"""A peer's rule: of updates, weights, and how many are dropped at each end."""


@dataclass(frozen=True)
class Peer:
    """A library's rules, and the form in which its own server hands updates to them."""

    name: str
    form: str
    own: Callable[[Vectors], Any]
    weighted_mean: Combine | None
    coordinate_median: Combine
    trimmed_mean: Combine


def flower() -> Peer:
    """flwr's, as its strategies FedAvg, FedMedian and FedTrimmedAvg call them."""
    _reachable()
    os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
    from flwr.server.strategy import aggregate  # noqa: PLC0415 - from the folder

    def results(updates: Vectors, weights: Sequence[int]) -> list[Any]:
        return [([update], weight) for update, weight in zip(updates, weights, strict=True)]

    return Peer(
        "flwr",
        "float32",
        lambda updates: [update.astype(np.float32) for update in updates],
        lambda updates, weights, dropped: aggregate.aggregate(results(updates, weights))[0],
        lambda updates, weights, dropped: aggregate.aggregate_median(results(updates, weights))[0],
        lambda updates, weights, dropped: aggregate.aggregate_trimmed_avg(
            results(updates, weights), dropped / len(updates)
        )[0],
    )


def byzfl() -> Peer:
    """byzfl's `Median` and `TrMean`; it has no weighted mean."""
    _reachable()
    # The package's own __init__ wants torchvision and seaborn, which its aggregators do not.
    package = ModuleType("byzfl")
    package.__path__ = [str(FOLDER / "byzfl")]
    sys.modules["byzfl"] = package
    from byzfl import aggregators  # noqa: PLC0415 - from the folder

    return Peer(
        "byzfl",
        "tensors",
        lambda updates: [torch.from_numpy(update).float() for update in updates],
        None,
        lambda updates, weights, dropped: aggregators.Median()(updates),
        lambda updates, weights, dropped: aggregators.TrMean(dropped)(updates),
    )


def _reachable() -> None:
    if not FOLDER.is_dir():
        raise SystemExit(f"{FOLDER}: found nothing there; `make bench` installs it")
    if str(FOLDER) not in sys.path:
        # Behind everything else: where both have a package, Sheaf's is used.
        sys.path.append(str(FOLDER))
