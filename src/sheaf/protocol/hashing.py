"""Hashes both sides of the chain agree on: SHA-256 over static ABI words.

Every preimage starts with a domain word, so that no hash of one purpose can serve another. In those
of a `Deployment` the chain id and the contract's address follow, so that none of one chain or
contract serves another; what goes into seeds and comes out of them is bound to both by the first
seed (`docs/protocol/hashing.md`). A word is 32 bytes: integers and addresses are left-padded, as
Solidity's `abi.encode` does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

ZERO = bytes(32)

Word = int | bytes


def word(value: Word) -> bytes:
    """`value` as one ABI word: a non-negative integer, a 20-byte address or 32 bytes."""
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    if len(value) == 20:
        return bytes(12) + value
    if len(value) != 32:
        raise ValueError(f"a word is an integer, 20 or 32 bytes; found {len(value)} bytes")
    return value


def domain(name: str) -> bytes:
    """The domain word of `name`: its ASCII bytes, right-padded with zeros (a bytes32 literal)."""
    return name.encode("ascii").ljust(32, b"\0")


def digest(*words: Word) -> bytes:
    """SHA-256 over the words."""
    return hashlib.sha256(b"".join(word(w) for w in words)).digest()


def xor(a: bytes, b: bytes) -> bytes:
    """Bitwise exclusive or of two 32-byte words."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(32, "big")


TASK = domain("sheaf/task/1")
NONCE = domain("sheaf/nonce/1")
OPENED_NONCE = domain("sheaf/opened-nonce/1")
SEED = domain("sheaf/seed/1")
NEXT_SEED = domain("sheaf/next-seed/1")
COHORT = domain("sheaf/cohort/1")
COMMITTEE = domain("sheaf/committee/1")
UPDATE = domain("sheaf/update/1")
VERDICT = domain("sheaf/verdict/1")
MISSING = domain("sheaf/missing/1")
CLAIM = domain("sheaf/claim/1")
SIGNING_KEY = domain("sheaf/signing-key/1")


@dataclass(frozen=True)
class Deployment:
    """Where a federation lives: what every domain-separated hash is bound to."""

    chain: int
    address: bytes

    def task_id(self, sponsor: bytes, document: bytes) -> bytes:
        """A task's id: the same document by another sponsor, chain or contract is another task."""
        return digest(TASK, self.chain, self.address, sponsor, document)

    def nonce_hash(self, task: bytes, account: bytes, nonce: bytes) -> bytes:
        """What a seat registers with. It binds the account, so a copied hash cannot be opened."""
        return digest(NONCE, self.chain, self.address, task, account, nonce)

    def first_seed(self, task: bytes, nonces: bytes) -> bytes:
        """`seed_1` from the exclusive or of `opened_nonce` over all opened seats."""
        return digest(SEED, self.chain, self.address, task, nonces)

    def update_commitment(
        self,
        task: bytes,
        round: int,
        account: bytes,
        root: bytes,
        samples: int,
        receipt: bytes,
        salt: bytes,
    ) -> bytes:
        """A participant's commitment to the tree root of its update."""
        return digest(
            UPDATE, self.chain, self.address, task, round, account, root, samples, receipt, salt
        )

    def verdict_commitment(
        self, task: bytes, round: int, attempt: int, account: bytes, verdict: Verdict
    ) -> bytes:
        """A member's commitment to a result."""
        v = verdict
        head = (VERDICT, self.chain, self.address, task, round, attempt, account)
        roots = (v.counted, v.weights_root, v.model_root, v.state_root)
        return digest(*head, *roots, v.receipt, v.salt)

    def missing_commitment(
        self, task: bytes, round: int, attempt: int, account: bytes, missing: Missing
    ) -> bytes:
        """A member's commitment to "I was not served this chunk"."""
        m = missing
        head = (MISSING, self.chain, self.address, task, round, attempt, account)
        return digest(*head, m.position, m.chunk, m.receipt, m.salt)

    def claim(
        self, task: bytes, round: int, attempt: int, counted: int, roots: tuple[bytes, bytes, bytes]
    ) -> bytes:
        """What equal verdicts have in common: the counted set, and the roots as in `Verdict`."""
        return digest(CLAIM, self.chain, self.address, task, round, attempt, counted, *roots)


@dataclass(frozen=True)
class Verdict:
    """A result: `counted` is a bitmap over cohort positions. The roots of model and state are
    headers, that of the weights a bare tree root (32 bytes each)."""

    counted: int
    weights_root: bytes
    model_root: bytes
    state_root: bytes
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class Missing:
    """A chunk of a counted update that a member was not served."""

    position: int
    chunk: int
    receipt: bytes
    salt: bytes


def key_nonce(public_key: bytes, blind: bytes) -> bytes:
    """A nonce that binds the key its account signs receipts with, once it is opened. The contract
    takes any nonce; receipts hold for a seat whose nonce is made so."""
    return digest(SIGNING_KEY, public_key, blind)


def opened_nonce(nonce: bytes, account: bytes) -> bytes:
    """A seat's contribution to the first seed; binding the account keeps equal nonces from
    cancelling."""
    return digest(OPENED_NONCE, nonce, account)


def next_seed(seed: bytes, round: int, salts: bytes) -> bytes:
    """`seed_{r+1}` from `seed_r` and the exclusive or of the salts revealed in round r."""
    return digest(NEXT_SEED, seed, round, salts)


def cohort_key(seed: bytes) -> bytes:
    """Key of the permutation of participant indices."""
    return digest(COHORT, seed)


def committee_key(seed: bytes) -> bytes:
    """Key of the permutation of aggregator indices."""
    return digest(COMMITTEE, seed)
