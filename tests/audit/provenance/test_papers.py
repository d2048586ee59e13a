"""Every artefact is what its public schema or library says, and tells what the ledger does."""

from __future__ import annotations

import hashlib
import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from huggingface_hub import ModelCard
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import dataset_version_dataset, parent_run
from openlineage.client.serde import Serde
from prov.model import ProvDocument

from sheaf.audit.provenance.papers import FILES, papers
from sheaf.identity.predicates import SETTLED_MODEL
from sheaf.ledger.archive import FileArchive
from sheaf.ledger.federation import federation_interface
from sheaf.ledger.inclusion import logs_of
from sheaf.nodes.receipts import owed
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import TaskEnded
from tests.audit.provenance.scene import Scene
from tests.nodes.stage import evidence_of

ENDED = ("START", "COMPLETE")
"""What becomes of a round that settles."""


@pytest.fixture(params=["honest", "rough"])
def scene(request: pytest.FixtureRequest) -> Scene:
    found: Scene = request.getfixturevalue(request.param)
    return found


def test_the_same_run_gives_the_same_bytes(honest: Scene) -> None:
    with FileArchive.opened(honest.ledger) as archive:
        again = papers(evidence_of(honest.played.directory), archive, FILES)
    assert again == honest.papers
    assert set(again) == set(FILES.values())


def test_only_what_is_asked_for_is_made(honest: Scene) -> None:
    with FileArchive.opened(honest.ledger) as archive:
        found = papers(honest.evidence, archive, ["prov", "header"])
    assert found == {name: honest.papers[name] for name in ("header.hex", "prov.json")}


def test_an_attestation_that_no_reader_would_take_is_not_made(honest: Scene) -> None:
    size = len(honest.statement)
    with FileArchive.opened(honest.ledger) as archive:
        made = papers(honest.evidence, archive, ["attestation"], most_bytes=size)
        assert made["attestation.json"] == honest.statement
        with pytest.raises(InvalidUsage) as caught:
            papers(honest.evidence, archive, ["attestation"], most_bytes=size - 1)
        topic = federation_interface().topic(TaskEnded)
        blocks = [
            number
            for number in range(1, honest.head.number + 1)
            for receipt in archive.receipts(number)
            if topic in [log.topics[0] for log in logs_of(receipt)]
        ]
    found = f"{size:,} bytes, with the headers up to block {honest.head.number}"
    assert caught.value.message == f"attestation: found {found}, accepted: at most {size - 1:,}"
    (ended,) = blocks
    assert caught.value.hint.startswith(f"--head HASH, of block {ended}, in which the task ended")


