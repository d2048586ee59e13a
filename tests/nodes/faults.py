"""Faulty actors: nodes of a cast given other ways of doing things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from sheaf.learning import lattice
from sheaf.learning.algorithms import moments
from sheaf.ledger.client import Call
from sheaf.ledger.federation import token_interface
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_state, vector_id
from sheaf.nodes.cast import Cast, Node
from sheaf.nodes.exhibits import accuse, produce
from sheaf.nodes.local import LocalWorkshop
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop, collect, combine, publish, published_task
from sheaf.proofs.commitment import commit, commit_state
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Matter
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


def wrong_at(*coordinates: int, by: int = 1) -> Performer:
    """An aggregation that is wrong at some coordinates, kept under its true root."""

    def perform(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
        honest = combine(shop, effect, trail)
        assert isinstance(honest, e.Aggregated)
        task = published_task(shop.shared, trail)
        model = np.frombuffer(shop.own.get(vector_id(task, honest.root)), "<i4").copy()
        model[[*coordinates]] += by
        root = commit(model, Kind.MODEL, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(model), vector_id(task, root))
        return replace(honest, root=root)

    return perform


off_by_one = wrong_at(0)
"""The first coordinate is one too high."""


def in_first_attempts(fault: Performer, honest: Performer = combine) -> Performer:
    """A fault of every first attempt; what a second one does is honest."""

    def perform(shop: Any, effect: Any, trail: Trail) -> e.LocalEvent:
        return (fault if effect.attempt == 1 else honest)(shop, effect, trail)

    return perform


def off_by_one_in_state(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
    """An honest model, and a state whose first moment is one too high, kept under its true root."""
    honest = combine(shop, effect, trail)
    assert isinstance(honest, e.Aggregated)
    task = published_task(shop.shared, trail)
    kept = read_state(task, shop.own, honest.state)
    assert isinstance(kept, np.ndarray)
    wrong = kept.copy()
    wrong[0, 0] += 1
    root = commit_state(wrong, task.model.chunk_bytes).tree_root
    shop.own.put(moments.to_bytes(wrong), vector_id(task, root))
    return replace(honest, state=root)


def from_nothing(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
    """A root that nobody has bytes of."""
    return e.Aggregated(effect.round, effect.attempt, b"\xee" * 32, 0, 0)


def withholding(shop: Workshop, effect: e.PublishModel, trail: Trail) -> e.LocalEvent:
    """Says in a first attempt that a model is published, and keeps it."""
    return e.Published(effect.root) if trail.attempt == 1 else publish(shop, effect, trail)


def mute(shop: Workshop, effect: e.Produce, trail: Trail) -> e.Produced:
    """Answers nothing that is asked in court."""
    return e.Produced(effect.round, effect.number, effect.level, effect.at, (), None)


def producing_all_but(chunk: int) -> Performer:
    """Shows every hash and every chunk but one, and serves no array whole."""

    def perform(shop: Workshop, effect: e.Produce, trail: Trail) -> e.LocalEvent:
        if (effect.level, effect.at) == (0, chunk):
            return mute(shop, effect, trail)
        apart = replace(shop, shared=LayeredStore(MemoryStore(), shop.shared))
        return produce(apart, effect, trail)

    return perform


def misquoting(shop: Workshop, effect: e.Accuse, trail: Trail) -> e.LocalEvent:
    """Files a column whose last entry is a thousand too high, against whatever is claimed."""
    found = accuse(shop, effect, trail)
    assert isinstance(found, e.Accused)
    last = int.from_bytes(found.column[-4:], "little", signed=True) + 1000
    return replace(found, column=found.column[:-4] + last.to_bytes(4, "little", signed=True))


def not_finding(shop: Workshop, effect: e.Accuse, trail: Trail) -> e.LocalEvent:
    """Says that the claimed model's bytes are not to be had, and files what is served."""
    if effect.number:
        return accuse(shop, effect, trail)
    return e.ClaimMissing(effect.round, effect.attempt, Matter.MODEL)


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


attesting = in_first_attempts(holding_all, collect)
"""Says in a first attempt that every revealed update is held."""


def equip(cast: Cast, kind: str, performers: dict[type[object], Any]) -> None:
    """Give all actors of a kind other performers."""
    for node in cast.nodes:
        if node.name.startswith(kind):
            node.equip(performers)
