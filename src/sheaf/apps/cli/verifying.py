"""`sheaf verify` and `sheaf countersign`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from sheaf.protocol.errors import InvalidUsage

if TYPE_CHECKING:
    from sheaf.nodes.evidence import Manner, Report

VerifiedArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN|TASK",
        help="A run's id, a prefix of it, or a path; or a task's id, 0x and 64 hex digits, with "
        "--ledger and --store.",
        show_default=False,
    ),
]
ReceiptsOption = Annotated[
    bool, typer.Option("--receipts", help="Check what the actors signed, too.")
]
MetricsOption = Annotated[
    bool, typer.Option("--metrics", help="Recompute reported metrics, too (needs torch).")
]
HeadOption = Annotated[
    str | None, typer.Option("--head", metavar="HASH", help="Demand this head, got from elsewhere.")
]
KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="Demand that these addresses countersigned."),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="The endpoint of the chain that the run was on, if it was on one."),
]
FromBlockOption = Annotated[
    int,
    typer.Option("--from-block", min=0, help="Where reading begins: before the contracts were."),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Say what has to be trusted all the same, and of whom.")
]
LedgersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ledger",
        metavar="URL|FILE",
        help="Of a task: an endpoint or a ledger's file; all that are named must agree.",
    ),
]
StoresOption = Annotated[
    list[str] | None,
    typer.Option(
        "--store", metavar="URL|DIR", help="Of a task: where its bytes are; tried in order."
    ),
]
FederationOption = Annotated[
    str | None,
    typer.Option(
        "--federation", metavar="ADDRESS", help="Of a task: its contract; looked up if none."
    ),
]
LightOption = Annotated[
    bool, typer.Option("--light", help="Of a task: headers, proofs and one round's bytes only.")
]
RoundOption = Annotated[
    int | None,
    typer.Option("--round", min=1, help="With --light: which round; the last settled if none."),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", min=1, help="How many blocks of columns are combined at a time.")
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="Note finished rounds in a file of yours, and go on from what it says.",
    ),
]


def verify(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    reference: VerifiedArgument = None,
    last: LastOption = False,
    metrics: MetricsOption = False,
    receipts: ReceiptsOption = False,
    head: HeadOption = None,
    keys: KeysOption = None,
    project: ProjectOption = None,
    url: UrlOption = None,
    from_block: FromBlockOption = 0,
    ledger: LedgersOption = None,
    store: StoresOption = None,
    federation: FederationOption = None,
    light: LightOption = False,
    round: RoundOption = None,
    jobs: JobsOption = 1,
    state: StateOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Recompute a run from its ledger and store, or a task from those of others; exit 5 where
    anything differs."""
    from sheaf.apps.cli.watching import Watching
    from sheaf.apps.strangers import manner_of, task_of

    task = task_of(reference)
    theirs: Theirs = (ledger or (), store or (), federation, light, round)
    if task is not None:
        _require(metrics or last or project or url, "of a run", "of a task")
        with Watching() as watching:
            manner = manner_of(state, jobs, None, watching.told)
            anchored = (head, keys)
            report = _verified_task(task, theirs, from_block, anchored, manner, receipts=receipts)
        _say_report({"task": f"0x{task.hex()}"}, report, format, explain=explain)
        return
    _require(any(theirs), "of a task", "of a run; a task is 0x and 64 hex digits")
    found = find(reference, last)
    with Watching() as watching:
        manner = manner_of(state, jobs, found.folder, watching.told)
        report = recheck(
            found,
            metrics=metrics,
            head=head,
            keys=keys,
            project=project,
            place=(url, from_block),
            manner=manner,
            receipts=receipts,
        )
    _say_report({"run": found.id}, report, format, explain=explain)


Theirs = tuple[Sequence[str], Sequence[str], str | None, bool, int | None]
"""Ledgers, stores, the federation, whether lightly, and of which round."""


def _require(wrong: object, found: str, accepted: str) -> None:
    if wrong:
        raise InvalidUsage(f"found an option {found}, accepted: those {accepted}")


def _verified_task(
    task: bytes,
    theirs: Theirs,
    first: int,
    anchored: tuple[str | None, Path | None],
    manner: Manner,
    *,
    receipts: bool,
) -> Report:
    from sheaf.apps.anchors import anchor
    from sheaf.apps.chains import address
    from sheaf.apps.strangers import examined
    from sheaf.nodes.receipts import check_receipts
    from sheaf.nodes.stranger import Asked

    ledgers, stores, federation, light, round = theirs
    if round is not None and not light:
        raise InvalidUsage("--round: found it without --light, accepted: both or none")
    if receipts and light:
        raise InvalidUsage("--receipts: found it with --light, accepted: one of the two")
    asked = Asked(task, None if federation is None else address(federation), light, round)
    further = (check_receipts,) if receipts else ()
    known = (asked, ledgers, stores, *further)
    with examined(*known, first=first, anchor=anchor(*anchored), manner=manner) as (_, report):
        return report


def _say_report(what: Mapping[str, str], report: Report, format: Format, *, explain: bool) -> None:
    plain = {
        **what,
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
    told = "  ".join(f"{kind} {name}" for kind, name in what.items())
    say(format, lambda: presentation.report_text(told, report, explain=explain), plain)


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
