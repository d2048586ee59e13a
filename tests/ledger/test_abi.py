"""Actions to call data and back, with the bytes written out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak

from sheaf.ledger.abi import ContractError, Interface
from sheaf.ledger.engine import Log
from tests.ledger.chain import word

ROLE = b"\xaa" * 20
TASK = b"\x01" * 32


class Visibility(IntEnum):
    PUBLIC = 0
    COMMITTEE = 1


@dataclass(frozen=True)
class Terms:
    min_cohort: int
    visibility: Visibility


@dataclass(frozen=True)
class PublishTask:
    task: bytes
    terms: Terms
    pay_to: bytes
    note: str


@dataclass(frozen=True)
class TaskPublished:
    task: bytes
    from_: bytes
    terms: Terms
    shares: tuple[int, ...]


@dataclass(frozen=True)
class Noted:
    note: bytes


def argument(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, **more}


TERMS = argument(
    "tuple",
    "terms",
    components=[argument("uint32", "minCohort"), argument("uint8", "visibility")],
)
ABI: list[dict[str, Any]] = [
    {"type": "constructor", "inputs": [argument("address", "token"), argument("uint256", "fee")]},
    {
        "type": "function",
        "name": "publishTask",
        "inputs": [
            argument("bytes32", "task"),
            TERMS,
            argument("address", "payTo"),
            argument("string", "note"),
        ],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "seat",
        "inputs": [argument("uint256", "")],
        "outputs": [argument("address", ""), argument("bool", "")],
    },
    {
        "type": "event",
        "name": "TaskPublished",
        "inputs": [
            argument("bytes32", "task", indexed=True),
            argument("address", "from", indexed=True),
            {**TERMS, "indexed": False},
            argument("uint16[]", "shares", indexed=False),
        ],
    },
    {
        "type": "event",
        "name": "Noted",
        "inputs": [argument("string", "note", indexed=True)],
    },
    {"type": "error", "name": "CommitClosed", "inputs": []},
    {"type": "error", "name": "NotSponsor", "inputs": [argument("address", "who")]},
    {"type": "receive"},
]


@pytest.fixture
def interface() -> Interface:
    return Interface(ABI, [TaskPublished, Noted])


def padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 32)


def log_of(*topics: bytes, data: bytes) -> Log:
    return Log(ROLE, topics, data, 1, TASK, TASK, 0, 0)


def test_an_action_is_its_functions_call_data(interface: Interface) -> None:
    action = PublishTask(TASK, Terms(3, Visibility.COMMITTEE), ROLE, "hi")

    encoded = interface.encode(action)

    selector = keccak(text="publishTask(bytes32,(uint32,uint8),address,string)")[:4]
    static = TASK + word(3) + word(1) + bytes(12) + ROLE + word(5 * 32)
    assert encoded == selector + static + word(2) + padded(b"hi")
    assert interface.decode_action(encoded, [PublishTask]) == action


def test_an_event_becomes_its_dataclass(interface: Interface) -> None:
    topic = keccak(text="TaskPublished(bytes32,address,(uint32,uint8),uint16[])")
    data = word(3) + word(1) + word(3 * 32) + word(2) + word(40) + word(60)

    event = interface.decode_event(log_of(topic, TASK, bytes(12) + ROLE, data=data))

    assert event == TaskPublished(TASK, ROLE, Terms(3, Visibility.COMMITTEE), (40, 60))
    assert isinstance(event.terms.visibility, Visibility)
    assert interface.topic(TaskPublished) == topic


def test_an_indexed_text_leaves_its_hash(interface: Interface) -> None:
    log = log_of(interface.topic(Noted), keccak(text="hello"), data=b"")

    assert interface.decode_event(log) == Noted(keccak(text="hello"))


def test_other_logs_are_nobodys_event(interface: Interface) -> None:
    assert interface.decode_event(log_of(TASK, data=b"")) is None
    assert interface.decode_event(log_of(data=b"")) is None
    with pytest.raises(LookupError):
        interface.topic(Terms)


def test_a_log_that_only_begins_like_an_event_is_none_of_it(interface: Interface) -> None:
    """Anybody's contract can make one, and a search for the event finds it."""
    topic = keccak(text="Noted(string)")
    for topics in ((topic,), (topic, keccak(text="hello"), TASK)):
        with pytest.raises(ValueError, match=r"a log of . topics, not 2"):
            interface.decode_event(log_of(*topics, data=b""))


