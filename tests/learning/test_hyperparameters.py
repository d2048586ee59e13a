"""Hyperparameters as integers and exact ratios."""

from decimal import Decimal
from typing import Any

import pytest

from sheaf.learning.hyperparameters import options, ratio, real
from sheaf.protocol.errors import InvalidConfiguration


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, (1, 10)),
        ("0.05", (1, 20)),
        ("1e-3", (1, 1000)),
        (1e-08, (1, 100_000_000)),
        (3, (3, 1)),
        (-2.5, (-5, 2)),
        (Decimal("0.999"), (999, 1000)),
    ],
)
def test_a_decimal_is_an_exact_ratio(value: Any, expected: tuple[int, int]) -> None:
    assert ratio(value) == expected


@pytest.mark.parametrize("value", ["", "one", "nan", float("inf"), "1/3"])
def test_what_is_no_decimal_is_refused(value: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="accepted: a decimal number"):
        ratio(value)


def test_a_ratio_is_the_nearest_float() -> None:
    assert real([1, 10]) == 0.1
    assert real((0, 1), minimum=0) == 0.0
    with pytest.raises(InvalidConfiguration, match="found -1/3, accepted: at least 0"):
        real([-1, 3], minimum=0)


def test_options_by_hand() -> None:
    plain = {
        "lr": [1, 20],
        "betas": [[9, 10], [999, 1000]],
        "nesterov": True,
        "period": 3,
        "mode": "min",
    }
    assert options(plain) == {
        "lr": 0.05,
        "betas": (0.9, 0.999),
        "nesterov": True,
        "period": 3,
        "mode": "min",
    }


@pytest.mark.parametrize("value", [0.1, None, [], [1, 0], [1, 2, 3], [[1, 2], 3], b"x"])
def test_other_options_are_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="lr: found"):
        options({"lr": value})
