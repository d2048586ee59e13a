"""Receipts in a node's workshop: signed before the node commits, shown when it reveals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import sheaf
from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import BoundKey
from sheaf.identity.statement import Receipt, Step
from sheaf.ledger.typed import key_digest, sign_typed, signer_of
from sheaf.nodes import effects as e
from sheaf.nodes.trail import Trail
from sheaf.protocol.content import RAW, SHA2_256, ContentId, raw_id
from sheaf.protocol.hashing import ZERO, Deployment
from sheaf.protocol.task import Task
from sheaf.store.interface import Store


@dataclass(frozen=True)
class Signer:
    """What a node signs receipts of one task with: its key, the SHA-256 of the policy that its data
    are under, if there is one, and for who has no seat its ledger key's signature for the key
    (`of_account`)."""

    key: BoundKey
    policy: bytes | None = None
    binding: bytes | None = None

    @classmethod
    def of_account(cls, key: BoundKey, at: Deployment, task: bytes, ledger_key: bytes) -> Signer:
        """Of an account that opens no nonce in the task, by its 32-byte ledger key."""
        return cls(key, binding=sign_typed(key_digest(at, task, key.public), ledger_key))

    def receipt(self, step: Step, bundle: bytes) -> bytes:
        """The signed receipt of a step under code of this digest: an envelope's bytes."""
        blind = self.key.blind if self.binding is None else None
        said = (self.policy, bundle, sheaf.__version__, self.key.public, blind)
        made = Receipt(step, *said, binding=self.binding)
        return Envelope.sealed(made.encode(), self.key).encode()


class Means(Protocol):
    """What it takes: the node's own store and the shared one, the task, and a signer, if any."""

    @property
    def own(self) -> Store:
        """What the node keeps to itself."""
        ...

    @property
    def shared(self) -> Store:
        """What everybody can read."""
        ...

    @property
    def signer(self) -> Signer | None:
        """What it signs with."""
        ...

    def task(self, trail: Trail) -> Task:
        """The published task document."""
        ...


def receipt_id(receipt: bytes) -> ContentId:
    """Where a receipt lies in a store, by its word on the ledger."""
    return ContentId(RAW, SHA2_256, receipt)


def is_bound(receipt: Receipt) -> bool:
    """Whether the account that a receipt names signed for the key that it names, where it says so
    by a signature of its ledger key."""
    step = receipt.step
    digest = key_digest(Deployment(step.chain, step.contract), step.task, receipt.public)
    return receipt.binding is not None and signer_of(digest, receipt.binding) == step.account


def attest(shop: Means, effect: e.Attest, trail: Trail) -> e.Attested:
    """Sign a receipt, where the node has a key for that."""
    place = (effect.step.round, effect.step.attempt)
    if shop.signer is None:
        return e.Attested(*place, ZERO)
    content = shop.signer.receipt(effect.step, shop.task(trail).model.bundle)
    content_id = raw_id(content)
    shop.own.put(content, content_id)
    return e.Attested(*place, content_id.digest)


def show(shop: Means, effect: e.ShowReceipt, trail: Trail) -> e.ReceiptShown:
    """Copy a receipt of this node's into the shared store."""
    content_id = receipt_id(effect.receipt)
    shop.shared.put(shop.own.get(content_id), content_id)
    return e.ReceiptShown(effect.receipt)
