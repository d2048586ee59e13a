"""Named vectors for every transition and every rejection; `VECTORS` holds them all by name."""

from tests.vectors import (
    attempts,
    bounds,
    challenges,
    columns,
    court,
    demands,
    descents,
    duplicates,
    missing,
    moments,
    money,
    opening,
    restitution,
    rounds,
    seeds,
    timing,
    voids,
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
    "demands",
    "descents",
    "duplicates",
    "missing",
    "moments",
    "money",
    "opening",
    "restitution",
    "rounds",
    "seeds",
    "timing",
    "voids",
]
