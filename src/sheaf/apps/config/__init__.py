"""`sheaf.toml`: read, merged with environment and user file, checked, and made a plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from sheaf.apps.config.planning import plan
from sheaf.apps.config.refusals import first_refusal
from sheaf.apps.config.schema import Settings
from sheaf.apps.config.sources import Sources, gather
from sheaf.nodes.plan import Plan

__all__ = ["load", "read"]


def load(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Plan:
    """The plan behind a project folder, or the `sheaf.toml` in it.

    As `read`, without the origins.
    """
    return read(path, overrides, environment)[0]


def read(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Plan, Sources]:
    """The plan behind a project folder, or the `sheaf.toml` in it, and where each value was set.

    `overrides` maps `section.key` to what a flag said; it counts over the environment (`SHEAF_
    SECTION__KEY`; `os.environ` unless another is given), that over the project's file, and that
    over the user's, `sheaf/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`.

    Raises `InvalidConfiguration`: one line with where, key, found and accepted.
    """
    here = os.environ if environment is None else environment
    folder, sources = gather(path, overrides or {}, here)
    try:
        settings = Settings.model_validate(sources.values)
    except ValidationError as error:
        raise first_refusal(sources, error) from error
    return plan(folder, settings, sources), sources
