"""Hyperparameters as integers and exact ratios."""

from decimal import Decimal
from typing import Any

import pytest

from sheaf.learning.hyperparameters import decay_divisor, fixed_point, options, ratio, real
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


@pytest.mark.parametrize(
    ("decay", "k"),
    [((0, 1), 1), ((1, 2), 2), ((2, 3), 3), ((9, 10), 10), ((90, 100), 10), ((999, 1000), 1000)],
)
def test_a_decay_is_one_less_a_part(decay: tuple[int, int], k: int) -> None:
    assert decay_divisor(decay) == k


@pytest.mark.parametrize("decay", [(1, 1), (3, 2), (-1, 2), (3, 5), (85, 100)])
def test_another_decay_is_refused(decay: tuple[int, int]) -> None:
    with pytest.raises(InvalidConfiguration, match=r"accepted: 0, or 1 - 1/k for a whole k"):
        decay_divisor(decay)


def test_fixed_point_is_nearest_and_halves_go_outwards() -> None:
    assert fixed_point((1, 4), 2) == 1
    assert [fixed_point((n, 8), 2) for n in (1, -1, 3, 5)] == [1, -1, 2, 3]
    assert fixed_point((1, 1000), 24) == 16_777


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
