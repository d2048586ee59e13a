"""What a verified run shows of its accounts: when each joined, who funded it, in what order all
acted, and how far their updates lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
    """Tokens, in their own unit, or native coin, in wei, that moved; in which block."""

    block: int
    giver: bytes
    taker: bytes
    amount: int


PASSED_ON = "native coin that a contract passed on, and what moved before the blocks that were read"
HOPS = 2
"""How far back an account's funds are followed."""


def sightings(evidence: Evidence, ledger: Ledger) -> Sightings:
    """Gather what `sybils.suspect` looks at; `ledger` is the one that was verified. Updates that
    are not in the store are left out. An endpoint's blocks are read once more, for native coin."""
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
        funders=trails(transfers(evidence, ledger), registered),
        payers=trails(coins(evidence, ledger), registered),
        orders=[*orders.values()],
        likenesses=[each for each in alike if each],
        unseen=(PASSED_ON,),
    )


def transfers(evidence: Evidence, ledger: Ledger) -> list[Transfer]:
    """Every transfer of the stake token up to the run's last block, in order."""
    logs = ledger.logs(evidence.book.stake_token, evidence.place.blocks, (TRANSFER,))
    return [_transfer(log) for log in logs if len(log.topics) == 3 and len(log.data) == 32]


def _transfer(log: Log) -> Transfer:
    giver, taker = (topic[12:] for topic in log.topics[1:3])
    return Transfer(log.block_number, giver, taker, int.from_bytes(log.data))


def coins(evidence: Evidence, ledger: Ledger) -> Iterator[Transfer]:
    """Every payment of native coin up to the run's last block, in order."""
    for each in ledger.payments(evidence.place.blocks):
        yield Transfer(each.block, each.giver, each.taker, each.wei)


def trails(
    moved: Iterable[Transfer], joined: Mapping[bytes, int]
) -> dict[bytes, tuple[bytes, ...]]:
    """Who first gave each account what moved, not after it joined, and who first gave that one, not
    after it gave: up to `HOPS` back, nearest first. What was minted came from nobody."""
    first: dict[bytes, Transfer] = {}
    for each in moved:
        if each.amount and any(each.giver) and each.giver != each.taker:
            first.setdefault(each.taker, each)
    found = {account: _trail(first, account, block) for account, block in joined.items()}
    return {account: trail for account, trail in found.items() if trail}


def _trail(first: Mapping[bytes, Transfer], account: bytes, block: int) -> tuple[bytes, ...]:
    trail = [account]
    while len(trail) <= HOPS and trail[-1] in first:
        gift = first[trail[-1]]
        if gift.block > block or gift.giver in trail:
            break
        block = gift.block
        trail.append(gift.giver)
    return tuple(trail[1:])


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
