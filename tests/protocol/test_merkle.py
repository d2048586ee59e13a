"""Merkle trees against the published Certificate Transparency tree and the RFC's own recursion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.protocol.merkle import (
    Kind,
    TreeHasher,
    header,
    inclusion_path,
    leaf_count,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root_of,
    tree_root,
    verify_inclusion,
)

# The reference tree of the Certificate Transparency project: eight leaves, the root after each.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATH_OF_FIRST = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)


def recursive_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1 as written: split at the largest power of two below n."""
    if len(hashes) == 1:
        return hashes[0]
    split = largest_power_below(len(hashes))
    left, right = recursive_root(hashes[:split]), recursive_root(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def recursive_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """RFC 9162, 2.1.3.1 as written."""
    if len(hashes) == 1:
        return []
    split = largest_power_below(len(hashes))
    if index < split:
        return [*recursive_path(hashes[:split], index), recursive_root(hashes[split:])]
    return [*recursive_path(hashes[split:], index - split), recursive_root(hashes[:split])]


def largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def some_hashes(count: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(count)]


@pytest.mark.parametrize(("count", "root"), list(enumerate(ROOTS, start=1)))
def test_published_roots(count: int, root: str) -> None:
    assert root_of([leaf_hash(leaf) for leaf in LEAVES[:count]]).hex() == root


def test_published_path() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    path = inclusion_path(hashes, 0)
    assert tuple(sibling.hex() for sibling in path) == PATH_OF_FIRST
    assert verify_inclusion(hashes[0], 0, 8, path, bytes.fromhex(ROOTS[7]))


def test_empty_tree_is_the_hash_of_nothing() -> None:
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("parts", [1, 3, 16, 1000])
def test_a_root_over_parts_is_the_recursive_one(parts: int) -> None:
    for size in (0, 1, 15, 16, 17, 100, 128, 129, 640):
        data = bytes(i % 251 for i in range(size))
        leaves = [hashlib.sha256(b"\0" + data[i : i + 16]).digest() for i in range(0, size, 16)]
        tree = TreeHasher(16)
        for start in range(0, size, parts):
            tree.update(data[start : start + parts])
        expected = recursive_root(leaves) if leaves else hashlib.sha256().digest()
        assert tree.root() == expected
        assert tree.root() == expected


@pytest.mark.parametrize("count", range(1, 40))
def test_every_path_equals_the_recursive_one(count: int) -> None:
    hashes = some_hashes(count)
    root = recursive_root(hashes)
    assert root_of(hashes) == root
    for index in range(count):
        path = inclusion_path(hashes, index)
        assert path == recursive_path(hashes, index)
        assert verify_inclusion(hashes[index], index, count, path, root)


@given(st.integers(1, 70), st.data())
def test_a_proof_holds_for_its_leaf_and_place_only(count: int, data: st.DataObject) -> None:
    hashes = some_hashes(count)
    root = root_of(hashes)
    index = data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(-1, count + 2).filter(lambda place: place != index))
    path = inclusion_path(hashes, index)
    assert not verify_inclusion(hashes[index], other, count, path, root)
    assert not verify_inclusion(bytes(32), index, count, path, root)
    assert not verify_inclusion(hashes[index], index, count, [*path, bytes(32)], root)
    assert not verify_inclusion(hashes[index], index, count, path, bytes(32))
    for place in range(len(path)):
        short = path[:place] + path[place + 1 :]
        assert not verify_inclusion(hashes[index], index, count, short, root)


def test_hashes_are_32_bytes() -> None:
    left, right = some_hashes(2)
    root = node_hash(left, right)
    # Moving a byte across the seam leaves what is hashed unchanged.
    assert not verify_inclusion(left[:31], 0, 2, [left[31:] + right], root)
    assert verify_inclusion(left, 0, 2, [right], root)


def test_a_path_may_not_rise_above_the_tree() -> None:
    left, right = some_hashes(2)
    assert not verify_inclusion(right, 0, 1, [left], node_hash(left, right))
    assert verify_inclusion(right, 1, 2, [left], node_hash(left, right))


def test_a_path_outside_the_tree_is_an_error() -> None:
    with pytest.raises(IndexError, match="leaf 3 of a tree with 3 leaves"):
        inclusion_path(some_hashes(3), 3)
    with pytest.raises(IndexError):
        inclusion_path(some_hashes(3), -1)


def test_the_last_chunk_is_short_and_unpadded() -> None:
    data = bytes(range(10))
    expected = node_hash(
        node_hash(leaf_hash(b"\x00\x01\x02\x03"), leaf_hash(b"\x04\x05\x06\x07")),
        leaf_hash(b"\x08\x09"),
    )
    assert leaf_count(10, 4) == 3
    assert tree_root(data, 4) == expected
    assert tree_root(memoryview(data), 4) == expected
    assert tree_root(data + b"\x00", 4) != expected


def test_only_a_flat_view_of_bytes_is_hashed() -> None:
    words = memoryview(bytes(8)).cast("I")
    with pytest.raises(ValueError, match="flat view of bytes"):
        leaf_hashes(words, 4)
    with pytest.raises(ValueError, match="at least one byte"):
        leaf_hashes(b"abc", 0)


def test_header_is_one_hash_over_static_words() -> None:
    root = bytes(range(32))
    words = [(2).to_bytes(32, "big"), (4).to_bytes(32, "big"), (1025).to_bytes(32, "big")]
    preimage = b"\x02" + b"".join(words) + (2).to_bytes(32, "big") + root
    assert len(preimage) == 161
    assert header(Kind.UPDATE, 4, 1025, 2, root) == hashlib.sha256(preimage).digest()


def test_kinds_are_numbers_that_stay() -> None:
    """They are hashed into every header, so another number is another commitment."""
    words = (4).to_bytes(32, "big"), (8).to_bytes(32, "big"), (1).to_bytes(32, "big"), bytes(32)
    names = ("MODEL", "UPDATE", "OPTIMISER_STATE", "WEIGHTS")
    for number, name in enumerate(names, start=1):
        preimage = b"\x02" + number.to_bytes(32, "big") + b"".join(words)
        assert header(Kind[name], 4, 8, 1, bytes(32)) == hashlib.sha256(preimage).digest()
    assert len(Kind) == len(names)


def test_the_smallest_chunk_is_a_byte() -> None:
    expected = node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    assert tree_root(b"ab", 1) == expected
    assert leaf_count(2, 1) == 2


def test_header_binds_every_field() -> None:
    root = bytes(32)
    headers = {
        header(Kind.MODEL, 4, 8, 1, root),
        header(Kind.UPDATE, 4, 8, 1, root),
        header(Kind.MODEL, 8, 8, 1, root),
        header(Kind.MODEL, 4, 9, 1, root),
        header(Kind.MODEL, 4, 8, 2, root),
        header(Kind.MODEL, 4, 8, 1, b"\x01" + bytes(31)),
    }
    assert len(headers) == 6
