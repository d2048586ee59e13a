"""The server optimiser's keys of `[algorithm]`, from the papers' terms to the task's integers.

A decay is `1 - 1/k` and becomes k; the rate and tau become the nearest whole number of 2^-24, once
and here: from then on everything is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sheaf.apps.config.refusals import refusal
from sheaf.apps.config.schema import AlgorithmSection, Ratio, Settings
from sheaf.apps.config.sources import Sources
from sheaf.learning.hyperparameters import decay_divisor, fixed_point
from sheaf.protocol.bounds import ALGORITHMS
from sheaf.protocol.errors import InvalidConfiguration
from sheaf.protocol.optimisers import MOMENT_BITS, NO_CONSTANTS, Constants, OptimiserKind

RATE = "server_rate"
KEYS = (RATE, "beta1", "beta2", "tau")
DEFAULTS: Mapping[OptimiserKind, Mapping[str, Ratio]] = MappingProxyType(
    {
        OptimiserKind.PLAIN: {},
        OptimiserKind.MOMENTUM: {"beta1": (9, 10)},
        OptimiserKind.ADAGRAD: {"beta1": (0, 1), "tau": (1, 1000)},
        OptimiserKind.ADAM: {"beta1": (9, 10), "beta2": (99, 100), "tau": (1, 1000)},
        OptimiserKind.YOGI: {"beta1": (9, 10), "beta2": (99, 100), "tau": (1, 1000)},
    }
)
"""The papers' own; a key that is not here has no use with that optimiser. A rate has no default."""


def server_constants(settings: Settings, sources: Sources) -> Constants:
    """The task's constants. Raises `InvalidConfiguration` for a key without use, a rate that is
    missing, or a decay of another form; what is out of bounds the protocol refuses."""
    section = settings.algorithm
    kind = ALGORITHMS.get(section.name, OptimiserKind.PLAIN)
    values = _values(section, kind, sources)
    if kind == OptimiserKind.PLAIN:
        return NO_CONSTANTS
    mean, square = (_divisor(sources, key, values.get(key)) for key in ("beta1", "beta2"))
    numerator, denominator = values[RATE]
    if kind == OptimiserKind.MOMENTUM:
        # What is kept is the average of what the paper's momentum sums up.
        numerator *= mean
    rate = fixed_point((numerator, denominator), MOMENT_BITS)
    return Constants(mean, square, rate, fixed_point(values.get("tau", (0, 1)), MOMENT_BITS))


def _values(section: AlgorithmSection, kind: OptimiserKind, sources: Sources) -> dict[str, Ratio]:
    """What counts of each key: what the file says, or the default."""
    given = {key: value for key in KEYS if (value := getattr(section, key)) is not None}
    moves = kind != OptimiserKind.PLAIN
    known = section.name in ALGORITHMS
    for key in given:
        used = key in DEFAULTS[kind] or (moves and key == RATE)
        if known and not used:
            raise refusal(sources, ("algorithm", key), f"nothing, with {section.name}")
    if moves and RATE not in given:
        accepted = f"a decimal number above 0, for {section.name}"
        raise refusal(sources, ("algorithm", RATE), accepted)
    return {**DEFAULTS[kind], **given}


def _divisor(sources: Sources, key: str, decay: Ratio | None) -> int:
    """The k of a decay; 0 for an optimiser that has none."""
    if decay is None:
        return 0
    try:
        return decay_divisor(decay)
    except InvalidConfiguration as error:
        accepted = error.message.rpartition("accepted: ")[2]
        raise refusal(sources, ("algorithm", key), accepted) from error
