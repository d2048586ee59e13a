"""Who signs an attestation: a DSSE envelope around the statement, and the key's account in it.

The key is an Ed25519 key, and the account's ledger key signs for it (`sheaf.ledger.typed`), as in
receipts of acts. So other software verifies the envelope with the public key alone, and whoever
knows the account sees whose it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from eth_utils.address import to_canonical_address, to_checksum_address

from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import PUBLIC_BYTES, BoundKey
from sheaf.ledger.client import address_of
from sheaf.ledger.typed import SIGNATURE_BYTES, key_digest, sign_typed, signer_of
from sheaf.nodes.evidence import fail
from sheaf.protocol.hashing import Deployment

LARGEST_STATEMENT_BYTES = 64 * 1024 * 1024
LARGEST_ENVELOPE_BYTES = LARGEST_STATEMENT_BYTES // 3 * 4 + 4096
"""The statement in base64, and what stands around it."""


@dataclass(frozen=True)
class Signatory:
    """An account, the public Ed25519 key that signs for it, and the ledger key's word for that."""

    account: bytes
    public: bytes
    binding: bytes

    def plain(self) -> dict[str, str]:
        """As JSON, in the words of receipts."""
        return {
            "account": to_checksum_address(self.account),
            "publicKey": self.public.hex(),
            "binding": self.binding.hex(),
        }

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Signatory:
        """The inverse of `plain`. Raises `ValueError`, `KeyError` or `TypeError`."""
        public, binding = (bytes.fromhex(plain[name]) for name in ("publicKey", "binding"))
        if (len(public), len(binding)) != (PUBLIC_BYTES, SIGNATURE_BYTES):
            raise ValueError(f"found a key of {len(public)} bytes, bound by {len(binding)}")
        return cls(bytes(to_canonical_address(plain["account"])), public, binding)

    @property
    def names(self) -> frozenset[str]:
        """What it may be demanded by, in lower-case hex: its key, its account."""
        return frozenset({self.public.hex(), self.account.hex()})


@dataclass(frozen=True)
class Sealer:
    """What an attestation of one task is signed with."""

    key: BoundKey
    signatory: Signatory

    @classmethod
    def of(cls, key: BoundKey, at: Deployment, task: bytes, ledger_key: bytes) -> Sealer:
        """The key of an account with this 32-byte ledger key."""
        binding = sign_typed(key_digest(at, task, key.public), ledger_key)
        return cls(key, Signatory(address_of(ledger_key), key.public, binding))

    def seal(self, statement: bytes) -> bytes:
        """The envelope's bytes; one statement gives one envelope."""
        return Envelope.sealed(statement, self.key).encode()


def opened(data: bytes) -> tuple[bytes, Envelope | None]:
    """The statement's bytes, and the envelope that they are in, if they are in one; nothing of it
    is verified. Raises `InvalidDocument` for an envelope of another form."""
    if b'"payloadType"' not in data[-1024:]:
        return data, None
    envelope = Envelope.decode(data, LARGEST_ENVELOPE_BYTES)
    return envelope.payload, envelope


def require_signed(
    envelope: Envelope | None, said: Signatory | None, at: Deployment, task: bytes
) -> None:
    """Raise `VerificationFailed` unless who is named as signer did sign, and its account signed for
    the key; or nobody is named, and nobody did."""
    if said is None:
        if envelope is not None:
            _refuse("found a signature, and a statement that names nobody, accepted: who signed")
        return
    who = to_checksum_address(said.account)
    if envelope is None:
        _refuse(f"names {who} as its signer, and carries no signature")
    if not envelope.is_signed_by(said.public):
        _refuse(f"the signature is not that of the key it names, {said.public.hex()}")
    if signer_of(key_digest(at, task, said.public), said.binding) != said.account:
        _refuse(f"{who} did not sign for the key it names, {said.public.hex()}")


def require_demanded(said: Signatory | None, demanded: str | None) -> None:
    """Raise `VerificationFailed` unless the signer is the `demanded` one, by key or account in hex
    (None: anybody)."""
    if demanded is None:
        return
    if said is None:
        _refuse(f"found no signature, accepted: one of {demanded}")
    if demanded.lower().removeprefix("0x") not in said.names:
        who = f"{said.public.hex()} of {to_checksum_address(said.account)}"
        _refuse(f"signed by {who}, accepted: {demanded}")


def _refuse(what: str) -> NoReturn:
    fail(f"attestation: {what}")
