"""A map from what the evidence shows to what records ask for: a skeleton, and no claim.

Sentences that follow from the evidence name it. Every other one is marked `ASSERTED`: somebody who
answers for it has to write it and to stand by it (`statements`). The headings follow Article 30(1)
of Regulation (EU) 2016/679, Annex IV of Regulation (EU) 2024/1689, and 45 CFR 164.308 to 164.316.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sheaf.audit.plainly import counted, literal
from sheaf.audit.statements import NOTHING, Statements

ASSERTED = "asserted by the sponsor"
NO_CLAIM = (
    "This is no claim of compliance with anything. It says what the evidence of one task shows, "
    "under the headings that such records have; what the evidence does not show is left to be "
    f"stated and is marked: {ASSERTED}."
)

Sentence = tuple[str, str]
"""What is said, and the evidence for it, or `ASSERTED`; or a key of `Statements`, and ""."""
Item = tuple[str, list[Sentence]]
"""A heading, and what is said under it."""
Facts = Mapping[str, Any]


def compliance(report: Facts, stated: Statements = NOTHING) -> dict[str, Any]:
    """The map, from the other parts of a report, and from what the sponsor stated."""
    hipaa = "HIPAA Security Rule, 45 CFR 164.308 to 164.316"
    records = (
        ("Record of processing", "GDPR, Article 30(1)", _processing(report)),
        ("Technical documentation", "EU AI Act, Annex IV", _documentation(report)),
        ("Safeguards for health information", hipaa, _safeguards(report)),
    )
    return {"no_claim": NO_CLAIM, "records": [_record(*each, stated) for each in records]}


def markdown(report: Facts) -> str:
    """The map as a document of its own."""
    task, made = report["task"], report["compliance"]
    lines = [f"# Compliance map: {literal(task['name'])}", "", made["no_claim"], ""]
    lines += [f"Task `{task['cid']}`, ledger head `{report['verification']['head']}`."]
    for record in made["records"]:
        lines += ["", f"## {record['title']} ({record['after']})"]
        for item in record["items"]:
            lines += ["", f"### {item['heading']}", ""]
            lines += [f"- {_line(sentence)}" for sentence in item["sentences"]]
    return "\n".join(lines) + "\n"


def _line(sentence: Mapping[str, str]) -> str:
    source = f"evidence: {sentence['evidence']}" if sentence["evidence"] else ASSERTED
    return f"{literal(sentence['text'])} *({source})*"


def _record(title: str, after: str, items: Iterator[Item], stated: Statements) -> dict[str, Any]:
    return {
        "title": title,
        "after": after,
        "items": [
            {
                "heading": heading,
                "sentences": [
                    {
                        "text": text if source else stated.told(text),
                        "evidence": "" if source == ASSERTED else source,
                    }
                    for text, source in sentences
                ],
            }
            for heading, sentences in items
        ],
    }


def _to_state(key: str) -> Sentence:
    """What no evidence gives, by its key among the sponsor's statements."""
    return key, ""


def _checks(report: Facts, *names: str) -> Iterator[Sentence]:
    """Those checks of the verification that were made, in its own words: of a task that others ran
    there are fewer than of a run."""
    for check in report["verification"]["checks"]:
        if check["name"] in names:
            words = f"Verified: {check['count']:,} {check['detail']}."
            yield words, f"verification, {check['name']}"


def _people(report: Facts) -> str:
    roles = [actor["role"] for actor in report["actors"]]
    return f"{roles.count('participant')} participants and {roles.count('aggregator')} aggregators"


def _who_reads(report: Facts) -> Sentence:
    everybody = "everybody who has the store"
    whom = {"public": everybody, "committee": "the drawn committees"}.get(
        report["task"]["visibility"], "those the task document names"
    )
    return (
        f"Updates (changes of model weights) may be read by {whom}; raw data are no part of the "
        "protocol's messages.",
        "task document, visibility",
    )


def _privacy() -> Sentence:
    return (
        "No differential privacy or encryption of updates is part of the task; an update can carry "
        "information about the data behind it.",
        "task document",
    )


def _processing(report: Facts) -> Iterator[Item]:
    yield from _who_and_why(report)
    yield from _whereto(report)


def _who_and_why(report: Facts) -> Iterator[Item]:
    task = report["task"]
    sponsor = next(a for a in report["actors"] if a["role"] == "sponsor")
    yield (
        "(a) Controller, joint controllers, representative, data protection officer",
        [
            (f"The task was published by the account {sponsor['address']}.", "ledger, publication"),
            (f"{_people(report)} held seats; their accounts are listed.", "ledger, registration"),
            _to_state("gdpr.controller"),
            _to_state("gdpr.representative"),
        ],
    )
    yield (
        "(b) Purposes of the processing",
        [
            (
                f"The task is to train a model with {task['algorithm']}; {task['rule']} combines "
                f"the updates. It began {counted(report['totals']['rounds'], 'round')}.",
                "task document; ledger, rounds",
            ),
            _to_state("gdpr.purposes"),
        ],
    )
    yield (
        "(c) Categories of data subjects and of personal data",
        [
            (
                f"The task asks each participant for at least {task['minimum_samples']:,} samples "
                f"with {task['features']}; whether it has them a participant checks itself.",
                "task document, data",
            ),
            _to_state("gdpr.subjects"),
            _to_state("gdpr.data"),
        ],
    )


