"""Aggregation rules: how the counted updates of a round become one vector.

A rule is one file and one row of ``RULES``; ``tests/learning/test_rules.py`` holds every row to its
column form in ``sheaf.protocol.columns``. A task can name it once it has a row in
``sheaf.protocol.bounds``, too, and a kind in ``sheaf.protocol.terms`` that the contracts accept.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sheaf.learning.rules.coordinate_median import coordinate_median
from sheaf.learning.rules.rule import Aggregate, Rule
from sheaf.learning.rules.statistics import RoundStatistics, round_statistics
from sheaf.learning.rules.trimmed_mean import trimmed_mean
from sheaf.learning.rules.weighted_mean import weighted_mean

RULES: Mapping[str, Callable[..., Rule]] = MappingProxyType(
    {
        "weighted_mean": weighted_mean,
        "coordinate_median": coordinate_median,
        "trimmed_mean": trimmed_mean,
    }
)
"""Factories by the name that a task gives."""

__all__ = [
    "RULES",
    "Aggregate",
    "RoundStatistics",
    "Rule",
    "coordinate_median",
    "round_statistics",
    "trimmed_mean",
    "weighted_mean",
]
