"""Envelopes: one form, one kind, one signature."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sheaf.identity.envelope import MAX_ENVELOPE_BYTES, Envelope, pre_authentication
from sheaf.identity.keys import BoundKey
from sheaf.protocol.errors import InvalidDocument

KEY = BoundKey(b"\x01" * 32, b"\x02" * 32)
OTHER = BoundKey(b"\x03" * 32, b"\x02" * 32)
SEALED = Envelope.sealed(b'{"a":1}', KEY)


def test_what_is_signed_is_what_dsse_says() -> None:
    # The example of the specification's protocol page.
    found = pre_authentication("http://example.com/HelloWorld", b"hello world")
    assert found == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_and_back() -> None:
    assert Envelope.decode(SEALED.encode()) == SEALED
    assert SEALED.is_signed_by(KEY.public)
    assert not SEALED.is_signed_by(OTHER.public)
    assert json.loads(SEALED.encode()) == {
        "payload": "eyJhIjoxfQ==",
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [
            {"keyid": SEALED.key, "sig": base64.b64encode(SEALED.signature).decode()},
        ],
    }


def test_another_payload_or_key_id_is_not_signed() -> None:
    assert not Envelope(b'{"a":2}', SEALED.key, SEALED.signature).is_signed_by(KEY.public)
    assert not Envelope(SEALED.payload, "0" * 64, SEALED.signature).is_signed_by(KEY.public)


def text(**changes: Any) -> bytes:
    """The sealed envelope in canonical form with other fields."""
    content = {**json.loads(SEALED.encode()), **changes}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


SIGNATURE = json.loads(SEALED.encode())["signatures"][0]
SOUND = SEALED.encode()
WRONG = {
    "huge": (b" " * (MAX_ENVELOPE_BYTES + 1), "found 16385 bytes, accepted: at most 16384"),
    "no JSON": (b"\xff\xfe", "found no JSON"),
    "deep": (b"[" * 10_000, "found no JSON"),
    "a long number": (b"1" * 5_000, "found no JSON"),
    "not a number": (text(payload=float("nan")), "found no JSON"),
    "no object": (b"[]", "found JSON of another form"),
    "spaces": (SOUND + b"\n", "found JSON of another form"),
    "an escape": (SOUND.replace(b'"payload"', b'"\\u0070ayload"'), "found JSON of another form"),
    "unsorted": (json.dumps(json.loads(SOUND)).encode(), "found JSON of another form"),
    "a key twice": (b'{"payload":"",' + SOUND[1:], "a key stands there twice"),
    "a key more": (text(note=1), "found ['note', 'payload'"),
    "another kind": (text(payloadType="text/plain"), "found payloadType 'text/plain'"),
    "no signature": (text(signatures=[]), "found 0 signatures, accepted: one"),
    "two signatures": (text(signatures=[SIGNATURE] * 2), "found 2 signatures, accepted: one"),
    "no list": (text(signatures={}), "found no list of signatures"),
    "no signature's fields": (text(signatures=["x"]), "signature: found 'x'"),
    "a short one": (text(signatures=[{**SIGNATURE, "sig": "AAAA"}]), "found 3 bytes"),
    "a key's number": (text(signatures=[{**SIGNATURE, "keyid": 1}]), "64 bytes of 1"),
    "no base64": (text(payload="eyJhIjoxfQ"), "payload: found no base64"),
    "url-safe base64": (text(payload="-_8="), "payload: found no base64"),
    "stray bits": (text(payload="eyJhIjoxfR=="), "payload: found another base64"),
    "a number": (text(payload=7), "payload: found no base64"),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_in_one_line(name: str) -> None:
    data, told = WRONG[name]
    with pytest.raises(InvalidDocument) as caught:
        Envelope.decode(data)
    assert told in caught.value.message
    assert "\n" not in caught.value.message
