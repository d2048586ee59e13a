"""What lies behind a hash that the ledger or the store names, and what to do where its bytes are
missing.

Commitments are said with what they were opened to, roots with whether their bytes are in the store
and how they begin. Every hash of the protocol's own events can be looked up, by any prefix that no
other one has.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sheaf.audit.remedy import Remedy, remedy
from sheaf.audit.stripes import first_values
from sheaf.learning import lattice
from sheaf.learning.algorithms import moments
from sheaf.nodes.aggregation import vector_id, wanted_state, wanted_vector
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.hashed import Hashed
from sheaf.nodes.respecification import Step
from sheaf.protocol import court_events as c
from sheaf.protocol import events as v
from sheaf.protocol import hashing, merkle
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidDocument,
    InvalidModel,
    InvalidUsage,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.store.interface import LARGEST_GET_BYTES, sound_copy

SHOWN = 5
"""How many first values, or names of an ambiguous prefix, are shown."""


@dataclass(frozen=True)
class Exhibit:
    """One thing that a hash is: `what`, made by `who` ("" for nobody in particular) in a block at a
    ledger time by a transaction (none for the head), and what it was `opened` to ("" where there is
    nothing to open). `content` names bytes in the store; `kind` is that of an array."""

    what: str
    who: str = ""
    block: int = 0
    time: int = 0
    transaction: bytes = b""
    opened: str = ""
    content: ContentId | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Bytes:
    """What the store holds under a content id: whether the bytes are there and what the id says,
    how many, and how they begin; `wrong` says why not."""

    content: ContentId
    sound: bool
    size_bytes: int = 0
    first: tuple[float, ...] = ()
    wrong: str = ""


@dataclass(frozen=True)
class Opened:
    """A hash in full, all that it is, its bytes, and the court's way to those that are missing."""

    name: str
    exhibits: tuple[Exhibit, ...]
    stored: tuple[Bytes, ...]
    remedies: tuple[Remedy, ...]


def open_hash(evidence: Evidence, reference: str) -> Opened:
    """Look up a hash, a content id, or a bitmap, or a prefix of one.

    Raises `InvalidUsage` where nothing, or more than one thing, is called that.
    """
    catalogue = _catalogue(evidence)
    name = _named(evidence, catalogue, reference)
    exhibits = tuple(catalogue.get(name) or _nameless(name))
    contents = dict.fromkeys((e.content, e.kind) for e in exhibits if e.content is not None)
    stored = tuple(_bytes(evidence, content, kind) for content, kind in contents)
    lost = [each.content.digest for each in stored if not each.sound]
    remedies = tuple(found for root in lost for found in remedy(evidence, root))
    return Opened(name, exhibits, stored, remedies)


Catalogue = dict[str, list[Exhibit]]
Entry = tuple[bytes | int, str, str, bytes, Kind | None]
"""A hash or a bitmap, what it is, what it was opened to, and the root and kind of an array."""


def _catalogue(evidence: Evidence) -> Catalogue:
    """Everything that has a hash, by hex or content id, in the ledger's order."""
    found: Catalogue = defaultdict(list)
    for step in evidence.steps:
        where = (step.block, step.time, step.transaction)
        found[step.transaction.hex()].append(_transaction(evidence, step))
        if step.receipt != ZERO:
            noted = _noted(evidence, step)
            found[step.receipt.hex()].append(noted)
            found[str(noted.content)].append(noted)
        for event in step.events:
            entries = _ENTRIES.get(type(event))
            if entries is None or getattr(event, "task", None) != evidence.trail.task:
                continue
            account = getattr(event, "account", None) or getattr(event, "sponsor", None)
            who = evidence.who(account) if account else ""
            for key, what, opened, root, kind in entries(evidence, event):
                content = vector_id(evidence.task, root) if root != ZERO else None
                exhibit = Exhibit(what, who, *where, opened, content, kind)
                found[f"{key:x}" if isinstance(key, int) else key.hex()].append(exhibit)
                if content is not None and key == root:
                    found[str(content)].append(exhibit)
            if isinstance(event, v.TaskPublished):
                document = Exhibit("task document", who, *where, content=evidence.task.cid)
                found[event.document.hex()].append(document)
                found[str(evidence.task.cid)].append(document)
    head = Exhibit(f"the ledger's head, block {evidence.place.blocks}")
    found[evidence.place.head.hex()].append(head)
    return {name: each for name, each in found.items() if name.strip("0")}


