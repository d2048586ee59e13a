"""Receipts in a node's workshop: signed before the node commits, shown when it reveals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import sheaf
from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import BoundKey
from sheaf.identity.statement import Receipt, Step
from sheaf.nodes import effects as e
from sheaf.nodes.trail import Trail
from sheaf.protocol.content import RAW, SHA2_256, ContentId, raw_id
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.interface import Store


@dataclass(frozen=True)
class Signer:
    """What a node signs receipts of one task with: its key, and the SHA-256 of the policy that its
    data are under, if there is one."""

    key: BoundKey
    policy: bytes | None = None

    def receipt(self, step: Step, bundle: bytes) -> bytes:
        """The signed receipt of a step under code of this digest: an envelope's bytes."""
        said = (self.policy, bundle, sheaf.__version__, self.key.public, self.key.blind)
        return Envelope.sealed(Receipt(step, *said).encode(), self.key).encode()


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
