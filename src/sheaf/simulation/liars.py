"""Actors that break the rules: honest nodes with other means of doing things (`Node.equip`).

A liar decides what an honest node would decide, and lies where it acts, in one round's first
attempt. So all that it sends has the form that the protocol asks for, and the lie is in the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from sheaf.learning import lattice
from sheaf.learning.algorithms import moments
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_state, read_vector, vector_id
from sheaf.nodes.cast import Cast, Node
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop
from sheaf.proofs.commitment import commit, commit_state
from sheaf.protocol.arithmetic import ELEMENT_BYTES, LIMIT
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Matter, Standing

FIRST_ATTEMPT = 1
WITHHOLDING = "participant-1"
"""Who withholds an update where a participant does."""

Honest = Callable[[], e.LocalEvent]
"""What an honest node would answer."""

Lie = Callable[[Workshop, Any, Trail, Honest], e.LocalEvent]


def lying_committee(cast: Cast, round: int, *, withholds: bool) -> None:
    """Whoever is drawn first in `round` claims a model that is one off at its last coordinate; the
    claimed bytes are served, or kept and never produced."""
    _equip_committee(cast, round, _wrong_model, withholds)


def lying_server(cast: Cast, round: int, *, withholds: bool) -> None:
    """The same of the optimiser's state: the model is right, one mean among the moments is not, so
    that later rounds would go wrong."""
    _equip_committee(cast, round, _wrong_state, withholds)


def withholding_participant(cast: Cast, round: int) -> None:
    """A participant reveals an update and serves it to nobody, while the members that are drawn
    first attest that they hold it; without them it would not be counted."""
    owner = cast.node(WITHHOLDING)
    _equip(owner, round, {e.PublishUpdate: _kept, e.Produce: _nothing})
    for node in _aggregators(cast):
        _equip(node, round, {e.Collect: _attested})


def unattested_participant(cast: Cast, round: int) -> None:
    """The same participant before honest members: what the round comes to without its update."""
    _equip(cast.node(WITHHOLDING), round, {e.PublishUpdate: _kept})


def lying_challenger(cast: Cast, round: int, *, withholds: bool) -> None:
    """The challenger takes a right claim to court: with a column of which one entry is made up, or
    by asking for bytes that are served, and then it gives up."""
    node = cast.node("challenger")
    _equip(node, round, {e.Aggregate: _wrong_model})
    _equip(node, round, {e.Accuse: _not_served if withholds else _made_up})
    if withholds:
        node.role = _giving_up(node.role)


def _aggregators(cast: Cast) -> list[Node]:
    return [node for node in cast.nodes if node.name.startswith("aggregator")]


def _equip_committee(cast: Cast, round: int, lie: Lie, withholds: bool) -> None:
    hiding: dict[type[object], Lie] = {e.PublishModel: _kept, e.Produce: _nothing}
    for node in _aggregators(cast):
        _equip(node, round, {e.Aggregate: lie, **(hiding if withholds else {})})


def _equip(node: Node, round: int, lies: Mapping[type[object], Lie]) -> None:
    """Let a node lie in the first attempt of a round, and be honest in all others."""
    performers = node.workshop.performers
    node.equip({kind: _only_in(round, performers[kind], lie) for kind, lie in lies.items()})


def _only_in(round: int, honest: Performer, lie: Lie) -> Performer:
    def perform(shop: Any, effect: Any, trail: Trail) -> e.LocalEvent:
        # A participant publishes its update before there is an attempt.
        if effect.round != round or trail.attempt > FIRST_ATTEMPT:
            return honest(shop, effect, trail)
        return lie(shop, effect, trail, lambda: honest(shop, effect, trail))

    return perform


def _wrong_model(shop: Workshop, effect: e.Aggregate, trail: Trail, honest: Honest) -> e.LocalEvent:
    found = honest()
    if not isinstance(found, e.Aggregated):
        return found
    task = shop.task(trail)
    model = read_vector(task, shop.own, found.root).copy()
    model[-1] += _aside(int(model[-1]))
    root = commit(model, Kind.MODEL, task.model.chunk_bytes).tree_root
    shop.own.put(lattice.to_bytes(model), vector_id(task, root))
    return replace(found, root=root)


def _wrong_state(shop: Workshop, effect: e.Aggregate, trail: Trail, honest: Honest) -> e.LocalEvent:
    found = honest()
    if not isinstance(found, e.Aggregated) or found.state == ZERO:
        return found
    task = shop.task(trail)
    state = np.array(read_state(task, shop.own, found.state))
    state[0, -1] += _aside(int(state[0, -1]))
    root = commit_state(state, task.model.chunk_bytes).tree_root
    shop.own.put(moments.to_bytes(state), vector_id(task, root))
    return replace(found, state=root)


def _aside(value: int) -> int:
    """One step that stays in the range."""
    return 1 if value < LIMIT else -1


def _kept(shop: Workshop, effect: Any, trail: Trail, honest: Honest) -> e.LocalEvent:
    """Says that bytes are published, and keeps them."""
    return e.Published(effect.root)


def _nothing(shop: Workshop, effect: e.Produce, trail: Trail, honest: Honest) -> e.LocalEvent:
    """Has nothing to show."""
    return e.Produced(effect.round, effect.number, effect.level, effect.at, (), None)


def _attested(shop: Workshop, effect: e.Collect, trail: Trail, honest: Honest) -> e.LocalEvent:
    """Says that every revealed update is held."""
    bitmap = sum(1 << position for position, _ in effect.wanted)
    return e.Collected(effect.round, effect.attempt, bitmap)


def _not_served(shop: Workshop, effect: e.Accuse, trail: Trail, honest: Honest) -> e.LocalEvent:
    """Says that the claimed model is not to be had."""
    return e.ClaimMissing(effect.round, effect.attempt, Matter.MODEL)


def _made_up(shop: Workshop, effect: e.Accuse, trail: Trail, honest: Honest) -> e.LocalEvent:
    """Makes up the first entry of the column, far from the true one."""
    found = honest()
    if not isinstance(found, e.Accused):
        return found
    entry = int.from_bytes(found.column[:ELEMENT_BYTES], "little", signed=True)
    false = (LIMIT if entry < 0 else -LIMIT).to_bytes(ELEMENT_BYTES, "little", signed=True)
    return replace(found, column=false + found.column[ELEMENT_BYTES:])


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
