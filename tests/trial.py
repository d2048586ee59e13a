"""A play whose arrays are real, so that its claims can be right or wrong, and challenged.

Models and states go by name; a name that stands for no array is a root that nobody has a preimage
of. By default an update's entries are small enough to add up by hand: P0 has 6, 7, 8, ..., P1 has
12, 13, ..., P2 has 18, 19, ...; weighed by 100, 200, 300 samples that is 14, 15, 16, ... in the
mean. The initial model has 0, 100, 200, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sheaf.protocol import merkle
from sheaf.protocol.actions import (
    Challenge,
    Decide,
    Demand,
    Descend,
    Pick,
    Refute,
    Roots,
    Supply,
    Unfold,
)
from sheaf.protocol.arithmetic import sat
from sheaf.protocol.court_events import Challenged, Unfolded
from sheaf.protocol.dispute import aggregated, shape_of
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.opening import Opening
from sheaf.protocol.optimisers import Moments
from sheaf.protocol.state import Dispute, Matter
from sheaf.protocol.terms import Terms
from tests.play import TERMS, Play, Vote, changed
from tests.worlds import World, account

WATCHER, LIAR = account("auditor"), account("sponsor")
TRUE = [14 + 101 * j for j in range(10)]
"""What the default updates make of the default initial model."""

Name = str | int
"""Of a model or a state; of an update, its owner's position."""


