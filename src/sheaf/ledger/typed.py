"""EIP-712 typed data under ledger keys: what an account signs beside its transactions.

The domain binds a signature to the chain and to the federation, and the struct to one task, so that
none means anything elsewhere. A wallet can make these, too.
"""

from __future__ import annotations

from coincurve import PrivateKey, PublicKey
from eth_utils.crypto import keccak

from sheaf.protocol.hashing import Deployment, word

SIGNATURE_BYTES = 65
SIGNING_KEY = "SigningKey(bytes32 task,bytes32 key)"
"""An account's word for which Ed25519 key signs for it in one task."""

_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_HALF_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141 // 2
"""Of secp256k1's group: EIP-2 takes the lower of the two `s` that a signature could have."""
_RECOVERY = 27
"""What Ethereum adds to a signature's recovery id."""


def typed_digest(at: Deployment, kind: str, *values: int | bytes) -> bytes:
    """The 32 bytes that are signed: `kind` is the struct's type as EIP-712 writes it, `values` its
    members, each of one word."""
    names = keccak(text="Sheaf") + keccak(text="1")
    domain = keccak(text=_DOMAIN) + names + word(at.chain) + word(at.address)
    struct = keccak(text=kind) + b"".join(map(word, values))
    return keccak(b"\x19\x01" + keccak(domain) + keccak(struct))


def sign_typed(digest: bytes, key: bytes) -> bytes:
    """The signature (r, s, v) of a digest by a 32-byte ledger key; one key gives one signature."""
    made = PrivateKey(key).sign_recoverable(digest, hasher=None)
    return made[:64] + bytes([made[64] + _RECOVERY])


def signer_of(digest: bytes, signature: bytes) -> bytes | None:
    """The address that signed a digest; None for what is no signature, or another form of one."""
    if len(signature) != SIGNATURE_BYTES or int.from_bytes(signature[32:64]) > _HALF_ORDER:
        return None
    try:
        recoverable = signature[:64] + bytes([signature[64] - _RECOVERY])
        public = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError:
        return None
    return bytes(keccak(public.format(compressed=False)[1:])[12:])


def key_digest(at: Deployment, task: bytes, public: bytes) -> bytes:
    """What an account signs to bind itself to the Ed25519 key `public` in a task."""
    return typed_digest(at, SIGNING_KEY, task, public)
