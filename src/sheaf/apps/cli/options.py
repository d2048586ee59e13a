"""What several commands have in common: how to name a run, and how to print."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sheaf.apps import runs


class Format(StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print: text or json.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's id, a prefix of it, or a path.", show_default=False
    ),
]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Instead of where the run came from.")
]
LastOption = Annotated[bool, typer.Option("--last", help="The run that was started last.")]


def find(reference: str | None, last: bool) -> runs.Run:
    """The run that a command names. Raises `RunNotFound`."""
    return runs.find(runs.home(Path.cwd()), reference, last)


def say(format: Format, text: Callable[[], str], plain: Any) -> None:
    """Print data to stdout, as people or as programs read it."""
    print(json.dumps(plain, indent=2) if format is Format.JSON else text())
