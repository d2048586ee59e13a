"""Names that only torch knows, checked before anything is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from sheaf.apps.config.sources import Sources
from sheaf.learning.hyperparameters import options
from sheaf.learning.training import loss_named, optimizer_named
from sheaf.nodes.plan import Plan
from sheaf.protocol.errors import InvalidConfiguration


def check_training(plan: Plan, sources: Sources) -> None:
    """Raise `InvalidConfiguration`, naming the key, for a loss, optimiser or option torch lacks."""
    a, given = plan.algorithm, options(plan.algorithm.options)
    with _blaming(sources, "loss"):
        loss_named(a.loss)
    with _blaming(sources, "optimizer"):
        _made(a.optimizer, {})
    with _blaming(sources, "options", *_culprit(a.optimizer, given)):
        _made(a.optimizer, given)


@contextmanager
def _blaming(sources: Sources, *keys: str) -> Iterator[None]:
    """An error names the key, and where that was set."""
    try:
        yield
    except InvalidConfiguration as error:
        path = ("algorithm", *keys)
        where = f"{sources.origin(path)}: {'.'.join(path)}"
        raise InvalidConfiguration(f"{where}: {error.message}", error.hint) from error


def _culprit(optimizer: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The first option without which the others are accepted, if there is one."""
    for key in given:
        try:
            _made(optimizer, {other: value for other, value in given.items() if other != key})
        except InvalidConfiguration:
            continue
        return (key,)
    return ()


def _made(optimizer: str, given: Mapping[str, Any]) -> object:
    return optimizer_named(optimizer, nn.Linear(1, 1), given)
