"""Named vectors for every transition and every rejection; `VECTORS` holds them all by name."""

from tests.vectors import (
    attempts,
    bounds,
    challenges,
    columns,
    court,
    descents,
    duplicates,
    missing,
    moments,
    money,
    opening,
    rounds,
    seeds,
    timing,
)
from tests.vectors.table import VECTORS, Vector

__all__ = [
    "VECTORS",
    "Vector",
    "attempts",
    "bounds",
    "challenges",
    "columns",
    "court",
    "descents",
    "duplicates",
    "missing",
    "moments",
    "money",
    "opening",
    "rounds",
    "seeds",
    "timing",
]
