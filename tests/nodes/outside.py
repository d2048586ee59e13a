"""A task on a chain that goes on by itself, and challengers that are no part of its run.

The clock is the tests': whenever the run looks whether there is a new block, everybody who watches
from outside looks first, until there is nothing more to do; then the block is made. So who is slow
on the machine is not late on the chain.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sheaf.apps.watchtowers import Watched, manned
from sheaf.ledger.client import Call, address_of
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.federation import token_interface
from sheaf.ledger.keys import KEY_VARIABLE
from sheaf.ledger.rpc import Connection
from sheaf.nodes import remote
from sheaf.nodes.cast import STORE, Cast, assemble
from sheaf.nodes.plan import Plan
from sheaf.nodes.remote import connection_of
from sheaf.nodes.runner import Runner
from sheaf.nodes.watchtower import Patience, Watchtower
from tests.nodes import faults
from tests.nodes.plans import STAKE, committee, plan, schedule
from tests.nodes.stage import Played, Watcher

BLOCK_S = 100
MOST_BLOCKS = 200
OUTSIDER = b"\x77" * 32
"""The key of whoever watches from outside."""

ETHER, TOKENS = 10**18, 50 * STAKE
Alter = Callable[[Cast], None]


@dataclass
class Clock:
    """Makes a block of `BLOCK_S` seconds each time it is asked to sleep."""

    url: str
    watching: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        for look in list(self.watching):
            look()
        chain = Endpoint(self.url)
        latest: Any = ask(chain, "eth_getBlockByNumber", "latest", False)
        ask(chain, "evm_setNextBlockTimestamp", int(latest["timestamp"], 16) + BLOCK_S)
        ask(chain, "evm_mine")
        chain.close()


def ask(endpoint: Endpoint, method: Any, *parameters: Any) -> Any:
    return endpoint.make_request(method, list(parameters))["result"]


@dataclass
class Ear:
    """A listener that remembers."""

    moves: list[str] = field(default_factory=list)
    court: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)

    def looked(self, head: object, trail: object) -> None:
        """Remembers nothing."""

    def moved(self, line: str, means: object) -> None:
        self.moves.append(line)

    def judged(self, round: int, attempt: int, line: str) -> None:
        self.claims.append(f"{round}.{attempt}: {line}")

    def disputed(self, round: int, line: str) -> None:
        self.court.append(f"{round}: {line}")

    def warned(self, line: str) -> None:
        self.warnings.append(line)

    @property
    def sent(self) -> list[str]:
        """What was handed in, in order."""
        return [line.removeprefix("sends ") for line in self.moves if line.startswith("sends ")]


@dataclass
class Scene:
    """A plan, a chain with its clock, and a folder."""

    url: str
    clock: Clock
    folder: Path
    payer: bytes
    outsiders: list[Outsider] = field(default_factory=list, repr=False)

    def close(self) -> None:
        """Let everybody outside release what they hold."""
        for each in self.outsiders:
            each.leave()

    def cast(self, alter: Alter, **changes: Any) -> Cast:
        """A cast whose own challenger wants nothing, and money for the one outside."""
        run, made = self.folder / "run", embedded(**changes)
        run.mkdir()
        cast = assemble(replace(made, ledger=replace(made.ledger, host="rpc", url=self.url)), run)
        faults.silent(cast.node("challenger"), lambda trail: True)
        alter(cast)
        book, deployer = cast.federation.book, address_of(self.payer)
        transfer = token_interface().calldata("transfer", address_of(OUTSIDER), TOKENS)
        given = [
            Call(deployer, address_of(OUTSIDER), b"", 21_000, ETHER),
            Call(deployer, book.stake_token, transfer, 100_000),
        ]
        for receipt in cast.host.client.send(given):
            receipt.require()
        return cast

    def play(self, cast: Cast) -> Played:
        """The run, to its end."""
        watcher = Watcher()
        summary = Runner(cast, self.folder / "run", watcher).run()
        return Played(self.folder / "run", cast, summary, watcher)

    def watched(self, cast: Cast, **changes: Any) -> Watched:
        """What the outsider watches."""
        stores = [str(self.folder / "run" / STORE)]
        return replace(Watched(cast.task_id, [self.url], stores, OUTSIDER), **changes)


def embedded(**changes: Any) -> Plan:
    """One round, two committees, small chunks; on a ledger of the run's own."""
    usual = replace(plan(), committee=committee(3, 6), chunk_bytes=16)
    return replace(usual, schedule=schedule(rounds=1), **changes)


@dataclass
class Outsider:
    """Watches the cast's task once that is published, in a folder of its own."""

    scene: Scene
    cast: Cast
    ear: Ear = field(default_factory=Ear)
    changes: dict[str, Any] = field(default_factory=dict)
    tower: Watchtower | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.scene.outsiders.append(self)

    def __call__(self) -> None:
        """Look until there is nothing more to do before the next block."""
        if self.tower is None:
            if self.cast.nodes[0].state.trail.published is None:
                return
            watched = self.scene.watched(self.cast, **self.changes)
            patience = Patience(lambda seconds: None)
            entered = manned(watched, self.scene.folder / "watch", self.ear, patience)
            self.tower = self._stack.enter_context(entered)
        while self.tower.look():
            pass

    def leave(self) -> None:
        """Forget all but what lies in its folder."""
        self._stack.close()
        self.tower = None

    def finish(self) -> Watchtower:
        """Look on, block after block, until nothing is left to do."""
        self()
        assert self.tower is not None
        for _ in range(MOST_BLOCKS):
            if self.tower.is_done:
                return self.tower
            self.scene.clock(0)
        raise AssertionError(f"found no end after {MOST_BLOCKS} blocks: {self.tower.state.trail}")


def clocked(monkeypatch: pytest.MonkeyPatch, url: str, payer: bytes) -> Clock:
    """A clock for a chain whose blocks it makes; the run on it is paid for by a key's account."""
    clock = Clock(url)

    def connected(*arguments: Any) -> Connection:
        return replace(connection_of(*arguments), sleep=clock)

    monkeypatch.setattr(remote, "connection_of", connected)
    monkeypatch.setenv(KEY_VARIABLE, payer.hex())
    return clock
