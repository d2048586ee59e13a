"""SHA-256 Merkle trees by RFC 9162 (section 2.1) over chunks of bytes, and the header over a tree.

A leaf hashes as SHA-256(0x00 || chunk), a node as SHA-256(0x01 || left || right); the last chunk
is short, nothing is padded, and the last node of an odd level rises unchanged. Taking pairs level
by level gives the same tree as the RFC's recursive split at the largest power of two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import IntEnum

from sheaf.protocol.hashing import word

CHUNK_BYTES = 4096
"""Chunk size of a task unless its terms say otherwise."""

_LEAF = hashlib.sha256(b"\x00")
_NODE = hashlib.sha256(b"\x01")
_HEADER = b"\x02"


class Kind(IntEnum):
    """What a committed array is; the number is hashed into its header."""

    MODEL = 1
    UPDATE = 2
    OPTIMISER_STATE = 3
    WEIGHTS = 4


def leaf_hash(chunk: bytes | memoryview) -> bytes:
    """Hash of one chunk as a leaf."""
    state = _LEAF.copy()
    state.update(chunk)
    return state.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node over its two 32-byte children."""
    state = _NODE.copy()
    state.update(left + right)
    return state.digest()


def leaf_count(size_bytes: int, chunk_bytes: int) -> int:
    """How many chunks of at most `chunk_bytes` hold `size_bytes`."""
    return -(-size_bytes // chunk_bytes)


def leaf_hashes(data: bytes | memoryview, chunk_bytes: int) -> list[bytes]:
    """Leaf hashes of `data` cut into chunks; no chunk is copied. A memoryview must be of bytes."""
    if chunk_bytes < 1:
        raise ValueError(f"a chunk has at least one byte; found chunk_bytes = {chunk_bytes}")
    view = memoryview(data)
    if view.format != "B" or view.ndim != 1:
        raise ValueError(f"a flat view of bytes is hashed; found format {view.format!r}")
    fresh, hashes = _LEAF.copy, []
    # The body of leaf_hash, inlined: this loop is all the proof overhead of an honest round.
    for start in range(0, len(view), chunk_bytes):
        state = fresh()
        state.update(view[start : start + chunk_bytes])
        hashes.append(state.digest())
    return hashes


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    above = list(map(node_hash, level[:-1:2], level[1::2]))
    if len(level) % 2:
        above.append(level[-1])
    return above


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes; of none, the SHA-256 of nothing (RFC 9162)."""
    if not hashes:
        return hashlib.sha256().digest()
    while len(hashes) > 1:
        hashes = _level_above(hashes)
    return hashes[0]


def tree_root(data: bytes | memoryview, chunk_bytes: int) -> bytes:
    """Root of the tree over `data` in chunks of `chunk_bytes`."""
    return root_of(leaf_hashes(data, chunk_bytes))


class TreeHasher:
    """The root of a tree over bytes that come in parts of any length; of the bytes it holds one
    chunk, and of the hashes one for each level."""

    def __init__(self, chunk_bytes: int) -> None:
        if chunk_bytes < 1:
            raise ValueError(f"a chunk has at least one byte; found chunk_bytes = {chunk_bytes}")
        self._chunk_bytes, self._rest = chunk_bytes, bytearray()
        # Roots of whole subtrees with their levels, from the left: the levels fall.
        self._roots: list[tuple[int, bytes]] = []

    def update(self, data: bytes | memoryview) -> None:
        """Take in what comes next."""
        self._rest += data
        whole = len(self._rest) - len(self._rest) % self._chunk_bytes
        for leaf in leaf_hashes(bytes(self._rest[:whole]), self._chunk_bytes):
            self._grow(leaf)
        del self._rest[:whole]

    def root(self) -> bytes:
        """Root of the tree over all that came."""
        roots = [root for _, root in self._roots]
        if self._rest:
            roots.append(leaf_hash(bytes(self._rest)))
        if not roots:
            return root_of(())
        found = roots.pop()
        while roots:
            found = node_hash(roots.pop(), found)
        return found

    def _grow(self, node: bytes) -> None:
        level = 0
        while self._roots and self._roots[-1][0] == level:
            node, level = node_hash(self._roots.pop()[1], node), level + 1
        self._roots.append((level, node))


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from leaf `index` up to the root (RFC 9162, 2.1.3.1); IndexError outside."""
    if not 0 <= index < len(hashes):
        raise IndexError(f"leaf {index} of a tree with {len(hashes)} leaves")
    path = []
    while len(hashes) > 1:
        if index ^ 1 < len(hashes):
            path.append(hashes[index ^ 1])
        hashes, index = _level_above(hashes), index // 2
    return path


def verify_inclusion(
    leaf: bytes, index: int, leaf_count: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether `leaf` (a leaf hash) is leaf `index` of the `leaf_count` under `root`.

    RFC 9162, section 2.1.3.2. An index outside the tree, a path too short or too long, or a hash
    that is not 32 bytes is False.
    """
    if not 0 <= index < leaf_count or any(len(part) != 32 for part in (leaf, *path)):
        return False
    position, last, found = index, leaf_count - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            found = node_hash(sibling, found)
            # A right edge that had no sibling rose unchanged: skip the levels it rose through.
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def header(kind: int, element_bytes: int, coordinates: int, leaves: int, tree_root: bytes) -> bytes:
    """What a model or state root binds beyond its bytes: SHA-256(0x02 || five ABI words).

    The words are kind, bytes per element, coordinates, leaves and the 32-byte tree root, so that
    no array can be read as one of another kind, width or length.
    """
    words = (word(kind), word(element_bytes), word(coordinates), word(leaves), word(tree_root))
    return hashlib.sha256(_HEADER + b"".join(words)).digest()
