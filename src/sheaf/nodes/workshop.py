"""The workshop: where the effects that are not sent to the ledger are performed.

Everything a node does with bytes and arrays is here or, where it takes torch, in `local`; what to
do is decided in the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sheaf.nodes import attesting, exhibits
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import (
    UpdateMissing,
    aggregate,
    require_vector,
    vector_id,
    wanted_vector,
)
from sheaf.nodes.trail import Trail
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidModel,
    SheafError,
    StoreUnavailable,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.interface import Store, keep_copy
from sheaf.store.layered import LayeredStore

Performer = Callable[[Any, Any, Trail], e.LocalEvent]


_decoded = lru_cache(maxsize=4)(Task.decode)
"""Every effect asks for the task, and checking its bounds takes milliseconds."""


def published_task(shared: Store, trail: Trail) -> Task:
    """The published task document, checked. Raises `InvalidDocument` or what the store raises."""
    if trail.published is None:
        raise ValueError("the task is not published")
    return _decoded(shared.get(ContentId(DAG_CBOR, SHA2_256, trail.published.document)))


def objection(shared: Store, trail: Trail) -> str:
    """Why anyone should decline this task, whatever its own means; "" if there is no reason."""
    task = published_task(shared, trail)
    if task.terms() != trail.terms:
        return "the published terms are not those of the task document"
    if (
        trail.published is None
        or trail.model_header(task.model.initial) != trail.published.model_root
    ):
        return "the published model root is not that of the document's initial weights"
    if trail.state_header(task.terms().model.initial_state) != trail.published.state_root:
        return "the published state root is not that of a server optimiser's start"
    require_vector(task, shared, task.model.initial)
    return ""


def inspect(shop: Workshop, effect: e.Inspect, trail: Trail) -> e.Inspected:
    """Check what can be checked without torch."""
    try:
        return e.Inspected(objection(shop.shared, trail))
    except StoreUnavailable:
        raise  # nothing is wrong with the task
    except SheafError as error:
        return e.Inspected(error.message)


def publish(shop: Workshop, effect: e.PublishUpdate | e.PublishModel, trail: Trail) -> e.Published:
    """Copy a vector of this node's, and the state beside it, into the shared store."""
    task, roots = published_task(shop.shared, trail), [effect.root]
    if isinstance(effect, e.PublishModel) and effect.state != ZERO:
        roots.append(effect.state)
    for root in roots:
        content_id = vector_id(task, root)
        shop.shared.put(shop.own.get(content_id), content_id)
    return e.Published(effect.root)


def collect(shop: Workshop, effect: e.Collect, trail: Trail) -> e.Collected:
    """Say which revealed updates can be had and decoded; keep them where that is asked for."""
    task, bitmap = published_task(shop.shared, trail), 0
    exhibits.keep_supplied(shop, task, trail.rounds[effect.round])
    store = LayeredStore(shop.own, shop.shared)
    for position, root in effect.wanted:
        try:
            require_vector(task, store, root)
            if effect.keeps:
                wanted = wanted_vector(task, root)
                keep_copy(store, shop.own, wanted.content_id, wanted.size_bytes)
        except (BlobMissing, BlobCorrupt, InvalidModel):
            continue
        bitmap |= 1 << position
    return e.Collected(effect.round, effect.attempt, bitmap)


def combine(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.Aggregated | e.ChunkMissing:
    """Aggregate the counted updates and keep the new model and state until they are published."""
    task, found = published_task(shop.shared, trail), trail.rounds[effect.round]
    exhibits.keep_supplied(shop, task, found)
    store = LayeredStore(shop.own, shop.shared)
    try:
        given = (effect.base, effect.counted, effect.state)
        result = aggregate(task, store, *given, kept=shop.own)
    except UpdateMissing as missing:
        # A store gives a blob whole or not at all: its first chunk is as missing as any, unless
        # that was supplied in court.
        chunk = exhibits.first_unsupplied(task, found, missing.position)
        return e.ChunkMissing(effect.round, effect.attempt, missing.position, chunk)
    numbers = (result.statistics.saturated, result.statistics.stalled)
    place = (effect.round, effect.attempt)
    return e.Aggregated(*place, result.root, *numbers, result.state_root)


PERFORMERS: Mapping[type[object], Performer] = MappingProxyType(
    {
        e.Inspect: inspect,
        e.Attest: attesting.attest,
        e.ShowReceipt: attesting.show,
        e.PublishUpdate: publish,
        e.PublishModel: publish,
        e.Collect: collect,
        e.Aggregate: combine,
        e.Accuse: exhibits.accuse,
        e.Choose: exhibits.choose,
        e.Compare: exhibits.compare,
        e.Produce: exhibits.produce,
    }
)


@dataclass(frozen=True)
class Workshop:
    """One node's means: the store all share, the store that is its own, how it does things, and
    what it signs receipts with, if it does."""

    shared: Store
    own: Store
    performers: Mapping[type[object], Performer] = field(default_factory=lambda: PERFORMERS)
    signer: attesting.Signer | None = None

    def task(self, trail: Trail) -> Task:
        """The published task document."""
        return published_task(self.shared, trail)

    def perform(self, effect: e.Effect, trail: Trail) -> e.LocalEvent:
        """Do what `effect` says and return its answer."""
        return self.performers[type(effect)](self, effect, trail)
