"""The model as a CycloneDX 1.6 ML-BOM: what it is made of and by, without a byte of anybody's data.

Components are the model, the participants' data sets (of which the ledger knows claimed sizes and
custodians only), the task document, the operators' code by its hash, the contracts by the hash of
their code, and the software that verified the run before it wrote this.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from eth_utils.crypto import keccak

from sheaf import __version__
from sheaf.audit.provenance.graph import LICENSES, REPORTED, Lineage, Update, instant
from sheaf.ledger.artifacts import artifact
from sheaf.nodes.summary import MODEL_FILE, json_text

SPEC_VERSION = "1.6"
_SOFTWARE = ("numpy", "safetensors", "dag-cbor", "py-evm", "rlp", "trie", "web3")
"""What a verification computes with, besides Sheaf."""

Component = dict[str, Any]


def bill(lineage: Lineage) -> bytes:
    """The bill of materials of the model that a task ended with."""
    parts = [_document(lineage), _code(lineage), *_contracts(lineage), *_data(lineage)]
    tools = [_sheaf(), *_packages()]
    model = _model(lineage)
    refs = [part["bom-ref"] for part in (*parts, *tools)]
    libraries = [tool["bom-ref"] for tool in tools[1:]]
    edges = {_SELF: [part["bom-ref"] for part in parts] + [_SHEAF], _SHEAF: libraries}
    serial = uuid5(NAMESPACE_URL, f"urn:sheaf:task:{lineage.task_id}:bom:{lineage.head}")
    plain = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": {
            "timestamp": instant(lineage.ended),
            "tools": {"components": [_sheaf("tool-sheaf")]},
            "component": model,
            "properties": _properties({"head": lineage.head, "timestamps": "ledger time"}),
        },
        "components": [*parts, *tools],
        "dependencies": [{"ref": ref, "dependsOn": edges.get(ref, [])} for ref in (_SELF, *refs)],
    }
    return json_text(plain).encode()


_SELF, _SHEAF = "model", "software-sheaf"


def _model(lineage: Lineage) -> Component:
    final = lineage.final
    about = {
        "taskId": lineage.task_id,
        "chainId": lineage.chain_id,
        "federation": lineage.federation,
        "modelRoot": final.root,
        "treeRoot": final.tree_root,
        "transaction": final.transaction,
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": _SELF,
        "name": lineage.task.name,
        "version": f"round-{final.round}",
        "description": f"{MODEL_FILE}: the model after round {final.round}",
        "hashes": [_sha256(lineage.file)],
        "licenses": [{"license": _license(lineage.task.license)}],
        "modelCard": _card(lineage),
        "properties": _properties(about),
    }


def _card(lineage: Lineage) -> dict[str, Any]:
    task = lineage.task
    features = [f"{f.dtype} {list(f.shape)} {f.name}" for f in task.data.features]
    datasets = [{"ref": _data_ref(owner)} for owner in lineage.counted]
    parameters = {"modelArchitecture": task.model.entry, "datasets": datasets}
    if features:
        parameters |= {
            "inputs": [{"format": features[0]}],
            "outputs": [{"format": features[1]}],
        }
    measured = [
        {"type": name, "value": str(value), "slice": f"the sponsor's held-out data; {REPORTED}"}
        for name, value in lineage.final.metrics.items()
    ]
    limits = (
        "That the updates come from training on real data is nowhere shown.",
        "That different accounts are different parties is nowhere shown.",
    )
    training = {
        "algorithm": task.algorithm.name,
        "rule": task.rule.name,
        "loss": task.algorithm.loss,
        "optimizer": task.algorithm.optimizer,
        "rounds": len(lineage.rounds),
        "coordinates": task.model.coordinates,
    }
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": measured},
        "considerations": {"technicalLimitations": list(limits)},
        "properties": _properties(training),
    }


def _data(lineage: Lineage) -> list[Component]:
    return [_data_set(owner, updates) for owner, updates in lineage.counted.items()]


def _data_set(owner: str, updates: Sequence[Update]) -> Component:
    """What a participant trained on: it never left its owner, so a claimed size is all there is."""
    claimed = max(update.samples for update in updates)
    about = {
        "claimedSamples": claimed,
        "countedRounds": ", ".join(str(update.round) for update in updates),
    }
    return {
        "type": "data",
        "bom-ref": _data_ref(owner),
        "name": f"training data of {owner}",
        "data": [
            {
                "type": "dataset",
                "name": f"held by {owner}",
                "classification": "not disclosed",
                "governance": {"custodians": [{"organization": {"name": owner}}]},
            }
        ],
        "properties": _properties(about),
    }


def _document(lineage: Lineage) -> Component:
    document = lineage.task.cid
    return {
        "type": "data",
        "bom-ref": "task-document",
        "name": f"task document {document}",
        "hashes": [_sha256(document.digest.hex())],
        "data": [{"type": "configuration", "name": str(document)}],
    }


def _code(lineage: Lineage) -> Component:
    bundle = {"bundleSha256": lineage.task.model.bundle.hex()}
    return {
        "type": "application",
        "bom-ref": "operators-code",
        "name": lineage.task.model.entry,
        "description": "the code that operators installed; one SHA-256 over its paths and files",
        "properties": _properties(bundle),
    }


def _contracts(lineage: Lineage) -> list[Component]:
    return [
        {
            "type": "application",
            "bom-ref": f"contract-{name.lower()}",
            "name": f"{name}.sol",
            "version": __version__,
            "properties": _properties({"shippedRuntimeKeccak256": keccak(code).hex()}),
        }
        for name in ("Federation", "Court", "Vault")
        for code in [artifact(name).runtime]
    ]


def _sheaf(ref: str = _SHEAF) -> Component:
    return _package("sheaf", __version__) | {"bom-ref": ref}


def _packages() -> list[Component]:
    found = []
    for name in _SOFTWARE:
        try:
            found.append(_package(name, version(name)))
        except PackageNotFoundError:  # installed under another name, or part of the system
            continue
    return found


def _package(name: str, version: str) -> Component:
    return {
        "type": "library",
        "bom-ref": f"software-{name}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
    }


def _license(identifier: str) -> dict[str, str]:
    known = LICENSES.get(identifier.lower())
    return {"id": known} if known else {"name": identifier}


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _data_ref(owner: str) -> str:
    return f"data-{owner}"


def _properties(about: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"sheaf:{name}", "value": str(value)} for name, value in about.items()]
