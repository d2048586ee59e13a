"""Merkle-Patricia proofs: that a block's header covers a receipt, or an account and its storage.

A proof is the encoded nodes from the root to the value (Yellow Paper, appendix D), as
`eth_getProof` (EIP-1186) tells them: nodes short enough to lie in their parent are not listed
again. Whoever checks one needs the header's root and nothing else. A node is decoded only after its
hash was compared, and a node that leads nowhere is refused, so a proof has one form.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import rlp
from eth_utils.crypto import keccak
from trie.hexary import HexaryTrie

from sheaf.ledger.engine import Log

Proof = tuple[bytes, ...]
"""Encoded nodes, the root's first."""

_WIDTH = 17
_INLINE_BYTES = 32
_LEAF = 2


@dataclass(frozen=True, slots=True)
class StateProof:
    """Of one account, and of some of its slots in the order they were asked for."""

    account: Proof
    slots: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """What a state root covers of an account; roots and hashes of 32 bytes."""

    nonce: int
    balance_wei: int
    storage_root: bytes
    code_hash: bytes


def receipt_proof(encoded: Sequence[bytes], index: int) -> Proof:
    """The proof of a block's receipt number `index` among all of them, in their encoded form."""
    trie = HexaryTrie({}, prune=True)
    for position, receipt in enumerate(encoded):
        trie[rlp.encode(position)] = receipt
    return _listed(trie, rlp.encode(index))


def state_proof(
    nodes: MutableMapping[bytes, bytes], state_root: bytes, address: bytes, slots: Sequence[int]
) -> StateProof:
    """The proof of an account and of its slots, out of an engine's mapping of nodes by hash.

    ValueError for an account that is not there; KeyError for a mapping that lacks a node.
    """
    account = _listed(HexaryTrie(nodes, state_root), keccak(address))
    storage = HexaryTrie(nodes, proved_account(state_root, address, account).storage_root)
    return StateProof(account, tuple(_listed(storage, keccak(_word(slot))) for slot in slots))


def proved_receipt(receipts_root: bytes, index: int, proof: Proof) -> bytes:
    """The encoded receipt that a receipts root covers at `index`; ValueError for no proof of it."""
    return _value(receipts_root, rlp.encode(index), proof)


def proved_account(state_root: bytes, address: bytes, proof: Proof) -> Account:
    """The account that a state root covers; ValueError for no proof of it."""
    fields = _list(_value(state_root, keccak(address), proof), 4)
    nonce, balance, storage_root, code_hash = fields
    if not all(isinstance(field, bytes) for field in fields) or len(code_hash) != 32:
        raise ValueError("found no account in the proof")
    return Account(int.from_bytes(nonce), int.from_bytes(balance), storage_root, code_hash)


def proved_slot(storage_root: bytes, slot: int, proof: Proof) -> bytes:
    """The word (32 bytes) that a storage root covers at `slot`; ValueError for no proof of it."""
    value = rlp.decode(_value(storage_root, keccak(_word(slot)), proof))
    if not isinstance(value, bytes) or len(value) > 32:
        raise ValueError("a slot holds no word")
    return value.rjust(32, b"\0")


def logs_of(encoded_receipt: bytes) -> Iterator[Log]:
    """The logs in an encoded receipt, in order, by their place in it; of their place in the chain
    it says nothing, so that is zero. ValueError where there is no receipt."""
    body = encoded_receipt[1:] if encoded_receipt[:1] < b"\xc0" else encoded_receipt
    place = partial(Log, block_number=0, block_hash=b"", transaction_hash=b"", transaction_index=0)
    for index, fields in enumerate(_list(body, 4)[3]):
        address, topics, data = fields
        yield place(address, tuple(topics), data, index=index)


def mapping_slot(slot: int, key: bytes) -> int:
    """Where a mapping in `slot` keeps the value of a 32-byte `key`, as Solidity lays it out."""
    return int.from_bytes(keccak(key + _word(slot)))


def _listed(trie: HexaryTrie, key: bytes) -> Proof:
    """The nodes on the way to a key that a checker cannot read out of their parent."""
    encoded = [rlp.encode(node) for node in trie.get_proof(key)]  # type: ignore[no-untyped-call]
    return tuple(node for at, node in enumerate(encoded) if not at or len(node) >= _INLINE_BYTES)


def _value(root: bytes, key: bytes, proof: Proof) -> bytes:
    """What lies under `key` in the trie of this root."""
    path, left = list(key.hex()), list(proof)
    child: Any = root
    while True:
        node = child if isinstance(child, list) else _taken(child, left)
        if len(node) == _WIDTH and path:
            child = node[int(path.pop(0), 16)]
        elif len(node) == _WIDTH:
            return _ended(node[-1], left)
        elif len(node) == 2:
            flag, part = _part(node[0])
            if path[: len(part)] != part:
                raise ValueError("the proof is of another key")
            path, child = path[len(part) :], node[1]
            if flag >= _LEAF:
                if path:
                    raise ValueError("the proof is of another key")
                return _ended(child, left)
        else:
            raise ValueError("found no node in the proof")


def _taken(child: bytes, left: list[bytes]) -> list[Any]:
    """The next node, which must be the one that its parent, or the root, names."""
    if len(child) != 32 or not left:
        raise ValueError("the proof ends before the value")
    if keccak(left[0]) != child:
        raise ValueError(f"found node {keccak(left[0]).hex()}, accepted: {child.hex()}")
    return _list(left.pop(0))


def _ended(value: Any, left: list[bytes]) -> bytes:
    if left or not value or not isinstance(value, bytes):
        raise ValueError("the proof goes on after the value, or there is none")
    return value


def _part(compact: Any) -> tuple[int, list[str]]:
    """A node's flag, and the nibbles that it skips (hex-prefix encoding)."""
    nibbles = compact.hex() if isinstance(compact, bytes) else ""
    flag = int(nibbles[0], 16) if nibbles else 4
    if flag > 3:
        raise ValueError("found no node in the proof")
    return flag, list(nibbles[1:] if flag % 2 else nibbles[2:])


def _list(encoded: bytes, length: int | None = None) -> list[Any]:
    try:
        found = rlp.decode(encoded)
    except (rlp.exceptions.RLPException, RecursionError) as error:
        raise ValueError(f"found no RLP: {error}") from error
    if not isinstance(found, list) or (length is not None and len(found) != length):
        raise ValueError("found RLP of another shape")
    return found


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
