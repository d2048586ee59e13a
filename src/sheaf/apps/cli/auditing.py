"""`sheaf audit`: the report of a run, or one question about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.options import (
    Format,
    FormatOption,
    LastOption,
    ProjectOption,
    RunArgument,
    find,
    say,
)
from sheaf.apps.cli.verifying import FromBlockOption, UrlOption
from sheaf.apps.runs import Run
from sheaf.protocol.errors import InvalidUsage, VerificationFailed

if TYPE_CHECKING:
    from sheaf.nodes.evidence import Evidence
    from sheaf.nodes.rereading import Source

QUESTIONS = "--blame, --open, --diff, --who, --sybil"
Told = tuple[Callable[[], str], Any]
"""An answer as text, and as it goes into JSON."""


BlameOption = Annotated[
    int | None,
    typer.Option("--blame", metavar="ROUND", help="Which updates moved the model there."),
]
OpenOption = Annotated[
    str | None,
    typer.Option("--open", metavar="HASH", help="What lies behind a hash, or a prefix of one."),
]
DiffOption = Annotated[
    str | None,
    typer.Option("--diff", metavar="RUN", help="Where this run and that one part first."),
]
WhoOption = Annotated[
    str | None,
    typer.Option("--who", metavar="ADDRESS", help="All that one actor did; a name will do."),
]
SybilOption = Annotated[
    bool, typer.Option("--sybil", help="Which accounts may be one party, and why.")
]
MetricsOption = Annotated[
    bool, typer.Option("--metrics", help="With --blame: metrics, too (needs torch).")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where files go; here by default.")
]


def audit(  # noqa: PLR0913, PLR0917 - a question is an option, and each brings its own
    reference: RunArgument = None,
    last: LastOption = False,
    blame: BlameOption = None,
    open: OpenOption = None,
    diff: DiffOption = None,
    who: WhoOption = None,
    sybil: SybilOption = False,
    metrics: MetricsOption = False,
    project: ProjectOption = None,
    out: OutOption = None,
    url: UrlOption = None,
    from_block: FromBlockOption = 0,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run, and answer one question about it from the evidence."""
    asked = [*(each for each in (blame, open, diff, who) if each is not None), *[True] * sybil]
    if len(asked) != 1:
        raise InvalidUsage(f"found {len(asked)} questions, accepted: one of {QUESTIONS}")
    if (metrics and blame is None) or (project is not None and not metrics):
        raise InvalidUsage("found --metrics or --project alone, accepted: --blame with --metrics")
    found = find(reference, last)
    if diff is not None:
        told = _diff(found, find(diff, False))
    else:
        from sheaf.apps.chains import source_of

        with source_of(found.folder, url, from_block) as source:
            if blame is not None:
                told = _blame(found, source, blame, metrics, project, out)
            elif open is not None:
                told = _open(found, source, open)
            elif who is not None:
                told = _who(found, source, who)
            else:
                told = _sybil(found, source)
    say(format, told[0], told[1])


def _examined(found: Run, source: Source | None) -> Evidence:
    from sheaf.nodes.verification import examine

    return examine(found.folder, source=source)[0]


def _blame(
    found: Run,
    source: Source | None,
    round: int,
    metrics: bool,
    project: Path | None,
    out: Path | None,
) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.apps.extras import require
    from sheaf.apps.ranking import draw
    from sheaf.audit.influence import blame

    evidence = _examined(found, source)
    ranked = blame(evidence, round)
    measured = None
    if metrics:
        require("torch", "torch")
        from sheaf.audit.counterfactual import counterfactual

        measured = counterfactual(evidence, round, project)
    title = f"{evidence.task.name}, run {found.id}"
    names = {each.account: findings.name(evidence, each.account) for each in ranked.ranking}
    picture = draw(ranked, names, title, (out or Path()) / f"{found.id}-round-{round}.svg")
    drawn = None if picture is None else str(picture)
    told = (evidence, ranked, measured, drawn)
    return lambda: findings.blame_text(*told), findings.blame_plain(*told)


def _open(found: Run, source: Source | None, reference: str) -> Told:
    """Of a run whose bytes are missing or wrong, too: then the answer says so."""
    from sheaf.apps.cli import findings
    from sheaf.audit.exhibit import open_hash
    from sheaf.nodes.verification import CHECKS, replayed

    evidence, report = replayed(found.folder, source)
    opened, differs = open_hash(evidence, reference), ""
    try:
        for check in CHECKS:
            check(evidence, report)
    except VerificationFailed as error:
        differs = error.message
    return lambda: findings.open_text(evidence, opened, differs), {
        **findings.plain(opened),
        "differs": differs,
    }


def _diff(found: Run, other: Run) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.divergence import first_divergence

    parted = first_divergence(found.folder, other.folder)
    plain = {"left": found.id, "right": other.id, "difference": findings.plain(parted)}
    return lambda: findings.diff_text(found.id, other.id, parted), plain


def _who(found: Run, source: Source | None, reference: str) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.biography import biography

    evidence = _examined(found, source)
    told = biography(evidence, reference, findings.money(evidence))
    return lambda: findings.who_text(evidence, told), findings.plain(told)


def _sybil(found: Run, source: Source | None) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.sightings import sightings
    from sheaf.audit.sybils import suspect

    evidence = _examined(found, source)
    suspicion = suspect(sightings(evidence, source))
    return lambda: findings.sybil_text(evidence, suspicion), findings.plain(suspicion)
