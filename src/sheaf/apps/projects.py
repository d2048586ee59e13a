"""New projects, from templates that come with the package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from sheaf.protocol.errors import InvalidUsage, StoreUnavailable

FILES = ("sheaf.toml", "task.py")
DEFAULT = "points"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Template:
    """A project to start from: its module, what it is about, and what it needs installed."""

    module: str
    about: str
    needs: Mapping[str, str]


_TORCH = {"torch": "torch"}
TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "points": Template(
            "sheaf.apps.templates.points.task", "three kinds of made-up points in the plane", _TORCH
        ),
        "hospitals": Template(
            "sheaf.apps.templates.hospitals.task",
            "five hospitals and scikit-learn's breast-cancer data",
            {**_TORCH, "sklearn": "examples"},
        ),
    }
)
"""Templates by name."""


@dataclass(frozen=True)
class Project:
    """A project just made; `missing` are the extras of the package that it still needs."""

    folder: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


def make(folder: Path, template: str = DEFAULT) -> Project:
    """Make a project in `folder`, whose last part names the task.

    Raises `InvalidUsage` for an unknown template, for a name that is none, and where a file or
    folder of that name is already there; `StoreUnavailable` if it cannot be written.
    """
    if template not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        raise InvalidUsage(f"--template: found {template!r}, accepted: {known}")
    if not _NAME.fullmatch(folder.name):
        raise InvalidUsage(
            f"NAME: found {folder.name!r}, accepted: up to 100 letters, digits, '.', '_' and '-'"
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidUsage(
                f"{folder}: found something there already, accepted: a new name",
                hint="nothing was changed",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in _files(template, folder.name).items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be written: {error.strerror}") from error
    needs = TEMPLATES[template].needs.items()
    return Project(folder, FILES, tuple(extra for name, extra in needs if find_spec(name) is None))


def _files(template: str, name: str) -> dict[str, str]:
    package = TEMPLATES[template].module.rpartition(".")[0]
    source = resources.files("sheaf.apps").joinpath("templates", package.rpartition(".")[2])
    texts = {file: source.joinpath(file).read_text("utf-8") for file in FILES}
    called = f'name = "{template}"'
    texts["sheaf.toml"] = texts["sheaf.toml"].replace(called, f'name = "{name}"', 1)
    return texts
