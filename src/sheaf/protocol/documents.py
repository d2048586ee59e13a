"""Canonical dag-cbor documents as frozen dataclasses: unknown, missing or ill-typed fields are
refused, and so are bytes that are not the canonical encoding.

Fields may be `int`, `str`, `bytes`, `Amount`, `Options`, `tuple[T, ...]`, `tuple[int, int]` or
another document dataclass. Floats have no place here: `Options` (a library's keyword arguments)
holds integers, booleans, text, exact ratios `[n, d]` and lists of these. An `Amount` travels as a
decimal string, since dag-cbor integers end at 64 bits and token amounts do not.
"""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from typing import Any, NewType, TypeVar, get_args, get_origin, get_type_hints

import dag_cbor

from sheaf.protocol.errors import InvalidDocument, InvalidModel

Amount = NewType("Amount", int)
Options = NewType("Options", dict[str, Any])
D = TypeVar("D")
# No sign, no leading zero, and no more digits than 256 bits have.
AMOUNT = re.compile(r"0|[1-9][0-9]{0,77}")


def encode(document: Any) -> bytes:
    """The canonical bytes of a document dataclass."""
    return dag_cbor.encode(_plain(document, type(document)))


def decode(kind: type[D], data: bytes) -> D:
    """The document behind `data`. Raises `InvalidDocument`, naming the field."""
    try:
        plain = dag_cbor.decode(data)
    except Exception as error:  # the codec raises its own tree, and built-in errors on short input
        line = str(error).partition("\n")[0]
        raise InvalidDocument(f"{kind.__name__}: not dag-cbor: {line}") from error
    document: D = _typed(plain, kind, kind.__name__)
    if encode(document) != data:
        raise InvalidDocument(f"{kind.__name__}: found a non-canonical encoding of the document")
    return document


def _plain(value: Any, hint: Any) -> Any:
    if hint is Amount:
        return str(value)
    if hint is Options:
        return {key: _option(item, key) for key, item in value.items()}
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        return {f.name: _plain(getattr(value, f.name), hints[f.name]) for f in fields(value)}
    if isinstance(value, tuple):
        inner = get_args(hint)[0]
        return [_plain(item, inner) for item in value]
    return value


def _typed(value: Any, hint: Any, where: str) -> Any:
    if hint is Amount:
        return _amount(value, where)
    if get_origin(hint) is tuple:
        return _sequence(value, get_args(hint), where)
    if hint is Options:
        _require(value, dict, where)
        return {key: _option(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return _document(value, hint, where)
    _require(value, hint, where)
    return value


def _document(value: Any, kind: type, where: str) -> Any:
    _require(value, dict, where)
    hints = get_type_hints(kind)
    unknown = sorted(value.keys() - hints.keys())
    if unknown:
        accepted = ", ".join(hints)
        raise InvalidDocument(f"{where}: found unknown field {unknown[0]!r}; accepted: {accepted}")
    absent = [name for name in hints if name not in value]
    if absent:
        raise InvalidDocument(f"{where}: field {absent[0]!r} is missing")
    inner = {n: _typed(value[n], hints[n], f"{where}.{n}") for n in hints}
    try:
        return kind(**inner)
    except InvalidModel as error:  # a tensor checks itself
        raise InvalidDocument(f"{where}: {error.message}") from error


def _sequence(value: Any, inner: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    _require(value, list, where)
    if inner[-1] is not Ellipsis and len(value) != len(inner):
        raise InvalidDocument(f"{where}: found {len(value)} items; accepted {len(inner)}")
    return tuple(_typed(item, inner[0], f"{where}[{i}]") for i, item in enumerate(value))


def _amount(value: Any, where: str) -> int:
    _require(value, str, where)
    if not AMOUNT.fullmatch(value):
        raise InvalidDocument(f"{where}: found {value!r}; accepted: a decimal integer as text")
    return int(value)


def _option(value: Any, where: str) -> Any:
    if isinstance(value, list):
        return [_option(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, bool):
        _require(value, int | str, where)
    return value


def _require(value: Any, kind: type | types.UnionType, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        wanted = getattr(kind, "__name__", str(kind))
        raise InvalidDocument(f"{where}: found {type(value).__name__} {value!r}; accepted {wanted}")
