"""`sheaf audit`: the report of a run, or one question about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.options import (
    Format,
    FormatOption,
    LastOption,
    ProjectOption,
    find,
    say,
)
from sheaf.apps.cli.reporting import write_report
from sheaf.apps.cli.verifying import (
    FederationOption,
    FromBlockOption,
    HeadOption,
    LedgersOption,
    StoresOption,
    UrlOption,
    VerifiedArgument,
)
from sheaf.apps.runs import Run
from sheaf.protocol.errors import InvalidUsage, VerificationFailed

if TYPE_CHECKING:
    from sheaf.nodes.evidence import Evidence, Report
    from sheaf.nodes.rereading import Source
    from sheaf.nodes.verification import Further

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
    bool,
    typer.Option("--metrics", help="Of report or --blame: metrics, too (needs torch)."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Where files go; for a report RUN-audit if none."),
]


def audit(  # noqa: PLR0913, PLR0917 - a question is an option, and each brings its own
    reference: VerifiedArgument = None,
    last: LastOption = False,
    blame: BlameOption = None,
    open: OpenOption = None,
    diff: DiffOption = None,
    who: WhoOption = None,
    sybil: SybilOption = False,
    metrics: MetricsOption = False,
    project: ProjectOption = None,
    out: OutOption = None,
    head: HeadOption = None,
    url: UrlOption = None,
    from_block: FromBlockOption = 0,
    ledger: LedgersOption = None,
    store: StoresOption = None,
    federation: FederationOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run, or a task from ledgers and stores of others, and write a report of it; or
    answer one question about it from the evidence."""
    asked = [*(each for each in (blame, open, diff, who) if each is not None), *[True] * sybil]
    if len(asked) > 1:
        raise InvalidUsage(f"found {len(asked)} questions, accepted: one of {QUESTIONS}")
    if (metrics and asked and blame is None) or (project is not None and not metrics):
        raise InvalidUsage(
            "found --metrics or --project alone, accepted: the report or --blame, with --metrics"
        )
    theirs = (ledger or (), store or (), federation)
    place = _Place(reference, last, head, url, from_block, theirs, metrics, project)
    if diff is not None:
        told = _diff(place.run(), find(diff, False))
    elif open is not None:
        told = _open(place.run(), place, open)
    else:
        if sybil:
            place.run()  # a task is refused before anything is verified
        with place.examined(whole=not asked) as (name, evidence, report, source):
            if sybil:
                told = _sybil(evidence, source)
            elif blame is not None:
                told = _blame(name, evidence, blame, metrics, project, out)
            elif who is not None:
                told = _who(evidence, who)
            else:
                told = write_report(evidence, report, name, out)
    say(format, told[0], told[1])


@dataclass(frozen=True)
class _Place:
    """Where the evidence is, as a command line says it: `theirs` are ledgers, stores and federation
    of a task."""

    reference: str | None
    last: bool
    head: str | None
    url: str | None
    from_block: int
    theirs: tuple[Sequence[str], Sequence[str], str | None]
    metrics: bool
    project: Path | None

    def run(self) -> Run:
        """The run. Raises `InvalidUsage` for a task."""
        from sheaf.apps.strangers import task_of

        if task_of(self.reference) is not None:
            raise InvalidUsage(
                "--open, --diff, --sybil: found a task, accepted: a run, whose folder they read"
            )
        if any(self.theirs):
            raise InvalidUsage(
                "found an option of a task, accepted: those of a run; a task is 0x and 64 digits"
            )
        return find(self.reference, self.last)

    @contextmanager
    def examined(self, *, whole: bool) -> Iterator[tuple[str, Evidence, Report, Source | None]]:
        """The name of what was verified, evidence and report, with the blocks' source where they
        are read from an endpoint; metrics are recomputed for a `whole` report."""
        from sheaf.apps import strangers
        from sheaf.apps.anchors import anchor
        from sheaf.apps.chains import address, source_of
        from sheaf.nodes.stranger import Asked
        from sheaf.nodes.verification import examine

        wanted, task = anchor(self.head, None), strangers.task_of(self.reference)
        if task is None:
            found = self.run()
            further = self._metrics() if whole and self.metrics else []
            with source_of(found.folder, self.url, self.from_block) as source:
                known = examine(found.folder, *further, anchor=wanted, source=source)
                yield found.id, *known, source
            return
        if self.last or self.metrics or self.url:
            raise InvalidUsage("found an option of a run, accepted: those of a task")
        ledgers, stores, federation = self.theirs
        asked = Asked(task, None if federation is None else address(federation))
        given = (asked, ledgers, stores)
        with strangers.examined(*given, first=self.from_block, anchor=wanted) as known:
            yield f"0x{task.hex()}", *known, None

    def _metrics(self) -> list[Further]:
        from sheaf.apps.extras import require

        require("torch", "torch")
        from sheaf.nodes.metrics import check_metrics

        return [partial(check_metrics, project=self.project)]


def _blame(
    name: str,
    evidence: Evidence,
    round: int,
    metrics: bool,
    project: Path | None,
    out: Path | None,
) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.apps.extras import require
    from sheaf.apps.ranking import draw
    from sheaf.audit.influence import blame

    ranked = blame(evidence, round)
    measured = None
    if metrics:
        require("torch", "torch")
        from sheaf.audit.counterfactual import counterfactual

        measured = counterfactual(evidence, round, project)
    title = f"{evidence.task.name}, {name}"
    names = {each.account: findings.name(evidence, each.account) for each in ranked.ranking}
    picture = draw(ranked, names, title, (out or Path()) / f"{name}-round-{round}.svg")
    drawn = None if picture is None else str(picture)
    told = (evidence, ranked, measured, drawn)
    return lambda: findings.blame_text(*told), findings.blame_plain(*told)


def _open(found: Run, place: _Place, reference: str) -> Told:
    """Of a run whose bytes are missing or wrong, too: then the answer says so."""
    from sheaf.apps.chains import source_of
    from sheaf.apps.cli import findings
    from sheaf.audit.exhibit import open_hash
    from sheaf.nodes.verification import CHECKS, replayed

    with source_of(found.folder, place.url, place.from_block) as source:
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


def _who(evidence: Evidence, reference: str) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.biography import biography

    told = biography(evidence, reference, findings.money(evidence))
    return lambda: findings.who_text(evidence, told), findings.plain(told)


def _sybil(evidence: Evidence, source: Source | None) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.sightings import sightings
    from sheaf.audit.sybils import suspect

    suspicion = suspect(sightings(evidence, source))
    return lambda: findings.sybil_text(evidence, suspicion), findings.plain(suspicion)
