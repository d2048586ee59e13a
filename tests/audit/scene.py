"""Evidence of a task played on the specification with real bytes: no chain, no torch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from eth_utils.address import to_checksum_address

from sheaf.learning import lattice
from sheaf.ledger.federation import AddressBook
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.evidence import Evidence, Witness
from sheaf.nodes.respecification import Step
from sheaf.nodes.summary import Accounting, Place
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop
from sheaf.proofs.commitment import commit
from sheaf.protocol.errors import Rejected
from sheaf.protocol.machine import apply
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Env, Federation
from tests.nodes.courtroom import Courtroom
from tests.nodes.rehearsal import REWARD, STAKE

GAS = 1000
"""What every transaction of a scene burns."""


def evidence_of(room: Courtroom) -> Evidence:
    """What a verification would rest on. Each transaction is a block of its own, numbered from 1,
    and its hash is that number's SHA-256."""
    deployment = room.federation.deployment
    book = AddressBook(deployment.chain, deployment.address, b"\4" * 20, b"\5" * 20, STAKE, REWARD)
    names = {str(to_checksum_address(room.account(name))): name for name in room.actors}
    unit = {"symbol": "UNIT", "decimals": 0}
    steps = tuple(_steps(room))
    return Evidence(
        directory=Path("scene"),
        book=book,
        trail=room.trail,
        task=room.task,
        store=Witness(room.shared, {*room.shared.ids()}),
        accounting=Accounting(),
        place=Place(len(steps), b"\7" * 32, {"stake": unit, "reward": unit}),
        sent=Counter(),
        names=names,
        steps=steps,
    )


def _steps(room: Courtroom) -> list[Step]:
    again, steps = Federation(room.federation.deployment, STAKE), []
    for number, sent in enumerate(room.sent, 1):
        failure, events = None, []
        try:
            events = apply(again, Env(room.account(sent.name), sent.now), sent.action)
        except Rejected as error:
            failure = error
        digest = hashlib.sha256(number.to_bytes(8)).digest()
        who = room.account(sent.name)
        steps.append(Step(number, sent.now, digest, who, sent.action, GAS, failure, tuple(events)))
    return steps


def trained(*values: int, samples: int = 1) -> Performer:
    """Training that gives these lattice integers each round."""

    def train(shop: Workshop, effect: e.Train, trail: Trail) -> e.LocalEvent:
        task, update = shop.task(trail), np.array(values, np.int32)
        root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(update), vector_id(task, root))
        return e.Trained(effect.round, root, samples)

    return train


def played(
    trainings: dict[str, Performer],
    until: Callable[[Trail], bool] = lambda _: False,
    **changes: Any,
) -> Courtroom:
    """A task in which participants train so, played to its end or `until`."""
    room = Courtroom({name: {e.Train: each} for name, each in trainings.items()}, **changes)
    room.run(until)
    return room
