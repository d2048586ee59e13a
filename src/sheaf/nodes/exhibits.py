"""What is brought to court: coordinates, openings, columns and hashes, found in the bytes.

Arrays are read one after the other, so that no more than two are in memory at once whatever their
size and number. They are compared as they were committed to, byte by byte: what reads as the same
integer may be another claim.

Of an array that was read once the leaf hashes are remembered, since they say what each chunk is:
anybody may file columns, one cheap transaction each, and testing them must be cheaper still.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sheaf.learning.algorithms import moments
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_state, vector_id
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.proofs.commitment import chunk_of, nodes_below, open_chunk
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import inclusion_path, leaf_hash, leaf_hashes
from sheaf.protocol.opening import Opening, Shape, lattice_entry
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.state import Matter
from sheaf.protocol.task import Task
from sheaf.store.interface import Copy, Store
from sheaf.store.layered import LayeredStore


class Means(Protocol):
    """What it takes to find something: the node's own store and the shared one, and the task."""

    @property
    def own(self) -> Store:
        """What the node keeps to itself."""
        ...

    @property
    def shared(self) -> Store:
        """What everybody can read."""
        ...

    def task(self, trail: Trail) -> Task:
        """The published task document."""
        ...


MAX_REMEMBERED = 512
"""Arrays whose leaf hashes are remembered: those of two attempts of the largest cohort."""

HASH_BYTES = 32
_remembered: OrderedDict[ContentId, bytes] = OrderedDict()


