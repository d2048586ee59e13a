"""Losses, optimisers and options that only torch knows: refused by key and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.apps.config import read
from sheaf.apps.config.training import check_training
from sheaf.protocol.errors import InvalidConfiguration
from tests.apps.projects import write


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("loss", '"CrosEntropyLoss"', "found loss 'CrosEntropyLoss', accepted: a loss class of"),
        ("optimizer", '"SDG"', "found optimizer 'SDG', accepted: an optimiser class of torch"),
        ("options.learning_rate", "0.1", "found optimizer options {'learning_rate': 0.1}, "),
        ("options.lr", "-1", "found optimizer options {'lr': -1}, accepted: those of torch.optim"),
        (
            "options.lr",
            '"a"',
            "found optimizer options {'lr': 'a'}, accepted: those of torch.optim.SGD (lr is text)",
        ),
        ("options.nesterov", "true", "found optimizer options {'nesterov': True}, accepted: "),
    ],
)
def test_what_torch_does_not_have_is_refused(
    tmp_path: Path, key: str, value: str, line: str
) -> None:
    plan, sources = read(write(tmp_path, {f"algorithm.{key}": value}), {}, {})
    with pytest.raises(InvalidConfiguration) as caught:
        check_training(plan, sources)
    assert caught.value.message.startswith(f"sheaf.toml: algorithm.{key}: {line}")


def test_the_option_that_is_wrong_is_blamed_where_it_was_set(tmp_path: Path) -> None:
    folder = write(tmp_path, {"algorithm.options": "{ momentum = 0.9, nesterov = true, lr = 0.1 }"})
    environment = {"SHEAF_ALGORITHM__OPTIONS__LR": "-1"}
    plan, sources = read(folder, {}, environment)
    with pytest.raises(InvalidConfiguration) as caught:
        check_training(plan, sources)
    assert caught.value.message.startswith(
        "SHEAF_ALGORITHM__OPTIONS__LR: algorithm.options.lr: found optimizer options"
    )
    plan, sources = read(folder, {}, environment | {"SHEAF_ALGORITHM__OPTIONS__LAZY": "true"})
    with pytest.raises(InvalidConfiguration, match=r"^sheaf\.toml: algorithm\.options: found"):
        check_training(plan, sources)  # no single one of the two


def test_what_torch_has_is_accepted_and_kept_exact(tmp_path: Path) -> None:
    settings: dict[str, str | None] = {
        "algorithm.optimizer": '"Adam"',
        "algorithm.options": "{ lr = 0.1, betas = [0.9, 0.999], amsgrad = true }",
    }
    plan, sources = read(write(tmp_path, settings), {}, {})
    check_training(plan, sources)
    exact = {"lr": [1, 10], "betas": [[9, 10], [999, 1000]], "amsgrad": True}
    assert plan.algorithm.options == exact