class Trial(Play):
    """One task with real arrays in a world."""

    def __init__(
        self,
        world: World,
        terms: Terms = TERMS,
        initial: Sequence[int] | None = None,
        updates: Mapping[int, Sequence[int]] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(world, terms, **others)
        m = terms.model
        usual = [100 * j for j in range(m.coordinates)]
        self.models: dict[str, list[int]] = {"initial": list(initial or usual)}
        self.states: dict[str, list[Moments]] = {"initial": [m.server.start] * m.trainable}
        self.given: dict[int, list[int]] = {
            i: [6 * (i + 1) + j for j in range(m.coordinates)] for i in range(terms.cohort.goal)
        }
        self.given |= {i: list(update) for i, update in (updates or {}).items()}

    # Arrays and their trees.

    def data(self, matter: int, name: Name) -> bytes:
        """The committed bytes of a model, a state or an update."""
        if matter == Matter.STATE:
            both = self.terms.model.server.element_bytes == 16
            words = [w for pair in self.states[str(name)] for w in pair[: 1 + both]]
            return b"".join(w.to_bytes(8, "little", signed=True) for w in words)
        values = self.models[name] if isinstance(name, str) else self.given[name]
        return b"".join(value.to_bytes(4, "little", signed=True) for value in values)

    def leaves(self, matter: int, name: Name) -> list[bytes]:
        """Leaf hashes of an array."""
        return merkle.leaf_hashes(self.data(matter, name), 1 << self.terms.model.chunk_log2)

    def model_root(self, model: str) -> bytes:
        """As `Play.model_root`."""
        if model not in self.models:
            return super().model_root(model)
        return merkle.root_of(self.leaves(Matter.MODEL, model))

    def state_root(self, model: str) -> bytes:
        """As `Play.state_root`."""
        if not self.terms.model.optimiser or model not in self.states:
            return super().state_root(model)
        return merkle.root_of(self.leaves(Matter.STATE, model))

    def update_root(self, position: int) -> bytes:
        """As `Play.update_root`."""
        return merkle.root_of(self.leaves(Matter.UPDATE, position))

    def chunk(self, matter: int, name: Name, index: int) -> Opening:
        """The opening of a chunk."""
        size = 1 << self.terms.model.chunk_log2
        chunk = self.data(matter, name)[index * size : (index + 1) * size]
        return Opening(chunk, tuple(merkle.inclusion_path(self.leaves(matter, name), index)))

    def entry(self, matter: int, name: Name, coordinate: int) -> Opening:
        """The opening of the chunk that holds a coordinate."""
        return self.chunk(matter, name, coordinate // shape_of(self.task, matter).per_chunk)

    @property
    def before(self) -> str:
        """The name of the last settled model; where nobody has that, of the initial one."""
        settled = self.task.model_root, self.task.state_root
        return next((name for name in self.models if self._headers(name) == settled), "initial")

    def claim(self, name: str, **values: int) -> None:
        """Name a model like the true one but for some coordinates, as in `claim("wrong", c7=0)`."""
        model = list(self.models.get("true", TRUE))
        for coordinate, value in values.items():
            model[int(coordinate[1:])] = value
        self.models[name] = model
        if "true" in self.states:
            self.states[name] = self.states["true"]

    def compute(self, name: str) -> None:
        """Name what the counted updates make of the last settled model, and of its state."""
        m, old, current = self.terms.model, self.before, self.task.current
        counted = [i for i in range(self.task.cohort) if current.counted >> i & 1]
        model, states = [], []
        for j, value in enumerate(self.models[old]):
            column = b"".join(self.given[i][j].to_bytes(4, "little", signed=True) for i in counted)
            aggregate, start = aggregated(self.task, column), sat(value)
            if j < m.trainable:
                start, state = m.server.step(start, aggregate, self.states[old][j])
                states.append(state)
            else:
                start = sat(start + aggregate)
            model.append(start)
        self.models[name], self.states[name] = model, states

    # Moves in court.

    def roots(self, model: str) -> Roots:
        """The claimed tree roots, and those before."""
        old = self.before
        claimed = self.model_root(model), self.state_root(model)
        return Roots(*claimed, self.model_root(old), self.state_root(old))

    def column(self, coordinate: int, lies: Mapping[int, int] | None = None) -> bytes:
        """The counted updates' entries, some replaced."""
        said = lies or {}
        counted = [i for i in range(self.task.cohort) if self.task.current.counted >> i & 1]
        entries = (said.get(i, self.given[i][coordinate]) for i in counted)
        return b"".join(entry.to_bytes(4, "little", signed=True) for entry in entries)

    def openings(self, model: str, coordinate: int, matter: int) -> tuple[Opening, ...]:
        """What a challenge must open."""
        m, old = self.terms.model, self.before
        wanted = [(matter, old), (matter, model)]
        if matter == Matter.MODEL and m.optimiser and coordinate < m.trainable:
            wanted.append((Matter.STATE, old))
        return tuple(self.entry(kind, name, coordinate) for kind, name in wanted)

    def challenge(
        self,
        model: str,
        coordinate: int,
        matter: int = Matter.MODEL,
        lies: Mapping[int, int] | None = None,
        **changes: Any,
    ) -> Challenge:
        """A challenge of a claimed model (or of the state beside it)."""
        openings = self.openings(model, coordinate, matter)
        column, roots = self.column(coordinate, lies), self.roots(model)
        usual = Challenge(self.id, 0, matter, coordinate, roots, openings, column, 5)
        return replace(usual, **changes)

    def refutation(self, number: int, position: int, **changes: Any) -> Refute:
        """A true opening of an entry of the column filed last under this number."""
        filed = self._last(Challenged, number)
        opening = self.entry(Matter.UPDATE, position, filed.coordinate)
        return replace(Refute(self.id, number, position, filed.column, opening), **changes)

    def descent(self, model: str, matter: int = Matter.MODEL, **changes: Any) -> Descend:
        """A descent into a claimed model or state."""
        usual = Descend(self.id, matter, replace(self.roots(model), old_model=ZERO), 5)
        return replace(usual, **changes)

    def unfolding(self, number: int, model: str, **changes: Any) -> Unfold:
        """The hashes that a descent asks for, of the named array's tree."""
        dispute = self.dispute(number)
        level = self.leaves(dispute.matter, model)
        below = max(dispute.level - 6, 0)
        for _ in range(below):
            level = [merkle.root_of(level[i : i + 2]) for i in range(0, len(level), 2)]
        width = 1 << dispute.level - below
        hashes = tuple(level[dispute.at * width : (dispute.at + 1) * width])
        return replace(Unfold(self.id, number, hashes), **changes)

    def picking(self, number: int, child: int, **changes: Any) -> Pick:
        """A choice among the hashes posted last."""
        hashes = self._last(Unfolded, number).hashes
        return replace(Pick(self.id, number, child, hashes), **changes)

    def demanding(self, position: int, chunk: int, bond: int = 5) -> Demand:
        """A demand for a chunk of an update."""
        return Demand(self.id, position, chunk, bond)

    def supplying(self, number: int, model: str = "", **changes: Any) -> Supply:
        """The chunk that is due: of a demand, or at the end of a descent into a named model."""
        dispute = self.dispute(number)
        if dispute.is_demand:
            opening = self.chunk(Matter.UPDATE, dispute.position, dispute.at)
        else:
            opening = replace(self.chunk(dispute.matter, model, dispute.at), path=())
        return replace(Supply(self.id, number, opening), **changes)

    def decision(self, number: int) -> Decide:
        """A decision."""
        return Decide(self.id, number)

    def dispute(self, number: int) -> Dispute:
        """A dispute of this round."""
        return self.task.current.disputes[number - 1]

    def decide(self, number: int) -> list[str]:
        """Decide a dispute at its deadline (or later, where that has passed)."""
        at = max(self.dispute(number).deadline, self.world.now + 1)
        return self.do(WATCHER, self.decision(number), at)

    def serve(self, sender: bytes = WATCHER) -> list[str]:
        """Answer every open demand."""
        told = []
        first = self.task.current.attempts[-1].first
        for number in range(first + 1, len(self.task.current.disputes) + 1):
            if self.dispute(number).is_demand and self.dispute(number).pending:
                told += self.do(sender, self.supplying(number))
        return told

    def missed(self, *votes: Vote, held: int = 0b111) -> list[str]:
        """A whole attempt in which whatever a member misses is posted in time."""
        self.holds(*[held] * len(votes))
        self.votes(*votes)
        for slot, vote in enumerate(votes):
            if vote is not None:
                self.do(self.member(slot), self.ballots[slot])
        self.serve()
        return self.close()

    def _headers(self, model: str) -> tuple[bytes, bytes]:
        state = self.state_root(model)
        headers = (Kind.MODEL, self.model_root(model)), (Kind.OPTIMISER_STATE, state)
        first, second = (self.task.header(kind, root) for kind, root in headers)
        return first, second

    def _last(self, kind: type[Any], number: int) -> Any:
        happened = reversed(self.world.federation.events)
        mine = (event for event in happened if isinstance(event, kind))
        return next(e for e in mine if (e.task, e.number) == (self.id, number))


def trial_at_hold(world: World, document: str = "document", **terms: int) -> Trial:
    """Three real updates revealed, the first committee's turn; its pool holds two committees, or
    `pool` aggregators."""
    pool = terms.pop("pool", 2 * terms.get("committee", 3))
    trial = Trial(world, changed(TERMS, **terms), aggregators=pool, document=document)
    trial.claim("true")
    trial.claim("wrong", c7=700)
    trial.start()
    trial.commits(0, 1, 2)
    trial.reveals(0, 1, 2)
    return trial


def in_court(world: World, model: str = "wrong", document: str = "court", **terms: int) -> Trial:
    """A round in its challenge window: all members claim `model`, which is wrong at coordinate 7,
    or is the "true" one."""
    trial = trial_at_hold(world, document, **terms)
    trial.attempt(*[model] * trial.terms.cohort.committee)
    return trial
