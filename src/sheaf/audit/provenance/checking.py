"""From a model file to a block header, offline: what `sheaf verify-model` does.

    file -> floats -> lattice integers -> tree root -> model root          (hashes, computed here)
    task document, sponsor, chain, federation -> task id                   (a hash, computed here)
    model root of the task in a log -> receipt -> receipts root -> header  (Merkle-Patricia proof)
    that header -> its child -> ... -> the head's header                   (parent hashes)
    contracts' code, model root held for the task -> head's state root     (Merkle-Patricia proofs)

The head's header is all that is taken from elsewhere. Needs no torch, no ledger, no store.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, NoReturn

import numpy as np
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from sheaf.audit.provenance.attestation import (
    Attestation,
    Digests,
    difference,
    model_root_slot,
    parse,
    statement,
)
from sheaf.audit.provenance.sealing import Signatory, opened, require_demanded, require_signed
from sheaf.audit.provenance.weights import Part, Weights
from sheaf.identity.canonical import misread
from sheaf.learning import lattice
from sheaf.learning.layout import Layout
from sheaf.ledger.artifacts import artifact
from sheaf.ledger.engine import Header, decode_header
from sheaf.ledger.errors import Misreported
from sheaf.ledger.federation import federation_interface
from sheaf.ledger.inclusion import logs_of, proved_account, proved_receipt, proved_slot
from sheaf.ledger.rpc_records import prove_header
from sheaf.nodes.aggregation import Vector
from sheaf.nodes.evidence import Check, fail
from sheaf.protocol.arithmetic import ELEMENT_BYTES, LIMIT
from sheaf.protocol.errors import InvalidDocument, InvalidModel
from sheaf.protocol.events import RoundSettled
from sheaf.protocol.merkle import Kind, TreeHasher, header, leaf_count
from sheaf.protocol.task import Task

ANCHOR = "that this header is the chain's: hold a head hash from elsewhere against it, with --head"
HONEST = (
    "that the model follows from the updates: a quorum settled it and no court overturned it; "
    "`sheaf verify` recomputes it"
)
SIGNED = "who wrote the attestation, and with which version: nothing in it has to be believed"
STATELESS = (
    "that the contracts are Sheaf's, or that no later round replaced the model: the attestation "
    "carries no proof of the head's state"
)
NO_LATTICE_FLOAT = "which is not the float of a lattice integer"
READ_BYTES = 2**20
HEADER_BYTES, HEADER_TIMES = 2**20, 8
"""What a model file's header may have: so many bytes, and so many times those of the task document,
which names the same tensors."""


@dataclass(frozen=True)
class Proven:
    """What a check showed of a model, link by link, and what it does not show."""

    root: bytes
    task: bytes
    round: int
    head: Header
    anchored: bool
    signer: Signatory | None
    checks: Sequence[Check]
    limits: Sequence[str]


def read_header(text: str) -> Header:
    """The header in a file: its RLP in hex, or a block as JSON-RPC tells it.

    Raises `InvalidDocument` for anything else, `VerificationFailed` for a block that does not hash
    to what it says.
    """
    try:
        if re.fullmatch(r"(0x)?[0-9a-fA-F\s]+", text):
            return decode_header(bytes.fromhex(text.strip().removeprefix("0x")))
        plain = json.loads(text)
        return prove_header(plain.get("result", plain))
    except Misreported as error:
        fail(f"header: {error.message}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = f"header: found {misread(error)}, accepted: RLP in hex, or a block's JSON"
        raise InvalidDocument(told) from error


def check(
    file: IO[bytes],
    data: bytes,
    head: Header,
    anchor: bytes | None = None,
    signer: str | None = None,
) -> Proven:
    """Check a model's safetensors file, which is read in parts, and an attestation's bytes, signed
    or not, against the head's header; `anchor` is the hash that the head must have, `signer` the
    key or the account, in hex, that must have signed.

    Raises `VerificationFailed` for the first link that does not hold, `InvalidDocument` for an
    attestation that cannot be read, and `OSError` for a file that cannot be.
    """
    payload, envelope = opened(data)
    attestation, plain = parse(payload)
    book = attestation.book
    require_signed(envelope, attestation.signer, book.deployment, attestation.task)
    require_demanded(attestation.signer, signer)
    try:
        task = Task.decode(attestation.document)
    except InvalidDocument as error:
        raise InvalidDocument(f"attestation: {error.message}") from error
    digests, coordinates = _digests(file, attestation, task), task.model.coordinates
    if anchor not in (None, head.hash):
        fail(f"header: found block {head.number} {head.hash.hex()}, accepted: {anchor.hex()}")
    settling = _chain(attestation, head)
    _log(attestation, digests.root, settling)
    checks = [
        Check("model", coordinates, f"weights give model root {digests.root.hex()}"),
        Check("task", 1, f"{attestation.task.hex()} is the document's, sponsor's and contract's"),
        Check("settled", 1, f"round {attestation.round} in block {settling.number}, log proved"),
        Check("headers", len(attestation.ancestors) + 1, f"up to head {head.hash.hex()}"),
    ]
    if attestation.state is not None:
        checks += _state(attestation, digests.root, head)
    place = difference(plain, statement(attestation, digests, head))
    if place:
        fail(f"attestation: {place} is not what follows from file, header and proofs")
    if attestation.signer is not None:
        checks.append(_signed(attestation, attestation.signer))
    stateless = (STATELESS,) if attestation.state is None else ()
    unsigned = (SIGNED,) if attestation.signer is None else ()
    limits = (*(() if anchor else (ANCHOR,)), *stateless, HONEST, *unsigned)
    about = (digests.root, attestation.task, attestation.round, head, bool(anchor))
    return Proven(*about, attestation.signer, checks, limits)


def _signed(attestation: Attestation, signer: Signatory) -> Check:
    who = "the sponsor" if signer.account == attestation.sponsor else "who is not the sponsor"
    address, key = to_checksum_address(signer.account), signer.public.hex()
    return Check("signed", 1, f"by {address}, {who}, with its key {key}")


def _digests(file: IO[bytes], attestation: Attestation, task: Task) -> Digests:
    """Of a file that is the float view of a lattice vector, to the bit: what file and vector hash
    to."""
    layout, chunk_bytes = Layout(task.model.layout), task.model.chunk_bytes
    for place, _ in attestation.corrections:
        if place >= layout.coordinates:
            fail(f"attestation: found coordinate {place}, accepted: 0 to {layout.coordinates - 1}")
    tree, before = TreeHasher(chunk_bytes), _stamp(file)
    try:
        most = HEADER_BYTES + HEADER_TIMES * len(attestation.document)
        for part in Weights.of(file, layout, most).parts():
            tree.update(lattice.to_bytes(_integers(part, attestation, layout)))
    except InvalidModel as error:
        fail(f"model: {error.message}")
    root, size_bytes = tree.root(), layout.coordinates * ELEMENT_BYTES
    leaves = leaf_count(size_bytes, chunk_bytes)
    head = header(Kind.MODEL, ELEMENT_BYTES, layout.coordinates, leaves, root)
    whole = hashlib.sha256()
    file.seek(0)
    while data := file.read(READ_BYTES):
        whole.update(data)
    if _stamp(file) != before:  # the weights may be of one file, and the hash of another
        fail("model: found a file that is written to while it is read, accepted: one that is not")
    return Digests(whole.digest(), root, head)


def _stamp(file: IO[bytes]) -> tuple[int, int] | None:
    """Size in bytes and time of the last change in nanoseconds; None for a file in memory."""
    try:
        found = os.fstat(file.fileno())
    except io.UnsupportedOperation:
        return None
    return found.st_size, found.st_mtime_ns


def _integers(part: Part, attestation: Attestation, layout: Layout) -> Vector:
    """The lattice integers whose floats a part is."""
    floats, bits, first = part.floats, part.tensor.frac_bits, part.place.start

    def refuse(wrong: NDArray[np.bool_], told: str) -> None:
        if wrong.any():
            at = int(np.argmax(wrong))
            fail(f"model: {layout.name_of(first + at)}: found {floats[at]}, {told}")

    refuse(~np.isfinite(floats), "accepted: finite numbers")
    integers = lattice.encode_model(floats, bits).astype(np.int64)
    for place, by in attestation.corrected(part.place):
        integers[place - first] += by
    if np.abs(integers).max() > LIMIT:
        fail("attestation: found corrections that leave the lattice")
    corrected = integers.astype(np.int32)
    # Bits, for minus zero is another file; and without this a correction could be anything.
    seen = lattice.float_view(corrected, bits).view(np.uint32)
    refuse(seen != floats.astype(np.float32).view(np.uint32), NO_LATTICE_FLOAT)
    return corrected


def _chain(attestation: Attestation, head: Header) -> Header:
    """The settling block's header, once each header is the parent of the next, up to the head."""
    try:
        headers = [*map(decode_header, attestation.ancestors), head]
    except ValueError as error:
        fail(f"headers: {error}")
    for parent, child in pairwise(headers):
        if child.parent_hash != parent.hash:
            fail(
                f"headers: block {child.number} ({child.hash.hex()}) follows on "
                f"{child.parent_hash.hex()}, the attestation has {parent.hash.hex()}"
            )
    return headers[0]


