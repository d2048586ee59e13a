"""What a sponsor states for the compliance map: every sentence there that no evidence gives.

A file of these has a table for each record and a key for each sentence; what it leaves out stays to
be stated. Nothing of it is checked, and the map marks all of it as asserted.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST = 2_000
"""Characters of one statement."""


def _one_line(text: str) -> str:
    """`text` on one line. Raises `ValueError` for nothing, too much, and what cannot be seen."""
    line = " ".join(text.split())
    if not line or not line.isprintable() or len(line) > LONGEST:
        raise ValueError(f"1 to {LONGEST} characters that can be seen")
    return line


Text = Annotated[str, AfterValidator(_one_line)] | None


def _said(what: str) -> Any:
    """A key that need not be there; `what` its sentence is about."""
    return Field(default=None, description=what)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Gdpr(_Table):
    """Of the record of processing, Regulation (EU) 2016/679, Article 30(1)."""

    controller: Text = Field(
        default=None,
        description="Names and contact details of the controller and of joint controllers",
    )
    representative: Text = _said("Representative and data protection officer")
    purposes: Text = _said("Purposes, and the legal basis for each")
    subjects: Text = _said("Categories of data subjects")
    data: Text = _said("Categories of personal data, special categories among them")
    recipients: Text = _said("Categories of recipients of the model")
    transfers: Text = _said("Transfers, and the documentation of suitable safeguards")
    erasure: Text = _said("Time limits for raw data, updates and models in stores")
    measures: Text = _said("Measures around keys, machines and people")


class AiAct(_Table):
    """Of the technical documentation, Regulation (EU) 2024/1689, Annex IV."""

    purpose: Text = Field(
        default=None,
        description="Intended purpose, provider, and how the system is placed on the market",
    )
    interaction: Text = Field(
        default=None,
        description="Hardware and software that it interacts with; instructions for use",
    )
    data: Text = Field(
        default=None,
        description="Provenance, collection, labelling and cleaning of the training data",
    )
    oversight: Text = _said("Human oversight measures and pre-determined changes")
    design: Text = _said("Design choices and their rationale")
    testing: Text = _said("Validation and testing procedures, their data, logs and reports")
    cybersecurity: Text = _said("Cybersecurity measures around the system")
    accuracy: Text = Field(
        default=None,
        description="Accuracy for the persons or groups it is meant for, and its limitations",
    )
    risks: Text = _said("Foreseeable unintended outcomes and sources of risk")
    metrics: Text = _said("Why these metrics fit the purpose")
    risk_management: Text = _said("The risk management system of Article 9")
    changes: Text = _said("Changes made after the task ended")
    standards: Text = _said("Standards and other specifications")
    declaration: Text = _said("A copy of the declaration, if there is")
    monitoring: Text = _said("The monitoring plan of Article 72")


class Hipaa(_Table):
    """Of the safeguards, 45 CFR 164.308 to 164.316."""

    administration: Text = Field(
        default=None,
        description="Risk analysis, assigned responsibility, workforce security and training",
    )
    incidents: Text = Field(
        default=None,
        description="Incident procedures and contingency plan",
    )
    facilities: Text = _said("Facility access, workstations, devices and media")
    access: Text = _said("Access to machines and stores that hold health records")
    keys: Text = _said("Who holds which key")
    contracts: Text = _said("Business associate contracts and other arrangements")
    transmission: Text = _said("Encryption of connections between parties")
    policies: Text = _said("Policies and procedures, and where they are kept for six years")


class Statements(_Table):
    """All of a sponsor's, by record."""

    gdpr: Gdpr = Gdpr()
    ai_act: AiAct = AiAct()
    hipaa: Hipaa = Hipaa()

    def told(self, key: str) -> str:
        """A sentence of the map, such as that of `gdpr.purposes`: what is stated, or that it is to
        be."""
        record, _, name = key.partition(".")
        table = getattr(self, record)
        what = type(table).model_fields[name].description
        return f"{what}: {getattr(table, name) or 'to be stated.'}"


NOTHING = Statements()
"""Of a sponsor that stated nothing."""
