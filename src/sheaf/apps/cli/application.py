"""The commands, thin: each reads its arguments, calls one room, and prints. Imports are inside the
commands, so that help, list and show do not wait for a ledger or for torch."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from sheaf import __version__
from sheaf.apps import projects, runs
from sheaf.apps.cli import (
    auditing,
    challenging,
    exporting,
    models,
    presentation,
    receipts,
    tables,
    verifying,
)
from sheaf.apps.cli import data as data_commands
from sheaf.apps.cli import lab as lab_commands
from sheaf.apps.cli import ledger as ledger_commands
from sheaf.apps.cli import store as store_commands
from sheaf.apps.cli.models import Kind
from sheaf.apps.cli.options import (
    Format,
    FormatOption,
    LastOption,
    ProjectOption,
    RunArgument,
    find,
    say,
)
from sheaf.apps.extras import require
from sheaf.protocol.errors import InvalidUsage

app = typer.Typer(
    help="Federated learning on a ledger, where a stranger can recompute every number.",
    epilog="Example: sheaf new mytask && sheaf run mytask && sheaf verify --last",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(data_commands.app, name="data")
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(lab_commands.app, name="lab")
app.add_typer(store_commands.app, name="store")


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
    say(
        format, lambda: "\n".join(lines), {"project": str(name), "files": made.files, "next": steps}
    )


@app.command(epilog="Example: sheaf run examples/hospitals --rounds 3")
def run(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="The project.")] = Path(),
    seed: Annotated[int | None, typer.Option("--seed", help="Over algorithm.seed.")] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", help="Over schedule.rounds.")] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a run that was stopped: its id, a prefix of it, a path, or --last.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Run a whole task on an embedded ledger; the run is kept in .sheaf/runs."""
    flags = {"algorithm.seed": seed, "schedule.rounds": rounds}
    settings = {key: value for key, value in flags.items() if value is not None}
    if resume is not None:
        _resume(resume, path, settings, format)
        return
    require("torch", "torch")
    from sheaf.apps.cli import running

    ran = running.begin(path, settings)
    say(format, lambda: presentation.summary_text(ran.summary, ran.run.folder), ran.summary)
    ran.require_settled()


def _resume(reference: str, path: Path, settings: dict[str, int], format: Format) -> None:
    """Go on with a run, which has its project and settings already."""
    if settings or path != Path():
        raise InvalidUsage("--resume: found a project or settings, accepted: a run alone")
    last = reference == "--last"
    found = find(None if last else reference, last)
    summary = found.summary()
    if summary is not None:
        print(f"{found.id} is finished", file=sys.stderr)
        say(format, lambda: presentation.summary_text(summary, found.folder), summary)
        return
    require("torch", "torch")
    from sheaf.apps.cli import running

    ran = running.go_on(found)
    say(format, lambda: presentation.summary_text(ran.summary, found.folder), ran.summary)
    ran.require_settled()


app.command(epilog="Example: sheaf verify --last --metrics")(verifying.verify)
app.command(epilog="Example: sheaf audit --last --blame 7")(auditing.audit)
app.command(epilog="Example: sheaf countersign --last --key auditor.key")(verifying.countersign)
app.command(
    epilog="Example: sheaf challenge 0x12... --ledger http://... --store http://... --key my.key"
)(challenging.challenge)
app.command("receipts", epilog="Example: sheaf receipts --last --export receipts")(
    receipts.receipts
)


@app.command("list", epilog="Example: sheaf list --format json")
def list_runs(format: FormatOption = Format.TEXT) -> None:
    """List the runs kept here, the oldest first."""
    home = runs.home(Path.cwd())
    listings = [presentation.listing(found) for found in runs.listed(home)]
    if not listings and format is Format.TEXT:
        print(f"no runs in {home / 'runs'}; `sheaf run` makes one", file=sys.stderr)
        return
    say(format, lambda: presentation.listings_text(listings), listings)


@app.command(epilog="Example: sheaf show --last")
def show(
    reference: RunArgument = None, last: LastOption = False, format: FormatOption = Format.TEXT
) -> None:
    """Show a finished run: rounds, payments, model root, head."""
    found = find(reference, last)
    summary = found.finished()
    say(format, lambda: presentation.summary_text(summary, found.folder), summary)


@app.command(epilog="Example: sheaf doctor")
def doctor(format: FormatOption = Format.TEXT) -> None:
    """Look at this machine: what a run needs, and what to do where it is missing."""
    from sheaf.apps.cli.doctor import examine

    found = examine(Path.cwd())
    rows = [["ok" if f.ok else "warn", f.name, f.found, f.advice] for f in found]
    say(format, lambda: tables.aligned(rows), [dataclasses.asdict(f) for f in found])


@app.command(epilog="Example: sheaf export --last --to onnx --out model.onnx")
def export(
    reference: RunArgument = None,
    last: LastOption = False,
    to: Annotated[Kind, typer.Option("--to", help="The kind of file.")] = Kind.SAFETENSORS,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; RUN.KIND by default.")
    ] = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Write the final model to a file."""
    written = models.export(find(reference, last), to, out, project)
    say(format, lambda: models.told(written), written)


app.command(epilog="Example: sheaf provenance --last --out papers")(exporting.provenance)
app.command(
    "verify-model",
    epilog="Example: sheaf verify-model m.safetensors --attestation a.json --header header.hex",
)(exporting.verify_model)


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
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Measure the final model on data of your own."""
    require("torch", "torch")
    from sheaf.apps.cli.measurement import measure

    found = find(reference, last)
    measured = measure(found, data, project, metric or ())
    if measured.warning:
        print(f"warning: {measured.warning}", file=sys.stderr)
    rows = [[name, presentation.number(v, 6)] for name, v in measured.metrics.items()]
    rows.append(["samples", str(measured.samples)])
    plain = {"run": found.id, "metrics": measured.metrics, "samples": measured.samples}
    say(format, lambda: tables.aligned(rows, frozenset({1})), plain)
