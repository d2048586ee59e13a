"""Content ids against `multiformats`, an independent implementation."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import dag_cbor
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiformats import CID, multibase, varint

from sheaf.protocol.content import ContentId, document_id, raw_id, tree_id
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.merkle import tree_root

digests = st.binary(min_size=32, max_size=32)
any_id = st.one_of(
    st.binary().map(raw_id),
    st.binary().map(document_id),
    st.builds(tree_id, digests, st.integers(0, 30).map(lambda log2: 1 << log2)),
)


def test_raw_id_of_hello_world() -> None:
    # The raw-leaf CID of "hello world" that IPFS documentation and tools print.
    known = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    assert str(raw_id(b"hello world")) == known


@given(st.binary())
def test_raw_and_document_ids_equal_multiformats(data: bytes) -> None:
    digest = hashlib.sha256(data).digest()
    raw = CID("base32", 1, "raw", ("sha2-256", digest))
    document = CID("base32", 1, "dag-cbor", ("sha2-256", digest))
    assert str(raw_id(data)) == str(raw)
    assert raw_id(data).to_bytes() == bytes(raw)
    assert str(document_id(data)) == str(document)


@given(digests, st.integers(0, 30))
def test_tree_id_equals_multiformats_parts(digest: bytes, log2: int) -> None:
    code = varint.encode(0x300000 + log2)
    binary = b"\x01\x55" + code + b"\x20" + digest
    found = tree_id(digest, 1 << log2)
    assert found.to_bytes() == binary
    assert str(found) == multibase.encode(binary, "base32")
    assert found.chunk_bytes == 1 << log2


@given(any_id)
def test_text_round_trip(content_id: ContentId) -> None:
    assert ContentId.parse(str(content_id)) == content_id


def test_a_document_id_is_of_its_canonical_encoding() -> None:
    data = dag_cbor.encode({"rounds": 10, "cap": 100})
    assert data.hex() == "a263636170186466726f756e64730a"  # shorter key first, by hand
    assert document_id(data).matches(data)


def test_matching_is_by_bytes() -> None:
    data = bytes(range(100))
    tree = tree_id(tree_root(data, 16), 16)
    for content_id in (raw_id(data), document_id(data), tree):
        assert content_id.matches(data)
        assert not content_id.matches(data[:-1])
        assert not content_id.matches(data + b"\0")
    assert not tree_id(tree.digest, 32).matches(data)


def test_parts_match_as_the_whole_does() -> None:
    data = bytes(range(100))
    for content_id in (raw_id(data), document_id(data), tree_id(tree_root(data, 16), 16)):
        for parts in ([data], [data[:7], data[7:48], b"", data[48:]]):
            assert content_id.matches_parts(parts)
            assert not content_id.matches_parts(parts[:-1])
            assert not content_id.matches_parts([b"\0", *parts])
            assert not content_id.matches_parts([*parts, b"\0"])


def test_raw_bytes_have_no_chunk_size() -> None:
    assert raw_id(b"").chunk_bytes is None
    assert document_id(b"").chunk_bytes is None


def test_a_second_text_for_the_same_id_is_refused() -> None:
    text = str(raw_id(b"hello world"))
    stray = text[:-1] + "f"  # the last character holds 2 bits of digest and 3 that must be zero
    long_varint = multibase.encode(b"\x81\x00\x55\x12\x20" + raw_id(b"").digest, "base32")
    for other in (
        text.upper(),
        "B" + text[1:],
        text + "=",
        text[1:],
        stray,
        long_varint,
        f" {text}",
    ):
        with pytest.raises(InvalidDocument, match="not a content id: found"):
            ContentId.parse(other)


@pytest.mark.parametrize(
    "head",
    [
        "00551220",  # version 0
        "02551220",  # version 2
        "01701220",  # dag-pb: a UnixFS id
        "01551320",  # sha2-512
        "015580808001" + "20",  # multihash code 0x200000: not private use
        "0171" + "8080c001" + "20",  # a tree is raw, never dag-cbor
        "01551221",  # says 33 bytes
        "01",
        "",
    ],
)
def test_other_kinds_are_refused(head: str) -> None:
    text = multibase.encode(bytes.fromhex(head) + bytes(32), "base32")
    with pytest.raises(InvalidDocument):
        ContentId.parse(text)


@given(st.text())
def test_any_text_is_an_id_or_refused(text: str) -> None:
    for candidate in (text, "b" + text):
        with suppress(InvalidDocument):  # any other exception fails the test
            assert str(ContentId.parse(candidate)) == candidate


def test_a_long_text_is_not_printed_whole() -> None:
    with pytest.raises(InvalidDocument) as caught:
        ContentId.parse("b" * 10_000)
    assert len(str(caught.value)) < 300


def test_construction_is_bounded() -> None:
    with pytest.raises(ValueError, match="a digest is 32 bytes; found 31"):
        ContentId(0x55, 0x12, bytes(31))
    with pytest.raises(ValueError, match="no content id has codec 0x70"):
        ContentId(0x70, 0x12, bytes(32))
    for chunk_bytes in (0, 3, 1 << 31):
        with pytest.raises(ValueError, match=r"found|no content id"):
            tree_id(bytes(32), chunk_bytes)
