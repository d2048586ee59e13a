"""`sheaf ledger`: a development chain of one's own, the contracts on a chain, what a chain is."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned, printable
from sheaf.protocol.errors import (
    Interrupted,
    InvalidConfiguration,
    InvalidUsage,
    LedgerUnavailable,
)
from sheaf.store.files import is_file

if TYPE_CHECKING:
    from sheaf.ledger.federation import AddressBook
    from sheaf.ledger.rpc import Connection

app = typer.Typer(help="Chains, and the contracts on them.", rich_markup_mode=None)
UrlOption = Annotated[
    str | None,
    typer.Option("--url", envvar="SHEAF_LEDGER__URL", help="The endpoint; the project's if none."),
]
FinalityOption = Annotated[
    str | None,
    typer.Option("--finality", help="latest, safe, finalized, or a number of blocks on top."),
]
TOKEN_HELP = "An ERC-20 that is there; a new one, all of it the deployer's, if none."


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: sheaf ledger start --port 8545")
def start(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8545,
    chain_id: Annotated[int, typer.Option("--chain-id", min=1, help="Of the chain.")] = 31337,
    block_time: Annotated[
        float | None,
        typer.Option(
            "--block-time",
            metavar="SECONDS",
            min=0.1,
            help="Make a block so often, for parties in several processes; without it, whoever "
            "runs a task moves the time.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Run a development chain (anvil) on this machine alone, until Ctrl-C."""
    from sheaf.ledger.anvil import Anvil, options, require

    chosen = options(chain_id=chain_id, port=port, block_time_s=block_time)
    with Anvil(require(Path.cwd()), chosen) as anvil:
        plain = {"url": anvil.url, "chain_id": chain_id}
        say(format, lambda: f"chain {chain_id} at {anvil.url}; Ctrl-C ends it", plain)
        sys.stdout.flush()
        try:
            anvil.wait()
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; the chain at {anvil.url} is gone") from None
    raise LedgerUnavailable(f"found no chain at {anvil.url} any more: anvil ended by itself")


@app.command(epilog="Example: sheaf ledger deploy --url http://127.0.0.1:8545 --out contracts.json")
def deploy(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The address book to write.")],
    url: UrlOption = None,
    stake_token: Annotated[
        str | None, typer.Option("--stake-token", metavar="ADDRESS", help=TOKEN_HELP)
    ] = None,
    reward_token: Annotated[
        str | None, typer.Option("--reward-token", metavar="ADDRESS", help=TOKEN_HELP)
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="The deployer's key, mode 0600; SHEAF_KEY if none, and on a development chain "
            "the one it comes with.",
        ),
    ] = None,
    finality: FinalityOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Create the contracts on a chain and write their address book.

    Where the address book is there and the chain is as it says, nothing is sent.
    """
    from sheaf.apps import chains

    connection = _connection(url, finality)
    named = {"stake_token": stake_token, "reward_token": reward_token}
    tokens = {name: chains.address(text) for name, text in named.items() if text is not None}
    paying = partial(chains.operator_key, connection, key, os.environ)
    found, new = chains.deploy(connection, out, tokens, paying)
    plain = {"file": str(out), "changed": new, **_addresses(found.book)}
    told = "deployed, and wrote" if new else "nothing to do: the chain is as it says in"
    rows = [[name.replace("_", " "), str(value)] for name, value in _addresses(found.book).items()]
    say(format, lambda: f"{told} {out}\n{aligned(rows)}", plain)


@app.command(epilog="Example: sheaf ledger fund 0x7099...79C8 --token 0xE7f1...0512 --ether 1")
def fund(
    account: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets it.")],
    token: Annotated[
        str,
        typer.Option("--token", metavar="ADDRESS", help="The stake token, as deploy prints it."),
    ],
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="Whole tokens.")] = 100,
    ether: Annotated[int, typer.Option("--ether", min=0, help="Ethers, for gas.")] = 0,
    url: UrlOption = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="The giver's key, mode 0600, such as the deployer's; SHEAF_KEY if none, and on a "
            "development chain the one it comes with.",
        ),
    ] = None,
    finality: FinalityOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Transfer stake tokens, and ether for gas, to somebody: who deployed the tokens has them all.

    For outsiders in trials, such as a challenger's account.
    """
    from sheaf.apps import chains

    connection = _connection(url, finality)
    taker, what = chains.address(account), chains.address(token)
    paying = chains.operator_key(connection, key, os.environ)
    given = chains.give(connection, taker, what, (tokens, ether), paying)
    plain = {"account": account, "token": token, **given}
    told = f"{account} got {tokens} {printable(str(given['symbol']))} and {ether} ETH"
    say(format, lambda: told, plain)


@app.command(epilog="Example: sheaf ledger info --url http://127.0.0.1:8545")
def info(
    url: UrlOption = None,
    book: Annotated[
        Path | None, typer.Option("--book", metavar="FILE", help="An address book to check.")
    ] = None,
    finality: FinalityOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Say what chain an endpoint has, and whether it is as an address book says."""
    from sheaf.apps import chains
    from sheaf.ledger.deployment import differences, load
    from sheaf.ledger.rpc import DevelopmentChain

    connection = _connection(url, finality)
    known = None if book is None else load(book)
    with chains.opened(connection) as chain:
        head, final = chain.client.block("latest"), chain.client.head()
        wrong = [] if known is None else list(differences(chain.client, known))
        plain = {
            "endpoint": chain.endpoint.name,
            "chain_id": chain.client.chain_id,
            "development": isinstance(chain, DevelopmentChain),
            "head": head.number,
            "head_hash": head.hash.hex(),
            "time": datetime.fromtimestamp(head.timestamp, UTC).isoformat(),
            "finality": str(connection.finality),
            "final": final.number,
        }
    if known is not None:
        plain["book"] = wrong or "as written"
    rows = [[name.replace("_", " "), str(value)] for name, value in plain.items()]
    say(format, lambda: aligned(rows), plain)
    if wrong:
        raise InvalidConfiguration(f"{book}: {wrong[0]}")


def _connection(url: str | None, finality: str | None) -> Connection:
    """To the endpoint that was named, or to that of the project here."""
    from sheaf.apps.config import load
    from sheaf.ledger.endpoint import expanded
    from sheaf.ledger.finality import LATEST, Finality
    from sheaf.ledger.rpc import Connection
    from sheaf.nodes.remote import connection_of

    rule = None if finality is None else Finality.parse(finality)
    if url is not None:
        return Connection(expanded(url, os.environ, "--url"), finality=rule or LATEST)
    own = load(Path()).ledger if is_file(Path("sheaf.toml")) else None
    if own is None or own.host != "rpc":
        raise InvalidUsage("--url: found nothing, accepted: the URL of an Ethereum JSON-RPC node")
    found = connection_of(own, os.environ)
    return found if rule is None else replace(found, finality=rule)


def _addresses(book: AddressBook) -> dict[str, str | int]:
    from eth_utils.address import to_checksum_address

    from sheaf.ledger.deployment import CONTRACTS

    named = {name: to_checksum_address(getattr(book, name)) for name in CONTRACTS}
    return {"chain_id": book.chain_id, **named}
