"""Reads words of storage out of the Merkle-Patricia tries of an engine's database.

Whole contracts are compared after every action, and most of their nodes are those of the block
before: a node is decoded once, since its hash says all that is in it. (Yellow Paper, appendix D.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import rlp
from eth_utils.crypto import keccak

STORAGE_ROOT = 2
"""Its place in an account: nonce, balance, storage root, code hash."""

_nodes: dict[bytes, Any] = {}


def word(database: Mapping[bytes, bytes], state_root: bytes, address: bytes, slot: int) -> int:
    """The word at a slot of a contract's storage, under a header's state root."""
    account = _get(database, state_root, _path(address))
    if account is None:
        return 0
    found = _get(database, rlp.decode(account)[STORAGE_ROOT], _path(slot.to_bytes(32)))
    return 0 if found is None else int.from_bytes(rlp.decode(found))


@lru_cache(maxsize=2**16)
def _path(key: bytes) -> str:
    """The nibbles of a key, as hexadecimal digits."""
    return keccak(key).hex()


def _get(database: Mapping[bytes, bytes], root: bytes, path: str) -> bytes | None:
    node = _node(database, root)
    while node:
        if len(node) == 17:
            node, path = node[int(path[0], 16)], path[1:]
        else:
            prefix, below = node
            flag, nibbles = prefix.hex()[0], prefix.hex()[1 if prefix[0] & 0x10 else 2 :]
            if not path.startswith(nibbles):
                return None
            if flag in "23":
                return bytes(below)
            node, path = below, path[len(nibbles) :]
        # A node of less than 32 bytes lies in its parent instead of under its hash.
        if isinstance(node, bytes):
            node = _node(database, node) if node else None
    return None


def _node(database: Mapping[bytes, bytes], digest: bytes) -> Any:
    found = _nodes.get(digest)
    if found is None:
        found = rlp.decode(database[digest]) if digest != EMPTY else []
        _nodes[digest] = found
    return found


EMPTY = keccak(rlp.encode(b""))
"""The root of a trie with nothing in it."""
