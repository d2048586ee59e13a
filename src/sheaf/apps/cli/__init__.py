"""The command line: `sheaf`. stdout carries data, stderr progress, warnings and errors."""

from __future__ import annotations

import sys

from sheaf.apps.cli.outcome import execute

__all__ = ["main"]


def main() -> None:
    """What the `sheaf` script runs."""
    sys.exit(execute(sys.argv[1:]))
