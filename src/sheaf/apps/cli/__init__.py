"""The command line: `sheaf`. stdout carries data, stderr progress, warnings and errors."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """What the `sheaf` script runs."""
    try:
        from sheaf.apps.cli.outcome import execute  # here, for notebooks show runs as it does
    except KeyboardInterrupt:  # nothing of Sheaf is there yet
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(execute(sys.argv[1:]))
