"""Packages that a bare installation lacks and some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from sheaf.protocol.errors import InvalidConfiguration


def require(extra: str, *packages: str) -> None:
    """Raise `InvalidConfiguration`, saying what to install, unless all `packages` of an `extra` of
    this package are there."""
    for package in packages:
        if find_spec(package) is None:
            raise InvalidConfiguration(
                f"found no package {package}, accepted: an installation that has it",
                hint=f"pip install 'sheaf[{extra}]'",
            )
