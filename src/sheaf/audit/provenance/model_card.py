"""The model card that a model hub shows: a README whose metadata is YAML, with the roots in it.

YAML contains JSON, so the values are written as JSON and nothing has to be escaped twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sheaf.audit.plainly import literal
from sheaf.audit.provenance.graph import LICENSES, REPORTED, Lineage, Round, instant
from sheaf.nodes.summary import MODEL_FILE

_NOT_SHOWN = (
    "that the data behind the updates are real, or that the updates come from training",
    "that different accounts are different parties",
    "that the model is fit for any use",
)


def card(lineage: Lineage) -> bytes:
    """The card's bytes, Markdown in UTF-8."""
    lines = [*_metadata(lineage), *_body(lineage)]
    return ("\n".join(lines) + "\n").encode()


def _metadata(lineage: Lineage) -> Iterator[str]:
    fields: dict[str, Any] = {
        **_license(lineage.task.license),
        "library_name": "sheaf",
        "tags": ["federated-learning", "verifiable", "sheaf"],
    }
    final = lineage.final
    if final.metrics:
        fields["model-index"] = [{"name": lineage.task.name, "results": [_result(lineage)]}]
    yield "---"
    for name, value in fields.items():
        yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
    yield "---"


def _license(identifier: str) -> dict[str, str]:
    """Hubs know some licences by name; of another, the name is told."""
    if identifier.lower() in LICENSES:
        return {"license": identifier.lower()}
    return {"license": "other", "license_name": identifier}


def _result(lineage: Lineage) -> dict[str, Any]:
    return {
        "task": {"type": "other", "name": lineage.task.name},
        "dataset": {"name": "the sponsor's held-out data", "type": "private"},
        "metrics": [
            {"type": name, "value": value, "name": f"{name} ({REPORTED})", "verified": False}
            for name, value in lineage.final.metrics.items()
        ],
    }


def _body(lineage: Lineage) -> Iterator[str]:
    task, final = lineage.task, lineage.final
    yield from ("", f"# {literal(task.name)}", "")
    yield (
        f"Trained by federated learning in {len(lineage.rounds)} rounds: {len(lineage.counted)} "
        f"participants kept their data and sent updates, which {task.rule.name} combined. A "
        f"ledger holds the history, and the file `{MODEL_FILE}` is the model that it ends with."
    )
    facts = {
        "model root": final.root,
        "tree root": final.tree_root,
        f"SHA-256 of {MODEL_FILE}": lineage.file,
        "task": lineage.task_id,
        "task document": task.cid,
        "chain": lineage.chain_id,
        "federation": lineage.federation,
        "sponsor": lineage.sponsor,
        "head": f"{lineage.head} (block {lineage.blocks})",
        "code": f"{task.model.entry}, bundle {task.model.bundle.hex()}",
        "algorithm": f"{task.algorithm.name}, {task.algorithm.optimizer}, {task.algorithm.loss}",
        "weights": f"{task.model.coordinates:,}, {task.model.fraction_bits} fraction bits",
    }
    rows = [(name, f"`{value}`") for name, value in facts.items()]
    yield from _section("What it is", _table(("what", "value"), rows))
    yield from _section("Rounds", _rounds(lineage))
    yield from _section("Metrics", _metrics(lineage))
    yield from _section("How to check it", _check())
    yield from _section("What is not shown", [f"- {limit}" for limit in _NOT_SHOWN])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *lines]


def _rounds(lineage: Lineage) -> list[str]:
    names = ("round", "ended (ledger time)", "outcome", "drawn", "counted", "model root")
    return _table(names, [_row(found) for found in lineage.rounds])


def _row(found: Round) -> Sequence[str]:
    counted = sum(update.counted for update in found.updates)
    root = f"`{found.model.root}`" if found.model else "none"
    drawn = str(len(found.cohort))
    return (
        str(found.number),
        instant(found.ended),
        literal(found.outcome),
        drawn,
        str(counted),
        root,
    )


def _metrics(lineage: Lineage) -> list[str]:
    models = list(lineage.models)
    names = sorted({name for model in models for name in model.metrics})
    if not names:
        return ["None were reported."]
    rows = [
        (str(model.round), *(str(model.metrics.get(name, "-")) for name in names))
        for model in models
    ]
    said = "The sponsor reports these of data that it holds; `sheaf verify --metrics` recomputes"
    return [f"{said} them.", "", *_table(("round", *names), rows)]


def _check() -> list[str]:
    return [
        "With the attestation and a header of the ledger, offline:",
        "",
        f"    sheaf verify-model {MODEL_FILE} --attestation attestation.json --header header.hex",
        "",
        "With the run's folder, and an endpoint if it was on a chain, everything is recomputed:",
        "",
        "    sheaf verify RUN --head HEAD",
    ]


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = (names, ["---"] * len(names), *rows)
    return [f"| {' | '.join(line)} |" for line in lines]
