"""The compliance map: what follows from evidence names it, and everything else is marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import sheaf
from sheaf.audit.compliance import ASSERTED, compliance, markdown
from sheaf.audit.dossier import dossier
from sheaf.audit.page import page
from sheaf.audit.plainly import literal
from sheaf.audit.statements import Statements
from tests.audit.staging import evidence_of, pageant

HASHES, ADDRESSES = re.compile(r"(0x)?[0-9a-f]{64}"), re.compile(r"0x[0-9a-fA-F]{40}(?!\w)")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    played = pageant(4, 2)
    checks = [("commitments", 8, "opened reveals match their commitments")]
    return dossier(*evidence_of(played.task, played.orders, reports=checks))


def test_every_sentence_is_evidence_or_asserted(made: dict[str, Any]) -> None:
    lines = [line for line in markdown(made).splitlines() if line.startswith("- ")]
    marked = re.compile(rf"\*\((evidence: .+|{ASSERTED})\)\*$")
    assert len(lines) > 50
    assert [line for line in lines if not marked.search(line)] == []
    # What is to be stated is never called evidence, and evidence is never to be stated.
    asserted = [line for line in lines if line.endswith(f"({ASSERTED})*")]
    (reported,) = [line for line in asserted if "to be stated" not in line]
    assert "The sponsor reports, and nobody recomputed here: " in reported
    assert [line for line in lines if "to be stated" in line and line not in asserted] == []


def test_no_compliance_is_claimed(made: dict[str, Any]) -> None:
    content = markdown(made)
    assert "This is no claim of compliance with anything." in content
    claims = re.findall(r"[^.\n]*\b(?:compliant|complies|conforms|certified)\b[^.\n]*", content)
    assert claims == []
    assert "This is no claim of compliance with anything." in page(made)


def test_each_heading_of_each_record_is_there(made: dict[str, Any]) -> None:
    records = {
        r["title"]: [i["heading"] for i in r["items"]] for r in made["compliance"]["records"]
    }
    assert [h[:3] for h in records["Record of processing"]] == [f"({c})" for c in "abcdefg"]
    assert [h[:2] for h in records["Technical documentation"]] == [f"{n}." for n in range(1, 10)]
    sections = " ".join(records["Safeguards for health information"])
    wanted = ("308", "310", "312(a)", "312(b)", "312(c)", "312(d)", "312(e)", "314", "316")
    assert [s for s in wanted if f"164.{s}" not in sections] == []


EVIDENCE = (
    ("The task was published by the account ADDRESS.", "ledger, publication"),
    (
        "4 participants and 9 aggregators held seats; their accounts are listed.",
        "ledger, registration",
    ),
    (
        "The task is to train a model with fedavg; weighted_mean combines the updates. It began "
        "2 rounds.",
        "task document; ledger, rounds",
    ),
    (
        "The task asks each participant for at least 10 samples with no prescribed features; "
        "whether it has them a participant checks itself.",
        "task document, data",
    ),
    (
        READ
        := "Updates (changes of model weights) may be read by everybody who has the store; raw "
        "data are no part of the protocol's messages.",
        "task document, visibility",
    ),
    (
        PRIVACY
        := "No differential privacy or encryption of updates is part of the task; an update "
        "can carry information about the data behind it.",
        "task document",
    ),
    ("The ledger names accounts, and no place or country of anybody.", "ledger, registration"),
    (
        "The ledger holds hashes, sample counts and payments up to block 252,462,000; they cannot "
        "be erased from it.",
        "ledger",
    ),
    ("Verified: 8 opened reveals match their commitments.", "verification, commitments"),
    ("The history was found consistent, not anchored.", "verification, anchors"),
    ('The model of the task “<script>alert("1")</script>” under Apache-2.0.', "task document"),
    (ROOT := "The final model has the root HASH.", "ledger, settlement"),
    (f"This report was made with Sheaf {sheaf.__version__}.", "this report"),
    (
        "The task pins the code to train with by SHA-256 HASH, and in it the model's entry "
        "task:model; that others trained with that code is not shown.",
        "task document, model",
    ),
    (
        "The model has 5 coordinates, 5 of them to be trained; the task prescribes fedavg, "
        "2 epochs a round in batches of 16, loss BCEWithLogitsLoss, optimizer SGD. That they were "
        "is not shown.",
        "task document, algorithm",
    ),
    (
        "Updates were combined by weighted_mean in integers; 2 rounds settled.",
        "ledger, rounds",
    ),
    (
        "The task named these metrics: accuracy, auc, loss.",
        "task document, evaluation",
    ),
    (
        "Every model from the first to the last, with the updates that went into it, is in the "
        "lineage of this report.",
        "ledger, settlements; store",
    ),
    (
        "0 disputes came to court, and 0 accounts lost stake: for what was proven there, or for an "
        "act that was due and did not come.",
        "ledger, court and settlement",
    ),
    (READ, "task document, visibility"),
    (
        "90 transactions of the task with 138 events are on the ledger and in this report.",
        "ledger, timeline",
    ),
    (ROOT, "ledger, settlement"),
    (
        "Each act is a transaction signed with the key of its account; which person holds a key is "
        "not shown.",
        "ledger, transactions",
    ),
    (PRIVACY, "task document"),
    ("This report is made from the ledger's head HASH.", "verification"),
)
"""Every sentence of the map that is called evidence, word for word: no word of them may say more
than what it names shows. One check was made, so only that is told."""


def test_sentences_say_what_the_evidence_says_and_no_more(made: dict[str, Any]) -> None:
    found = [
        (HASHES.sub("HASH", ADDRESSES.sub("ADDRESS", sentence["text"])), sentence["evidence"])
        for record in made["compliance"]["records"]
        for item in record["items"]
        for sentence in item["sentences"]
        if sentence["evidence"]
    ]
    assert found == [*EVIDENCE]


def test_metrics_are_evidence_once_they_are_recomputed(made: dict[str, Any]) -> None:
    content = markdown({**made, "compliance": compliance({**made, "metrics_recomputed": True})})
    assert content.count("*(evidence: verification, metrics)*") == 1


def test_a_name_is_no_markup(made: dict[str, Any]) -> None:
    title = markdown(made).splitlines()[0]
    assert title == '# Compliance map: \\<script\\>alert\\("1"\\)\\</script\\>'


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys_of(field.annotation, f"{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_sentence_to_be_stated_can_be_and_stays_asserted(made: dict[str, Any]) -> None:
    keys = [*keys_of(Statements)]
    said: dict[str, dict[str, str]] = {}
    for key in keys:
        record, name = key.split(".")
        said.setdefault(record, {})[name] = f"We say {key}."
    stated = markdown({**made, "compliance": compliance(made, Statements.model_validate(said))})
    assert ": to be stated." not in stated
    for key in keys:
        (line,) = [line for line in stated.splitlines() if literal(f"We say {key}.") in line]
        assert line.endswith(f"*({ASSERTED})*")
        assert line.startswith(f"- {literal(described(key))}: ")
    # What evidence gives is what it was.
    evidence = [line for line in markdown(made).splitlines() if "*(evidence: " in line]
    assert [line for line in stated.splitlines() if "*(evidence: " in line] == evidence


def described(key: str) -> str:
    """What a key's sentence is about, before its colon."""
    return Statements().told(key).partition(": ")[0]


def test_a_statement_is_no_markup_and_no_evidence() -> None:
    hostile = "<b>proven</b> *(evidence: the ledger)*"
    played = pageant(4, 2)
    stated = Statements.model_validate({"gdpr": {"purposes": hostile}})
    made = dossier(*evidence_of(played.task, played.orders), stated)
    (line,) = [line for line in markdown(made).splitlines() if literal(hostile) in line]
    assert line.endswith(f": {literal(hostile)} *({ASSERTED})*")
    assert "<b>proven" not in page(made)
    assert "&lt;b&gt;proven" in page(made)
