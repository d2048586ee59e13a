"""Actors that break the rules: honest nodes with other means of doing things (`Node.equip`).

A liar decides what an honest node would decide, and lies where it acts, in one round's first
attempt. So all that it sends has the form that the protocol asks for, and the lie is in the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from sheaf.learning import lattice
from sheaf.learning.algorithms import moments
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_state, read_vector, vector_id
from sheaf.nodes.cast import Cast, Node
from sheaf.nodes.exhibits import accuse
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop, combine
from sheaf.proofs.commitment import commit, commit_state
from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Matter, Standing

FIRST_ATTEMPT = 1
WITHHOLDING = "participant-1"
"""Who withholds an update where a participant does."""


def lying_committee(cast: Cast, round: int, *, withholds: bool) -> None:
    """Whoever is drawn first in `round` claims a model that is one off at its last coordinate; the
    claimed bytes are served, or kept and never produced."""
    _equip_committee(cast, round, wrong_at(-1), withholds)


def lying_server(cast: Cast, round: int, *, withholds: bool) -> None:
    """The same of the optimiser's state: the model is right, one mean among the moments is not, so
    that later rounds would go wrong."""
    _equip_committee(cast, round, wrong_state_at(-1), withholds)


def withholding_participant(cast: Cast, round: int) -> None:
    """A participant reveals an update and serves it to nobody, while the members that are drawn
    first attest that they hold it; without them it would not be counted."""
    owner = cast.node(WITHHOLDING)
    _equip(owner, round, {e.PublishUpdate: keeping, e.Produce: mute})
    for node in _aggregators(cast):
        _equip(node, round, {e.Collect: attesting})


def unattested_participant(cast: Cast, round: int) -> None:
    """The same participant before honest members: what the round comes to without its update."""
    _equip(cast.node(WITHHOLDING), round, {e.PublishUpdate: keeping})


def lying_challenger(cast: Cast, round: int, *, withholds: bool) -> None:
    """The challenger takes a right claim to court: with a column of which one entry is made up, or
    by asking for bytes that are served, and then it gives up."""
    node = cast.node("challenger")
    _equip(node, round, {e.Aggregate: wrong_at(-1)})
    _equip(node, round, {e.Accuse: not_finding if withholds else misquoting_at(0)})
    if withholds:
        node.role = _giving_up(node.role)


def _aggregators(cast: Cast) -> list[Node]:
    return [node for node in cast.nodes if node.name.startswith("aggregator")]


def _equip_committee(cast: Cast, round: int, lie: Performer, withholds: bool) -> None:
    hiding: dict[type[object], Performer] = {e.PublishModel: keeping, e.Produce: mute}
    for node in _aggregators(cast):
        _equip(node, round, {e.Aggregate: lie, **(hiding if withholds else {})})


def _equip(node: Node, round: int, lies: Mapping[type[object], Performer]) -> None:
    """Let a node lie in the first attempt of a round, and be honest in all others."""
    performers = node.workshop.performers
    node.equip({kind: _only_in(round, performers[kind], lie) for kind, lie in lies.items()})


def _only_in(round: int, honest: Performer, lie: Performer) -> Performer:
    def perform(shop: Any, effect: Any, trail: Trail) -> e.LocalEvent:
        # A participant publishes its update before there is an attempt.
        lies = effect.round == round and trail.attempt <= FIRST_ATTEMPT
        return (lie if lies else honest)(shop, effect, trail)

    return perform


def wrong_at(*coordinates: int, by: int = 1) -> Performer:
    """An aggregation that is wrong at some coordinates, kept under its true root."""

    def perform(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
        found = combine(shop, effect, trail)
        if not isinstance(found, e.Aggregated):
            return found
        task = shop.task(trail)
        model = read_vector(task, shop.own, found.root).copy()
        model[[*coordinates]] += by
        root = commit(model, Kind.MODEL, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(model), vector_id(task, root))
        return replace(found, root=root)

    return perform


def wrong_state_at(coordinate: int) -> Performer:
    """An honest model, and a state of which a first moment is one too high, kept under its true
    root; all honest where there is no state."""

    def perform(shop: Workshop, effect: e.Aggregate, trail: Trail) -> e.LocalEvent:
        found = combine(shop, effect, trail)
        if not isinstance(found, e.Aggregated) or found.state == ZERO:
            return found
        task = shop.task(trail)
        state = np.array(read_state(task, shop.own, found.state))
        state[0, coordinate] += 1
        root = commit_state(state, task.model.chunk_bytes).tree_root
        shop.own.put(moments.to_bytes(state), vector_id(task, root))
        return replace(found, state=root)

    return perform


def keeping(shop: Workshop, effect: Any, trail: Trail) -> e.Published:
    """Says that bytes are published, and keeps them."""
    return e.Published(effect.root)


def mute(shop: Workshop, effect: e.Produce, trail: Trail) -> e.Produced:
    """Has nothing to show of what is asked for in court."""
    return e.Produced(effect.round, effect.number, effect.level, effect.at, (), None)


def attesting(shop: Workshop, effect: e.Collect, trail: Trail) -> e.Collected:
    """Says that every revealed update is held."""
    bitmap = sum(1 << position for position, _ in effect.wanted)
    return e.Collected(effect.round, effect.attempt, bitmap)


def not_finding(shop: Workshop, effect: e.Accuse, trail: Trail) -> e.LocalEvent:
    """Says that the claimed model is not to be had, and files what is served after all."""
    if effect.number:
        return accuse(shop, effect, trail)
    return e.ClaimMissing(effect.round, effect.attempt, Matter.MODEL)


def misquoting_at(place: int) -> Performer:
    """Makes up an entry of the column it files, far from the true one."""

    def perform(shop: Workshop, effect: e.Accuse, trail: Trail) -> e.LocalEvent:
        found = accuse(shop, effect, trail)
        if not isinstance(found, e.Accused):
            return found
        column = np.frombuffer(found.column, "<i4").copy()
        column[place] = LIMIT if column[place] < 0 else -LIMIT
        return replace(found, column=column.tobytes())

    return perform


def _giving_up(honest: ModuleType) -> ModuleType:
    """The role of a challenger that opens a descent and makes no further move in it."""
    role = ModuleType("giving_up")

    def decide(state: Any, now: int, secrets: e.Secrets) -> list[e.Effect]:
        trail = state.trail
        pending = trail.now.pending.values() if trail.rounds else ()
        turns = (Standing.UNFOLDED, Standing.SERVED)
        if any(d.opener == state.account and d.standing in turns for d in pending):
            return []
        wanted: list[e.Effect] = honest.decide(state, now, secrets)
        return wanted

    role.__dict__.update(fold=honest.fold, decide=decide)
    return role