def _named(evidence: Evidence, catalogue: Catalogue, reference: str) -> str:
    digits = reference.strip().lower().removeprefix("0x")
    if digits in catalogue:
        return digits
    if _is_stored(evidence, digits):
        return digits
    stored = (str(content) for content in evidence.store.ids())
    names = dict.fromkeys((*catalogue, *stored)) if digits else {}
    found = [name for name in names if name.startswith(digits)]
    if len(found) == 1:
        return found[0]
    told = f"which begins {len(found)} names: {', '.join(found[:SHOWN])}"
    raise InvalidUsage(
        f"--open: found {reference!r}, {told if found else 'which nothing here is called'}, "
        "accepted: a hash, a content id or a bitmap of this task, or a prefix no other one has"
    )


def _is_stored(evidence: Evidence, name: str) -> bool:
    """Whether this is a whole content id of something that a store has."""
    try:
        return evidence.store.has(ContentId.parse(name))
    except InvalidDocument:
        return False


def _nameless(name: str) -> Iterator[Exhibit]:
    yield Exhibit("a blob that nothing on the ledger names", content=ContentId.parse(name))


def _transaction(evidence: Evidence, step: Step) -> Exhibit:
    action = type(step.action).__name__ if step.action else "call of another contract"
    told = ", ".join(type(event).__name__ for event in step.events)
    opened = f"refused: {step.failure}" if step.failure else f"caused {told or 'no event'}"
    where = (evidence.who(step.sender), step.block, step.time, step.transaction)
    return Exhibit(f"transaction of a {action}, {step.gas} gas", *where, opened)


def _noted(evidence: Evidence, step: Step) -> Exhibit:
    """The receipt that an act's transaction names."""
    what, where = f"receipt id of a {type(step.action).__name__}", (step.block, step.time)
    who, content = evidence.who(step.sender), receipt_id(step.receipt)
    return Exhibit(what, who, *where, step.transaction, content=content)


def _bytes(evidence: Evidence, content: ContentId, kind: Kind | None) -> Bytes:
    """The store's bytes, read and checked."""
    task, store = evidence.task, evidence.store
    wanted = wanted_state if kind == Kind.OPTIMISER_STATE else wanted_vector
    try:
        if kind is None:
            return Bytes(content, True, sound_copy(store, content, LARGEST_GET_BYTES).size_bytes)
        array = Hashed.of(store, wanted(task, content.digest), task.model.chunk_bytes)
        count = min(SHOWN, array.wanted.elements)
        data, size = array.read(slice(0, count)), array.wanted.size_bytes
        if kind == Kind.OPTIMISER_STATE:
            state = moments.from_bytes(data, count, array.wanted.element_bytes)
            return Bytes(content, True, size, tuple(map(float, state[0])))
        return Bytes(
            content, True, size, tuple(first_values(task, lattice.from_bytes(data, count)))
        )
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        return Bytes(content, False, wrong=error.message)


def _published(evidence: Evidence, e: v.TaskPublished) -> Iterator[Entry]:
    model, terms = evidence.task.model, evidence.trail.terms.model
    yield e.task, "id of the task", f"document {evidence.task.cid}", ZERO, None
    yield e.model_root, "header of the initial model", "", model.initial, Kind.MODEL
    yield model.initial, "tree root of the initial model", "", model.initial, Kind.MODEL
    yield e.state_root, "header of the optimiser's first state", "", ZERO, None
    yield terms.initial_state, "tree root of the optimiser's first state", "", ZERO, None
    yield model.bundle, "SHA-256 of the code that the task pins", "", ZERO, None


