"""Commitments to vectors: trees computed apart from the code, openings true and false."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sheaf.proofs.commitment import (
    chunk_of,
    commit,
    nodes_below,
    open_at,
    open_chunk,
    opened_value,
)
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.merkle import Kind, header
from sheaf.protocol.opening import Opening

COUNTS = (1, 1023, 1024, 1025, 2049, 3073)


def vector_of(count: int) -> NDArray[np.int32]:
    values = np.random.default_rng(count).integers(-(2**31) + 1, 2**31, count)
    return values.astype(np.int32)


def independent_root(data: bytes, chunk_bytes: int) -> bytes:
    """RFC 9162 by recursion, from bytes."""
    if len(data) <= chunk_bytes:
        return hashlib.sha256(b"\x00" + data).digest()
    split = chunk_bytes
    while split * 2 < len(data):
        split *= 2
    left = independent_root(data[:split], chunk_bytes)
    right = independent_root(data[split:], chunk_bytes)
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_opening(vector: NDArray[np.int32], coordinate: int, chunk_bytes: int) -> None:
    made = commit(vector, chunk_bytes=chunk_bytes)
    opening = open_at(vector, coordinate, made)
    value = opened_value(opening, coordinate, made.tree_root, vector.size, chunk_bytes)
    assert value == int(vector[coordinate])


@pytest.mark.parametrize("count", COUNTS)
def test_root_header_and_leaves(count: int) -> None:
    vector = vector_of(count)
    data = vector.astype("<i4").tobytes()
    made = commit(vector, Kind.MODEL)
    leaves = (count + 1023) // 1024
    assert made.tree_root == independent_root(data, 4096)
    assert len(made.leaves) == leaves
    words = b"".join(number.to_bytes(32, "big") for number in (1, 4, count, leaves))
    assert made.header == hashlib.sha256(b"\x02" + words + made.tree_root).digest()
    assert made.content_id.matches(data)


@pytest.mark.parametrize("count", COUNTS)
def test_openings_prove_first_last_and_chunk_edges(count: int) -> None:
    vector = vector_of(count)
    edges = {0, count - 1, *(edge for edge in (1023, 1024, 2047, 2048, 3072) if edge < count)}
    for coordinate in edges:
        check_opening(vector, coordinate, 4096)


@pytest.mark.parametrize("count", range(1, 30))
def test_every_coordinate_in_tiny_chunks(count: int) -> None:
    vector = vector_of(count)
    for coordinate in range(count):
        check_opening(vector, coordinate, 8)


def test_by_hand() -> None:
    vector = np.array([1, -1, 2], dtype=np.int32)
    first = hashlib.sha256(bytes.fromhex("0001000000ffffffff")).digest()
    second = hashlib.sha256(bytes.fromhex("0002000000")).digest()
    made = commit(vector, chunk_bytes=8)
    assert made.leaves == (first, second)
    assert made.tree_root == hashlib.sha256(b"\x01" + first + second).digest()
    assert open_at(vector, 2, made) == Opening(bytes.fromhex("02000000"), (first,))


def test_default_is_four_kibibytes() -> None:
    vector = vector_of(1025)
    opening = open_at(vector, 1024)
    assert len(opening.chunk) == 4
    assert opened_value(opening, 1024, commit(vector).tree_root, 1025) == int(vector[1024])


def test_an_opening_proves_nothing_else() -> None:
    vector = vector_of(2049)
    made = commit(vector)
    opening = open_at(vector, 1030, made)
    root = made.tree_root
    forged = bytearray(opening.chunk)
    forged[24] ^= 1
    wrong = [
        (replace(opening, chunk=bytes(forged)), 1030, root, 2049),
        (replace(opening, chunk=opening.chunk[:-1]), 1030, root, 2049),
        (opening, 6, root, 2049),
        (replace(opening, chunk=opening.chunk + bytes(4)), 1030, root, 2049),
        (replace(opening, path=opening.path[:-1]), 1030, root, 2049),
        (opening, 1023, root, 2049),
        (opening, 2048, root, 2049),
        (opening, -1, root, 2049),
        (opening, 1030, bytes(32), 2049),
        (opening, 1030, root, 1030),
    ]
    assert opened_value(opening, 1030, root, 2049) == int(vector[1030])
    for claim in wrong:
        assert opened_value(*claim) is None


def test_a_short_last_chunk_cannot_be_read_as_a_longer_vector() -> None:
    vector = vector_of(1025)
    made = commit(vector)
    opening = open_at(vector, 1024, made)
    assert opened_value(opening, 1024, made.tree_root, 1026) is None


def test_the_header_binds_the_length_that_a_bare_tree_root_does_not() -> None:
    # Leaf 1 has the same siblings in trees of three and four leaves, so a path alone cannot tell
    # 2,049 coordinates from 3,073. The count comes from the task, and headers hash it.
    vector = vector_of(2049)
    made = commit(vector)
    opening = open_at(vector, 1030, made)
    assert opened_value(opening, 1030, made.tree_root, 3073) == int(vector[1030])
    assert header(Kind.UPDATE, 4, 2049, 3, made.tree_root) == made.header
    assert header(Kind.UPDATE, 4, 3073, 4, made.tree_root) != made.header


def test_the_lowest_integer_reads_as_its_neighbour() -> None:
    vector = np.array([-(2**31), -(2**31) + 1], dtype=np.int32)
    made = commit(vector)
    assert opened_value(open_at(vector, 0, made), 0, made.tree_root, 2) == -(2**31 - 1)
    assert opened_value(open_at(vector, 1, made), 1, made.tree_root, 2) == -(2**31 - 1)


def test_layout_in_memory_does_not_matter() -> None:
    vector = vector_of(3073)
    strided = np.repeat(vector, 2)[::2]
    frozen = vector.copy()
    frozen.flags.writeable = False
    expected = commit(vector)
    assert not strided.flags.c_contiguous
    assert commit(strided) == expected
    assert commit(vector.astype(">i4")) == expected
    assert commit(frozen) == expected


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros(4, dtype=np.int64), r"int64 of shape \(4,\)"),
        (np.zeros(4, dtype=np.uint32), "uint32"),
        (np.zeros(4, dtype=np.float32), "float32"),
        (np.zeros((2, 2), dtype=np.int32), r"int32 of shape \(2, 2\)"),
        (np.zeros(0, dtype=np.int32), "no coordinates"),
    ],
)
def test_other_arrays_are_refused(array: NDArray[np.int32], found: str) -> None:
    with pytest.raises(InvalidModel, match=f"found {found}"):
        commit(array)


def test_chunk_sizes_are_powers_of_two() -> None:
    for chunk_bytes in (0, 2, 12, 4095):
        with pytest.raises(ValueError, match=f"found {chunk_bytes}"):
            commit(vector_of(4), chunk_bytes=chunk_bytes)


def test_opening_the_wrong_vector_or_place() -> None:
    vector = vector_of(8)
    made = commit(vector)
    with pytest.raises(InvalidModel, match="found 7 coordinates; the commitment has 8"):
        open_at(vector[:7], 0, made)
    for coordinate in (-1, 8):
        with pytest.raises(IndexError, match=f"coordinate {coordinate}"):
            open_at(vector, coordinate, made)


# What is below a node, and single chunks


def numbered(count: int) -> list[bytes]:
    """So many leaf hashes, each another."""
    return [hashlib.sha256(b"leaf %d" % number).digest() for number in range(count)]


def pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_the_hashes_below_a_node_by_hand() -> None:
    a, b, c, d, e = leaves = numbered(5)
    assert nodes_below(leaves, 3, 0) == (a, b, c, d, e)
    assert nodes_below(leaves, 2, 0) == (a, b, c, d)
    # The fifth leaf rises unchanged through two levels: it is the node itself, and all below it.
    assert nodes_below(leaves, 2, 1) == (e,)
    assert nodes_below(leaves, 1, 1) == (c, d)
    assert nodes_below(leaves, 1, 2) == (e,)
    assert nodes_below([a], 0, 0) == (a,)


def test_six_levels_down_and_no_further() -> None:
    leaves = numbered(130)
    pairs = [pair(*leaves[i : i + 2]) for i in range(0, 130, 2)]
    # 130 leaves are eight levels high: two above are nodes of four leaves, the last of two.
    fours = [pair(*pairs[i : i + 2]) for i in range(0, 64, 2)]
    assert nodes_below(leaves, 8, 0) == (*fours, pairs[64])
    assert nodes_below(leaves, 7, 0) == tuple(pairs[:64])
    assert nodes_below(leaves, 7, 1) == (pairs[64],)
    assert nodes_below(leaves, 2, 32) == tuple(leaves[128:])


@pytest.mark.parametrize(("level", "index"), [(0, 5), (1, 3), (2, 2), (3, 1), (3, -1)])
def test_below_a_node_that_is_not_there_is_nothing(level: int, index: int) -> None:
    with pytest.raises(IndexError, match=f"node {index} at level {level} of a tree with 5 leaves"):
        nodes_below(numbered(5), level, index)


def test_a_chunk_by_its_index_and_opened() -> None:
    vector = np.array([1, -1, 2], dtype=np.int32)
    data, made = vector.tobytes(), commit(vector, chunk_bytes=8)
    assert chunk_of(data, 0, 8) == bytes.fromhex("01000000ffffffff")
    assert chunk_of(data, 1, 8) == bytes.fromhex("02000000")
    for leaves in (None, made.leaves):
        assert open_chunk(data, 1, 8, leaves) == Opening(chunk_of(data, 1, 8), (made.leaves[0],))
    with pytest.raises(IndexError, match="leaf 2 of a tree with 2 leaves"):
        open_chunk(data, 2, 8)
