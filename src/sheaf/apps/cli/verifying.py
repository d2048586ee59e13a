"""`sheaf verify` and `sheaf countersign`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sheaf.apps.cli import presentation
from sheaf.apps.cli.about import about_evidence
from sheaf.apps.cli.options import (
    Format,
    FormatOption,
    ProjectOption,
    say,
)

if TYPE_CHECKING:
    from sheaf.apps.subjects import About, Subject
    from sheaf.nodes.evidence import Report

ReceiptsOption = Annotated[
    bool, typer.Option("--receipts", help="Check what the actors signed, too.")
]
MetricsOption = Annotated[
    bool, typer.Option("--metrics", help="Recompute reported metrics, too (needs torch).")
]
KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="Demand that these addresses countersigned."),
]
SignaturesOption = Annotated[
    Path | None,
    typer.Option(
        "--signatures", metavar="FILE", help="Of a task: the countersignatures, for --keys."
    ),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Say what has to be trusted all the same, and of whom.")
]
LightOption = Annotated[
    bool, typer.Option("--light", help="Of a task: headers, proofs and one round's bytes only.")
]
RoundOption = Annotated[
    int | None,
    typer.Option("--round", min=1, help="With --light: which round; the last settled if none."),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", min=1, help="How many processes share the work.")
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="Note what is done in a file of yours, and go on from what it says.",
    ),
]


@about_evidence
def verify(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    about: About,
    metrics: MetricsOption = False,
    receipts: ReceiptsOption = False,
    keys: KeysOption = None,
    signatures: SignaturesOption = None,
    project: ProjectOption = None,
    light: LightOption = False,
    round: RoundOption = None,
    jobs: JobsOption = 1,
    state: StateOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Recompute a run from its ledger and store, or a task from those of others; exit 5 where
    anything differs."""
    from sheaf.apps.checks import Wanted
    from sheaf.apps.cli.watching import Watching
    from sheaf.apps.strangers import manner_of

    subject = dataclasses.replace(about, light=light, round=round).subject()
    wanted = Wanted.of(subject, metrics=metrics, receipts=receipts, project=project)
    with Watching() as watching:
        manner = manner_of(state, jobs, subject.folder, watching.told, steps=receipts)
        with subject.opened(about.anchor(keys, signatures), manner) as case:
            case.verify(*wanted.checks(case))
    _say_report(subject, case.report, format, explain=explain)


def _say_report(subject: Subject, report: Report, format: Format, *, explain: bool) -> None:
    plain = {
        subject.kind: subject.name,
        "verified": True,
        "conclusion": report.conclusion,
        "anchored": bool(report.anchors),
        "finished": not report.unfinished,
        "head": report.head,
        "checks": [dataclasses.asdict(check) for check in report.checks],
        "reported": report.reported,
        "court": report.court,
        "outside": report.outside,
        "withheld": report.withheld,
        "limits": [*report.limits],
        "trust": dict(report.trust),
        "repeat": report.repeat,
    }
    told = f"{subject.kind} {subject.name}"
    say(format, lambda: presentation.report_text(told, report, explain=explain), plain)


@about_evidence
def countersign(
    about: About,
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your ledger key, in a file of mode 0600.")
    ],
    signatures: Annotated[
        Path | None,
        typer.Option(
            "--signatures", metavar="FILE", help="Of a task: the file to add the signature to."
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run or a task and sign its head, so that nobody can replace it by another one."""
    from sheaf.apps.anchors import signing_key
    from sheaf.apps.countersigning import countersigned

    subject, signing = about.subject(), signing_key(key)
    made = countersigned(subject, signing, about.anchor(), signatures)
    plain = {
        subject.kind: subject.name,
        "address": made.address,
        "block": made.statement.block,
        "head": made.statement.head.hex(),
        "new": made.new,
    }
    told = f"{made.address} {'countersigned' if made.new else 'had countersigned'} block"
    say(format, lambda: f"{told} {plain['block']}, head {plain['head']}", plain)
