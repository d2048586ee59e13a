"""The lineage as OpenLineage events (specification 2-0-2), one JSON object a line, in ledger time.

The task is a run of its own and the parent of its rounds. A round starts with the model that stands
and completes with the model made of it and of the counted updates; one without a model is aborted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sheaf import __version__
from sheaf.audit.provenance.graph import Lineage, Model, Round, Update, instant

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_PARENT = f"{_SPEC}/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet"
_VERSION = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_PRODUCER = f"urn:sheaf:software:{__version__}"


def events(lineage: Lineage) -> bytes:
    """The events of a task, the earliest first."""
    lines = (json.dumps(event) for event in _events(lineage))
    return "".join(f"{line}\n" for line in lines).encode()


def _events(lineage: Lineage) -> Iterator[dict[str, Any]]:
    initial, final = _model(lineage, lineage.initial), _model(lineage, lineage.final)
    yield _event(lineage, 0, "START", lineage.published, [initial])
    for found in lineage.rounds:
        yield from _round(lineage, found)
    if lineage.final.round:
        yield _event(lineage, 0, "COMPLETE", lineage.ended, [initial], [final])
    else:
        yield _event(lineage, 0, "ABORT", lineage.ended, [initial])


def _round(lineage: Lineage, found: Round) -> Iterator[dict[str, Any]]:
    base = next(model for model in lineage.models if model.round == found.base)
    inputs, number = [_model(lineage, base)], found.number
    yield _event(lineage, number, "START", found.started, inputs)
    if found.model is None:
        yield _event(lineage, number, "ABORT", found.ended, inputs)
        return
    counted = [_update(lineage, update) for update in found.updates if update.counted]
    made = [_model(lineage, found.model)]
    yield _event(lineage, number, "COMPLETE", found.ended, [*inputs, *counted], made)


def _event(
    lineage: Lineage,
    round: int,
    kind: str,
    time: int,
    inputs: Sequence[dict[str, Any]] = (),
    outputs: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A run event of the task (round 0) or of one of its rounds."""
    parent = {"run": {"runId": _run_id(lineage, 0)}, "job": _job(lineage, 0)}
    facets = {"parent": _facet(_PARENT, parent)} if round else {}
    return {
        "eventType": kind,
        "eventTime": instant(time),
        "run": {"runId": _run_id(lineage, round), "facets": facets},
        "job": {**_job(lineage, round), "facets": {}},
        "inputs": list(inputs),
        "outputs": list(outputs),
        "producer": _PRODUCER,
        "schemaURL": _EVENT,
    }


def _run_id(lineage: Lineage, round: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"urn:sheaf:task:{lineage.task_id}:round:{round}"))


def _job(lineage: Lineage, round: int) -> dict[str, str]:
    name = f"{lineage.task.name}.round" if round else lineage.task.name
    return {"namespace": _namespace(lineage), "name": name}


def _namespace(lineage: Lineage) -> str:
    return f"sheaf://{lineage.chain_id}/{lineage.federation}"


def _model(lineage: Lineage, model: Model) -> dict[str, Any]:
    return _dataset(lineage, f"model/{model.round}", model.tree_root)


def _update(lineage: Lineage, update: Update) -> dict[str, Any]:
    return _dataset(lineage, f"update/{update.round}/{update.position}", update.root)


def _dataset(lineage: Lineage, name: str, root: str) -> dict[str, Any]:
    return {
        "namespace": _namespace(lineage),
        "name": f"{lineage.task_id}/{name}",
        "facets": {"version": _facet(_VERSION, {"datasetVersion": root})},
    }


def _facet(schema: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"_producer": _PRODUCER, "_schemaURL": schema, **content}
