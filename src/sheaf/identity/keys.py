"""Ed25519 keys (RFC 8032), and what binds one to an account on the ledger.

A seat registers with the hash of a nonce and opens the nonce later. The nonce is the hash of the
seat's public key and a blind, so what the account opened on the ledger names the key that signs for
it, and nobody knows the key before. Signatures are deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sheaf.protocol.hashing import key_nonce

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class BoundKey:
    """A signing key from a secret `seed`, bound to an account by `blind` (32 bytes each)."""

    seed: bytes
    blind: bytes

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @property
    def nonce(self) -> bytes:
        """What the account opens on the ledger, 32 bytes."""
        return key_nonce(self.public, self.blind)

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes."""
        return self._private.sign(message)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __repr__(self) -> str:
        return "BoundKey(...)"


def key_id(public: bytes) -> str:
    """What an envelope calls a key: the SHA-256 of its 32 bytes, in hex."""
    return sha256(public).hexdigest()


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `message` by the key `public`; never for what is no key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
