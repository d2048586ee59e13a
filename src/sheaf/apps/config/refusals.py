"""What is wrong with a configuration, as one line: where, key, found, accepted."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sheaf.apps.config.schema import SECTIONS, Settings
from sheaf.apps.config.sources import Sources
from sheaf.protocol.errors import InvalidConfiguration
from sheaf.transport.address import like_address

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST = 60
ACCEPTED: Mapping[str, str] = MappingProxyType(
    {
        "int_type": "an integer",
        "bool_type": "true or false",
        "string_type": "text",
        "dict_type": "a table",
        "list_type": "a list",
        "model_type": "a table",
        "model_attributes_type": "a table",
    }
)
"""What the types of pydantic's errors accept, in the words of the file."""


def refusal(
    sources: Sources, keys: Sequence[str], accepted: str, found: str = ""
) -> InvalidConfiguration:
    """The error for the value at `keys`; `found` where the value set there is not what counts."""
    path = tuple(keys)
    value = sources.get(path)
    shown = _shown(value) if value is not None else found or "nothing"
    origin = sources.origin(tuple(key.partition("[")[0] for key in path))
    return InvalidConfiguration(f"{origin}: {_key(path)}: found {shown}, accepted: {accepted}")


def first_refusal(sources: Sources, error: ValidationError) -> InvalidConfiguration:
    """The error for the first of pydantic's findings: for an unknown section before an unknown key,
    and for either before anything else, as what is missing may stand there."""
    finding = min(error.errors(include_url=False), key=_order)
    path, kind = finding["loc"], finding["type"]
    names = tuple(key for key in path if isinstance(key, str))
    if kind == "extra_forbidden":
        return _unknown(sources, names)
    where = f"{sources.origin(names)}: {_key(path)}"
    field = _field(names)
    described = field.description if field and field.description else finding["msg"]
    if kind == "missing":
        return InvalidConfiguration(f"{where}: found nothing, accepted: {described}")
    accepted = finding["msg"] if kind == "accepted" else ACCEPTED.get(kind, described)
    return InvalidConfiguration(f"{where}: found {_shown(finding['input'])}, accepted: {accepted}")


def _order(finding: ErrorDetails) -> int:
    return len(finding["loc"]) if finding["type"] == "extra_forbidden" else sys.maxsize


def _unknown(sources: Sources, names: tuple[str, ...]) -> InvalidConfiguration:
    known = sorted(_keys(names[:-1]))
    near = get_close_matches(names[-1], known, n=1)
    elsewhere = [f"{s}.{names[-1]}" for s, model in SECTIONS.items() if _has(model, names[-1])]
    hints = [".".join((*names[:-1], near[0]))] if near else elsewhere
    what = "an unknown key" if len(names) > 1 else "an unknown section"
    return InvalidConfiguration(
        f"{sources.origin(names)}: {'.'.join(names)}: found {what}, accepted: {', '.join(known)}",
        hint=f"did you mean {hints[0]}?" if hints else "",
    )


def _has(model: type[BaseModel], key: str) -> bool:
    return key in model.model_fields


def _keys(names: tuple[str, ...]) -> Iterable[str]:
    """Keys of the table at `names`."""
    if not names:
        return SECTIONS
    field = _field(names)
    model = _table(field)
    return model.model_fields if model else ()


def _field(names: tuple[str, ...]) -> FieldInfo | None:
    model: type[BaseModel] | None = Settings
    field: FieldInfo | None = None
    for name in names:
        field = model.model_fields.get(name) if model else None
        model = _table(field)
    return field


def _table(field: FieldInfo | None) -> type[BaseModel] | None:
    """The model of a table, or of the tables in a list."""
    kind: Any = field.annotation if field else None
    for candidate in (kind, *getattr(kind, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _key(path: Iterable[str | int]) -> str:
    key = ""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _shown(value: object) -> str:
    """A value as it would stand in the file, cut where it is long."""
    text = _written(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | date | time):
        return str(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    return "..." if isinstance(value, str) and like_address(value) else repr(value)
