"""The in-toto Statement (v1) about the model that a task ended with, as bytes.

It carries what ties a model file to one block header, so that nobody has to be asked: the task
document, which the task's id is a hash of; the headers from the block that settled the model to
the head's parent; the settlement's receipt with its Merkle-Patricia proof; and, where the archive
keeps the head's state, the proofs of the contracts' code and of the model root that they hold. Who
signs it is named in it (`sealing`). Every other field follows from these.
`sheaf.audit.provenance.checking` draws the conclusions.
"""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from eth_utils.address import to_canonical_address, to_checksum_address

from sheaf import __version__
from sheaf.audit.provenance.sealing import LARGEST_STATEMENT_BYTES, Signatory
from sheaf.audit.stripes import Units, stripes
from sheaf.identity.canonical import misread, unique
from sheaf.identity.predicates import SETTLED_MODEL, STATEMENT_TYPE
from sheaf.identity.statement import tree_digest
from sheaf.learning import lattice
from sheaf.ledger.archive import Archive
from sheaf.ledger.engine import ZERO_ADDRESS, Header, decode_header
from sheaf.ledger.federation import AddressBook, federation_interface
from sheaf.ledger.inclusion import Proof, logs_of, mapping_slot, receipt_proof
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.summary import MODEL_FILE, book_plain, final_root, json_text
from sheaf.protocol.content import tree_id
from sheaf.protocol.errors import InvalidDocument, InvalidUsage
from sheaf.protocol.events import RoundSettled
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

_TASKS_SLOT, _MODEL_ROOT_SLOT = 0, 27
"""Where the federation keeps its tasks, and a task its model root (`contracts/src/federation`)."""

_ABSENT = object()
_CONTRACTS = ("federation", "court", "vault", "stake_token")


@dataclass(frozen=True)
class Settlement:
    """The log of `RoundSettled`: its receipt's place in the block, and its own in the receipt."""

    receipt: int
    log: int
    proof: Proof


@dataclass(frozen=True)
class State:
    """Proofs against the head's state root: both contracts' accounts, and the task's model root."""

    federation: Proof
    court: Proof
    model_root: Proof


@dataclass(frozen=True)
class Attestation:
    """What a statement carries; all else in it follows. The book's reward token is none of it, for
    the task document names that. `corrections` are (coordinate, difference)
    where float32 does not hold the lattice integer; `ancestors` are encoded headers, the settling
    block's first, and none where that is the head."""

    book: AddressBook
    sponsor: bytes
    document: bytes
    round: int
    corrections: tuple[tuple[int, int], ...]
    ancestors: tuple[bytes, ...]
    settlement: Settlement
    state: State | None
    version: str = __version__
    signer: Signatory | None = None

    @property
    def task(self) -> bytes:
        """The task's id, which binds document, sponsor, chain and federation."""
        digest = hashlib.sha256(self.document).digest()
        return self.book.deployment.task_id(self.sponsor, digest)

    def corrected(self, place: slice) -> Iterator[tuple[int, int]]:
        """The corrections at some coordinates."""
        known = self._ordered
        first, last = (bisect_left(known, (at,)) for at in (place.start, place.stop))
        yield from known[first:last]

    @cached_property
    def _ordered(self) -> list[tuple[int, int]]:
        return sorted(self.corrections)

    def settling(self, head: Header) -> Header:
        """The header of the block that settled the model."""
        return decode_header(self.ancestors[0]) if self.ancestors else head


@dataclass(frozen=True)
class Digests:
    """A model by the SHA-256 of its file, its tree root, and the header over that."""

    file: bytes
    tree_root: bytes
    root: bytes


