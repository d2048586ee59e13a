"""Contract calls as dataclasses: one generic table from a compiled ABI.

An action class `RevealVerdict` is the function `revealVerdict`, an event class has its event's
name, and fields are the arguments in order with their names in snake case (a trailing underscore
keeps clear of Python's keywords). Addresses are 20 bytes here, never hex text; structs are
dataclasses or tuples. Encoders are built once, since building them costs more than using them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from eth_abi.codec import ABICodec
from eth_abi.decoding import AddressDecoder, ContextFramesBytesIO, TupleDecoder
from eth_abi.encoding import AddressEncoder, BytesEncoder, TupleEncoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import BaseEquals, registry
from eth_utils.crypto import keccak

from sheaf.ledger.engine import Log

_BUILT_IN_ERRORS = (
    {"type": "error", "name": "Error", "inputs": [{"type": "string", "name": "message"}]},
    {"type": "error", "name": "Panic", "inputs": [{"type": "uint256", "name": "code"}]},
)
"""What solc's `require` with a text and its own checks revert with."""

_DYNAMIC = ("string", "bytes", "tuple")
"""Types (and any array) of which an indexed argument leaves only its hash in the topic."""


class _ExactAddressEncoder(AddressEncoder):
    """Takes 20 bytes and no hex text."""

    @classmethod
    def validate_value(cls, value: object) -> None:
        if not isinstance(value, bytes) or len(value) != 20:
            cls.invalidate_value(value, msg="an address is 20 bytes")


class _ExactBytesEncoder(BytesEncoder):
    """Takes bytes of the type's length; eth_abi would pad shorter ones in silence."""

    def validate_value(self, value: object) -> None:
        length = cast(Any, self).value_bit_size // 8
        if not isinstance(value, bytes) or len(value) != length:
            self.invalidate_value(value, msg=f"expected {length} bytes")


class _PlainAddressDecoder(AddressDecoder):
    """Gives 20 bytes."""

    decoder_fn = staticmethod(bytes)  # type: ignore[assignment]


class _CallDecoder(TupleDecoder):
    """Goes where an offset points, be it into the head, as Solidity does."""

    def validate_pointers(self, stream: object) -> None:
        """None is refused."""


def _codec_registry() -> Any:
    exact = registry.copy()  # type: ignore[no-untyped-call]
    exact.unregister("address")
    address = BaseEquals("address")  # type: ignore[no-untyped-call]
    exact.register(address, _ExactAddressEncoder, _PlainAddressDecoder, label="address")
    sized = BaseEquals("bytes", with_sub=True)  # type: ignore[no-untyped-call]
    exact.unregister_encoder("bytes<M>")
    exact.register_encoder(sized, _ExactBytesEncoder, "bytes<M>")
    return exact


_REGISTRY = _codec_registry()
_CODEC = ABICodec(_REGISTRY)


@dataclass(frozen=True, slots=True)
class ContractError:
    """A revert as the ABI names it: a custom error, or `Error` or `Panic` of the language."""

    name: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A function, error, event or constructor: what calling it takes."""

    name: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    outputs: tuple[str, ...]
    digest: bytes
    encoder: TupleEncoder
    decoder: TupleDecoder

    def encode(self, values: Sequence[object]) -> bytes:
        try:
            return bytes(self.encoder(values))
        except EncodingError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def decode(self, arguments: bytes) -> tuple[Any, ...]:
        """The arguments of a call; ValueError where there are none. Whatever Solidity takes is
        taken, such as other padding; more is, too, but of that the chain says that it failed."""
        try:
            stream = ContextFramesBytesIO(arguments)  # type: ignore[no-untyped-call]
            return tuple(self.decoder(stream))
        except (DecodingError, OverflowError) as error:
            raise ValueError(f"{self.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Event:
    """An event and the class that it becomes."""

    entry: _Entry
    indexed: tuple[bool, ...]
    factory: type


class Interface:
    """What a contract understands, from its ABI in JSON form.

    `events` are the dataclasses that logs become. A class that does not fit the ABI is a
    ValueError when it is given (events) or first used (actions), as are values that do not fit.
    """

    def __init__(self, abi: Iterable[Mapping[str, Any]], events: Iterable[type] = ()) -> None:
        entries: dict[str, dict[str, _Entry]] = {}
        flags: dict[str, tuple[bool, ...]] = {}
        for item in (*_BUILT_IN_ERRORS, *abi):
            entry = _entry(item)
            named = entries.setdefault(item["type"], {})
            if entry.name in named:
                raise ValueError(f"{entry.name} is overloaded, so its name does not choose one")
            named[entry.name] = entry
            if item["type"] == "event":
                flags[entry.name] = tuple(bool(each["indexed"]) for each in item["inputs"])
        self._functions = entries.get("function", {})
        self._constructor = entries.get("constructor", {}).get("")
        self._errors = {entry.digest[:4]: entry for entry in entries["error"].values()}
        self._actions: dict[type, _Entry] = {}
        self._events: dict[bytes, _Event] = {}
        for factory in events:
            event = entries.get("event", {}).get(factory.__name__)
            if event is None:
                raise ValueError(f"the contract has no event {factory.__name__}")
            _check_fields(factory, event)
            self._events[event.digest] = _Event(event, flags[event.name], factory)

    def encode(self, action: object) -> bytes:
        """The call data of an action."""
        factory = type(action)
        entry = self._actions.get(factory)
        if entry is None:
            name = factory.__name__
            entry = self._function(name[0].lower() + name[1:])
            _check_fields(factory, entry)
            self._actions[factory] = entry
        return entry.digest[:4] + entry.encode(_plain(action))

    def decode_action(self, data: bytes, factories: Iterable[type]) -> Any | None:
        """The action in call data, as the one of `factories` it belongs to; None if to none."""
        for factory in factories:
            name = factory.__name__
            entry = self._functions.get(name[0].lower() + name[1:])
            if entry is None or entry.digest[:4] != data[:4]:
                continue
            try:
                return _shaped(entry.decode(data[4:]), factory)
            except ValueError:
                return None
        return None

    def calldata(self, name: str, *arguments: object) -> bytes:
        """The call data of a function by its ABI name."""
        entry = self._function(name)
        return entry.digest[:4] + entry.encode([_plain(value) for value in arguments])

    def result(self, name: str, returned: bytes) -> tuple[Any, ...]:
        """What a function returned, as plain values; ValueError if it is not that."""
        return _decode(self._function(name).outputs, returned)

    def creation(self, bytecode: bytes, *arguments: object) -> bytes:
        """The data of a transaction that creates the contract."""
        if self._constructor is None:
            if arguments:
                raise ValueError("the contract's constructor takes no arguments")
            return bytecode
        return bytecode + self._constructor.encode([_plain(value) for value in arguments])

    def decode_event(self, log: Log) -> Any | None:
        """The event of a log, as its dataclass; None for an event no class was given for.
        ValueError for a log that only begins like one: anybody's contract can make some."""
        event = self._events.get(log.topics[0]) if log.topics else None
        if event is None:
            return None
        if len(log.topics) != 1 + sum(event.indexed):
            raise ValueError(f"a log of {len(log.topics)} topics, not {1 + sum(event.indexed)}")
        pairs = list(zip(event.entry.types, event.indexed, strict=True))
        topics = iter(log.topics[1:])
        body = iter(_decode([kind for kind, indexed in pairs if not indexed], log.data))
        values = [_topic_value(kind, next(topics)) if at else next(body) for kind, at in pairs]
        return _shaped(tuple(values), event.factory)

    def decode_error(self, data: bytes) -> ContractError | None:
        """The error in a revert's data; None where the ABI does not know it (or it is empty)."""
        entry = self._errors.get(data[:4])
        if entry is None:
            return None
        try:
            return ContractError(entry.name, _decode(entry.types, data[4:]))
        except ValueError:
            return None

    def topic(self, event: type) -> bytes:
        """The first topic of an event's logs; LookupError if no class of that name was given."""
        for digest, known in self._events.items():
            if known.factory is event:
                return digest
        raise LookupError(f"no event {event.__name__}")

    def _function(self, name: str) -> _Entry:
        entry = self._functions.get(name)
        if entry is None:
            raise ValueError(f"the contract has no function {name}")
        return entry


