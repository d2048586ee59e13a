"""Names that only torch knows, checked before anything is published."""

from __future__ import annotations

from torch import nn

from sheaf.apps.config.sources import Sources
from sheaf.learning.hyperparameters import options
from sheaf.learning.training import loss_named, optimizer_named
from sheaf.nodes.plan import Plan
from sheaf.protocol.errors import InvalidConfiguration


def check_training(plan: Plan, sources: Sources) -> None:
    """Raise `InvalidConfiguration`, naming the key, for a loss, optimiser or option torch lacks."""
    a = plan.algorithm
    try:
        loss_named(a.loss)
    except InvalidConfiguration as error:
        raise _placed(sources, "loss", error) from error
    try:
        optimizer_named(a.optimizer, nn.Linear(1, 1), options(a.options))
    except InvalidConfiguration as error:
        raise _placed(sources, "optimizer", error) from error


def _placed(sources: Sources, key: str, error: InvalidConfiguration) -> InvalidConfiguration:
    """The error with the place where the key was set."""
    where = sources.origin(("algorithm", key))
    return InvalidConfiguration(f"{where}: algorithm.{key}: {error.message}", error.hint)