def _registered(evidence: Evidence, e: v.Registered) -> Iterator[Entry]:
    opened = [
        f"nonce {each.nonce.hex()}"
        for step in evidence.steps
        for each in step.events
        if isinstance(each, v.Opened) and (each.task, each.account) == (e.task, e.account)
    ]
    yield e.nonce_hash, "hash of a seat's nonce", (opened or ["not opened"])[0], ZERO, None


def _committed(evidence: Evidence, e: v.Committed) -> Iterator[Entry]:
    reveal = evidence.trail.rounds[e.round].reveals.get(e.position)
    opened, root = "not opened", ZERO
    if reveal is not None:
        root = reveal.root
        opened = (
            f"update {root.hex()}, {reveal.samples} samples, salt {reveal.salt.hex()}, "
            f"receipt {reveal.receipt.hex() if reveal.receipt != ZERO else 'none'}"
        )
    what = f"commitment to an update, round {e.round}, position {e.position}"
    yield e.commitment, what, opened, root, Kind.UPDATE


def _revealed(evidence: Evidence, e: v.Revealed) -> Iterator[Entry]:
    where = f"round {e.round}, position {e.position}"
    commit = evidence.trail.rounds[e.round].commits[e.position].commitment.hex()
    m = evidence.trail.terms.model
    header = merkle.header(Kind.UPDATE, ELEMENT_BYTES, m.coordinates, m.leaves, e.root)
    told = f"opens commitment {commit}, {e.samples} samples"
    yield e.root, f"tree root of an update, {where}", told, e.root, Kind.UPDATE
    yield header, f"header of an update, {where}", told, e.root, Kind.UPDATE
    yield e.receipt, f"receipt id of an update, {where}", told, ZERO, None
    yield e.salt, f"salt of an update, {where}", told, ZERO, None


def _bitmap(evidence: Evidence, e: v.Held | v.Counted) -> Iterator[Entry]:
    what = "attested" if isinstance(e, v.Held) else "counted set"
    positions = [i for i in range(e.bitmap.bit_length()) if e.bitmap >> i & 1]
    found = evidence.trail.rounds[e.round]
    told = ", ".join(f"{i} {evidence.who(found.cohort[i])}" for i in positions)
    yield e.bitmap, f"bitmap, {what}, round {e.round}, attempt {e.attempt}", told, ZERO, None


def _verdict_committed(evidence: Evidence, e: v.VerdictCommitted) -> Iterator[Entry]:
    verdict = evidence.trail.rounds[e.round].verdicts.get((e.attempt, e.slot))
    opened, root = "not opened", ZERO
    if isinstance(verdict, v.VerdictRevealed):
        opened, root = f"model {verdict.model_root.hex()}", verdict.model_root
    elif verdict is not None:
        opened = f"chunk {verdict.chunk} of update {verdict.position} was not served"
    what = f"commitment to a verdict, round {e.round}, attempt {e.attempt}, slot {e.slot}"
    yield e.commitment, what, opened, root, Kind.MODEL


def _verdict(evidence: Evidence, e: v.VerdictRevealed) -> Iterator[Entry]:
    where, trail = f"verdict of round {e.round}, attempt {e.attempt}, slot {e.slot}", evidence.trail
    claim = trail.rounds[e.round].claims.get(e.attempt)
    agreed = claim is not None and e in trail.voters(claim).values()
    told = "the claim" if agreed else "not the claim"
    headers = trail.headers(e)
    yield e.model_root, f"tree root of a model, {where}", told, e.model_root, Kind.MODEL
    yield headers[1], f"header of a model, {where}", told, e.model_root, Kind.MODEL
    state = (e.state_root, Kind.OPTIMISER_STATE)
    yield e.state_root, f"tree root of an optimiser's state, {where}", told, *state
    yield headers[2], f"header of an optimiser's state, {where}", told, *state
    yield e.weights_root, f"tree root of weights, {where}", told, ZERO, None
    yield e.receipt, f"receipt id, {where}", told, ZERO, None
    yield e.salt, f"salt, {where}", told, ZERO, None