def test_what_an_attestation_is_checked_against_is_where_it_is_to_be(
    honest: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with FileArchive.opened(honest.ledger) as archive:
        for out in (tmp_path, tmp_path / "new" / "papers"):
            made = papers(honest.evidence, archive, ["attestation"], out=out)
            assert made["attestation.json"] == honest.statement
    assert [*tmp_path.iterdir()] == []


# W3C PROV, read by the prov package


def document(scene: Scene) -> ProvDocument:
    return ProvDocument.deserialize(content=scene.papers["prov.json"].decode(), format="json")


def edges(scene: Scene, kind: str, of: str, to: str) -> set[tuple[str, str]]:
    """Pairs of local names that a relation ties."""
    plain = json.loads(scene.papers["prov.json"])
    return {
        (each[f"prov:{of}"].removeprefix("task:"), each[f"prov:{to}"].removeprefix("task:"))
        for each in plain.get(kind, {}).values()
    }


def test_the_prov_package_reads_all_of_it(scene: Scene) -> None:
    found = document(scene)
    plain = json.loads(scene.papers["prov.json"])
    assert len(list(found.get_records())) == sum(
        len(plain[kind]) for kind in plain if kind != "prefix"
    )
    # Every name is written once, so nothing changes when records of a name are made one.
    assert found.unified() == found
    again = ProvDocument.deserialize(content=found.serialize(format="json"), format="json")
    assert again == found


def test_every_name_in_a_relation_is_told_of(scene: Scene) -> None:
    plain = json.loads(scene.papers["prov.json"])
    told = {name for kind in ("entity", "activity", "agent") for name in plain[kind]}
    kinds = plain.keys() - {"prefix", "entity", "activity", "agent"}
    named = {
        value
        for kind in kinds
        for record in plain[kind].values()
        for key, value in record.items()
        if key != "prov:time"
    }
    assert named <= told
    assert len(told) - len(named) <= len(scene.lineage.actors)  # who did nothing is told of, too


def test_models_derive_from_models_and_counted_updates(honest: Scene) -> None:
    derived = edges(honest, "wasDerivedFrom", "generatedEntity", "usedEntity")
    expected = {("model-1", "model-0"), ("model-2", "model-1"), ("file", "model-2")}
    for number in (1, 2):
        for position in range(4):
            update = f"update-{number}-{position}"
            expected |= {(f"model-{number}", update), (update, f"model-{number - 1}")}
    assert derived == expected


def test_an_aborted_round_makes_no_model(rough: Scene) -> None:
    derived = edges(rough, "wasDerivedFrom", "generatedEntity", "usedEntity")
    models = {pair for pair in derived if all(name.startswith("model") for name in pair)}
    assert models == {("model-1", "model-0"), ("model-3", "model-1")}
    plain = json.loads(rough.papers["prov.json"])
    outcomes = {
        number: plain["activity"][f"task:round-{number}"]["sheaf:outcome"] for number in (1, 2, 3)
    }
    assert outcomes == {1: "settled", 2: "aborted: too_few_commits", 3: "settled"}
    # Three of the third round's four revealed, and nobody trained in the second.
    trained = {name for name in plain["activity"] if name.startswith("task:training-")}
    assert sorted(name[14:15] for name in trained) == ["1"] * 4 + ["3"] * 3


def test_agents_are_the_actors_by_address(honest: Scene) -> None:
    plain = json.loads(honest.papers["prov.json"])
    names = honest.played.summary["accounts"]
    seated = {a for a, name in names.items() if not name.startswith(("challenger", "deployer"))}
    assert {agent["sheaf:address"] for agent in plain["agent"].values()} == seated
    owners = edges(honest, "wasAttributedTo", "entity", "agent")
    updates = {agent for entity, agent in owners if entity.startswith("update-1-")}
    participants = {f"ledger:{a}" for a, name in names.items() if name.startswith("participant")}
    assert updates == participants


def test_receipts_are_attributed_and_say_what_they_are_about(honest: Scene) -> None:
    plain = json.loads(honest.papers["prov.json"])
    signed = {name: e for name, e in plain["entity"].items() if name.startswith("task:receipt-")}
    assert [e["sheaf:step"] for e in signed.values()] == (["update"] * 4 + ["verdict"] * 3) * 2 + [
        "publish"
    ] + ["report"] * 3
    ids = {found.receipt.hex() for found in owed(honest.evidence)}
    assert {e["sheaf:sha256"] for e in signed.values()} == ids
    owners = dict(edges(honest, "wasAttributedTo", "entity", "agent"))
    about = dict(edges(honest, "wasInfluencedBy", "influencee", "influencer"))
    assert len(about) == len(signed)
    for name, entity in signed.items():
        local, round = name.removeprefix("task:"), entity["sheaf:round"]
        found = about[local]
        if entity["sheaf:step"] == "update":
            assert owners[local] == owners[found]
            assert found.startswith(f"update-{round}-")
        else:
            assert found == ("document" if entity["sheaf:step"] == "publish" else f"model-{round}")


# CycloneDX, by the library's own copy of the schema


def test_the_bill_is_of_the_schema(scene: Scene) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = scene.papers["bom.cdx.json"].decode()
    assert validator.validate_str(text) is None
    plain = json.loads(text)
    plain["components"][0]["type"] = "training-data"
    assert validator.validate_str(json.dumps(plain)) is not None


def test_the_bill_names_file_roots_and_parts(honest: Scene) -> None:
    plain = json.loads(honest.papers["bom.cdx.json"])
    model = plain["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256(honest.model).hexdigest()}
    ]
    properties = {each["name"]: each["value"] for each in model["properties"]}
    assert properties["sheaf:modelRoot"] == honest.played.summary["model"]["root"]
    data = [each for each in plain["components"] if each["bom-ref"].startswith("data-")]
    # The project's first participant has 80 samples, the others 40.
    samples = sorted(each["properties"][0]["value"] for each in data)
    assert samples == ["40", "40", "40", "80"]
    assert all("contents" not in each["data"][0] for each in data)
    refs = {each["bom-ref"] for each in plain["components"]} | {"model"}
    assert {each["ref"] for each in plain["dependencies"]} == refs
    (whole,) = [each for each in plain["dependencies"] if each["ref"] == "model"]
    assert {each["bom-ref"] for each in data} < set(whole["dependsOn"]) < refs


def test_metrics_are_marked_as_reported(honest: Scene) -> None:
    plain = json.loads(honest.papers["bom.cdx.json"])
    card = plain["metadata"]["component"]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    reported = honest.played.summary["metrics"]
    assert {each["type"]: each["value"] for each in metrics} == {
        name: str(value) for name, value in reported.items()
    }
    assert all("reported by the sponsor, not recomputed" in each["slice"] for each in metrics)


# The model card, by huggingface_hub


def test_the_hub_s_library_reads_the_card(honest: Scene, tmp_path: Any) -> None:
    (tmp_path / "README.md").write_bytes(honest.papers["README.md"])
    card = ModelCard.load(tmp_path / "README.md")
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "sheaf")
    found = {each.metric_type: each.metric_value for each in card.data.eval_results}
    assert found == honest.played.summary["metrics"]
    assert all("reported by the sponsor" in each.metric_name for each in card.data.eval_results)
    assert all(each.verified is False for each in card.data.eval_results)
    assert honest.played.summary["model"]["root"] in card.text
    assert hashlib.sha256(honest.model).hexdigest() in card.text
    for row in honest.played.summary["rounds"]:
        assert f"| {row['round']} | " in card.text
        assert row["model_root"] in card.text


