"""Faulty actors: nodes of a cast given other ways of doing things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from sheaf.learning import lattice
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_vector, vector_id
from sheaf.nodes.cast import Cast, Node
from sheaf.nodes.local import LocalWorkshop
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Workshop, combine, published_task
from sheaf.proofs.commitment import commit
from sheaf.protocol.merkle import Kind


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


def off_by_one(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
    """An aggregation whose first coordinate is one too high, kept under its true root."""
    honest = combine(shop, effect, trail)
    assert isinstance(honest, e.Aggregated)
    task = published_task(shop.shared, trail)
    model = read_vector(task, shop.own, honest.root).copy()
    model[0] += 1
    root = commit(model, Kind.MODEL, task.model.chunk_bytes).tree_root
    shop.own.put(lattice.to_bytes(model), vector_id(task, root))
    return replace(honest, root=root)


def moving_by(units: int) -> Callable[[LocalWorkshop, e.Train, Trail], e.LocalEvent]:
    """Training that moves every coordinate by so many units of the lattice, on one sample."""

    def train(shop: LocalWorkshop, effect: e.Train, trail: Trail) -> e.LocalEvent:
        task = published_task(shop.shared, trail)
        update = np.full(task.model.coordinates, units, np.int32)
        root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(update), vector_id(task, root))
        return e.Trained(effect.round, root, 1)

    return train


def hoarding(shop: Workshop, effect: e.PublishUpdate, trail: Trail) -> e.Published:
    """Says that an update is published, and keeps it."""
    return e.Published(effect.root)


def holding_all(shop: Workshop, effect: e.Collect, trail: Trail) -> e.Collected:
    """Says that every revealed update is held."""
    bitmap = sum(1 << position for position, _ in effect.wanted)
    return e.Collected(effect.round, effect.attempt, bitmap)


def equip(cast: Cast, kind: str, performers: dict[type[object], Any]) -> None:
    """Give all actors of a kind other performers."""
    for node in cast.nodes:
        if node.name.startswith(kind):
            node.equip(performers)
