"""A chain behind a JSON-RPC endpoint, as a run uses it: its client, its time, its finality.

On a development chain (anvil) the run moves the time, one block a batch, as on the embedded ledger.
On any other it waits: for a block that holds what it sent and is final, and for a block at the time
of the next deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import sleep as sleep_seconds
from typing import Any

from web3 import Web3

from sheaf.ledger.client import Call, Head
from sheaf.ledger.endpoint import TIMEOUT_S, Endpoint
from sheaf.ledger.finality import LATEST, Finality
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.wire import data, quantity
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable

POLL_S = 2.0
STALLED_S = 900
"""A chain without a new block for this long is down."""

DEVELOPMENT_PATIENCE = 200
REMOTE_PATIENCE = 1_800
"""Confirmations without any new final receipt: minutes at least, whatever a block takes."""

DEVELOPMENT_WEI = 10**24
_TRANSFER_GAS = 21_000


@dataclass(frozen=True)
class Connection:
    """How a chain is reached. `chain_id` None takes any; `finality` is the rule for its blocks;
    `sleep` takes seconds."""

    url: str
    chain_id: int | None = None
    finality: Finality = LATEST
    timeout_s: float = TIMEOUT_S
    poll_s: float = POLL_S
    sleep: Callable[[float], object] = sleep_seconds

    def __repr__(self) -> str:
        return f"Connection(chain_id={self.chain_id})"


class RemoteChain:
    """A chain whose time passes by itself. Errors: LedgerUnavailable where it stands still."""

    patience = REMOTE_PATIENCE

    def __init__(self, connection: Connection, endpoint: Endpoint, keys: Iterable[bytes]) -> None:
        self._connection = connection
        self.endpoint = endpoint
        self._client = ProvingClient(Web3(endpoint), keys, self._confirm, connection.finality)
        self._client.patience = self.patience
        self._latest = self.client.block("latest")

    @property
    def client(self) -> ProvingClient:
        """Sends for the accounts; what it has sent is final when it says so."""
        return self._client

    @property
    def whole(self) -> bool:
        """Whether all its blocks are one run's: others send here, too."""
        return False

    @property
    def now(self) -> int:
        """Ledger time in seconds: that of the latest block seen."""
        return self._latest.timestamp

    def pass_to(self, time: int) -> None:
        """Wait for a block at `time` or later."""
        self._await(lambda latest: latest.timestamp >= time)

    def wait(self, time: int) -> None:
        """Wait for a block at `time` or later, or for the next one, in which others may have
        acted."""
        seen = self._latest.number
        self._await(lambda latest: latest.timestamp >= time or latest.number > seen)

    def fund(self, payer: bytes, accounts: Sequence[bytes], gas: int) -> None:
        """Raise each account's balance, from `payer`'s, to what so much gas may cost."""
        wei = 2 * self.client.gas_price_wei() * gas
        short = [(each, wei - self.client.balance_wei(each)) for each in accounts]
        calls = [Call(payer, each, b"", _TRANSFER_GAS, lack) for each, lack in short if lack > 0]
        for receipt in self.client.send(calls):
            receipt.require()

    def settle(self) -> None:
        """Wait until nothing that its accounts have sent is still on its way to a final block."""
        for _ in range(self.patience):
            if not self.client.waiting():
                return
            self._confirm()
        raise LedgerUnavailable(f"{self.endpoint.name}: found transactions that no block takes")

    def close(self) -> None:
        """Close the connections."""
        self.endpoint.close()

    def _confirm(self) -> None:
        seen = self._latest.number
        self._await(lambda latest: latest.number > seen)

    def _await(self, reached: Callable[[Head], bool]) -> None:
        pause_s, silent_s = self._connection.poll_s, 0.0
        while not reached(self._latest):
            if silent_s > STALLED_S:
                raise LedgerUnavailable(
                    f"{self.endpoint.name}: found no block after {self._latest.number} for "
                    f"{STALLED_S} seconds, accepted: a chain that goes on"
                )
            self._connection.sleep(pause_s)
            before, self._latest = self._latest, self.client.block("latest")
            silent_s = silent_s + pause_s if self._latest == before else 0.0


class DevelopmentChain(RemoteChain):
    """A chain whose time passes when it is told to; a block takes a second."""

    patience = DEVELOPMENT_PATIENCE

    def __init__(self, connection: Connection, endpoint: Endpoint, keys: Iterable[bytes]) -> None:
        super().__init__(connection, endpoint, keys)
        self._now = self._latest.timestamp
        # Who only reads leaves the chain alone.
        self._sends = bool(self.client.accounts)
        self._mined_alone = bool(_ask(endpoint, "anvil_getAutomine"))
        if self._sends:
            _ask(endpoint, "evm_setAutomine", False)

    @property
    def now(self) -> int:
        """Ledger time in seconds: the latest block's or, where nobody wanted anything, later."""
        return self._now

    def pass_to(self, time: int) -> None:
        """Let ledger time pass, without a block."""
        self._now = max(self._now, time)

    def wait(self, time: int) -> None:
        """As `pass_to`: no block comes by itself."""
        self.pass_to(time)

    def fund(self, payer: bytes, accounts: Sequence[bytes], gas: int) -> None:
        """Set each account's balance, to more than any gas costs here."""
        for account in accounts:
            _ask(self.endpoint, "anvil_setBalance", data(account), quantity(DEVELOPMENT_WEI))

    def close(self) -> None:
        """Leave the chain as it was found, and close the connections."""
        try:
            if self._sends:
                _ask(self.endpoint, "evm_setAutomine", self._mined_alone)
        finally:
            super().close()

    def _confirm(self) -> None:
        """One block, a second after the time and after the block before."""
        self._now = 1 + max(self._now, self.client.block("latest").timestamp)
        _ask(self.endpoint, "evm_setNextBlockTimestamp", self._now)
        _ask(self.endpoint, "evm_mine")


def connect(connection: Connection, keys: Iterable[bytes] = ()) -> RemoteChain:
    """The chain behind an endpoint; it sends for the accounts of these 32-byte keys.

    Raises InvalidConfiguration for another chain than the one that was asked for, and
    LedgerUnavailable where there is none.
    """
    endpoint = Endpoint(connection.url, connection.timeout_s, connection.sleep)
    try:
        # The chain is known before a client counts nonces for it.
        found = ProvingClient(Web3(endpoint)).chain_id
        if connection.chain_id not in (None, found):
            raise InvalidConfiguration(
                f"ledger.chain_id: found {connection.chain_id}, accepted: {found}, which is the "
                f"chain of {endpoint.name}"
            )
        kind = DevelopmentChain if is_development(endpoint) else RemoteChain
        return kind(connection, endpoint, keys)
    except BaseException:
        endpoint.close()
        raise


def is_development(endpoint: Endpoint) -> bool:
    """Whether a node runs a chain that can be told the time, and mines only when it is told to or
    at once."""
    version = str(_ask(endpoint, "web3_clientVersion"))
    return version.startswith("anvil/") and not _ask(endpoint, "anvil_getIntervalMining")


def _ask(endpoint: Endpoint, method: str, *parameters: Any) -> Any:
    answer = endpoint.make_request(method, parameters)  # type: ignore[arg-type] # a NewType
    if "error" in answer:
        raise LedgerUnavailable(f"{endpoint.name}: {method}: {answer['error']}")
    return answer.get("result")
