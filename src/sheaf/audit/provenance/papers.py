"""All that is exported of a run's provenance, by the names of `sheaf provenance --only`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from sheaf.audit.provenance import attestation, bom, lineage_events, model_card, prov_json
from sheaf.audit.provenance.checking import check
from sheaf.audit.provenance.graph import Lineage, final_file, lineage
from sheaf.audit.provenance.sealing import LARGEST_STATEMENT_BYTES, Sealer
from sheaf.ledger.archive import Archive
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.summary import final_root
from sheaf.protocol.errors import InvalidUsage
from sheaf.store.files import is_folder, reachable

FILES: Mapping[str, str] = {
    "attestation": "attestation.json",
    "header": "header.hex",
    "prov": "prov.json",
    "bom": "bom.cdx.json",
    "card": "README.md",
    "events": "openlineage.ndjson",
}
"""What there is, and the file's name."""

_OF_LINEAGE: Mapping[str, Callable[[Lineage], bytes]] = {
    "prov": prov_json.document,
    "bom": bom.bill,
    "card": model_card.card,
    "events": lineage_events.events,
}


def papers(
    evidence: Evidence,
    archive: Archive,
    names: Collection[str],
    sealer: Sealer | None = None,
    most_bytes: int = LARGEST_STATEMENT_BYTES,
    out: Path = Path(),
) -> dict[str, bytes]:
    """The files of these names, by the file's name. An attestation is signed, if there is a
    `sealer`, and checked before it is given, against a copy of the model that has no name and is
    gone afterwards, on the disk of the folder `out`, where the files are to be.

    Raises `InvalidUsage` for a task that has not ended with a model of its own making, and for a
    head so long after its end that an attestation would have more than `most_bytes`,
    `VerificationFailed` for proofs of an endpoint's that prove nothing, `StoreUnavailable` where
    the copy cannot be written, and ledger errors.
    """
    whole = lineage(evidence)
    made = {name: write(whole) for name, write in _OF_LINEAGE.items() if name in names}
    if {"attestation", "header"} & {*names}:
        made |= _attested(evidence, archive, whole, sealer, most_bytes, out)
    return {FILES[name]: made[name] for name in FILES if name in names}


def _attested(
    evidence: Evidence,
    archive: Archive,
    whole: Lineage,
    sealer: Sealer | None,
    most_bytes: int,
    out: Path,
) -> dict[str, bytes]:
    collected, head = attestation.collect(evidence, archive)
    collected = replace(collected, signer=sealer.signatory if sealer else None)
    root = final_root(evidence.trail, evidence.task)
    header = evidence.trail.model_header(root)
    digests = attestation.Digests(bytes.fromhex(whole.file), root, header)
    statement = attestation.statement_bytes(collected, digests, head)
    if len(statement) > most_bytes:
        raise _too_long(evidence, len(statement), most_bytes)
    made = sealer.seal(statement) if sealer else statement
    there = next(folder for folder in (out, *out.parents) if is_folder(folder))
    with reachable(there), tempfile.TemporaryFile(dir=there) as file:
        file.writelines(final_file(evidence))
        file.flush()  # or its end is written while it is read
        check(file, made, head, evidence.place.head)
    return {"attestation": made, "header": f"{head.encoded.hex()}\n".encode()}


def _too_long(evidence: Evidence, size: int, most_bytes: int) -> InvalidUsage:
    """Of an attestation with too many headers between settlement and head."""
    ended = next(step.block for step in evidence.steps if evidence.trail.ended in step.events)
    return InvalidUsage(
        f"attestation: found {size:,} bytes, with the headers up to block {evidence.place.blocks}, "
        f"accepted: at most {most_bytes:,}",
        hint=f"--head HASH, of block {ended}, in which the task ended, or one soon after",
    )
