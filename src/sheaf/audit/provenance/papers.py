"""All that is exported of a run's provenance, by the names of `sheaf provenance --only`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from sheaf.audit.provenance import attestation, bom, lineage_events, model_card, prov_json
from sheaf.audit.provenance.checking import check
from sheaf.audit.provenance.graph import Lineage, final_file, lineage
from sheaf.audit.provenance.sealing import Sealer
from sheaf.ledger.archive import Archive
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.summary import final_root

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
    evidence: Evidence, archive: Archive, names: Collection[str], sealer: Sealer | None = None
) -> dict[str, bytes]:
    """The files of these names, by the file's name. An attestation is signed, if there is a
    `sealer`, and checked before it is given.

    Raises `InvalidUsage` for a task that has not ended with a model of its own making,
    `VerificationFailed` for proofs of an endpoint's that prove nothing, and ledger errors.
    """
    whole = lineage(evidence)
    made = {name: write(whole) for name, write in _OF_LINEAGE.items() if name in names}
    if {"attestation", "header"} & {*names}:
        made |= _attested(evidence, archive, whole, sealer)
    return {FILES[name]: made[name] for name in FILES if name in names}


def _attested(
    evidence: Evidence, archive: Archive, whole: Lineage, sealer: Sealer | None
) -> dict[str, bytes]:
    collected, head = attestation.collect(evidence, archive)
    collected = replace(collected, signer=sealer.signatory if sealer else None)
    root = final_root(evidence.trail, evidence.task)
    header = evidence.trail.model_header(root)
    digests = attestation.Digests(bytes.fromhex(whole.file), root, header)
    statement = attestation.statement_bytes(collected, digests, head)
    made = sealer.seal(statement) if sealer else statement
    check(b"".join(final_file(evidence)), made, head, evidence.place.head)
    return {"attestation": made, "header": f"{head.encoded.hex()}\n".encode()}