def merged(*abis: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """One ABI of contracts that share an address: what several have alike is there once. Only one
    of them may have a constructor."""
    items: list[Mapping[str, Any]] = []
    for item in (item for abi in abis for item in abi):
        if item not in items:
            items.append(item)
    return tuple(items)


def _entry(item: Mapping[str, Any]) -> _Entry:
    inputs = item.get("inputs", ())
    types = tuple(_type_text(each) for each in inputs)
    name = item.get("name", "")
    return _Entry(
        name=name,
        names=tuple(each["name"] for each in inputs),
        types=types,
        outputs=tuple(_type_text(each) for each in item.get("outputs", ())),
        digest=keccak(text=f"{name}({','.join(types)})"),
        # Not by the registry's "(...)" form, which refuses an empty tuple.
        encoder=_tuple_encoder([_REGISTRY.get_encoder(kind) for kind in types]),
        decoder=_call_decoder([_REGISTRY.get_decoder(kind, strict=False) for kind in types]),
    )


def _tuple_encoder(encoders: Sequence[Any]) -> TupleEncoder:
    return TupleEncoder(encoders=tuple(encoders))  # type: ignore[no-untyped-call]


def _call_decoder(decoders: Sequence[Any]) -> TupleDecoder:
    return _CallDecoder(decoders=tuple(decoders))  # type: ignore[no-untyped-call]


def _type_text(argument: Mapping[str, Any]) -> str:
    """A type as signatures write it: structs by their members."""
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(_type_text(member) for member in argument["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def _check_fields(factory: type, entry: _Entry) -> None:
    """Names in order, so that two arguments of one type cannot change places unnoticed."""
    found = tuple(_camel(field.name) for field in fields(factory))
    expected = tuple(name.strip("_") for name in entry.names)
    if found != expected:
        raise ValueError(f"{factory.__name__} has fields {found}, the contract {expected}")


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _plain(value: Any) -> Any:
    """Dataclasses as tuples and enumerations as their values, at any depth."""
    if is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return tuple(_plain(each) for each in value)
    return value


def _shaped(value: Any, hint: Any) -> Any:
    """A decoded value as its annotation wants it: structs and enumerations at any depth."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(*(_shaped(v, inner) for v, inner in zip(value, _hints(hint), strict=True)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if get_origin(hint) in (tuple, list, Sequence):
        return tuple(_shaped(each, get_args(hint)[0]) for each in value)
    return value


@cache
def _hints(factory: type) -> tuple[Any, ...]:
    """The annotations of a dataclass in field order; finding them costs more than decoding."""
    hints = get_type_hints(factory)
    return tuple(hints[field.name] for field in fields(factory))


def _topic_value(kind: str, topic: bytes) -> Any:
    if kind.endswith("]") or kind.startswith("(") or kind in _DYNAMIC:
        return topic
    return _decode([kind], topic)[0]


def _decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    try:
        return tuple(_CODEC.decode(types, data))
    except (DecodingError, OverflowError) as error:
        raise ValueError(f"not ({','.join(types)}): {error}") from error