def _log(attestation: Attestation, root: bytes, settling: Header) -> None:
    """The log of the settlement is in the receipt that the header covers, and about this model."""
    at, book = attestation.settlement, attestation.book
    try:
        logs = [*logs_of(proved_receipt(settling.receipts_root, at.receipt, at.proof))]
        log = logs[at.log]
    except (ValueError, IndexError, TypeError) as error:
        fail(f"settlement: block {settling.number}, receipt {at.receipt}: {error}")
    event = federation_interface().decode_event(log)
    if log.address != book.federation or not isinstance(event, RoundSettled):
        wanted = f"RoundSettled of {to_checksum_address(book.federation)}"
        fail(f"settlement: block {settling.number}: the log is not {wanted}")
    if (event.task, event.round) != (attestation.task, attestation.round):
        told = f"round {event.round} of task {event.task.hex()}"
        wanted = f"round {attestation.round} of task {attestation.task.hex()}"
        fail(f"settlement: block {settling.number} settled {told}, the attestation is of {wanted}")
    if event.model_root != root:
        _other_model(root, f"block {settling.number} settled {event.model_root.hex()}")


def _state(attestation: Attestation, root: bytes, head: Header) -> Iterator[Check]:
    """The contracts' code is Sheaf's, and the model stands for the task after the head."""
    book, state = attestation.book, attestation.state
    assert state is not None
    slot = model_root_slot(attestation.task)
    try:
        federation = proved_account(head.state_root, book.federation, state.federation)
        court = proved_account(head.state_root, book.court, state.court)
        held = proved_slot(federation.storage_root, slot, state.model_root)
    except (ValueError, TypeError) as error:
        fail(f"state: block {head.number}: {error}")
    # Vault, court and stake token are in the federation's code: another court is other code.
    wired = artifact("Federation").runtime_of((book.stake_token, book.vault, book.court))
    codes = (("Federation", federation, wired), ("Court", court, artifact("Court").runtime))
    for name, account, code in codes:
        if account.code_hash != keccak(code):
            told = f"found code hash {account.code_hash.hex()}, accepted: {keccak(code).hex()}"
            fail(f"code: the {name} is not the one that Sheaf ships: {told}")
    if held != root:
        _other_model(root, f"the task holds {held.hex()} after block {head.number}")
    yield Check("code", 2, "federation and court are the contracts that Sheaf ships")
    yield Check("stands", 1, f"the task's model after block {head.number}")


def _other_model(root: bytes, known: str) -> NoReturn:
    fail(f"model: the file gives model root {root.hex()}, {known}")
