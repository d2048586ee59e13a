"""The commands, thin: each reads its arguments, calls one room, and prints. Imports are inside the
commands, so that help, list and show do not wait for a ledger or for torch."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sheaf import __version__
from sheaf.apps import projects, runs
from sheaf.apps.cli import models, presentation, tables
from sheaf.apps.cli.models import Kind
from sheaf.protocol.errors import Interrupted, SheafError, TaskEnded


class Format(StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    help="Federated learning on a ledger, where a stranger can recompute every number.",
    epilog="Example: sheaf new mytask && sheaf run mytask && sheaf verify --last",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
FormatOption = Annotated[Format, typer.Option("--format", help="How to print: text or json.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's id, a prefix of it, or a path.", show_default=False
    ),
]
LastOption = Annotated[bool, typer.Option("--last", help="The run that was started last.")]


def _find(reference: str | None, last: bool) -> runs.Run:
    return runs.find(runs.home(Path.cwd()), reference, last)


def _print(format: Format, text: Callable[[], str], plain: Any) -> None:
    print(json.dumps(plain, indent=2) if format is Format.JSON else text())


def _version(asked: bool) -> None:
    if asked:
        print(f"sheaf {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks, as SHEAF_DEBUG=1 does.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: sheaf new mytask --template hospitals")
def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The project's folder.")],
    template: Annotated[
        str, typer.Option("--template", help=f"One of {', '.join(projects.TEMPLATES)}.")
    ] = projects.DEFAULT,
    format: FormatOption = Format.TEXT,
) -> None:
    """Make a project: sheaf.toml, and a task.py with the model and the data hooks."""
    made = projects.make(name, template)
    steps = [f"pip install 'sheaf[{extra}]'" for extra in made.missing] + [f"sheaf run {name}"]
    lines = [f"made {name} with {' and '.join(made.files)}; next:", *(f"  {s}" for s in steps)]
    _print(
        format, lambda: "\n".join(lines), {"project": str(name), "files": made.files, "next": steps}
    )


@app.command(epilog="Example: sheaf run examples/hospitals --rounds 3")
def run(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="The project.")] = Path(),
    seed: Annotated[int | None, typer.Option("--seed", help="Over algorithm.seed.")] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", help="Over schedule.rounds.")] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Run a whole task on an embedded ledger; the run is kept in .sheaf/runs."""
    from sheaf.apps.config import read

    flags = {"algorithm.seed": seed, "schedule.rounds": rounds}
    plan, sources = read(path, {key: value for key, value in flags.items() if value is not None})
    from sheaf.apps.cli.progress import Progress
    from sheaf.apps.config.training import check_training
    from sheaf.nodes import runner

    check_training(plan, sources)
    kept = runs.create(runs.home(Path.cwd()), plan.name, datetime.now(UTC))
    with Progress(plan, kept.folder) as progress:
        try:
            summary = runner.run(plan, kept.folder, progress)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; the run is kept as {kept.id}") from None
        except SheafError:
            if not progress.began:  # nothing happened that anybody would look for
                shutil.rmtree(kept.folder, ignore_errors=True)
            raise
    _print(format, lambda: presentation.summary_text(summary, kept.folder), summary)
    if summary["status"] != "settled":
        raise _ended(summary, progress.troubles)


def _ended(summary: dict[str, Any], troubles: list[str]) -> TaskEnded:
    """The error for a task that ended early, with the first trouble that was told."""
    begun = f"after round {len(summary['rounds'])}" if summary["rounds"] else "before round 1"
    return TaskEnded(f"the task ended {begun}: {summary['cause']}", "; ".join(troubles[:1]))


@app.command(epilog="Example: sheaf verify --last --metrics")
def verify(
    reference: RunArgument = None,
    last: LastOption = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Recompute reported metrics, too (needs torch).")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Recompute a run from its ledger and store; exit 5 where anything differs."""
    found = _find(reference, last)
    from sheaf.nodes import verification

    further = []
    if metrics:
        from sheaf.nodes.metrics import check_metrics

        further.append(check_metrics)
    report = verification.verify(found.folder, *further)
    checks = [dataclasses.asdict(check) for check in report.checks]
    plain = {"run": found.id, "verified": True, "head": report.head, "checks": checks}
    _print(
        format,
        lambda: presentation.report_text(found, report),
        plain | {"limits": [*report.limits]},
    )


@app.command("list", epilog="Example: sheaf list --format json")
def list_runs(format: FormatOption = Format.TEXT) -> None:
    """List the runs kept here, the oldest first."""
    home = runs.home(Path.cwd())
    listings = [presentation.listing(found) for found in runs.listed(home)]
    if not listings and format is Format.TEXT:
        print(f"no runs in {home / 'runs'}; `sheaf run` makes one", file=sys.stderr)
        return
    _print(format, lambda: presentation.listings_text(listings), listings)


@app.command(epilog="Example: sheaf show --last")
def show(
    reference: RunArgument = None, last: LastOption = False, format: FormatOption = Format.TEXT
) -> None:
    """Show a finished run: rounds, payments, model root, head."""
    found = _find(reference, last)
    summary = found.finished()
    _print(format, lambda: presentation.summary_text(summary, found.folder), summary)


@app.command(epilog="Example: sheaf doctor")
def doctor(format: FormatOption = Format.TEXT) -> None:
    """Look at this machine: what a run needs, and what to do where it is missing."""
    from sheaf.apps.cli.doctor import examine

    found = examine(Path.cwd())
    rows = [["ok" if f.ok else "warn", f.name, f.found, f.advice] for f in found]
    _print(format, lambda: tables.aligned(rows), [dataclasses.asdict(f) for f in found])


@app.command(epilog="Example: sheaf export --last --to torch --out model.pt")
def export(
    reference: RunArgument = None,
    last: LastOption = False,
    to: Annotated[Kind, typer.Option("--to", help="The kind of file.")] = Kind.SAFETENSORS,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; RUN.KIND by default.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Write the final model to a file."""
    found = _find(reference, last)
    if to is Kind.TORCH:
        from sheaf.apps.cli import state_dict

        target = models.export(found, to, out, state_dict.write)
    else:
        target = models.export(found, to, out)
    _print(format, lambda: str(target), {"file": str(target), "kind": to.value})


@app.command(epilog="Example: sheaf evaluate --last --data task:held_out --metric auc")
def evaluate(
    data: Annotated[
        str, typer.Option("--data", help="module:function in the project, or file.py:function.")
    ],
    reference: RunArgument = None,
    last: LastOption = False,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Instead of the task's; repeatable.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", help="Instead of where the run came from.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Measure the final model on data of your own."""
    from sheaf.apps.cli.measurement import measure

    found = _find(reference, last)
    measured = measure(found, data, project, metric or ())
    if measured.warning:
        print(f"warning: {measured.warning}", file=sys.stderr)
    rows = [[name, presentation.number(v, 6)] for name, v in measured.metrics.items()]
    rows.append(["samples", str(measured.samples)])
    plain = {"run": found.id, "metrics": measured.metrics, "samples": measured.samples}
    _print(format, lambda: tables.aligned(rows, frozenset({1})), plain)
