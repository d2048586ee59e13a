"""`sheaf store`: a run's bytes for whoever wants to verify them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sheaf.apps.cli.options import Format, FormatOption, find, say
from sheaf.protocol.errors import Interrupted

app = typer.Typer(help="Stores of runs.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: sheaf store serve RUN --port 8080")
def serve(
    reference: Annotated[
        str, typer.Argument(metavar="RUN|DIR", help="A run, or a store's directory.")
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8080,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; this machine alone by default.")
    ] = "127.0.0.1",
    format: FormatOption = Format.TEXT,
) -> None:
    """Give a run's shared store to readers over HTTP, until Ctrl-C."""
    from sheaf.store.disk import DiskStore
    from sheaf.store.serving import StoreServer

    place = _place(reference)
    with StoreServer(DiskStore(place), host, port) as server:
        plain = {"url": server.url, "store": str(place)}
        say(format, lambda: f"{place} at {server.url}; Ctrl-C ends it", plain)
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {server.url} is gone") from None


def _place(reference: str) -> Path:
    """The store of a run or, of a directory that is no run, the directory itself."""
    from sheaf.nodes.inventory import LEDGER, STORE
    from sheaf.store.files import exists, is_folder

    path = Path(reference)
    if is_folder(path) and not any(exists(path / name) for name in (STORE, LEDGER)):
        return path
    inner = path / STORE
    return inner if is_folder(inner) else find(reference, last=False).folder / STORE
