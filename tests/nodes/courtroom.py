"""A rehearsal with real bytes: nodes with their real workshops on the executable specification.

No chain and no torch: training is a vector of small integers that a name and a round give, so that
whatever is claimed can be right or wrong, read or not, challenged and refuted, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaf.learning import lattice
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.chronicle import line
from sheaf.nodes.disputes import DisputeTrail
from sheaf.nodes.trail import Trail, fold
from sheaf.nodes.workshop import PERFORMERS, Performer, Workshop
from sheaf.proofs.commitment import commit
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.events import Phase
from sheaf.protocol.layout import Tensor
from sheaf.protocol.machine import apply
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Env
from sheaf.protocol.task import Task
from sheaf.store.memory import MemoryStore
from tests.nodes.plans import committee, economics, plan, schedule
from tests.nodes.rehearsal import REWARD, Rehearsal, Sent, digest

Performers = Mapping[type[object], Performer]
SAMPLES = {"participant-1": 10, "participant-2": 20, "participant-3": 30, "participant-4": 40}


class Courtroom(Rehearsal):
    """One task of `coordinates` numbers in chunks of sixteen bytes, the last of which may be
    `statistics`; a participant's update begins with its number plus the round's.

    `others` give actors, by the start of their names, other ways of doing things.
    """

    def __init__(
        self,
        others: Mapping[str, Performers] | None = None,
        coordinates: int = 10,
        aggregators: int = 6,
        rounds: int = 1,
        initial: NDArray[np.int32] | None = None,
        statistics: int = 0,
        **changes: Any,
    ) -> None:
        usual = plan(schedule=schedule(rounds), economics=economics(rounds), chunk_bytes=16)
        made = replace(usual, committee=committee(3, aggregators), **changes)
        start = np.arange(0, 100 * coordinates, 100, dtype=np.int32)
        start = start if initial is None else initial
        coordinates, root = start.size, commit(start, Kind.MODEL, 16).tree_root
        layout: tuple[Tensor, ...] = (
            Tensor("weight", (coordinates - statistics,), "trainable", 16),
        )
        if statistics:
            layout += (Tensor("mean", (statistics,), "statistic", 16),)
        self.task = Task.decode(made.task(layout, digest("bundle"), root, REWARD).encode())
        self.shared = MemoryStore()
        self.shared.put(self.task.encode(), self.task.cid)
        self.shared.put(lattice.to_bytes(start), vector_id(self.task, root))
        terms, document = self.task.terms(), self.task.cid.digest
        super().__init__(terms, 4, aggregators, document=document, initial=root)
        self.shops = {name: self._shop(name, others or {}) for name in self.actors}
        for name, actor in self.actors.items():
            actor.script = self._script(name)

    def _shop(self, name: str, others: Mapping[str, Performers]) -> Workshop:
        own = {e.Train: training(name), e.Evaluate: evaluating}
        changed = [mine for start, mine in others.items() if name.startswith(start)]
        performers: dict[type[object], Performer] = {**PERFORMERS, **own}
        for mine in changed:
            performers |= mine
        return Workshop(self.shared, MemoryStore(), performers)

    def _script(self, name: str) -> Callable[[Any], e.LocalEvent]:
        return lambda effect: self.shops[name].perform(effect, self.actors[name].state.trail)

    @property
    def lines(self) -> list[str]:
        """What happened in court, as a watcher is told."""
        names = {actor.state.account: name for name, actor in self.actors.items()}
        watching = self.actors["sponsor"]
        trail, told = watching.began.trail, []
        for event in watching.folded:
            trail = fold(trail, event)
            told.append(line(event, trail, names))
        return [each for each in told if each]

    @property
    def moves(self) -> list[str]:
        """Who sent what to the court, in order."""
        mine = (sent for sent in self.sent if isinstance(sent.action, MOVES))
        return [f"{sent.name} {type(sent.action).__name__}" for sent in mine]

    @property
    def failures(self) -> list[int]:
        """Why attempts of round 1 failed."""
        return [failure.cause for failure in self.trail.rounds[1].failures]

    def account(self, name: str) -> bytes:
        """An actor's account."""
        account: bytes = self.actors[name].state.account
        return account

    def inject(self, account: bytes, action: Action) -> None:
        """Somebody who is no actor acts, in a block of its own."""
        self.now += 1
        for event in apply(self.federation, Env(account, self.now), action):
            for actor in self.actors.values():
                actor.fold(event)

    def actions(self, kind: type[Any]) -> list[Sent]:
        """All actions of a kind that were sent."""
        return [sent for sent in self.sent if isinstance(sent.action, kind)]

    def disputes(self, round: int = 1) -> Mapping[int, DisputeTrail]:
        """A round's disputes."""
        return self.trail.rounds[round].disputes

    def model(self, root: bytes) -> list[int]:
        """The shared vector under a tree root."""
        data = self.shared.get(vector_id(self.task, root))
        return [int(value) for value in np.frombuffer(data, "<i4")]


def training(name: str) -> Performer:
    """An update that name and round give: number + coordinate + round, on samples by number."""

    def train(shop: Workshop, effect: e.Train, trail: Trail) -> e.Trained:
        task, number = shop.task(trail), int(name.partition("-")[2])
        size = task.model.coordinates
        update = np.arange(size, dtype=np.int32) + np.int32(number + effect.round)
        root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
        shop.own.put(lattice.to_bytes(update), vector_id(task, root))
        return e.Trained(effect.round, root, SAMPLES[name])

    return train


def evaluating(shop: Workshop, effect: e.Evaluate, trail: Trail) -> e.Evaluated:
    """Metrics that nobody looks at."""
    return e.Evaluated(effect.round, b"")


MOVES = (a.Challenge, a.Refute, a.Descend, a.Unfold, a.Pick, a.Demand, a.Supply, a.Decide)


def held(others: Mapping[str, Performers] | None = None, **changes: Any) -> Courtroom:
    """A task played to its end, in which nothing was sent in vain but for an empty seat."""
    room = Courtroom(others, **changes)
    room.run()
    assert room.trail.phase == Phase.DONE
    assert [s for s in room.sent if s.rejected and not isinstance(s.action, a.Claim)] == []
    return room
