"""`sheaf audit`: the report of a run, or one question about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.about import about_evidence
from sheaf.apps.cli.options import Format, FormatOption, ProjectOption, say
from sheaf.apps.cli.reporting import write_report
from sheaf.apps.cli.tables import printable
from sheaf.protocol.errors import BlobOutOfReach, InvalidUsage, VerificationFailed

if TYPE_CHECKING:
    from sheaf.apps.subjects import About, Case
    from sheaf.nodes.evidence import Evidence

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
    typer.Option("--diff", metavar="RUN|TASK", help="Where this one and that one part first."),
]
DiffLedgerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--diff-ledger",
        metavar="URL|FILE",
        help="Of the task that --diff names: its ledger; --ledger's if none.",
    ),
]
DiffStoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--diff-store",
        metavar="URL|DIR",
        help="Of the task that --diff names: where its bytes are; --store's if none.",
    ),
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
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Write over files in --out that are no report of the same task."),
]

StatementsOption = Annotated[
    Path | None,
    typer.Option(
        "--statements",
        metavar="FILE",
        help="What the sponsor states for the report's compliance map, a TOML file.",
    ),
]


@about_evidence
def audit(  # noqa: PLR0913, PLR0917 - a question is an option, and each brings its own
    about: About,
    blame: BlameOption = None,
    open: OpenOption = None,
    diff: DiffOption = None,
    diff_ledger: DiffLedgerOption = None,
    diff_store: DiffStoreOption = None,
    who: WhoOption = None,
    sybil: SybilOption = False,
    metrics: MetricsOption = False,
    project: ProjectOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    statements: StatementsOption = None,
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
    if (diff_ledger or diff_store) and diff is None:
        raise InvalidUsage("--diff-ledger, --diff-store: found no --diff, accepted: one with them")
    _require_statements(statements, asked)
    if diff is not None:
        told = _diff(about, diff, diff_ledger or (), diff_store or ())
    elif open is not None:
        told = _open(about, open)
    else:
        told = _verified(about, (blame, who, sybil), (metrics, project), (out, force, statements))
    say(format, told[0], told[1])


def _require_statements(statements: Path | None, asked: Sequence[object]) -> None:
    """Say what is wrong with a file of statements before anything is verified."""
    from sheaf.apps.statements import stated

    if statements is not None and asked:
        raise InvalidUsage("found --statements with a question, accepted: the report with it")
    stated(statements)


def _verified(
    about: About,
    questions: tuple[int | None, str | None, bool],
    hooks: tuple[bool, Path | None],
    files: tuple[Path | None, bool, Path | None],
) -> Told:
    """What is told of evidence that holds: the answer to a question, or the report."""
    from sheaf.apps.checks import Wanted
    from sheaf.apps.cli.watching import Watching
    from sheaf.nodes.evidence import Manner

    (blame, who, sybil), (metrics, project), (out, force, said) = questions, hooks, files
    subject = about.subject()
    wanted = Wanted.of(subject, metrics=metrics, project=project)
    with Watching() as watching, subject.opened(about.anchor(), Manner(told=watching.told)) as case:
        # The metrics of --blame are those of models that nobody reported anything of.
        case.verify(*(() if blame is not None else wanted.checks(case)))
        if sybil:
            return _again(case, _sybil(case), "--sybil")
        if blame is not None:
            told = _blame(case.name, case.evidence, blame, metrics, project, out)
            hook = ["--project", str(project)] if project else []
            return _again(case, told, "--blame", str(blame), *["--metrics"] * metrics, *hook)
        if who is not None:
            return _again(case, _who(case.evidence, who), "--who", who)
        return write_report(case.evidence, case.report, case.name, out, said, force=force)


def _again(case: Case, told: Told, *question: str) -> Told:
    """An answer with the command that gives it once more."""
    text, plain = told
    line = case.report.again("audit", *question)
    return lambda: f"{text()}\n\nagain  {printable(line)}", {**plain, "repeat": line}


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


def _open(about: About, reference: str) -> Told:
    """Of a run or a task whose bytes are missing or wrong, too: then the answer says so."""
    from sheaf.apps.cli import findings
    from sheaf.audit.exhibit import open_hash

    with about.subject().opened(about.anchor()) as case:
        opened, differs = open_hash(case.evidence, reference), ""
        try:
            case.verify()
        except (VerificationFailed, BlobOutOfReach) as error:
            differs = error.message
    plain = {**findings.plain(opened), "differs": differs}
    told = partial(findings.open_text, case.evidence, opened, differs), plain
    return _again(case, told, "--open", reference)


def _diff(about: About, reference: str, ledgers: Sequence[str], stores: Sequence[str]) -> Told:
    """The other side's ledger and store are its own where they are named, else those of this one;
    and so is the endpoint of a run on a chain."""
    from sheaf.apps.cli import findings
    from sheaf.apps.strangers import task_of
    from sheaf.apps.subjects import About
    from sheaf.audit.divergence import first_divergence

    if about.head is not None:
        raise InvalidUsage("--head: found it with --diff, which verifies neither, accepted: one")
    if task_of(reference) is None:
        # A run takes no ledgers and stores: naming some is refused with all that it does take.
        theirs = About(reference, False, about.url, about.from_block, ledgers, stores)
    else:
        places = (ledgers or about.ledgers, stores or about.stores)
        theirs = About(reference, from_block=about.from_block, ledgers=places[0], stores=places[1])
    this, other = about.subject(), theirs.subject()
    with this.history() as left, other.history() as right:
        parted = first_divergence(left, right)
        last = min(each.chain.height() for each in (left, right))
        same = left.task == right.task
    plain = {"left": this.name, "right": other.name, "difference": findings.plain(parted)}
    told = partial(findings.diff_text, this.name, other.name, last, parted, one_task=same)
    return told, {**plain, "last": last, "one_task": same}


def _who(evidence: Evidence, reference: str) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.biography import biography

    told = biography(evidence, reference, findings.money(evidence))
    return lambda: findings.who_text(evidence, told), findings.plain(told)


def _sybil(case: Case) -> Told:
    from sheaf.apps.cli import findings
    from sheaf.audit.sightings import sightings
    from sheaf.audit.sybils import suspect

    suspicion = suspect(sightings(case.evidence, case.ledger))
    return lambda: findings.sybil_text(case.evidence, suspicion), findings.plain(suspicion)
