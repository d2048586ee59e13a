"""What a verified run shows of its accounts: when each joined, who funded it, in what order all
acted, and how far their updates lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sheaf.audit.stripes import STRIPE_BYTES, Units, stripes
from sheaf.audit.sybils import Likeness, Sightings
from sheaf.ledger.engine import Log
from sheaf.nodes.aggregation import require_vector
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.ledgers import Ledger
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidModel
from sheaf.protocol.events import Committed, Held, Registered, Revealed, VerdictRevealed

TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
"""Keccak-256 of `Transfer(address,address,uint256)` (ERC-20)."""

ACTS = (Registered, Committed, Revealed, Held, VerdictRevealed)


@dataclass(frozen=True)
class Transfer:
    """Tokens that moved, in the token's own unit; in which block."""

    block: int
    giver: bytes
    taker: bytes
    amount: int


def sightings(evidence: Evidence, ledger: Ledger) -> Sightings:
    """Gather what `sybils.suspect` looks at; `ledger` is the one that was verified. Updates that
    are not in the store are left out."""
    registered: dict[bytes, int] = {}
    orders: dict[object, list[tuple[bytes, int]]] = defaultdict(list)
    for step in evidence.steps:
        for event in step.events:
            if isinstance(event, ACTS) and event.task == evidence.trail.task:
                if isinstance(event, Registered):
                    registered[event.account] = step.block
                where = (type(event), getattr(event, "round", 0), getattr(event, "attempt", 0))
                orders[where].append((event.account, step.block))
    alike = (likeness(evidence, round) for round in evidence.trail.rounds)
    return Sightings(
        accounts=tuple(evidence.trail.seats),
        joined=registered,
        funders=first_funders(transfers(evidence, ledger), registered),
        orders=[*orders.values()],
        likenesses=[each for each in alike if each],
    )


def transfers(evidence: Evidence, ledger: Ledger) -> list[Transfer]:
    """Every transfer of the stake token up to the run's last block, in order."""
    logs = ledger.logs(evidence.book.stake_token, evidence.place.blocks, (TRANSFER,))
    return [_transfer(log) for log in logs if len(log.topics) == 3 and len(log.data) == 32]


def _transfer(log: Log) -> Transfer:
    giver, taker = (topic[12:] for topic in log.topics[1:3])
    return Transfer(log.block_number, giver, taker, int.from_bytes(log.data))


def first_funders(moved: Iterable[Transfer], joined: dict[bytes, int]) -> dict[bytes, bytes]:
    """Who first gave each account tokens, not after it joined. What was minted to an account came
    from nobody."""
    found: dict[bytes, bytes] = {}
    for each in moved:
        funds = each.amount and any(each.giver) and each.block <= joined.get(each.taker, -1)
        if funds and each.taker not in found:
            found[each.taker] = each.giver
    return found


def likeness(evidence: Evidence, round: int, stripe_bytes: int = STRIPE_BYTES) -> Likeness | None:
    """How far a round's revealed updates lie apart (L2, floats); None of fewer than three, of which
    no distance can be called usual."""
    task, store = evidence.task, evidence.store
    reveals = evidence.trail.rounds[round].reveals.values()
    kept = [e for e in reveals if _is_there(evidence, e.root)]
    if len(kept) < 3:
        return None
    units, products = Units.of(task), np.zeros((len(kept), len(kept)))
    for stripe in stripes(task, store, [e.root for e in kept], stripe_bytes):
        block = np.stack([units.floats(row, stripe.place) for row in stripe.rows])
        block -= block.mean(axis=0)  # what all have in common would cost the differences digits
        products += block @ block.T
    squares = products.diagonal()
    distances = np.sqrt(np.maximum(0, squares[:, None] + squares - 2 * products))
    roots = np.array([e.root for e in kept])
    distances[roots[:, None] == roots] = 0  # exactly, whatever rounding left
    return Likeness(round, tuple(e.account for e in kept), distances)


def _is_there(evidence: Evidence, root: bytes) -> bool:
    """Whether an update can be read: one that nobody counted may be missing, or of any length."""
    try:
        require_vector(evidence.task, evidence.store, root)
    except (BlobMissing, BlobCorrupt, InvalidModel):
        return False
    return True