def test_an_aborted_round_stands_in_the_card(rough: Scene) -> None:
    text = rough.papers["README.md"].decode()
    (row,) = [line for line in text.splitlines() if line.startswith("| 2 | 20")]
    assert row.endswith(r"| aborted: too\_few\_commits | 4 | 0 | none |")


# OpenLineage, by the client's classes


def facets(plain: dict[str, Any]) -> dict[str, Any]:
    version = plain["version"]
    known = dataset_version_dataset.DatasetVersionDatasetFacet
    return {"version": known(version["datasetVersion"], producer=version["_producer"])}


def rebuilt(plain: dict[str, Any]) -> RunEvent:
    """The event as the client's classes make it, which check what they are given."""
    run = Run(runId=plain["run"]["runId"])
    parent = plain["run"]["facets"].get("parent")
    if parent:
        run.facets = {
            "parent": parent_run.ParentRunFacet(
                run=parent_run.Run(runId=parent["run"]["runId"]),
                job=parent_run.Job(**parent["job"]),
                producer=parent["_producer"],
            )
        }
    inputs = [
        InputDataset(each["namespace"], each["name"], facets=facets(each["facets"]))
        for each in plain["inputs"]
    ]
    outputs = [
        OutputDataset(each["namespace"], each["name"], facets=facets(each["facets"]))
        for each in plain["outputs"]
    ]
    return RunEvent(
        eventType=RunState(plain["eventType"]),
        eventTime=plain["eventTime"],
        run=run,
        job=Job(plain["job"]["namespace"], plain["job"]["name"]),
        inputs=inputs,
        outputs=outputs,
        producer=plain["producer"],
    )


def without_empty(value: Any) -> Any:
    """What two ways of leaving something out have in common."""
    if isinstance(value, dict):
        kept = {key: without_empty(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in ({}, [], None)}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def test_events_are_as_the_client_writes_them(scene: Scene) -> None:
    """By the classes of OpenLineage's own client, which are generated from the public JSON schema
    and name it: no package on PyPI or npm ships that schema (the client's wheel and its source
    archive hold none), so that there is no file to hold the events against without a network."""
    lines = scene.papers["openlineage.ndjson"].decode().splitlines()
    for line in lines:
        plain = json.loads(line)
        written = json.loads(Serde.to_json(rebuilt(plain)))
        assert without_empty(written) == without_empty(plain)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("honest", ["START", *ENDED, *ENDED, "COMPLETE"]),
        ("rough", ["START", *ENDED, "START", "ABORT", *ENDED, "COMPLETE"]),
    ],
)
def test_each_round_starts_and_ends_within_the_task(
    request: pytest.FixtureRequest, name: str, kinds: list[str]
) -> None:
    scene: Scene = request.getfixturevalue(name)
    events = [json.loads(line) for line in scene.papers["openlineage.ndjson"].splitlines()]
    assert [event["eventType"] for event in events] == kinds
    times = [datetime.fromisoformat(event["eventTime"]) for event in events]
    assert times == sorted(times)
    runs = [event["run"]["runId"] for event in events]
    assert runs[0] == runs[-1]
    assert all(runs.count(run) == 2 for run in runs)
    last = scene.lineage.final
    (output,) = events[-1]["outputs"]
    assert output["facets"]["version"]["datasetVersion"] == last.tree_root


# in-toto, by its protocol buffers


def test_the_statement_is_one_of_in_toto_s(honest: Scene) -> None:
    message = statement_pb2.Statement()
    json_format.Parse(honest.statement, message)
    found = Statement.copy_from_pb(message)
    found.validate()
    assert message.predicate_type == SETTLED_MODEL
    digest = hashlib.sha256(honest.model).hexdigest()
    assert dict(message.subject[0].digest) == {"sha256": digest}
    tree = honest.lineage.final.tree_root
    assert dict(message.subject[1].digest) == {"rfc9162_sha256_4096": tree}
