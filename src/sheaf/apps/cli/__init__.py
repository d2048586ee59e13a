"""The command line: `sheaf`. stdout carries data, stderr progress, warnings and errors."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """What the `sheaf` script runs."""
    from sheaf.apps.cli.outcome import execute  # here, for notebooks show runs as it does

    sys.exit(execute(sys.argv[1:]))