def _whereto(report: Facts) -> Iterator[Item]:
    yield (
        "(d) Recipients",
        [_who_reads(report), _privacy(), _to_state("gdpr.recipients")],
    )
    yield (
        "(e) Transfers to third countries",
        [
            (
                "The ledger names accounts, and no place or country of anybody.",
                "ledger, registration",
            ),
            _to_state("gdpr.transfers"),
        ],
    )
    yield (
        "(f) Time limits for erasure",
        [
            (
                f"The ledger holds hashes, sample counts and payments up to block "
                f"{report['ledger']['blocks']:,}; they cannot be erased from it.",
                "ledger",
            ),
            _to_state("gdpr.erasure"),
        ],
    )
    yield (
        "(g) Technical and organisational security measures",
        [
            *_checks(report, "commitments", "store"),
            (
                f"The history was found {report['verification']['conclusion']}.",
                "verification, anchors",
            ),
            _to_state("gdpr.measures"),
        ],
    )


def _documentation(report: Facts) -> Iterator[Item]:
    yield from _development(report)
    yield from _behaviour(report)


def _development(report: Facts) -> Iterator[Item]:
    task, model = report["task"], report["model"]
    yield (
        "1. General description of the system",
        [
            (f"The model of the task “{task['name']}” under {task['license']}.", "task document"),
            (f"The final model has the root {model['header']}.", "ledger, settlement"),
            (f"This report was made with Sheaf {report['made_by']}.", "this report"),
            _to_state("ai_act.purpose"),
            _to_state("ai_act.interaction"),
        ],
    )
    yield (
        "2. Elements of the system and how they were developed",
        [
            (
                f"The task pins the code to train with by SHA-256 {task['bundle']}, and in it the "
                f"model's entry {task['model_entry']}; that others trained with that code is not "
                "shown.",
                "task document, model",
            ),
            (
                f"The model has {task['coordinates']:,} coordinates, {task['trainable']:,} of them "
                f"to be trained; the task prescribes {task['algorithm']}, "
                f"{counted(task['epochs'], 'epoch')} a round in batches of {task['batch_size']}, "
                f"loss {task['loss']}, optimizer {task['optimizer']}. That they were is not shown.",
                "task document, algorithm",
            ),
            (
                f"Updates were combined by {task['rule']} in integers; "
                f"{counted(report['totals']['settled'], 'round')} settled.",
                "ledger, rounds",
            ),
            *_checks(report, "aggregations"),
            _to_state("ai_act.data"),
            _to_state("ai_act.oversight"),
            _to_state("ai_act.design"),
            _to_state("ai_act.testing"),
            _to_state("ai_act.cybersecurity"),
        ],
    )


def _behaviour(report: Facts) -> Iterator[Item]:
    task = report["task"]
    yield (
        "3. Monitoring, functioning and control",
        [
            (
                report["metrics_in_words"],
                "verification, metrics" if report["metrics_recomputed"] else ASSERTED,
            ),
            _to_state("ai_act.accuracy"),
            _to_state("ai_act.risks"),
        ],
    )
    yield (
        "4. Appropriateness of the performance metrics",
        [
            (
                f"The task named these metrics: {task['metrics'] or 'none'}.",
                "task document, evaluation",
            ),
            _to_state("ai_act.metrics"),
        ],
    )
    yield "5. Risk management system", [_to_state("ai_act.risk_management")]
    yield (
        "6. Changes through the lifecycle",
        [
            (
                "Every model from the first to the last, with the updates that went into it, is in "
                "the lineage of this report.",
                "ledger, settlements; store",
            ),
            _to_state("ai_act.changes"),
        ],
    )
    yield "7. Harmonised standards applied", [_to_state("ai_act.standards")]
    yield "8. EU declaration of conformity", [_to_state("ai_act.declaration")]
    yield "9. Post-market monitoring", [_to_state("ai_act.monitoring")]


def _safeguards(report: Facts) -> Iterator[Item]:
    yield from _organisation(report)
    yield from _technique(report)


def _organisation(report: Facts) -> Iterator[Item]:
    totals = report["totals"]
    yield (
        "164.308 Administrative safeguards",
        [
            (
                f"{counted(totals['disputes'], 'dispute')} came to court, and "
                f"{counted(totals['slashed'], 'account')} lost stake: for what was proven there, "
                "or for an act that was due and did not come.",
                "ledger, court and settlement",
            ),
            _to_state("hipaa.administration"),
            _to_state("hipaa.incidents"),
        ],
    )
    yield (
        "164.310 Physical safeguards",
        [_to_state("hipaa.facilities")],
    )
    yield (
        "164.312(a) Access control",
        [_who_reads(report), _to_state("hipaa.access")],
    )


def _technique(report: Facts) -> Iterator[Item]:
    totals = report["totals"]
    yield (
        "164.312(b) Audit controls",
        [
            (
                f"{totals['transactions']:,} transactions of the task with {totals['events']:,} "
                "events are on the ledger and in this report.",
                "ledger, timeline",
            ),
            *_checks(report, "ledger"),
        ],
    )
    yield (
        "164.312(c) Integrity",
        [
            *_checks(report, "updates", "aggregations", "model"),
            (
                f"The final model has the root {report['model']['header']}.",
                "ledger, settlement",
            ),
        ],
    )
    yield (
        "164.312(d) Person or entity authentication",
        [
            (
                "Each act is a transaction signed with the key of its account; which person holds "
                "a key is not shown.",
                "ledger, transactions",
            ),
            _to_state("hipaa.keys"),
        ],
    )
    yield (
        "164.312(e) Transmission security",
        [_privacy(), _to_state("hipaa.transmission")],
    )
    yield "164.314 Organizational requirements", [_to_state("hipaa.contracts")]
    yield (
        "164.316 Documentation",
        [
            (
                f"This report is made from the ledger's head {report['verification']['head']}.",
                "verification",
            ),
            _to_state("hipaa.policies"),
        ],
    )
