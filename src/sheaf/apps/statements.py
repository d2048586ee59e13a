"""A sponsor's statements for the compliance map, from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from sheaf.apps.reading import content
from sheaf.audit.statements import LONGEST, NOTHING, Statements
from sheaf.protocol.errors import InvalidConfiguration

LARGEST_BYTES = 2**20


def stated(path: Path | None) -> Statements:
    """What a file states; nothing where there is none.

    Raises `InvalidUsage` where it cannot be read, `InvalidConfiguration`, naming the key, for
    anything that is no statement.
    """
    if path is None:
        return NOTHING
    try:
        return Statements.model_validate(tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfiguration(f"{path}: found no TOML: {error}") from error
    except ValidationError as error:
        raise InvalidConfiguration(f"{path}: {_told(error)}") from error


def _told(error: ValidationError) -> str:
    """The first of pydantic's findings, as one line."""
    finding = error.errors(include_url=False)[0]
    place, kind = [*map(str, finding["loc"])], finding["type"]
    key = ".".join(place)
    if kind != "extra_forbidden":
        text = f"text of 1 to {LONGEST:,} characters that can be seen"
        accepted = "a table" if kind.startswith("model") else text
        return f"{key}: found {finding['input']!r:.60}, accepted: {accepted}"
    fields = Statements.model_fields
    table = fields[place[0]].annotation if len(place) > 1 else Statements
    known = ", ".join(getattr(table, "model_fields", ()))
    return f"{key:.80}: found an unknown key, accepted: {known}"


def _text(path: Path) -> str:
    try:
        return content(path, LARGEST_BYTES, refusal=InvalidConfiguration).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidConfiguration(f"{path}: found no text, accepted: TOML") from error
