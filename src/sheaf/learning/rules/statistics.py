"""What a round reports about its numbers: whether the lattice was too narrow or too coarse."""

from collections.abc import Sequence
from dataclasses import dataclass

from sheaf.learning.arrays import Vector, blocks, check_vectors, empty, namespace
from sheaf.protocol.arithmetic import LIMIT

_COLUMNS = 32_768
"""Columns worked on at once: the fewer calls, the better, as long as three rows stay in cache."""


@dataclass(frozen=True)
class RoundStatistics:
    """Counts of coordinates.

    ``saturated``: some update lies at an end of the range. ``stalled``: the aggregate is 0 while
    some update is not, so that what was learned there was rounded away.
    """

    coordinates: int
    saturated: int
    stalled: int

    @property
    def too_coarse(self) -> bool:
        """Whether more than half of the coordinates stall: the task needs more fraction bits."""
        return 2 * self.stalled > self.coordinates


def round_statistics(updates: Sequence[Vector], aggregate: Vector) -> RoundStatistics:
    """Return the statistics of one round's counted updates and what the rule made of them.

    Raises ``InvalidModel`` unless all are int32 vectors of one library and one length.
    """
    check_vectors([aggregate, *updates])
    module = namespace(aggregate)
    saturated = stalled = 0
    coordinates = len(aggregate)  # type: ignore[arg-type]
    extremes = empty((2, _COLUMNS), "int32", aggregate)
    for block in blocks(coordinates, _COLUMNS):
        highest, lowest = extremes[:, : block.stop - block.start]
        highest[:] = lowest[:] = updates[0][block]  # type: ignore[index]
        for update in updates[1:]:
            entries = update[block]  # type: ignore[index]
            module.maximum(highest, entries, out=highest)
            module.minimum(lowest, entries, out=lowest)
        saturated += int(((highest >= LIMIT) | (lowest <= -LIMIT)).sum())
        moved = (highest > 0) | (lowest < 0)
        stalled += int((moved & (aggregate[block] == 0)).sum())  # type: ignore[index]
    return RoundStatistics(coordinates, saturated, stalled)
