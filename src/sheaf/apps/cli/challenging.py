"""`sheaf challenge`: watch a task of others, and take to court what is wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps import runs
from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned, counted, printable, tokens
from sheaf.protocol.errors import Interrupted, InvalidConfiguration, InvalidUsage
from sheaf.transport.address import quoted

if TYPE_CHECKING:
    from sheaf.ledger.client import Head
    from sheaf.nodes.purse import Means
    from sheaf.nodes.trail import Trail
    from sheaf.nodes.watchtower import Watchtower

GWEI, ETHER_DECIMALS = 10**9, 18


TaskArgument = Annotated[
    str, typer.Argument(metavar="TASK", help="The task's id, 0x and 64 hex digits.")
]
LedgersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ledger", metavar="URL", help="An endpoint of the chain; others stand in for it."
    ),
]
StoresOption = Annotated[
    list[str] | None,
    typer.Option("--store", metavar="URL|DIR", help="Where bytes are; tried in order."),
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="The account's key, mode 0600; SHEAF_KEY if none."),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="What it must not forget; .sheaf/watch/TASK."),
]
ChainOption = Annotated[
    int | None, typer.Option("--chain-id", min=1, help="Refuse any other chain.")
]
FinalityOption = Annotated[
    str, typer.Option("--finality", help="latest, safe, finalized, or a number of blocks.")
]
FromBlockOption = Annotated[
    int, typer.Option("--from-block", min=0, help="A block before the task was published.")
]
PollOption = Annotated[
    float, typer.Option("--poll", min=0.01, help="Seconds between two looks at the chain.")
]


def challenge(
    task: TaskArgument,
    ledger: LedgersOption = None,
    store: StoresOption = None,
    key: KeyOption = None,
    state: StateOption = None,
    chain_id: ChainOption = None,
    finality: FinalityOption = "latest",
    from_block: FromBlockOption = 0,
    poll: PollOption = 2.0,
    format: FormatOption = Format.TEXT,
) -> None:
    """Watch a task of others on their chain, recompute every claim, and take what is wrong to
    court; ends with the task, once bonds and earnings are withdrawn. Killed and started again, it
    goes on. With --format json, one JSON object a line.
    """
    from sheaf.apps.strangers import task_of
    from sheaf.apps.watchtowers import Watched, manned
    from sheaf.ledger.finality import Finality
    from sheaf.nodes.watchtower import Patience

    wanted = task_of(task)
    if wanted is None:
        raise InvalidUsage(
            f"found {quoted(task, wanted=False)}, accepted: a task's id, 0x and 64 hex digits",
            hint="`sheaf run` prints it beside the task's CID",
        )
    known = (chain_id, Finality.parse(finality), from_block)
    watched = Watched(wanted, ledger or (), store or (), _key(key), *known)
    folder = state or runs.home(Path.cwd()) / "watch" / wanted.hex()[:16]
    teller = Teller(format)
    try:
        with manned(watched, folder, teller, Patience(sleep, poll)) as tower:
            teller.begin(tower)
            tower.run()
            plain = _plain(tower)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on") from None
    finally:
        teller.end()
    if format is Format.JSON:
        teller.emit("ended", **plain)
    else:
        say(format, lambda: _text(plain), plain)


def _key(file: Path | None) -> bytes:
    from sheaf.apps.anchors import signing_key
    from sheaf.ledger.keys import KEY_VARIABLE, parse_key

    if file is not None:
        return signing_key(file)
    if KEY_VARIABLE in os.environ:
        return parse_key(os.environ[KEY_VARIABLE], KEY_VARIABLE)
    raise InvalidConfiguration(f"--key: found no key, accepted: a key file, or {KEY_VARIABLE}")


class Teller:
    """Tells what a watchtower does: lines and a status on stderr, or JSON lines on stdout."""

    def __init__(self, format: Format) -> None:
        from rich.console import Console

        self._as_json = format is Format.JSON
        self._console = Console(
            stderr=True, highlight=False, force_terminal=sys.stderr.isatty(), force_jupyter=False
        )
        self._status = self._console.status("reading the ledger")
        self._tower: Watchtower | None = None
        self._decimals, self._symbol = 0, "units"

    def begin(self, tower: Watchtower) -> None:
        """Say who watches what, with what means."""
        from eth_utils.address import to_checksum_address

        from sheaf.ledger.federation import token_unit

        self._tower, client = tower, tower.chain.client()
        unit = token_unit(client.call, tower.purse.book.stake_token, client.host)
        self._decimals, self._symbol = int(str(unit["decimals"])), printable(str(unit["symbol"]))
        has, account = tower.purse.means(client), to_checksum_address(tower.purse.account)
        if self._as_json:
            plain = {"account": account, "wei": has.wei, "tokens": has.tokens}
            self.emit("watching", task=f"0x{tower.state.trail.task.hex()}", **plain)
            return
        self._say(f"{account} watches task 0x{tower.state.trail.task.hex()}")
        self._say(self._money(has))
        self._status.start()

    def end(self) -> None:
        """Take the status away."""
        self._status.stop()

    def looked(self, head: Head, trail: Trail) -> None:
        """There was a new block."""
        if self._as_json:
            place = {"round": trail.round, "phase": trail.phase.name}
            self.emit("block", number=head.number, time=head.timestamp, **place, **self._stakes())
            return
        words = trail.phase.name.lower().replace("_", " ")
        where = f"round {trail.round}  " if trail.round else ""
        self._status.update(f"block {head.number}  {where}{words}")

    def moved(self, line: str, means: Means | None) -> None:
        """A transaction was handed in, or ended."""
        if self._as_json:
            self.emit("move", line=line, **(vars(means) if means else {}), **self._stakes())
            return
        self._say(line)
        if means:
            self._say(self._money(means))

    def judged(self, round: int, attempt: int, line: str) -> None:
        """A claim was recomputed."""
        if self._as_json:
            self.emit("claim", round=round, attempt=attempt, line=line)
        else:
            self._say(f"round {round}, attempt {attempt}: {line}")

    def disputed(self, round: int, line: str) -> None:
        """Something happened in court."""
        if self._as_json:
            self.emit("court", round=round, line=line)
        else:
            self._say(f"round {round}: {line}")

    def warned(self, line: str) -> None:
        """Something a person should know."""
        if self._as_json:
            self.emit("warning", line=line)
        else:
            self._say(f"warning: {line}")

    def emit(self, event: str, **fields: Any) -> None:
        """One JSON object, on a line of its own."""
        print(json.dumps({"event": event, **fields}), flush=True)

    def _say(self, line: str) -> None:
        self._console.print(printable(line), markup=False, soft_wrap=True)

    def _stakes(self) -> dict[str, int]:
        return stakes(self._tower) if self._tower else {}

    def _money(self, has: Means) -> str:
        """What it has, has spent, and could lose."""
        found = self._stakes()
        own, locked = (f"{tokens(n, self._decimals)}" for n in (has.tokens, found["locked"]))
        return (
            f"  has {own} {self._symbol} and {tokens(has.wei // GWEI, 9)} ETH; spent "
            f"{tokens(found['spent_wei'] // GWEI, 9)} ETH on gas; in bonds, to lose at most: "
            f"{locked} {self._symbol}"
        )


def stakes(tower: Watchtower) -> dict[str, int]:
    """What a watch has cost and earned so far, and what it could still lose: wei for gas, units of
    the stake token."""
    from sheaf.nodes import outsider

    state, moves = tower.state, tower.purse.moves
    return {
        "gas": moves.gas,
        "spent_wei": moves.spent_wei,
        "locked": outsider.locked(state),
        "earned": outsider.earned(state),
        "lost": outsider.lost(state),
    }


def _plain(tower: Watchtower) -> dict[str, Any]:
    from eth_utils.address import to_checksum_address

    from sheaf.nodes import chronicle

    trail, account = tower.state.trail, tower.purse.account
    disputes = [
        {
            "round": number,
            "dispute": place,
            "about": chronicle.subject(dispute),
            "ruling": chronicle.ruling(dispute),
        }
        for number, found in trail.rounds.items()
        for place, dispute in found.disputes.items()
        if dispute.opener == account
    ]
    has = tower.purse.means(tower.chain.client())
    return {
        "task": f"0x{trail.task.hex()}",
        "account": to_checksum_address(account),
        "phase": trail.phase.name,
        "rounds": len(trail.rounds),
        "claims": sum(len(found.claims) for found in trail.rounds.values()),
        "recomputed": len(tower.judged),
        "findings": [str(finding) for finding in tower.state.findings],
        "disputes": disputes,
        "transactions": len(tower.purse.moves.ended),
        **stakes(tower),
        "wei": has.wei,
        "tokens": has.tokens,
    }


def _text(plain: Mapping[str, Any]) -> str:
    rows = [
        [f"round {d['round']}, dispute {d['dispute']}", f"{d['about']}: {d['ruling']}"]
        for d in plain["disputes"]
    ]
    rows += [
        ["task", f"{plain['phase']} after {counted(plain['rounds'], 'round')}"],
        [
            "claims recomputed",
            f"{plain['recomputed']} of {plain['claims']} since this process began",
        ],
        ["transactions", f"{plain['transactions']}, {plain['gas']:,} gas"],
        ["spent", f"{tokens(plain['spent_wei'], ETHER_DECIMALS)} ETH"],
        ["earned", f"{plain['earned']} units of the stake token"],
        ["lost", f"{plain['lost']} units"],
    ]
    return aligned(rows)
