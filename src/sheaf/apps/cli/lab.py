"""`sheaf lab`: attacks as whole runs, to see what they come to."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps import projects, runs
from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned, tokens
from sheaf.apps.extras import require
from sheaf.protocol.errors import Interrupted, InvalidUsage

if TYPE_CHECKING:
    from sheaf.simulation.disputes import Move, Outcome

LIARS = ("committee", "participant", "challenger", "server")
PROJECT = Path("project") / "hospitals"
SMALL_CHUNKS = 16
"""Bytes of a chunk where bytes are withheld: so that the task's few coordinates make a tree to go
down in."""

app = typer.Typer(help="Attacks on a task, and what they come to.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: sheaf lab dispute --liar committee --withhold")
def dispute(
    liar: Annotated[
        str, typer.Option("--liar", help=f"Who breaks the rules: {', '.join(LIARS)}.")
    ] = "committee",
    withhold: Annotated[
        bool, typer.Option("--withhold", help="It does not serve what it lies about, either.")
    ] = False,
    round: Annotated[int, typer.Option("--round", min=1, help="The round of the lie.")] = 2,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of the task.")] = 3,
    format: FormatOption = Format.TEXT,
) -> None:
    """Run the hospitals with a liar among them, and show what the court does about it.

    committee: everybody drawn in that round claims a wrong model. participant: one serves its
    update to nobody. challenger: it takes a right claim to court. server: everybody drawn claims a
    wrong state of the server's optimiser, of which the task then has one.
    """
    if liar not in LIARS:
        raise InvalidUsage(f"--liar: found {liar!r}, accepted: {', '.join(LIARS)}")
    if withhold and liar == "participant":
        raise InvalidUsage("--withhold: found it with --liar participant, which withholds anyway")
    if round > rounds:
        raise InvalidUsage(f"--round: found {round}, accepted: at most --rounds, {rounds}")
    for extra, package in (("torch", "torch"), ("examples", "sklearn")):
        require(extra, package)
    kept = runs.create(runs.home(Path.cwd()), f"lab-{liar}", datetime.now(UTC), _project)
    try:
        outcome = _play(kept, liar, withhold, (round, rounds))
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; a run of the lab cannot go on", hint="the same command begins a new one"
        ) from None
    say(format, lambda: _text(kept, outcome), _plain(kept, outcome, liar, withhold))


def _play(kept: runs.Run, liar: str, withhold: bool, schedule: tuple[int, int]) -> Outcome:
    """Run the task twice: kept with the liar, and for comparison without."""
    from sheaf.apps.cli.progress import Progress
    from sheaf.apps.config import read
    from sheaf.simulation.disputes import Liar, Scenario, play

    plan, _ = read(kept.folder / PROJECT, _settings(liar, withhold, schedule[1]))
    scenario = Scenario(Liar(liar), schedule[0], withhold)
    with tempfile.TemporaryDirectory() as folder:
        twin = Path(folder)
        with Progress(plan, kept.folder) as shown, Progress(plan, twin, quiet=True) as quiet:
            return play(plan, scenario, kept.folder, twin, (shown, quiet))


def _project(folder: Path) -> None:
    """What the run is of: it stays with it, so that whoever looks has the code."""
    projects.make(folder / PROJECT, "hospitals")


def _settings(liar: str, withhold: bool, rounds: int) -> Mapping[str, object]:
    settings: dict[str, object] = {"schedule.rounds": rounds}
    if withhold:
        settings["model.chunk_bytes"] = SMALL_CHUNKS
    if liar == "server":
        settings |= {"algorithm.name": "fedadam", "algorithm.server_rate": [1, 20]}
    return settings


def _plain(kept: runs.Run, outcome: Outcome, liar: str, withhold: bool) -> dict[str, Any]:
    from eth_utils.address import to_checksum_address

    def amounts(found: Mapping[bytes, int]) -> dict[str, int]:
        return {to_checksum_address(account): amount for account, amount in found.items()}

    names = outcome.summary["accounts"]
    moves = [
        {
            "block": move.block,
            "time": move.time,
            "account": to_checksum_address(move.account),
            "name": names.get(to_checksum_address(move.account), ""),
            "action": move.action,
            "told": move.told,
            "gas": move.gas,
            "locked": move.locked,
            "moved": [
                {"account": to_checksum_address(m.account), "why": m.why, "amount": m.amount}
                for m in move.moved
            ],
        }
        for move in outcome.moves
    ]
    return {
        "run": kept.id,
        "liar": liar,
        "withhold": withhold,
        "status": outcome.summary["status"],
        "moves": moves,
        "gas": outcome.gas,
        "overturned": outcome.overturned,
        "slashed": amounts(outcome.slashed),
        "earned": amounts(outcome.earned),
        "model_root_honest": outcome.model_root_honest,
        "model_root_final": outcome.model_root_final,
    }


def _text(kept: runs.Run, outcome: Outcome) -> str:
    """The moves as a table, and what they came to."""
    from eth_utils.address import to_checksum_address

    names, token = outcome.summary["accounts"], outcome.summary["tokens"]["stake"]

    def amount(units: int) -> str:
        return f"{'-' if units < 0 else '+'}{tokens(abs(units), token['decimals'])}"

    def name(account: bytes) -> str:
        address = to_checksum_address(account)
        return str(names.get(address, address))

    start = outcome.moves[0].time if outcome.moves else 0
    rows = [["after", "who", "what", "gas", token["symbol"]]]
    for move in outcome.moves:
        rows += _rows(move, start, name, amount)
    total = ["", "", "gas in court", f"{outcome.gas:,}", ""]
    same = outcome.model_root_final == outcome.model_root_honest
    facts = [
        ["claims overturned", str(outcome.overturned)],
        ["model root", outcome.model_root_final],
        ["honest root", outcome.model_root_honest + ("" if same else "  (DIFFERENT)")],
        ["task", outcome.summary["status"]],
        ["check it", f"sheaf verify {kept.id}"],
    ]
    return f"{aligned([*rows, total], frozenset({0, 3, 4}))}\n\n{aligned(facts)}"


def _rows(move: Move, start: int, name: Any, amount: Any) -> list[list[str]]:
    """A move's line, and one for each account that it paid or cost something."""
    locked = f"locks {amount(move.locked)[1:]}" if move.locked else ""
    head = [f"{move.time - start} s", name(move.account), move.told, f"{move.gas:,}", locked]
    paid = [["", name(m.account), f"  {m.why}", "", amount(m.amount)] for m in move.moved]
    return [head, *paid]