def test_functions_are_called_by_name_too(interface: Interface) -> None:
    assert interface.calldata("seat", 7) == keccak(text="seat(uint256)")[:4] + word(7)
    assert interface.result("seat", bytes(12) + ROLE + word(1)) == (ROLE, True)
    with pytest.raises(ValueError, match="address,bool"):
        interface.result("seat", b"\x01")
    with pytest.raises(ValueError, match="no function chair"):
        interface.calldata("chair", 7)


def test_a_constructor_takes_its_arguments(interface: Interface) -> None:
    assert interface.creation(b"\x60", ROLE, 9) == b"\x60" + bytes(12) + ROLE + word(9)
    assert Interface([]).creation(b"\x60") == b"\x60"
    with pytest.raises(ValueError, match="no arguments"):
        Interface([]).creation(b"\x60", 1)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (keccak(text="CommitClosed()")[:4], ContractError("CommitClosed", ())),
        (
            keccak(text="NotSponsor(address)")[:4] + bytes(12) + ROLE,
            ContractError("NotSponsor", (ROLE,)),
        ),
        (
            bytes.fromhex("08c379a0") + word(32) + word(4) + padded(b"late"),
            ContractError("Error", ("late",)),
        ),
        (bytes.fromhex("4e487b71") + word(0x11), ContractError("Panic", (0x11,))),
        (b"", None),
        (bytes.fromhex("deadbeef"), None),
        (keccak(text="NotSponsor(address)")[:4] + ROLE, None),
    ],
)
def test_revert_data_names_its_error(
    interface: Interface, data: bytes, error: ContractError | None
) -> None:
    assert interface.decode_error(data) == error


@pytest.mark.parametrize(
    "action",
    [
        PublishTask(TASK[:31], Terms(3, Visibility.PUBLIC), ROLE, ""),
        PublishTask(TASK, Terms(2**32, Visibility.PUBLIC), ROLE, ""),
        PublishTask(TASK, Terms(-1, Visibility.PUBLIC), ROLE, ""),
        PublishTask(TASK, Terms(3, Visibility.PUBLIC), ROLE + b"\x00", ""),
        PublishTask(TASK, Terms(3, Visibility.PUBLIC), cast(Any, "0x" + "aa" * 20), ""),
        PublishTask(TASK, cast(Any, (3,)), ROLE, ""),
    ],
)
def test_values_that_do_not_fit_are_refused(interface: Interface, action: PublishTask) -> None:
    with pytest.raises(ValueError, match="publishTask"):
        interface.encode(action)


def test_fields_must_be_the_arguments_in_order(interface: Interface) -> None:
    @dataclass(frozen=True)
    class PublishTask:
        task: bytes
        pay_to: bytes
        terms: Terms
        note: str

    @dataclass(frozen=True)
    class Noted:
        text: bytes

    with pytest.raises(ValueError, match="PublishTask has fields"):
        interface.encode(PublishTask(TASK, ROLE, Terms(3, Visibility.PUBLIC), ""))
    with pytest.raises(ValueError, match="Noted has fields"):
        Interface(ABI, [Noted])
    with pytest.raises(ValueError, match="no event Terms"):
        Interface(ABI, [Terms])


def test_an_overloaded_name_is_refused() -> None:
    with pytest.raises(ValueError, match="seat is overloaded"):
        Interface([*ABI, {**ABI[2], "inputs": []}])
