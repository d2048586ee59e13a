"""DSSE envelopes, version 1: a payload, what kind of payload it is, and one signature over both.

An envelope here has one signature, and its JSON has one form (`canonical`), so that its SHA-256 is
its name. Other software reads it as any DSSE envelope.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from sheaf.identity.canonical import canonical, parsed
from sheaf.identity.keys import SIGNATURE_BYTES, BoundKey, is_signed, key_id
from sheaf.protocol.errors import InvalidDocument

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 2**14


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """DSSE's PAE: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True)
class Envelope:
    """A signed payload; `key` is what `key_id` says of the signer's public key."""

    payload: bytes
    key: str
    signature: bytes

    @classmethod
    def sealed(cls, payload: bytes, key: BoundKey) -> Envelope:
        """`payload` signed by `key`."""
        signature = key.sign(pre_authentication(PAYLOAD_TYPE, payload))
        return cls(payload, key_id(key.public), signature)

    def encode(self) -> bytes:
        """The envelope's JSON, in its one form."""
        signature = {"keyid": self.key, "sig": _text(self.signature)}
        return canonical(
            {
                "payload": _text(self.payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [signature],
            }
        )

    @classmethod
    def decode(cls, data: bytes, most_bytes: int = MAX_ENVELOPE_BYTES) -> Envelope:
        """The envelope behind `data`, its signature not verified. Raises `InvalidDocument` for
        anything but the one form of an in-toto envelope with one signature, and for more than
        `most_bytes`."""
        content = parsed(data, "envelope", most_bytes)
        _require_keys(content, {"payload", "payloadType", "signatures"}, "envelope")
        if content["payloadType"] != PAYLOAD_TYPE:
            found = f"{content['payloadType']!r:.60}"
            raise InvalidDocument(f"envelope: found payloadType {found}, accepted: {PAYLOAD_TYPE}")
        signatures = content["signatures"]
        if not isinstance(signatures, list) or len(signatures) != 1:
            count = len(signatures) if isinstance(signatures, list) else "no list of"
            raise InvalidDocument(f"envelope: found {count} signatures, accepted: one")
        _require_keys(signatures[0], {"keyid", "sig"}, "signature")
        signature = _bytes(signatures[0]["sig"], "signature")
        if len(signature) != SIGNATURE_BYTES or not isinstance(signatures[0]["keyid"], str):
            raise InvalidDocument(
                f"signature: found {len(signature)} bytes of {signatures[0]['keyid']!r:.80}, "
                f"accepted: {SIGNATURE_BYTES} bytes of a key's id"
            )
        return cls(_bytes(content["payload"], "payload"), signatures[0]["keyid"], signature)

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the key `public` (32 bytes) signed this payload as this kind of payload."""
        message = pre_authentication(PAYLOAD_TYPE, self.payload)
        return self.key == key_id(public) and is_signed(public, message, self.signature)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: Any, what: str) -> bytes:
    """The bytes that `text` is the base64 of; one text for the same bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidDocument(f"{what}: found no base64: {error}, accepted: RFC 4648") from error
    if _text(data) != text:
        raise InvalidDocument(f"{what}: found another base64 of its bytes, accepted: one of a form")
    return data


def _require_keys(content: Any, keys: set[str], what: str) -> None:
    if not isinstance(content, dict) or content.keys() != keys:
        found = sorted(content) if isinstance(content, dict) else content
        raise InvalidDocument(f"{what}: found {found!r:.200}, accepted: {', '.join(sorted(keys))}")
