"""What is no attestation and no header is told in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sheaf.audit.provenance.checking import check, read_header
from sheaf.ledger.wire import block_object
from sheaf.protocol.errors import InvalidDocument, VerificationFailed
from tests.audit.provenance.scene import Scene
from tests.audit.provenance.test_checking import put

UNREADABLE = {
    "not json": b"{",
    "no object": b"[]",
    "twice": b'{"_type": 1, "_type": 2}',
    "another statement": b'{"_type": "https://in-toto.io/Statement/v1", "predicateType": "x"}',
    "deep": b"[" * 100_000,
    "bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_attestation_is_refused(honest: Scene, name: str) -> None:
    with pytest.raises(InvalidDocument, match=r"^attestation: found ") as caught:
        check(honest.file, UNREADABLE[name], honest.head)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("predicate.task.bytes", "!"),
        ("predicate.task.bytes", "AAAA"),
        ("predicate.contracts.chain_id", -1),
        ("predicate.contracts.chain_id", "1"),
        ("predicate.contracts.court", "0x"),
        ("predicate.model.round", True),
        ("predicate.model.corrections", [[0]]),
        ("predicate.state", {}),
        ("predicate.state", {"extra": []}),
        ("predicate.settlement.headers", ["zz"]),
        ("predicate.software.sheaf", 1),
        ("predicate", None),
    ],
)
def test_fields_of_another_shape_are_refused(honest: Scene, path: str, value: Any) -> None:
    plain = honest.plain()
    put(path, value)(plain)
    with pytest.raises(InvalidDocument, match=r"^attestation: "):
        check(honest.file, json.dumps(plain).encode(), honest.head)


# The header


def test_a_header_is_read_as_a_node_tells_it(honest: Scene) -> None:
    head = honest.head
    plain = block_object(head, (), full=True)
    assert read_header(json.dumps(plain)) == head
    assert read_header(json.dumps({"jsonrpc": "2.0", "id": 1, "result": plain})) == head
    assert read_header(f"0x{head.encoded.hex()}\n") == head
    changed = {**plain, "stateRoot": "0x" + "00" * 32}
    with pytest.raises(VerificationFailed, match=r"^header: the endpoint contradicts itself"):
        read_header(json.dumps(changed))


HEADERS = {
    "": "no JSON: Expecting value: line 1 column 1 (char 0)",
    "{": "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    "hello": "no JSON: Expecting value: line 1 column 1 (char 0)",
    "{}": "no field 'parentHash'",
    '{"parentHash": 1}': "a value that cannot be read: expected 0x and hex digits, found 1",
    "[]": "a value of another kind",
    "null": "a value of another kind",
    "c0": "a value that cannot be read: not a header: it has 0 fields",
    "[" * 100_000: "values nested too deep",
}


@pytest.mark.parametrize("text", [*HEADERS, "0xf", "12"])
def test_another_text_is_no_header(text: str) -> None:
    with pytest.raises(InvalidDocument, match=r"^header: found ") as caught:
        read_header(text)
    found = HEADERS.get(text, "a value that cannot be read: ")
    assert caught.value.message.startswith(f"header: found {found}")
    assert caught.value.message.endswith(", accepted: RLP in hex, or a block's JSON")
    assert "Error" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "no JSON: Expecting property name"),
        ("[]", "a value of another kind"),
        ("{}", "no field '_type'"),
        ('{"_type": 1, "_type": 2}', "a value that cannot be read: a key stands there twice"),
    ],
)
def test_what_is_no_attestation_is_told_in_words(honest: Scene, text: str, found: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        check(honest.file, text.encode(), honest.head)
    assert caught.value.message.startswith(f"attestation: found {found}")
    plain = honest.plain()
    del plain["predicate"]["signer"]
    with pytest.raises(InvalidDocument, match=r"^attestation: found no field 'signer', accepted: "):
        check(honest.file, json.dumps(plain).encode(), honest.head)
