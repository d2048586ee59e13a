"""The options that say what a command is about, a run or a task: declared once, for all commands
that read evidence."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.options import LastOption

if TYPE_CHECKING:
    from sheaf.apps.subjects import About

SubjectArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN|TASK",
        help="A run's id, a prefix of it, or a path; or a task's id, 0x and 64 hex digits, with "
        "--ledger and --store.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="The endpoint of the chain that the run was on, if it was on one."),
]
FromBlockOption = Annotated[
    int,
    typer.Option("--from-block", min=0, help="Where reading begins: before the contracts were."),
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
EnoughOption = Annotated[
    int | None,
    typer.Option(
        "--enough",
        metavar="N",
        min=1,
        help="Of a task: so many ledgers must be read to the end and agree; all if none.",
    ),
]
HeadOption = Annotated[
    str | None, typer.Option("--head", metavar="HASH", help="Demand this head, got from elsewhere.")
]

SHARED: Mapping[str, tuple[object, object]] = {
    "reference": (SubjectArgument, None),
    "last": (LastOption, False),
    "url": (UrlOption, None),
    "from_block": (FromBlockOption, 0),
    "ledger": (LedgersOption, None),
    "store": (StoresOption, None),
    "federation": (FederationOption, None),
    "enough": (EnoughOption, None),
    "head": (HeadOption, None),
}
"""Annotation and default of each, by the name that a command line has for it."""


def about_evidence(command: Callable[..., None]) -> Callable[..., None]:
    """The command with these options in the place of its parameter `about`, an `About`."""
    own = inspect.signature(command).parameters
    hints = inspect.get_annotations(command, eval_str=True, locals={"About": object})
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = []
    for name, each in own.items():
        if name == "about":
            parameters += [
                inspect.Parameter(shared, kind, default=default, annotation=annotation)
                for shared, (annotation, default) in SHARED.items()
            ]
        else:
            parameters.append(each.replace(kind=kind, annotation=hints[name]))

    @functools.wraps(command)
    def called(**given: Any) -> None:
        command(about=_about({name: given.pop(name) for name in SHARED}), **given)

    del called.__wrapped__  # typer would read its signature
    vars(called)["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _about(given: Mapping[str, Any]) -> About:
    from sheaf.apps.subjects import About

    return About(
        reference=given["reference"],
        last=given["last"],
        url=given["url"],
        from_block=given["from_block"],
        ledgers=given["ledger"] or (),
        stores=given["store"] or (),
        federation=given["federation"],
        enough=given["enough"],
        head=given["head"],
    )
