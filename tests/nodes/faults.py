"""Faulty actors: nodes of a cast given other ways of doing things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from sheaf.learning import lattice
from sheaf.ledger.client import Call
from sheaf.ledger.federation import token_interface
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.cast import Cast, Node
from sheaf.nodes.exhibits import produce
from sheaf.nodes.local import LocalWorkshop
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop, collect, combine, publish, published_task
from sheaf.proofs.commitment import commit
from sheaf.protocol.merkle import Kind
from sheaf.simulation import liars
from sheaf.store.layered import LayeredStore
from sheaf.store.memory import MemoryStore


def means(node: Node) -> LocalWorkshop:
    """The means of a node that trains."""
    assert isinstance(node.workshop, LocalWorkshop)
    return node.workshop


def with_data(node: Node, entry: str) -> None:
    """Another data hook."""
    shop = means(node)
    node.workshop = replace(shop, data=partial(shop.bundle.call, entry, shop.index, 4))


def copying(node: Node, other: Node) -> None:
    """The same data and the same seeds as another participant: the same update."""
    theirs = means(other)
    node.workshop = replace(means(node), data=theirs.data, index=theirs.index)


def failing_in_training(node: Node, round: int) -> None:
    """A data hook that raises in one round, after the inspection went well."""
    shop, calls = means(node), []

    def data() -> object:
        calls.append(0)
        if len(calls) == round + 1:
            raise OSError("the disk is gone")
        return shop.data()

    node.workshop = replace(shop, data=data)


def silent(node: Node, when: Callable[[Trail], bool]) -> None:
    """A node that wants nothing while `when` holds."""
    role, own = ModuleType("silent"), node.role

    def decide(state: Any, now: int, secrets: e.Secrets) -> list[e.Effect]:
        wanted: list[e.Effect] = [] if when(state.trail) else own.decide(state, now, secrets)
        return wanted

    role.__dict__.update(fold=own.fold, decide=decide)
    node.role = role


def penniless(cast: Cast, name: str) -> None:
    """An actor whose stake tokens the vault may not pull: it sees what is wrong, and can open no
    dispute."""
    book, account = cast.federation.book, cast.node(name).account.address
    nothing = token_interface().calldata("approve", book.vault, 0)
    cast.federation.client.send([Call(account, book.stake_token, nothing, 100_000)])


off_by_one, off_by_one_in_state = liars.wrong_at(0), liars.wrong_state_at(0)
"""The first coordinate, and the first one's first moment, are one too high."""


def in_first_attempts(fault: Performer, honest: Performer = combine) -> Performer:
    """A fault of every first attempt; what a second one does is honest."""

    def perform(shop: Any, effect: Any, trail: Trail) -> e.LocalEvent:
        return (fault if trail.attempt == 1 else honest)(shop, effect, trail)

    return perform


def from_nothing(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
    """A root that nobody has bytes of."""
    return e.Aggregated(effect.round, effect.attempt, b"\xee" * 32, 0, 0)


def producing_all_but(chunk: int) -> Performer:
    """Shows every hash and every chunk but one, and serves no array whole."""

    def perform(shop: Workshop, effect: e.Produce, trail: Trail) -> e.LocalEvent:
        if (effect.level, effect.at) == (0, chunk):
            return liars.mute(shop, effect, trail)
        apart = replace(shop, shared=LayeredStore(MemoryStore(), shop.shared))
        return produce(apart, effect, trail)

    return perform


def moving_by(units: int) -> Callable[[LocalWorkshop, e.Train, Trail], e.LocalEvent]:
    """Training that moves every coordinate by so many units of the lattice, on one sample."""

    def train(shop: LocalWorkshop, effect: e.Train, trail: Trail) -> e.LocalEvent:
        task = published_task(shop.shared, trail)
        update = np.full(task.model.coordinates, units, np.int32)
        root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(update), vector_id(task, root))
        return e.Trained(effect.round, root, 1)

    return train


attesting = in_first_attempts(liars.attesting, collect)
"""Says in a first attempt that every revealed update is held."""

withholding = in_first_attempts(liars.keeping, publish)
"""Says in a first attempt that a model is published, and keeps it."""


def equip(cast: Cast, kind: str, performers: dict[type[object], Any]) -> None:
    """Give all actors of a kind other performers."""
    for node in cast.nodes:
        if node.name.startswith(kind):
            node.equip(performers)
