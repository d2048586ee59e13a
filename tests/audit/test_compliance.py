"""The compliance map: what follows from evidence names it, and everything else is marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from sheaf.audit.compliance import ASSERTED, compliance, markdown
from sheaf.audit.dossier import dossier
from sheaf.audit.page import page
from sheaf.audit.plainly import literal
from sheaf.audit.statements import Statements
from tests.audit.staging import evidence_of, pageant


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
    for line in lines:
        assert ("to be stated" in line) == line.endswith(f"({ASSERTED})*"), line


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
    wanted = ("308", "310", "312(a)", "312(b)", "312(c)", "312(d)", "312(e)", "316")
    assert [s for s in wanted if f"164.{s}" not in sections] == []


def test_sentences_say_what_the_evidence_says(made: dict[str, Any]) -> None:
    content = markdown(made)
    assert "4 participants and 9 aggregators held seats" in content
    assert "Verified: 8 opened reveals match their commitments." in content
    assert "no check called aggregations" in content
    assert made["task"]["bundle"] in content


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
