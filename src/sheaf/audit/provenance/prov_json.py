"""The lineage as W3C PROV (PROV-DM of 2013, in the PROV-JSON submission's form).

Entities are the task document, the draws, the updates, the models, the model's file, and what was
signed about them; activities
are rounds, trainings and aggregations; agents are the actors by their ledger addresses. What a
training took from a participant's data is not on the ledger, so it is no entity here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sheaf.audit.provenance.graph import (
    REPORTED,
    Actor,
    Lineage,
    Model,
    Round,
    Signed,
    Update,
    instant,
)
from sheaf.nodes.summary import MODEL_FILE, json_text

Records = dict[str, dict[str, dict[str, Any]]]


def document(lineage: Lineage) -> bytes:
    """The PROV-JSON document of a lineage."""
    writer = _Writer(lineage)
    writer.task()
    for actor in lineage.actors:
        writer.agent(actor)
    writer.model(lineage.initial, None)
    for found in lineage.rounds:
        writer.round(found)
    writer.file()
    for number, each in enumerate(lineage.receipts, start=1):
        writer.receipt(f"task:receipt-{number}", each)
    return json_text({"prefix": writer.prefixes, **writer.records}).encode()


class _Writer:
    """Collects records by their kind; relations are numbered in the order they are told."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.records: Records = defaultdict(dict)
        self.prefixes = {
            "task": f"urn:sheaf:task:{lineage.task_id}:",
            "ledger": f"urn:sheaf:chain:{lineage.chain_id}:",
            "sheaf": "urn:sheaf:provenance:1:",
        }
        self._relations = 0
        self._told = {(m.round, m.tree_root): _model(m.round) for m in lineage.models}
        for update in (each for found in lineage.rounds for each in found.updates):
            self._told[update.round, update.root] = _update(update)

    def task(self) -> None:
        """The task document, which the sponsor published."""
        document, name = self.lineage.task.cid, self.lineage.task.name
        about = {"prov:label": name, "sheaf:contentId": str(document)}
        self._record("entity", "task:document", "TaskDocument", about)
        self._relate("wasAttributedTo", entity="task:document", agent=_agent(self.lineage.sponsor))

    def agent(self, actor: Actor) -> None:
        """An actor. Its name is the run's word."""
        kind = actor.role.capitalize()
        about = {"sheaf:address": actor.address}
        about |= {"sheaf:reportedName": actor.name} if actor.name else {}
        self._record("agent", _agent(actor.address), kind, about)

    def model(self, model: Model, found: Round | None) -> None:
        """A model, and what it was made of."""
        name = _model(model.round)
        metrics = {f"sheaf:metric-{key}": value for key, value in model.metrics.items()}
        about: dict[str, Any] = {
            "prov:label": f"model after round {model.round}" if found else "initial model",
            "sheaf:treeRoot": model.tree_root,
            "sheaf:modelRoot": model.root,
            "sheaf:transaction": model.transaction,
        }
        about |= {**metrics, "sheaf:metrics": REPORTED} if metrics else {}
        self._record("entity", name, "Model", about)
        if found is None:
            self._relate("wasAttributedTo", entity=name, agent=_agent(self.lineage.sponsor))
            return
        work = f"task:aggregation-{found.number}"
        self._derive(name, _model(found.base), work)
        for update in (each for each in found.updates if each.counted):
            self._derive(name, _update(update), work)

    def round(self, found: Round) -> None:
        """A round: its draw, its trainings, and the aggregation where there was one."""
        number = found.number
        name, draw = f"task:round-{number}", f"task:draw-{number}"
        about = {"sheaf:outcome": found.outcome, "sheaf:cohort": len(found.cohort)}
        self._activity(name, "Round", found.started, found.ended, about)
        self._record("entity", draw, "Draw", {"sheaf:seed": found.draw})
        self._relate("wasGeneratedBy", entity=draw, activity=name, time=instant(found.started))
        for update in found.updates:
            self._training(found, update, draw)
        if found.model is not None:
            self._aggregation(found, found.model)

    def file(self) -> None:
        """The float view of the last model, which is what people load."""
        about = {"prov:label": MODEL_FILE, "sheaf:sha256": self.lineage.file}
        self._record("entity", "task:file", "ModelFile", about)
        final = _model(self.lineage.final.round)
        self._relate("wasDerivedFrom", generatedEntity="task:file", usedEntity=final)
        self._relate("alternateOf", alternate1="task:file", alternate2=final)

    def receipt(self, name: str, signed: Signed) -> None:
        """What somebody signed, and the update, the model or the document that it is about."""
        about: dict[str, Any] = {
            "sheaf:sha256": signed.id,
            "sheaf:step": signed.step,
            "sheaf:round": signed.round,
        }
        about |= {"sheaf:attempt": signed.attempt} if signed.attempt else {}
        self._record("entity", name, "Receipt", about)
        self._relate("wasAttributedTo", entity=name, agent=_agent(signed.owner))
        if signed.step == "publish":
            told: str | None = "task:document"
        else:
            told = self._told.get((signed.round, signed.root))
        if told is not None:
            self._relate("wasInfluencedBy", influencee=name, influencer=told)

    def _training(self, found: Round, update: Update, draw: str) -> None:
        """A training as the ledger sees it: from the draw to the commitment."""
        work, made = f"task:training-{update.round}-{update.position}", _update(update)
        self._activity(work, "Training", found.started, update.committed, {})
        for used in ("task:document", draw, _model(found.base)):
            self._relate("used", activity=work, entity=used)
        self._relate("wasAssociatedWith", activity=work, agent=_agent(update.owner))
        about = {
            "sheaf:treeRoot": update.root,
            "sheaf:claimedSamples": update.samples,
            "sheaf:counted": update.counted,
        }
        self._record("entity", made, "Update", about)
        self._relate("wasGeneratedBy", entity=made, activity=work, time=instant(update.committed))
        self._relate("wasAttributedTo", entity=made, agent=_agent(update.owner))
        self._derive(made, _model(found.base), work)

    def _aggregation(self, found: Round, model: Model) -> None:
        work, name = f"task:aggregation-{found.number}", _model(found.number)
        self._activity(work, "Aggregation", *found.aggregated, {})
        counted = [_update(update) for update in found.updates if update.counted]
        for used in ("task:document", _model(found.base), *counted):
            self._relate("used", activity=work, entity=used)
        for voter in found.voters:
            self._relate("wasAssociatedWith", activity=work, agent=_agent(voter))
        self.model(model, found)
        until = instant(found.aggregated[1])
        self._relate("wasGeneratedBy", entity=name, activity=work, time=until)
        self._relate("wasInformedBy", informed=f"task:round-{found.number}", informant=work)

    def _activity(self, name: str, kind: str, start: int, end: int, about: dict[str, Any]) -> None:
        times = {"prov:startTime": instant(start), "prov:endTime": instant(end)}
        self._record("activity", name, kind, {**times, **about})

    def _derive(self, made: str, of: str, work: str) -> None:
        self._relate("wasDerivedFrom", generatedEntity=made, usedEntity=of, activity=work)

    def _record(self, kind: str, name: str, type: str, about: dict[str, Any]) -> None:
        typed = {"$": f"sheaf:{type}", "type": "prov:QUALIFIED_NAME"}
        self.records[kind][name] = {"prov:type": typed, **about}

    def _relate(self, kind: str, **arguments: str) -> None:
        self._relations += 1
        plain = {f"prov:{name}": value for name, value in arguments.items()}
        self.records[kind][f"_:r{self._relations}"] = plain


def _agent(address: str) -> str:
    return f"ledger:{address}"


def _model(round: int) -> str:
    return f"task:model-{round}"


def _update(update: Update) -> str:
    return f"task:update-{update.round}-{update.position}"