def collect(evidence: Evidence, archive: Archive) -> tuple[Attestation, Header]:
    """The attestation of the model that a verified task ended with, and the head's header.

    Raises `InvalidUsage` for a task that has not ended or settled no round, and ledger errors.
    """
    trail = evidence.trail
    settled = [n for n, r in trail.rounds.items() if isinstance(r.outcome, RoundSettled)]
    if not trail.over or not settled:
        found = f"{trail.phase.name}, {len(settled)} rounds settled"
        raise InvalidUsage(f"found a task in {found}, accepted: one that ended with a model")
    assert trail.published is not None
    number = max(settled)
    event = trail.rounds[number].outcome
    (block,) = [step.block for step in evidence.steps if event in step.events]
    headers = archive.headers(block, evidence.place.blocks)
    root = final_root(trail, evidence.task)
    attestation = Attestation(
        book=evidence.book,
        sponsor=trail.published.sponsor,
        document=evidence.task.encode(),
        round=number,
        corrections=tuple(_corrections(evidence.task, evidence.store, root)),
        ancestors=tuple(header.encoded for header in headers[:-1]),
        settlement=_settlement(evidence.book, archive.receipts(block), event),
        state=_state(evidence, archive, headers[-1]),
    )
    return attestation, headers[-1]


def statement(attestation: Attestation, digests: Digests, head: Header) -> dict[str, Any]:
    """The in-toto statement as JSON values, to be checked against the header of `head`."""
    a, task = attestation, Task.decode(attestation.document)
    settling, book = a.settling(head), book_plain(a.book, a.task)
    tree = tree_id(digests.tree_root, task.model.chunk_bytes)
    kind = tree_digest(task.model.chunk_bytes)
    predicate = {
        "contracts": {name: book[name] for name in ("chain_id", *_CONTRACTS)},
        "task": {
            "id": a.task.hex(),
            "name": task.name,
            "sponsor": to_checksum_address(a.sponsor),
            "document": str(task.cid),
            "bytes": base64.b64encode(a.document).decode("ascii"),
        },
        "model": {
            "root": digests.root.hex(),
            "round": a.round,
            "corrections": [list(pair) for pair in a.corrections],
        },
        "settlement": {
            "block": settling.number,
            "timestamp": settling.timestamp,
            "receipt": a.settlement.receipt,
            "log": a.settlement.log,
            "proof": _texts(a.settlement.proof),
            "headers": _texts(a.ancestors),
        },
        "head": {"block": head.number, "hash": head.hash.hex(), "timestamp": head.timestamp},
        "state": {k: _texts(v) for k, v in vars(a.state).items()} if a.state else None,
        "software": {"sheaf": a.version, "bundle": task.model.bundle.hex()},
        "signer": None if a.signer is None else a.signer.plain(),
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": MODEL_FILE, "digest": {"sha256": digests.file.hex()}},
            {"name": str(tree), "digest": {kind: digests.tree_root.hex()}},
        ],
        "predicateType": SETTLED_MODEL,
        "predicate": predicate,
    }


def statement_bytes(attestation: Attestation, digests: Digests, head: Header) -> bytes:
    """The statement's bytes: the payload of an envelope, where it is signed."""
    return json_text(statement(attestation, digests, head)).encode()


def parse(data: bytes) -> tuple[Attestation, dict[str, Any]]:
    """What a statement carries, and the whole of it. Raises `InvalidDocument` for anything else."""
    if len(data) > LARGEST_STATEMENT_BYTES:
        raise _unreadable(f"{len(data)} bytes", f"at most {LARGEST_STATEMENT_BYTES}")
    try:
        plain: Any = json.loads(data, object_pairs_hook=unique)
        kinds = plain["_type"], plain["predicateType"]
        if kinds != (STATEMENT_TYPE, SETTLED_MODEL):
            raise _unreadable(f"{kinds[0]!r:.80} of {kinds[1]!r:.80}", SETTLED_MODEL)
        return _parsed(plain["predicate"]), plain
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        accepted = "an in-toto statement as `sheaf provenance` writes it"
        raise _unreadable(misread(error), accepted) from error


