"""A module's scores over a data set, in float64, for ``sheaf.learning.evaluation`` to count."""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sheaf.learning.samples import samples_of
from sheaf.learning.training import output_of, repeatable
from sheaf.protocol.errors import InvalidData

_BATCH = 1024


def scores_of(
    module: nn.Module, data: object, *, threads: int = 1, batch_size: int = _BATCH
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return (scores, labels): the outputs of ``module`` in evaluation mode, a row per sample.

    A float64 copy of the module is used, so that two machines differ by far less than the margin
    that ``evaluation`` allows; ``module`` itself is left as it is. ``data`` as in
    ``samples.samples_of``.

    Raises ``InvalidData`` for data that is malformed or that the module does not take, and
    ``InvalidModel`` for a module that returns something else than a tensor.
    """
    samples = samples_of(data)
    exact = copy.deepcopy(module).double().eval()
    scores: list[NDArray[np.float64]] = []
    labels: list[NDArray[Any]] = []
    with repeatable(0, threads), torch.no_grad():
        for indices in samples.parts(batch_size):
            features, targets = samples.batch(indices)
            if features.is_floating_point():
                features = features.double()
            try:
                output = output_of(exact, features)
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                raise InvalidData(
                    f"found a batch X of shape {tuple(features.shape)} and {features.dtype}, "
                    f"accepted: what the module takes ({error})"
                ) from error
            scores.append(output.double().numpy())
            labels.append(targets.numpy())
    return np.concatenate(scores), np.concatenate(labels)
