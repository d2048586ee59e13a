"""Development accounts of the embedded ledger.

Their keys are derived from the run's recorded seed, so that a repeated run has the same addresses
and draws the same cohorts. Whoever knows the seed can sign for everybody: a stand-in for real
keys, which is right on a ledger that lives in one process and wrong anywhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sheaf.ledger.client import address_of
from sheaf.nodes.effects import Secrets


@dataclass(frozen=True)
class Account:
    """A named key pair. `secrets` derive nonces and salts; they are not the signing key."""

    name: str
    key: bytes
    secrets: Secrets

    @property
    def address(self) -> bytes:
        """The 20-byte address."""
        return address_of(self.key)

    def __repr__(self) -> str:
        return f"Account({self.name})"


def operated_account(key: bytes, name: str) -> Account:
    """The account called `name` of an operator with this signing key."""
    own, secret = (
        hashlib.sha256(b"sheaf/operator/" + purpose + b"/" + key + name.encode()).digest()
        for purpose in (b"key", b"secret")
    )
    return Account(name, own, Secrets(secret))


def lone_account(key: bytes, purpose: str) -> Account:
    """The account of somebody who acts alone, with this ledger key and for one purpose."""
    secret = hashlib.sha256(b"sheaf/alone/" + purpose.encode() + b"/" + key).digest()
    return Account(purpose, key, Secrets(secret))


def development_account(seed: int, name: str) -> Account:
    """The account called `name` under a recorded seed."""
    key, secret = (
        hashlib.sha256(f"sheaf/development/{purpose}/{seed}/{name}".encode()).digest()
        for purpose in ("key", "secret")
    )
    return Account(name, key, Secrets(secret))
