"""The server optimiser's keys of `sheaf.toml`, and the task's integers that they come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.apps.config import load
from sheaf.protocol.errors import InvalidConfiguration
from sheaf.protocol.optimisers import Constants
from tests.apps.projects import write

DECAY = "0, or 1 - 1/k for a whole k, such as 0.9 or 0.99"
K = "k from 1 to 2^24 - 1 in 1 - 1/k; 0 without a server optimiser"
K_OF_SQUARES = "k from 2 to 2^24 - 1 in 1 - 1/k; 0 unless fedadam or fedyogi"
RATE = "2^-24 to below 2^7 (fedavgm: times k), at 24 bits; 0 without a server optimiser"
TAU = "2^-14 to below 2^7, at 24 bits; 0 unless fedadagrad, fedadam or fedyogi"
# 0.01 and 0.001 are 167772.16 and 16777.216 units of 2^-24.
ADAM = Constants(10, 100, 167_772, 16_777)


def settings_of(name: str, **keys: str) -> dict[str, str | None]:
    return {"algorithm.name": f'"{name}"', **{f"algorithm.{k}": v for k, v in keys.items()}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (settings_of("fedavg"), Constants(0, 0, 0, 0)),
        # The paper's rate of 1 over a sum that is ten times the average.
        (settings_of("fedavgm", server_rate="1"), Constants(10, 0, 10 * 2**24, 0)),
        (settings_of("fedavgm", server_rate="0.5", beta1="0"), Constants(1, 0, 2**23, 0)),
        (settings_of("fedadagrad", server_rate="0.01"), Constants(1, 0, 167_772, 16_777)),
        (settings_of("fedadam", server_rate="0.01"), ADAM),
        (settings_of("fedyogi", server_rate="[1, 100]"), ADAM),
        (
            settings_of("fedadam", server_rate="2.5", beta1="0.5", beta2="[2, 3]", tau="0.25"),
            Constants(2, 3, 5 * 2**23, 2**22),
        ),
        # Halves are rounded away from zero: 1.5 units.
        (settings_of("fedadam", server_rate="[3, 33554432]"), Constants(10, 100, 2, 16_777)),
    ],
)
def test_what_the_keys_come_to(
    tmp_path: Path, settings: dict[str, str | None], expected: Constants
) -> None:
    assert load(write(tmp_path, settings), {}, {}).algorithm.server == expected


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            settings_of("fedadam"),
            "server_rate: found nothing, accepted: a decimal number above 0, for fedadam",
        ),
        (settings_of("fedavg", tau="0.1"), "tau: found 0.1, accepted: nothing, with fedavg"),
        (
            settings_of("fedprox", mu="0.1", server_rate="1"),
            "server_rate: found 1, accepted: nothing, with fedprox",
        ),
        (
            settings_of("fedavgm", server_rate="1", beta2="0.9"),
            "beta2: found 0.9, accepted: nothing, with fedavgm",
        ),
        (
            settings_of("fedadam", server_rate="1", mu="1"),
            "mu: found 1, accepted: a ratio [n, d]; [0, 1] unless fedprox",
        ),
        (
            settings_of("fedadam", server_rate="1", beta1="0.85"),
            f"beta1: found 0.85, accepted: {DECAY}",
        ),
        (
            settings_of("fedadam", server_rate="1", beta2="1"),
            f"beta2: found 1, accepted: {DECAY}",
        ),
        (
            settings_of("fedadam", server_rate="1", beta2="-0.5"),
            f"beta2: found -0.5, accepted: {DECAY}",
        ),
        (
            settings_of("fedadam", server_rate="1", beta2="0"),
            f"beta2: found 0, accepted: {K_OF_SQUARES}",
        ),
        (
            settings_of("fedadam", server_rate="1", beta1="0.99999999"),
            f"beta1: found 0.99999999, accepted: {K}",
        ),
        (settings_of("fedadam", server_rate="0"), f"server_rate: found 0, accepted: {RATE}"),
        (settings_of("fedadam", server_rate="-1"), f"server_rate: found -1, accepted: {RATE}"),
        (settings_of("fedavgm", server_rate="13"), f"server_rate: found 13, accepted: {RATE}"),
        (settings_of("fedyogi", server_rate="1", tau="0"), f"tau: found 0, accepted: {TAU}"),
        (settings_of("fedyogi", server_rate="1", tau="128"), f"tau: found 128, accepted: {TAU}"),
    ],
)
def test_what_is_refused_and_where(
    tmp_path: Path, settings: dict[str, str | None], line: str
) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        load(write(tmp_path, settings), {}, {})
    assert caught.value.message == f"sheaf.toml: algorithm.{line}"
    assert caught.value.exit_code == 3


def test_an_unknown_algorithm_is_what_is_wrong_with_its_keys(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"algorithm\.name: found 'fedsgd'"):
        load(write(tmp_path, settings_of("fedsgd", server_rate="1", tau="3")), {}, {})
