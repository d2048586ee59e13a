"""Plays every vector on the specification; exit 1 at the first that fails.

A program of its own, for mutants: a test runner takes longer to begin than this takes in all.
"""

from __future__ import annotations

import sys

from tests.vectors import VECTORS
from tests.worlds import SpecWorld


def main() -> int:
    """The command."""
    for vector in reversed(VECTORS.values()):
        try:
            vector.script(SpecWorld(vector.stake_tax_bps))
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - what pytest raises for a rejection that did not come
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
