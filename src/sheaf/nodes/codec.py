"""Dataclasses as JSON and back, by their type hints: what a run directory keeps of plans, effects
and answers.

A dataclass carries its name, bytes are hex behind `0x`, tuples are lists, paths are text; a
mapping (a library's options) stands as it is.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

_SCALARS = (bool, int, float, str, type(None))


def plain(value: object) -> Any:
    """`value` as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return {"type": type(value).__name__, **body}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def typed(value: Any, hint: Any, where: str = "") -> Any:
    """The inverse of `plain` for what `hint` describes. Raises `ValueError` for anything else,
    saying where."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _member(value, get_args(hint), where)
    if origin is tuple:
        return _sequence(value, get_args(hint), where)
    if is_dataclass(hint):
        return _record(value, hint, where)
    if hint is bytes and isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    if hint is Path and isinstance(value, str):
        return Path(value)
    if type(value) is (origin or hint) and (origin is dict or hint in _SCALARS):
        return value
    name = getattr(hint, "__name__", hint)
    raise ValueError(f"{where or 'value'}: found {value!r:.60}, accepted: {name}")


def _member(value: Any, members: tuple[Any, ...], where: str) -> Any:
    """A dataclass of a union by the name it carries, anything else as the first that fits."""
    for member in members:
        if is_dataclass(member):
            if isinstance(value, dict) and value.get("type") == getattr(member, "__name__", ""):
                return _record(value, member, where)
            continue
        try:
            return typed(value, member, where)
        except ValueError:
            continue
    names = ", ".join(getattr(member, "__name__", str(member)) for member in members)
    raise ValueError(f"{where or 'value'}: found {value!r:.60}, accepted: {names}")


def _sequence(value: Any, items: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: found {value!r:.60}, accepted: a list")
    hints = [items[0]] * len(value) if items[-1] is Ellipsis else items
    if len(hints) != len(value):
        raise ValueError(f"{where}: found {len(value)} items, accepted: {len(hints)}")
    pairs = enumerate(zip(value, hints, strict=True))
    return tuple(typed(item, hint, f"{where}[{i}]") for i, (item, hint) in pairs)


def _record(value: Any, kind: Any, where: str) -> Any:
    hints = _hints(kind)
    here = f"{where}.{kind.__name__}".lstrip(".")
    if not isinstance(value, dict) or value.get("type") != kind.__name__:
        raise ValueError(f"{here}: found {value!r:.60}, accepted: a {kind.__name__}")
    odd = value.keys() ^ {"type", *hints}
    if odd:
        raise ValueError(f"{here}: found another set of fields: {', '.join(sorted(odd))}")
    return kind(
        **{name: typed(value[name], hint, f"{here}.{name}") for name, hint in hints.items()}
    )


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