@dataclass(frozen=True)
class Holdings:
    """The arrays of a task that a node can read."""

    task: Task
    store: Store

    @classmethod
    def of(cls, shop: Means, trail: Trail) -> Holdings:
        """Its own and the shared ones."""
        return cls(shop.task(trail), LayeredStore(shop.own, shop.shared))

    def get(self, root: bytes) -> bytes:
        """The bytes under a tree root. Raises `BlobMissing` or `BlobCorrupt`."""
        return self.store.get(vector_id(self.task, root))

    def find(self, root: bytes, shape: Shape) -> bytes | None:
        """The bytes under a tree root, None where they are not to be had or have another shape."""
        try:
            data = self.get(root)
        except (BlobMissing, BlobCorrupt):
            return None
        return data if len(data) == shape.element_bytes * shape.elements else None

    def element(self, root: bytes, index: int, shape: Shape) -> bytes | None:
        """One element of an array, None where it is not to be had or the array has another
        shape."""
        opening = self.open(root, index // shape.per_chunk, shape)
        if opening is None:
            return None
        start = index % shape.per_chunk * shape.element_bytes
        return opening.chunk[start : start + shape.element_bytes]

    def open(self, root: bytes, chunk: int, shape: Shape) -> Opening | None:
        """A chunk of an array with its path, None where it is not to be had or the array has
        another shape. Only the first chunk that is asked for takes reading the whole array."""
        content_id, leaves = vector_id(self.task, root), self._leaves(root, shape)
        if leaves is None:
            return None
        start = chunk * shape.chunk_bytes
        for copy in _copies(self.store, content_id):
            try:
                data = copy.read(content_id, start, min(start + shape.chunk_bytes, copy.size_bytes))
            except (BlobMissing, BlobCorrupt):
                continue
            if leaf_hash(data) == leaves[chunk]:
                return Opening(data, tuple(inclusion_path(leaves, chunk)))
        return None

    def _leaves(self, root: bytes, shape: Shape) -> list[bytes] | None:
        content_id = vector_id(self.task, root)
        known = _remembered.get(content_id)
        if known is None:
            data = self.find(root, shape)
            if data is None:
                return None
            known = b"".join(leaf_hashes(data, shape.chunk_bytes))
            _remembered[content_id] = known
            if len(_remembered) > MAX_REMEMBERED:
                _remembered.popitem(last=False)
        if len(known) != HASH_BYTES * shape.leaves:
            return None
        return [known[i : i + HASH_BYTES] for i in range(0, len(known), HASH_BYTES)]


def _copies(store: Store, content_id: ContentId) -> Iterator[Copy]:
    """The copies of a blob, none where there is none."""
    try:
        yield from store.copies(content_id)
    except BlobMissing:
        return


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
            shop.own.put(b"".join(chunk for _, chunk in sorted(chunks.items())), content_id)


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
                mine = self.holdings.get(own)
                index = _first_difference(mine, claimed, shape.chunk_bytes)
                opening = open_chunk(claimed, index, shape.chunk_bytes)
                return matter, _within(mine, opening.chunk, index, shape), opening
        return wrong[0][0]

    def in_chunk(self) -> tuple[Matter, int, Opening]:
        """Where the chunk that a descent was served first differs."""
        dispute = self.found.disputes[self.effect.number]
        shape, opening = shape_of(self.task, dispute.matter), dispute.served
        model, state = self.effect.own
        mine = self.holdings.get(model if dispute.matter == Matter.MODEL else state)
        return dispute.matter, _within(mine, opening.chunk, dispute.at, shape), opening

    def openings(self, matter: Matter, coordinate: int, claimed: Opening) -> tuple[Opening, ...]:
        """The old values, around the claimed one, in the order of `Challenge`."""
        roots, m = self.effect.roots, self.task.terms().model
        if matter == Matter.STATE:
            return self._open_state(coordinate), claimed
        shape = shape_of(self.task, matter)
        old = self.holdings.get(roots.old_model)
        before = open_chunk(old, coordinate // shape.per_chunk, shape.chunk_bytes)
        moved = m.optimiser != OptimiserKind.PLAIN and coordinate < m.trainable
        return (before, claimed, *((self._open_state(coordinate),) if moved else ()))

    def _open_state(self, coordinate: int) -> Opening:
        """The old state's element; the first state is the task's own, and in no store."""
        shape, old = shape_of(self.task, Matter.STATE), self.effect.roots.old_state
        if old == self.task.terms().model.initial_state:
            state = read_state(self.task, self.holdings.store, ZERO)
            assert state is not None
            data = moments.to_bytes(state)
        else:
            data = self.holdings.get(old)
        return open_chunk(data, coordinate // shape.per_chunk, shape.chunk_bytes)


def _first_difference(mine: bytes, other: bytes, chunk_bytes: int) -> int:
    """Index of the first chunk in which two arrays of one shape differ."""
    left, right = memoryview(mine), memoryview(other)
    starts = range(0, len(left), chunk_bytes)
    differ = (s for s in starts if left[s : s + chunk_bytes] != right[s : s + chunk_bytes])
    return next(differ) // chunk_bytes


def _within(mine: bytes, chunk: bytes, index: int, shape: Shape) -> int:
    """The first element in which a chunk differs from an array that has another one there."""
    own, size = chunk_of(mine, index, shape.chunk_bytes), shape.element_bytes
    places = range(0, len(chunk), size)
    place = next(p for p in places if own[p : p + size] != chunk[p : p + size])
    return index * shape.per_chunk + place // size


def choose(shop: Means, effect: e.Choose, trail: Trail) -> e.Chosen:
    """Compare the hashes that were posted with those of the node's own tree."""
    dispute, holdings = trail.rounds[effect.round].disputes[effect.number], Holdings.of(shop, trail)
    leaves = leaf_hashes(holdings.get(effect.own), holdings.task.model.chunk_bytes)
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
    data = holdings.find(effect.root, shape_of(task, dispute.matter))
    if data is None:
        return e.Produced(*place, (), None)
    content_id = vector_id(task, effect.root)
    if not shop.shared.has(content_id):
        shop.shared.put(data, content_id)
    leaves = leaf_hashes(data, task.model.chunk_bytes)
    if effect.level:
        return e.Produced(*place, nodes_below(leaves, effect.level, effect.at), None)
    opening = open_chunk(data, effect.at, task.model.chunk_bytes, leaves)
    return e.Produced(*place, (), opening)
