"""What the ledger adds to its engine, and how fast logs are read: ratios within one run.

Commit-like transactions (one fresh storage slot and one log each) go from signing to receipt in
blocks of 100 through the client, over a ledger in a file. The bare engine executes the very same
signed blocks over a dictionary. The two take turns, so that whatever slows the machine slows both.
"""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path

from web3 import Web3

from benchmarks.measuring import Measured, Row, Work, fastest, seconds
from sheaf.ledger.client import Call, Client, address_of
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Block
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.ledger.reexecute import reexecute

START = 1_700_000_000
SENDERS = 100
GAS = 100_000
BLOCKS = 20
TARGET_RATIO = 0.6
EVENTS = 10_000
TARGET_SECONDS = 1.0
TURNS = 3

COMMITS = bytes.fromhex(
    "600035"  # the first word of the call
    "8060203555"  # stored in the slot that the second names
    "600052"  # and in memory
    "33600760206000a2"  # logged under the caller
    "00"
)
"""Stores a word in a slot and logs it."""

CHATTERS = bytes.fromhex(
    "600035"  # how often
    "5b8015601c57"  # until none is left
    "80600052"  # the number into memory
    "33600760206000a2"  # logged under the caller
    "60019003600356"  # one less
    "5b00"
)
"""Logs as many words as it is asked to."""


def keys(count: int) -> list[bytes]:
    return [index.to_bytes(32) for index in range(1, count + 1)]


def creation(runtime: bytes) -> bytes:
    """Twelve bytes that return what follows them, which is at most 255 bytes."""
    return bytes.fromhex(f"60{len(runtime):02x}600c60003960{len(runtime):02x}6000f3") + runtime


class Bench:
    """A ledger in a file, its client, and a bare engine that follows it."""

    def __init__(self, path: Path) -> None:
        self.accounts = [address_of(key) for key in keys(SENDERS)]
        allocation = dict.fromkeys(self.accounts, 10**24)
        self.ledger = EmbeddedLedger.create(
            path, chain_id=1337, allocation=allocation, timestamp=START
        )
        web3 = Web3(EmbeddedProvider(self.ledger))
        self.client = Client(web3, keys(SENDERS), self.mine)
        self.bare = PyEvmEngine.begin(self.ledger.genesis, {})

    def mine(self) -> None:
        self.ledger.mine(self.ledger.engine.head().timestamp + 1)

    def follow(self) -> Block:
        """The bare engine's turn: the ledger's last block, from the signed bytes."""
        head = self.ledger.engine.head()
        raw = [transaction.raw for transaction in self.ledger.transactions(head.number)]
        return self.bare.apply(raw, head.timestamp)

    def create(self, runtime: bytes) -> bytes:
        (receipt,) = self.client.send([Call(self.accounts[0], None, creation(runtime), 10**6)])
        self.follow()
        contract = receipt.require().contract
        assert contract is not None
        return contract


def rates(bench: Bench, blocks: int) -> tuple[list[float], list[float]]:
    """Seconds of each of so many blocks, through the client and through the bare engine."""
    contract = bench.create(COMMITS)
    through, bare = [], []
    for block in range(blocks):
        calls = [
            Call(account, contract, (7).to_bytes(32) + (SENDERS * block + index).to_bytes(32), GAS)
            for index, account in enumerate(bench.accounts)
        ]
        through.append(seconds(partial(bench.client.send, calls)))
        bare.append(seconds(bench.follow))
        if bench.bare.head() != bench.ledger.engine.head():
            raise SystemExit("the bare engine came to another head")
    return through, bare


def log_seconds(bench: Bench) -> float:
    """Seconds to read the events of a contract through the client."""
    contract = bench.create(CHATTERS)
    each = EVENTS // SENDERS
    calls = [Call(account, contract, each.to_bytes(32), 10**6) for account in bench.accounts]
    for receipt in bench.client.send(calls):
        receipt.require()
    found: list[object] = []
    spent = seconds(lambda: found.extend(bench.client.logs(contract)))
    if len(found) != EVENTS:
        raise SystemExit(f"expected {EVENTS} events, found {len(found)}")
    return spent


def executed_again(path: Path) -> list[Row]:
    """What a verifier's own copy of a ledger saves, and what it costs to make."""
    beside = path.with_name("state.json")

    def execute(kept: Path | None) -> None:
        difference = reexecute(path, beside=kept).difference
        if difference is not None:
            raise SystemExit(f"the ledger was executed again to something else: {difference}")

    def keep() -> None:
        for kept in path.parent.glob(f"{beside.name}-*"):
            kept.unlink()
        execute(beside)

    works: dict[str, Work] = {
        "plain": partial(execute, None),
        "first": keep,
        "second": partial(execute, beside),
    }
    found = fastest(works, TURNS)
    return [
        Row("executed again and kept", found["first"] / found["plain"], "of executing it again"),
        Row(
            "compared with what was kept", found["second"] / found["plain"], "of executing it again"
        ),
    ]


def measure(quick: bool) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "ledger.db")
        through, bare = rates(bench, BLOCKS // 4 if quick else BLOCKS)
        spent = log_seconds(bench)
        bench.ledger.close()
        again = executed_again(Path(folder) / "ledger.db")
    ratio = statistics.median(b / t for t, b in zip(through, bare, strict=True))
    typical = (SENDERS / statistics.median(each) for each in (through, bare))
    named = (f"blocks of {SENDERS}, signing to receipt", "the same blocks, bare engine")
    rows = [
        *(Row(name, rate, "transactions/s") for name, rate in zip(named, typical, strict=True)),
        Row("ledger's rate", ratio, "of the bare engine's", at_least=TARGET_RATIO),
        Row(f"logs of {EVENTS:,} events", spent, "s", at_most=TARGET_SECONDS),
        *again,
    ]
    return Measured(rows)
