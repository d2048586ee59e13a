"""The host of a run: the chain it runs on, and that chain's time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from web3 import Web3

from sheaf.ledger.client import Client
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.nodes import remote
from sheaf.nodes.accounts import Account
from sheaf.nodes.plan import Plan
from sheaf.protocol.errors import LedgerCorrupt
from sheaf.store.files import exists

LEDGER = "ledger.sqlite"
FUNDS_WEI = 10**24
BLOCK_S = 1


class Host(Protocol):
    """A chain as a run uses it."""

    @property
    def client(self) -> Client:
        """Sends for the cast's accounts; what it has sent is confirmed by this host's rule."""
        ...

    @property
    def whole(self) -> bool:
        """Whether all blocks of the chain are the run's."""
        ...

    @property
    def now(self) -> int:
        """Ledger time in seconds: the latest block's or, where nobody wanted anything, later."""
        ...

    def pass_to(self, time: int) -> None:
        """Let ledger time pass until it is `time`; no time passes where it already is later."""
        ...

    def wait(self, time: int) -> None:
        """As `pass_to`, but no longer than until there may be something new on the chain."""
        ...

    def close(self) -> None:
        """Release the chain."""
        ...


def create(directory: Path, plan: Plan, accounts: Mapping[str, Account]) -> Host:
    """The host that a plan names, for a run that begins; everybody can pay for gas on it."""
    if plan.ledger.host == "embedded":
        return EmbeddedHost.create(directory, plan, accounts)
    chain = remote.connected(plan, accounts, os.environ)
    try:
        remote.fund(chain, plan, accounts)
    except BaseException:
        chain.close()
        raise
    return chain


def reopen(directory: Path, plan: Plan, accounts: Mapping[str, Account]) -> Host:
    """The host that a plan names, for a run that goes on."""
    if plan.ledger.host == "embedded":
        return EmbeddedHost.open(directory, accounts)
    return remote.connected(plan, accounts, os.environ)


class EmbeddedHost:
    """A chain in this process, whose time passes when it is told to; a block takes a second."""

    def __init__(self, ledger: EmbeddedLedger, accounts: Mapping[str, Account]) -> None:
        self.ledger = ledger
        self._now = ledger.engine.head().timestamp
        keys = [account.key for account in accounts.values()]
        self._client = Client(Web3(EmbeddedProvider(ledger)), keys, self._mine)

    @classmethod
    def create(cls, directory: Path, plan: Plan, accounts: Mapping[str, Account]) -> EmbeddedHost:
        """A fresh chain in a run directory; one that lies there, half made, is thrown away."""
        ledger = EmbeddedLedger.create(
            directory / LEDGER,
            chain_id=plan.ledger.chain_id,
            allocation={account.address: FUNDS_WEI for account in accounts.values()},
            timestamp=plan.ledger.genesis_time,
            replace=True,
        )
        return cls(ledger, accounts)

    @classmethod
    def open(cls, directory: Path, accounts: Mapping[str, Account]) -> EmbeddedHost:
        """The chain in a run directory, at its last whole block. LedgerCorrupt where the file is
        gone."""
        if not exists(directory / LEDGER):
            raise LedgerCorrupt(f"no ledger at {directory / LEDGER}: put the run's own back")
        return cls(EmbeddedLedger.open(directory / LEDGER), accounts)

    @property
    def client(self) -> Client:
        """Each batch it sends becomes a block."""
        return self._client

    @property
    def whole(self) -> bool:
        """It is."""
        return True

    @property
    def now(self) -> int:
        """Ledger time in seconds."""
        return self._now

    def pass_to(self, time: int) -> None:
        """Let ledger time pass, without a block."""
        self._now = max(self._now, time)

    def wait(self, time: int) -> None:
        """As `pass_to`: nobody else writes here."""
        self.pass_to(time)

    def close(self) -> None:
        """Release the file."""
        self.ledger.close()

    def _mine(self) -> None:
        """One block, a second after the time: blocks must not share one."""
        self._now += BLOCK_S
        self.ledger.mine(self._now)
