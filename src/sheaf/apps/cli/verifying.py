"""`sheaf verify` and `sheaf countersign`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from sheaf.apps.api import recheck
from sheaf.apps.cli import presentation
from sheaf.apps.cli.options import (
    Format,
    FormatOption,
    LastOption,
    ProjectOption,
    RunArgument,
    find,
    say,
)

ReceiptsOption = Annotated[
    bool, typer.Option("--receipts", help="Check what the actors signed, too.")
]
HeadOption = Annotated[
    str | None, typer.Option("--head", metavar="HASH", help="Demand this head, got from elsewhere.")
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="The endpoint of the chain that the run was on, if it was on one."),
]
FromBlockOption = Annotated[
    int,
    typer.Option("--from-block", min=0, help="Where reading begins: before the contracts were."),
]


def verify(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    reference: RunArgument = None,
    last: LastOption = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Recompute reported metrics, too (needs torch).")
    ] = False,
    receipts: ReceiptsOption = False,
    head: HeadOption = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="Demand that these addresses countersigned."),
    ] = None,
    project: ProjectOption = None,
    url: UrlOption = None,
    from_block: FromBlockOption = 0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say what has to be trusted all the same, and of whom."),
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Recompute a run from its ledger and store; exit 5 where anything differs."""
    found = find(reference, last)
    place = (url, from_block)
    report = recheck(
        found,
        metrics=metrics,
        head=head,
        keys=keys,
        project=project,
        place=place,
        receipts=receipts,
    )
    plain = {
        "run": found.id,
        "verified": True,
        "conclusion": report.conclusion,
        "anchored": bool(report.anchors),
        "finished": not report.unfinished,
        "head": report.head,
        "checks": [dataclasses.asdict(check) for check in report.checks],
        "reported": report.reported,
        "court": report.court,
        "outside": report.outside,
        "limits": [*report.limits],
        "trust": dict(report.trust),
    }
    say(format, lambda: presentation.report_text(found, report, explain=explain), plain)


def countersign(
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your ledger key, in a file of mode 0600.")
    ],
    reference: RunArgument = None,
    last: LastOption = False,
    url: UrlOption = None,
    from_block: FromBlockOption = 0,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run and sign its head, so that nobody can replace the run by another one."""
    found = find(reference, last)
    from sheaf.apps.anchors import countersign_run, signing_key
    from sheaf.apps.chains import source_of

    signing = signing_key(key)
    with source_of(found.folder, url, from_block) as source:
        address, statement, new = countersign_run(found.folder, signing, source)
    plain = {
        "run": found.id,
        "address": address,
        "block": statement.block,
        "head": statement.head.hex(),
        "new": new,
    }
    told = "countersigned" if new else "had countersigned"
    say(format, lambda: f"{address} {told} block {plain['block']}, head {plain['head']}", plain)
