"""What is brought to court: coordinates, openings, columns and hashes, found in the bytes.

No array is held whole, whatever its size: each is hashed chunk by chunk (`holdings.py`), and two
are compared by their hashes and then in the chunk in which they differ. They are compared as they
were committed to, byte by byte: what reads as the same integer may be another claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.holdings import Holdings, Means, first_state
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.proofs.commitment import nodes_below
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.errors import BlobCorrupt, BlobMissing
from sheaf.protocol.opening import Opening, Shape, lattice_entry
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.state import Matter
from sheaf.protocol.task import Task
from sheaf.store.interface import keep_copy


def shape_of(task: Task, matter: Matter) -> Shape:
    """The shape of a model or an update, or of an optimiser's state."""
    m = task.model
    if matter == Matter.STATE:
        return Shape(task.terms().model.server.element_bytes, m.trainable, m.chunk_bytes)
    return Shape(ELEMENT_BYTES, m.coordinates, m.chunk_bytes)


def supplied(found: RoundTrail, position: int) -> Mapping[int, bytes]:
    """The chunks of an update that were supplied in court, by index."""
    mine = (d for d in found.disputes.values() if d.is_demand and d.position == position)
    return {dispute.at: dispute.chunk for dispute in mine if dispute.chunk}


def keep_supplied(shop: Means, task: Task, found: RoundTrail) -> None:
    """Put together what was supplied of updates that nobody serves."""
    leaves = shape_of(task, Matter.UPDATE).leaves
    for position in {d.position for d in found.disputes.values() if d.is_demand and d.chunk}:
        chunks, content_id = (
            supplied(found, position),
            vector_id(task, found.reveals[position].root),
        )
        if len(chunks) == leaves and not shop.own.has(content_id):
            with shop.own.draft() as draft:
                for _, chunk in sorted(chunks.items()):
                    draft.append(chunk)
                draft.keep(content_id)


def first_unsupplied(task: Task, found: RoundTrail, position: int) -> int:
    """The first chunk of an update that was not supplied in court."""
    known = supplied(found, position)
    return next((i for i in range(shape_of(task, Matter.UPDATE).leaves) if i not in known), 0)


def accuse(shop: Means, effect: e.Accuse, trail: Trail) -> e.LocalEvent:
    """Find the first wrong coordinate, and open what a challenge of it takes."""
    found, holdings = trail.rounds[effect.round], Holdings.of(shop, trail)
    task = holdings.task
    case = _Case(holdings, task, effect, found)
    wrong = case.in_chunk() if effect.number else case.in_bytes()
    if isinstance(wrong, Matter):
        return e.ClaimMissing(effect.round, effect.attempt, wrong)
    matter, coordinate, claimed = wrong
    column = []
    for position, root, _ in found.counted_updates(effect.attempt):
        entry = holdings.element(root, coordinate, shape_of(task, Matter.UPDATE))
        if entry is None:
            chunk = first_unsupplied(task, found, position)
            return e.ChunkMissing(effect.round, effect.attempt, position, chunk)
        column.append(entry)
    openings = case.openings(matter, coordinate, claimed)
    place = (effect.round, effect.attempt, effect.number)
    return e.Accused(*place, matter, coordinate, openings, b"".join(column))


