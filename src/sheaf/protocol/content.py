"""Content ids: the address of a blob is a hash of its bytes, written as a CIDv1 in base32.

Three kinds, by (codec, multihash code):

- document  dag-cbor, sha2-256       the task document and its like
- raw       raw, sha2-256            any file
- tree      raw, 0x300000 + log2(n)  a model or update, by its RFC 9162 root over chunks of n bytes

The tree kind makes the commitment on chain the address in the store: one identity, no second hash.
Its code lies in the multihash table's private-use range (0x300000 to 0x3FFFFF), so other software
parses the id and knows that it cannot check it. None of the three is a UnixFS id.

Layout: version, codec, multihash code and digest length as unsigned varints, then the digest;
base32 (RFC 4648, lower case, no padding) behind the multibase prefix `b`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.merkle import TreeHasher, tree_root

RAW = 0x55
DAG_CBOR = 0x71
SHA2_256 = 0x12
TREE = 0x300000
MAX_CHUNK_LOG2 = 30

_VERSION = 1
_DIGEST_BYTES = 32


@dataclass(frozen=True, order=True)
class ContentId:
    """A content id; `str()` gives its one canonical text. ValueError for any other kind."""

    codec: int
    code: int
    digest: bytes

    def __post_init__(self) -> None:
        tree = self.codec == RAW and TREE <= self.code <= TREE + MAX_CHUNK_LOG2
        if not tree and (self.codec not in (RAW, DAG_CBOR) or self.code != SHA2_256):
            raise ValueError(f"no content id has codec {self.codec:#x} with code {self.code:#x}")
        if len(self.digest) != _DIGEST_BYTES:
            raise ValueError(f"a digest is {_DIGEST_BYTES} bytes; found {len(self.digest)}")

    @property
    def chunk_bytes(self) -> int | None:
        """Chunk size of a tree id; None for the other kinds."""
        return None if self.code == SHA2_256 else 1 << (self.code - TREE)

    def to_bytes(self) -> bytes:
        """The binary CID."""
        head = (_VERSION, self.codec, self.code, _DIGEST_BYTES)
        return b"".join(map(_varint, head)) + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.to_bytes()).decode("ascii").rstrip("=").lower()

    @classmethod
    def parse(cls, text: str) -> ContentId:
        """The id that `text` is the canonical form of; InvalidDocument for anything else."""
        try:
            body = text.removeprefix("b").upper()
            data = base64.b32decode(body + "=" * (-len(body) % 8))
            fields = _head(data[:-_DIGEST_BYTES])
            found = cls(fields[1], fields[2], data[-_DIGEST_BYTES:])
        except (ValueError, IndexError, binascii.Error) as error:
            raise _malformed(text) from error
        # One blob, one name: upper case, padding, a long varint or stray bits are other texts.
        if str(found) != text:
            raise _malformed(text)
        return found

    def matches(self, data: bytes) -> bool:
        """Whether these are the bytes that the id names."""
        if self.chunk_bytes is None:
            return hashlib.sha256(data).digest() == self.digest
        return tree_root(data, self.chunk_bytes) == self.digest

    def matches_parts(self, parts: Iterable[bytes]) -> bool:
        """Whether these parts, one after the other, are the bytes that the id names."""
        if self.chunk_bytes is None:
            plain = hashlib.sha256()
            for part in parts:
                plain.update(part)
            return plain.digest() == self.digest
        tree = TreeHasher(self.chunk_bytes)
        for part in parts:
            tree.update(part)
        return tree.root() == self.digest


def document_id(data: bytes) -> ContentId:
    """The id of an encoded dag-cbor document."""
    return ContentId(DAG_CBOR, SHA2_256, hashlib.sha256(data).digest())


def raw_id(data: bytes) -> ContentId:
    """The id of a plain file."""
    return ContentId(RAW, SHA2_256, hashlib.sha256(data).digest())


def tree_id(root: bytes, chunk_bytes: int) -> ContentId:
    """The id of an array by its Merkle root; `chunk_bytes` is a power of two."""
    if chunk_bytes < 1 or chunk_bytes & (chunk_bytes - 1):
        raise ValueError(f"chunk_bytes is a power of two; found {chunk_bytes}")
    return ContentId(RAW, TREE + chunk_bytes.bit_length() - 1, root)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _head(data: bytes) -> list[int]:
    """The varints of a CID's head; parse() compares the canonical text, so none is checked here."""
    fields, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            fields.append(value)
            value, shift = 0, 0
    return fields


def _malformed(text: str) -> InvalidDocument:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return InvalidDocument(
        f"not a content id: found {shown!r}; accepted is a CIDv1 in lower-case base32 (b...) of a "
        "dag-cbor document, a raw file or a Merkle tree"
    )
