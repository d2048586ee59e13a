"""A chain behind an endpoint, as a run uses it: whose time it is, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sheaf.ledger.anvil import DEVELOPMENT_KEY
from sheaf.ledger.client import Call
from sheaf.ledger.client import address_of as account_of
from sheaf.ledger.errors import TransactionRefused, Unfunded
from sheaf.ledger.finality import Finality
from sheaf.ledger.rpc import Connection, DevelopmentChain, RemoteChain, connect
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable
from tests.ledger.chain import (
    CELL_CREATION,
    CELL_RUNTIME,
    CHAIN_ID,
    FUNDS_WEI,
    START,
    address_of,
    key_of,
    write,
)
from tests.ledger.node import REMOTE, Node

SPONSOR, SOMEBODY = address_of("sponsor"), b"\x11" * 20
CREATION = Call(SPONSOR, None, CELL_CREATION + CELL_RUNTIME, 200_000)


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as node:
        yield node


class Clock:
    """Sleeps without sleeping: every so many pauses, if at all, the chain goes on by a block."""

    def __init__(self, node: Node, *, block_s: int = 0, pauses: int = 1) -> None:
        self.node, self.block_s, self.pauses = node, block_s, pauses
        self.slept: list[float] = []
        self.chain: RemoteChain | None = None

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.block_s and self.chain is not None and not len(self.slept) % self.pauses:
            self.node.next_time += self.block_s
            self.chain.endpoint.make_request("evm_mine", [])  # type: ignore[arg-type]


def remote(
    node: Node, block_s: int, finality: str | int = "latest", pauses: int = 1, poll_s: float = 3.0
) -> tuple[RemoteChain, Clock]:
    """A chain that goes on by itself: a block of so many seconds for every look at it."""
    node.version, node.automine, node.next_time = REMOTE, False, START
    clock = Clock(node, block_s=block_s, pauses=pauses)
    rule = Finality.parse(finality)
    connection = Connection(node.url, CHAIN_ID, rule, poll_s=poll_s, sleep=clock)
    clock.chain = connect(connection, [key_of("sponsor"), key_of("auditor")])
    return clock.chain, clock


def development(node: Node) -> DevelopmentChain:
    chain = connect(Connection(node.url, CHAIN_ID), [key_of("sponsor")])
    assert isinstance(chain, DevelopmentChain)
    return chain


def test_another_chain_than_the_configured_one_is_refused(node: Node) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        connect(Connection(node.url, 1))
    assert caught.value.message == (
        f"ledger.chain_id: found 1, accepted: {CHAIN_ID}, which is the chain of {node.url}"
    )
    assert caught.value.exit_code == 3
    connect(Connection(node.url)).close()


def test_a_connection_shows_no_address() -> None:
    assert repr(Connection("http://127.0.0.1/secret", 5)) == "Connection(chain_id=5)"


def test_on_a_development_chain_the_run_moves_the_time(node: Node) -> None:
    chain = development(node)
    assert (chain.now, node.automine) == (START, False)
    (receipt,) = chain.client.send([CREATION])
    assert (receipt.block_number, chain.now) == (1, START + 1)
    chain.pass_to(START + 600)
    chain.pass_to(START + 300)
    assert (chain.now, chain.client.head().timestamp) == (START + 600, START + 1)
    assert receipt.contract is not None
    chain.client.send([write("sponsor", receipt.contract, 5)] * 2)
    head = chain.client.head()
    assert (head.number, head.timestamp, chain.now) == (2, START + 601, START + 601)
    chain.close()
    assert node.automine


def test_a_chain_that_somebody_else_moved_is_followed(node: Node) -> None:
    chain = development(node)
    node.next_time = START + 50
    chain.endpoint.make_request("evm_mine", [])  # type: ignore[arg-type]
    chain.client.send([CREATION])
    assert chain.now == START + 51
    chain.close()


def test_who_only_reads_leaves_a_development_chain_alone(node: Node) -> None:
    chain = connect(Connection(node.url))
    chain.client.head()
    chain.close()
    assert "evm_setAutomine" not in node.seen


def test_any_other_chain_is_waited_for(node: Node) -> None:
    chain, clock = remote(node, block_s=12)
    assert type(chain) is RemoteChain
    (receipt,) = chain.client.send([CREATION])
    assert (receipt.status, receipt.block_number, clock.slept) == (1, 1, [3.0])
    chain.pass_to(START + 60)
    # Twelve seconds a block: the fifth is at the time, and the first was there.
    assert (chain.now, len(clock.slept)) == (START + 60, 5)
    chain.pass_to(START + 30)
    assert len(clock.slept) == 5
    assert "evm_setNextBlockTimestamp" not in node.seen
    chain.close()


def test_a_transaction_is_waited_for_until_it_is_final(node: Node) -> None:
    chain, clock = remote(node, block_s=12, finality=4)
    (receipt,) = chain.client.send([CREATION])
    assert (receipt.block_number, len(clock.slept)) == (1, 5)
    assert chain.client.head().number == 1
    chain.close()


def test_a_chain_that_stands_still_is_down(node: Node) -> None:
    chain, clock = remote(node, block_s=0, poll_s=100.0)
    with pytest.raises(LedgerUnavailable) as caught:
        chain.pass_to(START + 1)
    assert caught.value.message == (
        f"{node.url}: found no block after 0 for 900 seconds, accepted: a chain that goes on"
    )
    assert sum(clock.slept) == 1000
    chain.close()


def test_a_slow_chain_is_not_down(node: Node) -> None:
    chain, clock = remote(node, block_s=12, pauses=9, poll_s=100.0)
    chain.pass_to(START + 36)
    assert sum(clock.slept) == 3 * 900
    chain.close()


def test_an_unfunded_account_is_named_with_what_it_has_and_needs(node: Node) -> None:
    chain = connect(Connection(node.url), [key_of("sponsor"), DEVELOPMENT_KEY])
    with pytest.raises(Unfunded) as caught:
        chain.client.send([CREATION, Call(account_of(DEVELOPMENT_KEY), SOMEBODY, b"", 21_000, 7)])
    # Twice the price of 875,000,000 wei, for 21,000 gas, and seven.
    need = 2 * 875_000_000 * 21_000 + 7
    assert caught.value.message == (
        "account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 is not funded: "
        f"found 0 wei, accepted: at least {need}"
    )
    assert caught.value.exit_code == 3
    assert chain.client.head().number == 0
    chain.close()


def test_what_is_refused_for_another_reason_says_that(node: Node) -> None:
    chain = development(node)
    with pytest.raises(TransactionRefused, match="intrinsic"):
        chain.client.send([Call(SPONSOR, SOMEBODY, b"", 20_000)])
    chain.close()


def test_accounts_are_funded_by_whoever_pays(node: Node) -> None:
    chain, _ = remote(node, block_s=12)
    rich = address_of("auditor")
    chain.fund(SPONSOR, [SOMEBODY, rich], 10**9)
    # Twice the price of the first block's successor, for so much gas.
    assert chain.client.balance_wei(SOMEBODY) == 2 * 875_000_000 * 10**9
    assert chain.client.balance_wei(rich) == FUNDS_WEI
    # Gas is cheaper after an empty block, so there is nothing to add.
    chain.fund(SPONSOR, [SOMEBODY], 10**9)
    assert node.seen.count("eth_sendRawTransaction") == 1
    chain.close()


@pytest.mark.parametrize(("finality", "blocks"), [("latest", 1), (4, 5)])
def test_what_is_on_its_way_is_waited_for(node: Node, finality: str | int, blocks: int) -> None:
    chain, clock = remote(node, block_s=12, finality=finality)
    chain.settle()
    assert clock.slept == []
    chain.client._submit([CREATION])
    again, clock = remote(node, block_s=12, finality=finality)
    again.settle()
    assert len(clock.slept) == blocks
    (sent,) = again.client.transactions(1)
    assert (sent.sender, sent.receipt.status) == (SPONSOR, 1)
    for each in (chain, again):
        each.close()


def test_what_no_block_takes_is_not_waited_for_for_ever(node: Node) -> None:
    chain, _ = remote(node, block_s=12, finality="finalized")
    node.final_depth = 10**6
    chain.patience = 7
    chain.client._submit([CREATION])
    with pytest.raises(LedgerUnavailable, match="found transactions that no block takes"):
        chain.settle()
    chain.close()


def test_a_node_that_is_not_there_is_one_line() -> None:
    waits: list[float] = []
    with pytest.raises(LedgerUnavailable, match=r"^http://127.0.0.1:1 does not answer$"):
        connect(Connection("http://127.0.0.1:1/secret", sleep=waits.append))
    assert waits == [0.5, 1.0, 2.0, 4.0]