@dataclass(frozen=True)
class _Case:
    """One claim against what a node made of the same updates."""

    holdings: Holdings
    task: Task
    effect: e.Accuse
    found: RoundTrail

    def in_bytes(self) -> tuple[Matter, int, Opening] | Matter:
        """Where the claimed bytes first differ, and that chunk opened; of what is wrong what can be
        shown at once comes first, else the matter whose bytes are not to be had."""
        roots, (model, state) = self.effect.roots, self.effect.own
        pairs = ((Matter.MODEL, roots.model, model), (Matter.STATE, roots.state, state))
        wrong = [(matter, claim, own) for matter, claim, own in pairs if claim != own]
        for matter, claim, own in wrong:
            shape = shape_of(self.task, matter)
            claimed = self.holdings.find(claim, shape)
            if claimed is not None:
                index = _first_difference(self.holdings.leaves(own, shape), claimed)
                opening = self.holdings.open(claim, index, shape)
                if opening is not None:
                    return matter, self._within(own, opening.chunk, index, shape), opening
        return wrong[0][0]

    def in_chunk(self) -> tuple[Matter, int, Opening]:
        """Where the chunk that a descent was served first differs."""
        dispute = self.found.disputes[self.effect.number]
        shape, opening = shape_of(self.task, dispute.matter), dispute.served
        model, state = self.effect.own
        mine = model if dispute.matter == Matter.MODEL else state
        return dispute.matter, self._within(mine, opening.chunk, dispute.at, shape), opening

    def openings(self, matter: Matter, coordinate: int, claimed: Opening) -> tuple[Opening, ...]:
        """The old values, around the claimed one, in the order of `Challenge`."""
        roots, m = self.effect.roots, self.task.terms().model
        if matter == Matter.STATE:
            return self._open_state(coordinate), claimed
        shape = shape_of(self.task, matter)
        before = self.holdings.opened(roots.old_model, coordinate // shape.per_chunk, shape)
        moved = m.optimiser != OptimiserKind.PLAIN and coordinate < m.trainable
        return (before, claimed, *((self._open_state(coordinate),) if moved else ()))

    def _open_state(self, coordinate: int) -> Opening:
        """The old state's element; the first state is the task's own, and in no store."""
        shape, old = shape_of(self.task, Matter.STATE), self.effect.roots.old_state
        chunk = coordinate // shape.per_chunk
        if old == self.task.terms().model.initial_state:
            return first_state(self.task, chunk, shape)
        return self.holdings.opened(old, chunk, shape)

    def _within(self, own: bytes, chunk: bytes, index: int, shape: Shape) -> int:
        """The first element in which a chunk differs from the node's own array, which has another
        one there."""
        mine, size = self.holdings.opened(own, index, shape).chunk, shape.element_bytes
        places = range(0, len(chunk), size)
        place = next(p for p in places if mine[p : p + size] != chunk[p : p + size])
        return index * shape.per_chunk + place // size


def _first_difference(mine: Sequence[bytes], other: Sequence[bytes]) -> int:
    """Index of the first chunk in which two arrays of one shape differ, by their leaf hashes."""
    pairs = enumerate(zip(mine, other, strict=True))
    return next(index for index, (one, another) in pairs if one != another)


def choose(shop: Means, effect: e.Choose, trail: Trail) -> e.Chosen:
    """Compare the hashes that were posted with those of the node's own tree."""
    dispute, holdings = trail.rounds[effect.round].disputes[effect.number], Holdings.of(shop, trail)
    leaves = holdings.leaves(effect.own, shape_of(holdings.task, dispute.matter))
    own = nodes_below(leaves, dispute.level, dispute.at)
    posted = dispute.hashes[-1]
    pairs = enumerate(zip(posted, own, strict=True))
    child = next(index for index, (theirs, mine) in pairs if theirs != mine)
    return e.Chosen(effect.round, effect.number, posted, child)


def compare(shop: Means, effect: e.Compare, trail: Trail) -> e.Compared:
    """Look for an entry of a filed column that its participant did not commit to; of updates that
    are not to be had it says so."""
    found, holdings = trail.rounds[effect.round], Holdings.of(shop, trail)
    dispute = found.disputes[effect.number]
    shape, size = shape_of(holdings.task, Matter.UPDATE), ELEMENT_BYTES
    untested: list[int] = []
    for place, (position, root, _) in enumerate(found.counted_updates(dispute.attempt)):
        mine, chunk = position in effect.positions, dispute.at // shape.per_chunk
        opening = holdings.open(root, chunk, shape) if mine else None
        if opening is None:
            untested.append(position)
            continue
        start = dispute.at % shape.per_chunk * size
        committed = opening.chunk[start : start + size]
        filed = dispute.column[place * size : (place + 1) * size]
        if lattice_entry(committed) != lattice_entry(filed):
            return e.Compared(effect.round, effect.number, position, opening)
    return e.Compared(effect.round, effect.number, None, None, tuple(untested))


def produce(shop: Means, effect: e.Produce, trail: Trail) -> e.Produced:
    """Fetch hashes or a chunk; what is asked for in court was not to be had by everybody, so the
    whole array is put into the shared store, too."""
    place = (effect.round, effect.number, effect.level, effect.at)
    dispute, holdings = trail.rounds[effect.round].disputes[effect.number], Holdings.of(shop, trail)
    task = holdings.task
    shape = shape_of(task, dispute.matter)
    leaves = holdings.find(effect.root, shape)
    if leaves is None:
        return e.Produced(*place, (), None)
    try:
        size, content_id = shape.elements * shape.element_bytes, vector_id(task, effect.root)
        keep_copy(holdings.store, shop.shared, content_id, size)
    except (BlobMissing, BlobCorrupt):  # gone since its hashes were remembered
        return e.Produced(*place, (), None)
    if effect.level:
        return e.Produced(*place, nodes_below(leaves, effect.level, effect.at), None)
    return e.Produced(*place, (), holdings.open(effect.root, effect.at, shape))