def difference(found: Any, expected: Any, where: str = "") -> str:
    """The first place at which two JSON values differ, as a path; "" where they do not."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys: Sequence[Any] = [*expected, *(key for key in found if key not in expected)]
        pairs = [(k, found.get(k, _ABSENT), expected.get(k, _ABSENT)) for k in keys]
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = [(i, f, e) for i, (f, e) in enumerate(zip(found, expected, strict=True))]
    else:
        return "" if type(found) is type(expected) and found == expected else where.lstrip(".")
    return next((d for k, f, e in pairs if (d := difference(f, e, f"{where}.{k}"))), "")


def model_root_slot(task: bytes) -> int:
    """The federation's storage slot of a task's model root."""
    return mapping_slot(_TASKS_SLOT, task) + _MODEL_ROOT_SLOT


def _parsed(predicate: Mapping[str, Any]) -> Attestation:
    contracts, task, settled = (predicate[k] for k in ("contracts", "task", "settlement"))
    addresses = {name: bytes(to_canonical_address(contracts[name])) for name in _CONTRACTS}
    pairs = predicate["model"]["corrections"]
    states = predicate["state"]
    return Attestation(
        book=AddressBook(
            chain_id=_count(contracts["chain_id"]), reward_token=ZERO_ADDRESS, **addresses
        ),
        sponsor=bytes(to_canonical_address(task["sponsor"])),
        document=base64.b64decode(task["bytes"], validate=True),
        round=_count(predicate["model"]["round"]),
        corrections=tuple((_count(place), _integer(by)) for place, by in pairs),
        ancestors=_octets(settled["headers"]),
        settlement=Settlement(
            _count(settled["receipt"]), _count(settled["log"]), _octets(settled["proof"])
        ),
        state=None if states is None else State(**{k: _octets(v) for k, v in states.items()}),
        version=_text(predicate["software"]["sheaf"]),
        signer=None if predicate["signer"] is None else Signatory.parse(predicate["signer"]),
    )


def _corrections(task: Task, store: Store, root: bytes) -> Iterator[tuple[int, int]]:
    """Where the float view of a model does not come back to the integer, and by how much it misses
    it."""
    units = Units.of(task)
    for stripe in stripes(task, store, [root]):
        (vector,), bits = stripe.rows, units.bits(stripe.place)
        again = lattice.encode_model(lattice.float_view(vector, bits), bits)
        missed = vector.astype(np.int64) - again
        for at in np.flatnonzero(missed):
            yield stripe.place.start + int(at), int(missed[at])


def _settlement(book: AddressBook, receipts: Sequence[bytes], event: object) -> Settlement:
    interface = federation_interface()
    (place,) = [
        (index, log.index)
        for index, encoded in enumerate(receipts)
        for log in logs_of(encoded)
        if log.address == book.federation and interface.decode_event(log) == event
    ]
    return Settlement(*place, receipt_proof(receipts, place[0]))


def _state(evidence: Evidence, archive: Archive, head: Header) -> State | None:
    slot, book = model_root_slot(evidence.trail.task), evidence.book
    federation = archive.state(head, book.federation, [slot])
    court = archive.state(head, book.court, [])
    if federation is None or court is None:
        return None
    return State(federation.account, court.account, federation.slots[0])


def _texts(octets: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in octets]


def _octets(texts: Sequence[str]) -> Proof:
    return tuple(bytes.fromhex(text) for text in texts)


def _of(kind: type, accepts: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind or not accepts(value):
            raise ValueError(f"found {value!r:.80}")
        return value

    return read


_count = _of(int, lambda value: 0 <= value < 2**64)
_integer = _of(int, lambda value: abs(value) < 2**32)
_text = _of(str, lambda value: len(value) <= 64)


def _unreadable(found: str, accepted: str) -> InvalidDocument:
    return InvalidDocument(f"attestation: found {found}, accepted: {accepted}")
