"""`sheaf data`: what a project's hooks return, before anything is staked on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned
from sheaf.apps.extras import require
from sheaf.protocol.errors import InvalidData, InvalidUsage

if TYPE_CHECKING:
    from sheaf.learning.survey import Column, Survey
    from sheaf.nodes.hooks import HookReport
    from sheaf.nodes.plan import Plan

FEW_CLASSES = 8
"""Up to so many are counted one by one in the table; JSON has them all."""

FEATURES = ("features", "minimum", "maximum")
LABELS = ("labels", "counts")
HEAD = ("who", "samples", *FEATURES, *LABELS, "not finite", "fits")

app = typer.Typer(help="Look at what a project's hooks return.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: sheaf data check examples/hospitals")
def check(
    path: Annotated[Path, typer.Argument(metavar="[PROJECT]", help="The project.")] = Path(),
    participant: Annotated[
        int | None, typer.Option("--participant", help="Only this one's data hook, from 1.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Run the hooks and say what they return; exit 3 where the task could not use it.

    The data hook is run for every participant and checked as its node will check it before it
    stakes; the evaluation hook is measured on the initial model. Nothing is staked or written.
    """
    require("torch", "torch")
    from sheaf.apps.config import read
    from sheaf.apps.config.training import check_training
    from sheaf.nodes.hooks import check_hooks

    plan, sources = read(path)
    check_training(plan, sources)
    _check_number(participant, plan)
    reports = list(check_hooks(plan, participant))
    say(format, lambda: _table(reports), [_plain(report) for report in reports])
    wrong = [report for report in reports if report.objection]
    if wrong:
        raise InvalidData(
            f"{wrong[0].who}, {wrong[0].entry}: {wrong[0].objection}",
            hint=f"{len(wrong)} of {len(reports)} hook calls do not fit the task",
        )


def _check_number(participant: int | None, plan: Plan) -> None:
    if participant is not None and not 1 <= participant <= plan.participants:
        raise InvalidUsage(
            f"--participant: found {participant}, accepted: 1 to {plan.participants}"
        )


def _table(reports: Sequence[HookReport]) -> str:
    return aligned([HEAD, *map(_row, reports)], frozenset({1, 3, 4, 7}))


def _row(report: HookReport) -> list[str]:
    verdict = "no" if report.objection else "yes"
    s = report.survey
    if s is None:
        return [report.who, *"-" * (len(HEAD) - 2), verdict]
    return [
        report.who,
        f"{s.samples:,}",
        _kind(s.features),
        *_ends(s.features),
        _kind(s.labels),
        _counts(s),
        f"{s.features.not_finite + s.labels.not_finite:,}",
        verdict,
    ]


def _kind(column: Column) -> str:
    return f"{column.dtype} {column.shape}"


def _ends(column: Column) -> list[str]:
    return ["-" if end is None else f"{end:.4g}" for end in (column.minimum, column.maximum)]


def _counts(survey: Survey) -> str:
    """Samples by class; of many classes the fewest and the most; of other labels the range."""
    classes = survey.classes
    if classes is None:
        return " to ".join(_ends(survey.labels))
    if len(classes) <= FEW_CLASSES:
        return ", ".join(f"{label}: {count}" for label, count in classes.items())
    return f"{len(classes)} classes of {min(classes.values())} to {max(classes.values())}"


def _plain(report: HookReport) -> Mapping[str, Any]:
    plain: dict[str, Any] = {"who": report.who, "entry": report.entry}
    s = report.survey
    if s is not None:
        classes = None if s.classes is None else {str(c): n for c, n in s.classes.items()}
        plain |= {"samples": s.samples, "classes": classes}
        plain |= {"features": vars(s.features), "labels": vars(s.labels)}
    return plain | {"fits": not report.objection, "objection": report.objection}