def _missing(evidence: Evidence, e: v.MissingRevealed) -> Iterator[Entry]:
    where = f"verdict of round {e.round}, attempt {e.attempt}, slot {e.slot}"
    told = f"chunk {e.chunk} of update {e.position} was not served"
    yield e.receipt, f"receipt id, {where}", told, ZERO, None
    yield e.salt, f"salt, {where}", told, ZERO, None


def _claimed(evidence: Evidence, e: v.Claimed) -> Iterator[Entry]:
    voted = next(iter(evidence.trail.voters(e).values()), None)
    opened = f"model {voted.model_root.hex()}" if voted else ""
    root = voted.model_root if voted else ZERO
    what = f"claim of round {e.round}, attempt {e.attempt}"
    yield e.claim, what, opened, root, Kind.MODEL


def _settled(evidence: Evidence, e: v.RoundSettled) -> Iterator[Entry]:
    trail = evidence.trail
    root = trail.model_after(e.round, evidence.task.model.initial)
    told = f"tree root {root.hex()}"
    yield e.model_root, f"header of the settled model of round {e.round}", told, root, Kind.MODEL
    state = (trail.state_after(e.round), Kind.OPTIMISER_STATE)
    yield e.state_root, f"header of the settled state of round {e.round}", "", *state


def _unfolded(evidence: Evidence, e: c.Unfolded) -> Iterator[Entry]:
    for place, node in enumerate(e.hashes):
        what = f"node {place} posted in dispute {e.number} of round {e.round}"
        yield node, what, "", ZERO, None


def _hashed(kind: str, field: str) -> Callable[[Evidence, Any], Iterator[Entry]]:
    """Bytes that were posted in court, by their SHA-256 or, of a chunk, by its leaf hash."""

    def entries(evidence: Evidence, e: Any) -> Iterator[Entry]:
        data = getattr(e, field)
        leaf = field == "chunk"
        key = merkle.leaf_hash(data) if leaf else hashlib.sha256(data).digest()
        what = f"{kind}, dispute {e.number} of round {e.round}"
        yield key, what, f"{len(data)} bytes: {data[:32].hex()}...", ZERO, None

    return entries


def _descended(evidence: Evidence, e: c.Descended) -> Iterator[Entry]:
    what = f"node {e.index} at level {e.level}, asked for in dispute {e.number} of round {e.round}"
    yield e.node, what, "", ZERO, None


_ENTRIES: dict[type[object], Callable[[Evidence, Any], Iterator[Entry]]] = {
    v.TaskPublished: _published,
    v.Registered: _registered,
    v.Opened: lambda _, e: iter([(e.nonce, "nonce of a seat", "", ZERO, None)]),
    v.CohortDrawn: lambda _, e: iter(
        [
            (e.seed, f"seed of round {e.round}", "", ZERO, None),
            (hashing.cohort_key(e.seed), f"key of round {e.round}'s cohort", "", ZERO, None),
        ]
    ),
    v.Committed: _committed,
    v.Revealed: _revealed,
    v.CommitteeDrawn: lambda _, e: iter(
        [(e.key, f"key of round {e.round}'s committees", "", ZERO, None)]
    ),
    v.Held: _bitmap,
    v.Counted: _bitmap,
    v.VerdictCommitted: _verdict_committed,
    v.VerdictRevealed: _verdict,
    v.MissingRevealed: _missing,
    v.Claimed: _claimed,
    v.RoundSettled: _settled,
    c.Descended: _descended,
    c.Unfolded: _unfolded,
    c.Challenged: _hashed("column that was filed", "column"),
    c.Supplied: _hashed("leaf of a chunk that was supplied", "chunk"),
}
