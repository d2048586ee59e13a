"""Where settings come from, and which one counts: flag > environment > project > user file.

Each value keeps its origin, so that a message can name the file, variable or flag that is wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from sheaf.apps.config.schema import INTEGER_LIMIT, SECTIONS
from sheaf.protocol.errors import InvalidConfiguration
from sheaf.store.files import is_file, is_folder, reachable

FILE_NAME = "sheaf.toml"
PREFIX, SEPARATOR = "SHEAF_", "__"
Keys = tuple[str, ...]


@dataclass
class Sources:
    """Merged values, and the origin of each: the path of a key to where it was set."""

    project: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Keys, str] = field(default_factory=dict)

    def set(self, path: Keys, value: object, origin: str) -> None:
        """Set one key, over whatever an earlier source set."""
        table = self.values
        for depth, name in enumerate(path[:-1], start=1):
            below = table.setdefault(name, {})
            if not isinstance(below, dict):
                below = table[name] = {}
                self.origins.pop(path[:depth], None)
            table = below
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]
        table[path[-1]] = value
        self.origins[path] = origin

    def merge(self, table: Mapping[str, Any], origin: str, path: Keys = ()) -> None:
        """Set every key of a file."""
        for name, value in table.items():
            if isinstance(value, dict) and value:
                self.merge(value, origin, (*path, name))
            else:
                self.set((*path, name), value, origin)

    def get(self, path: Keys) -> object:
        """The value that counts, or None."""
        found: object = self.values
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def origin(self, path: Keys) -> str:
        """Where the value at `path`, around it or below it was set; else the project's file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        below = [found for known, found in self.origins.items() if known[: len(path)] == path]
        return below[0] if below and path else self.project


def gather(
    path: Path, overrides: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[Path, Sources]:
    """The project's folder and its merged sources.

    `path` is the folder or the file; `overrides` maps `section.key` to what a flag of the key's
    name says. Raises `InvalidConfiguration` for a file that is none or cannot be understood,
    `StoreUnavailable` for one that cannot be read.
    """
    file = path / FILE_NAME if is_folder(path) else path
    sources = Sources(file.name)
    user = _user_file(environment)
    if user is not None and is_file(user):
        sources.merge(_read(user, str(user)), str(user))
    if not is_file(file):
        raise InvalidConfiguration(
            f"{file}: found no such file, accepted: a project folder with a {FILE_NAME}",
            hint="`sheaf new NAME` makes one",
        )
    sources.merge(_read(file, file.name), file.name)
    for variable, keys, value in _variables(environment):
        sources.set(keys, value, variable)
    for key, value in overrides.items():
        keys = tuple(key.split("."))
        sources.set(keys, value, f"--{keys[-1].replace('_', '-')}")
    for section in SECTIONS:
        sources.values.setdefault(section, {})
    _check_integers(sources, sources.values)
    return file.parent, sources


def _read(file: Path, origin: str) -> dict[str, Any]:
    try:
        with reachable(file):
            text = file.read_text(encoding="utf-8-sig")
        return tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:  # also of an integer too long for Python to read
        reason = str(error).replace("\n", " ")
        raise InvalidConfiguration(f"{origin}: found {reason}, accepted: TOML 1.0") from error


def _user_file(environment: Mapping[str, str]) -> Path | None:
    base, home = environment.get("XDG_CONFIG_HOME"), environment.get("HOME")
    if base:
        return Path(base) / "sheaf" / "config.toml"
    return Path(home) / ".config" / "sheaf" / "config.toml" if home else None


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[str, Keys, object]]:
    """Variables such as SHEAF_ROUND__GOAL; those without a section are not settings."""
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and SEPARATOR in variable:
            keys = tuple(variable.removeprefix(PREFIX).lower().split(SEPARATOR))
            yield variable, keys, _value(keys, environment[variable])


def _value(keys: Keys, text: str) -> object:
    """What a variable says: text where the key takes text, otherwise as it would stand in TOML."""
    if _takes_text(keys) or "\n" in text:
        return text
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except ValueError:
        return text


def _takes_text(keys: Keys) -> bool:
    section: Any = SECTIONS.get(keys[0])
    for key in keys[1:]:
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return False
        known = section.model_fields.get(key)
        section = known.annotation if known else None
    return _is_text(section)


def _is_text(annotation: Any) -> bool:
    """Whether values of a type, or of one within it, are written as text."""
    return annotation in (str, Decimal) or any(
        _is_text(inner)
        for inner in get_args(annotation)
        if get_origin(annotation) not in (list, dict)
    )


def _check_integers(sources: Sources, value: object, path: Keys = ()) -> None:
    """TOML ends at 64 bits, and Python does not."""
    if isinstance(value, dict):
        for name, below in value.items():
            _check_integers(sources, below, (*path, name))
    elif isinstance(value, list):
        for below in value:
            _check_integers(sources, below, path)
    elif isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
        raise InvalidConfiguration(
            f"{sources.origin(path)}: {'.'.join(path)}: found {value}, "
            "accepted: integers of 64 bits"
        )
