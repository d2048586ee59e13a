"""Evidence of tasks in which there was a court: what the nodes sent in a rehearsal, replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dag_cbor

from sheaf.nodes import effects as e
from sheaf.nodes.evidence import Evidence, Report, Witness
from sheaf.protocol import actions as a
from sheaf.simulation import liars
from tests.audit.staging import Order, evidence_of
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom, held

NUMBERED: dict[str, Any] = {"coordinates": 519, "rounds": 1}


def evidence_in(room: Courtroom) -> tuple[Evidence, Report]:
    """What a verification of a rehearsal would hand out."""
    accounts = {name: actor.state.account for name, actor in room.actors.items()}
    orders = [Order(accounts[sent.name], sent.now, _readable(sent.action)) for sent in room.sent]
    names = {account: name for name, account in accounts.items()}
    evidence, report = evidence_of(room.task, orders, names)
    return replace(evidence, store=Witness(room.shared)), report


def _readable(action: a.Action) -> a.Action:
    """A rehearsal reports nothing, which no verification would let pass; here an empty map."""
    return replace(action, metrics=dag_cbor.encode({})) if isinstance(action, a.Report) else action


def overturned() -> Courtroom:
    """A wrong claim whose bytes are withheld: a descent, a challenge, a claim that falls."""
    fault = faults.in_first_attempts(liars.wrong_at(299))
    lies: dict[type[object], Any] = {e.Aggregate: fault, e.PublishModel: liars.keeping}
    return held({"aggregator": lies}, **NUMBERED)


def withheld() -> Courtroom:
    """An update that nobody serves: demands, of which one drops it."""
    keeps: dict[type[object], Any] = {e.PublishUpdate: liars.keeping, e.Produce: liars.mute}
    blind: dict[type[object], Any] = {
        e.Collect: faults.attesting,
        e.Aggregate: faults.in_first_attempts(faults.from_nothing),
        e.PublishModel: liars.keeping,
    }
    return held({"participant-2": keeps, "aggregator": blind})


def served() -> Courtroom:
    """An update that is posted only when it is demanded: the bond pays for the answer."""
    keeps: dict[type[object], Any] = {e.PublishUpdate: liars.keeping}
    blind: dict[type[object], Any] = {
        e.Collect: faults.attesting,
        e.Aggregate: faults.in_first_attempts(faults.from_nothing),
        e.PublishModel: liars.keeping,
    }
    return held({"participant-2": keeps, "aggregator": blind})


def missed(owner: dict[type[object], Any]) -> Courtroom:
    """An update that members attested and were not served, which they open as missing; its owner
    keeps it, and answers as it likes."""
    keeps: dict[type[object], Any] = {e.PublishUpdate: liars.keeping, **owner}
    return held({"participant-2": keeps, "aggregator": {e.Collect: faults.attesting}})


def argued() -> tuple[Evidence, Report]:
    """The evidence of a claim that was overturned after a descent."""
    return evidence_in(overturned())
