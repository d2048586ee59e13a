"""Replaying a ledger through the specification: whatever Solidity takes for a call is one."""

from __future__ import annotations

import pytest
from web3 import Web3

from sheaf.ledger.client import Client
from sheaf.ledger.engine import Block
from sheaf.ledger.errors import Reverted
from sheaf.ledger.federation import (
    AddressBook,
    FederationClient,
    TokenTerms,
    call_data,
    deploy,
    federation_interface,
    grant,
)
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.nodes.respecification import Respecification, Step, steps
from sheaf.nodes.verification import History
from sheaf.protocol.actions import Advance, Publish, Report
from sheaf.protocol.events import Reported, TaskPublished
from sheaf.protocol.hashing import ZERO
from tests.ledger.chain import address_of, key_of, new_ledger, raw_transaction, word
from tests.play import TERMS, changed, digest

METRICS = bytes.fromhex("a1616101")
"""dag-cbor of {"a": 1}."""


class Stage:
    """A ledger with a published task, and a specification that has seen as much. An `early` one has
    a call to where the federation of that one's book comes to be."""

    def __init__(self, early: AddressBook | None = None) -> None:
        self.ledger, self.blocks = new_ledger(), list[Block]()
        if early is not None:
            data = call_data(Advance(digest("some task")))
            self.ledger.submit(raw_transaction("auditor", 0, early.federation, data))
            self.mine()
        client = Client(Web3(EmbeddedProvider(self.ledger)), [key_of("sponsor")], self.mine)
        sponsor, money = address_of("sponsor"), TokenTerms("Reward", "RWD", 6, 10**9)
        self.book = deploy(client, sponsor, money, money)
        grant(client, self.book, sponsor, [(self.book.reward_token, sponsor, 10**6)])
        terms = changed(TERMS, reward_token=self.book.reward_token)
        publication = Publish(terms, digest("document"), digest("initial"), ZERO, terms.escrow)
        FederationClient(client, self.book).send([(sponsor, publication)])
        self.task = self.book.deployment.task_id(sponsor, publication.document)
        self.specification = Respecification(self.book)
        *_, published = steps(self.book, self.blocks)
        assert isinstance(published.events[0], TaskPublished)
        assert self.apply(published) is None
        self.set_up = len(self.blocks)

    def mine(self) -> Block:
        """A block of what waits, a second later."""
        self.blocks.append(self.ledger.mine(self.ledger.engine.head().timestamp + 1))
        return self.blocks[-1]

    def apply(self, step: Step) -> object:
        """What the specification has against a step of the last block."""
        return self.specification.apply(step)

    def report(self, *arguments: bytes) -> tuple[int, list[Step]]:
        """A call of `report` written by hand: its status, and its steps."""
        selector = federation_interface().calldata("report", self.task, 0, b"")[:4]
        data = selector + self.task + b"".join(arguments)
        nonce = self.ledger.engine.nonce(address_of("sponsor"))
        self.ledger.submit(raw_transaction("sponsor", nonce, self.book.federation, data))
        block = self.mine()
        return block.receipts[0].status, list(steps(self.book, [block]))


@pytest.fixture(scope="module")
def stage() -> Stage:
    """One for all: a report changes nothing that another could see."""
    return Stage()


@pytest.mark.parametrize(
    ("arguments", "metrics"),
    [
        ((word(0), word(96), word(4), METRICS.ljust(32, b"\0")), METRICS),
        ((word(0), word(96), word(4), METRICS), METRICS),
        ((word(0), word(96), word(4), METRICS.ljust(32, b"\xff")), METRICS),
        ((word(0), word(96), word(4), METRICS.ljust(96, b"\xff")), METRICS),
        ((word(0), word(99), b"gap", word(4), METRICS), METRICS),
        # The offset points at the round, which is the length, too: no bytes.
        ((word(0), word(32)), b""),
    ],
    ids=["padded", "cut", "padded with ones", "followed", "after a gap", "in the head"],
)
def test_a_call_is_what_solidity_makes_of_it(
    stage: Stage, arguments: tuple[bytes, ...], metrics: bytes
) -> None:
    status, (step,) = stage.report(*arguments)

    assert status == 1
    block = stage.blocks[-1]
    place = (step.block, step.time, step.transaction)
    assert place == (block.header.number, block.header.timestamp, block.transactions[0].hash)
    assert step.action == Report(stage.task, 0, metrics)
    assert step.events == (Reported(stage.task, 0, metrics),)
    assert stage.apply(step) is None


@pytest.mark.parametrize(
    "arguments",
    [
        (word(0), word(96), word(2**256 - 1), METRICS),
        (word(0), word(2**256 - 1), word(4), METRICS),
        (word(0), word(96)),
        (word(0),),
    ],
    ids=["endless", "far away", "without bytes", "without an offset"],
)
def test_what_is_no_call_is_no_step(stage: Stage, arguments: tuple[bytes, ...]) -> None:
    status, found = stage.report(*arguments)

    assert status == 0
    assert found == []


def test_bytes_that_end_early_fail_on_the_chain_alone(stage: Stage) -> None:
    status, (step,) = stage.report(word(0), word(96), word(5), METRICS)

    assert status == 0
    assert isinstance(step.failure, Reverted)
    assert stage.apply(step) is None


def test_gas_is_counted_for_the_task_that_is_verified(stage: Stage) -> None:
    gas = []
    for task in (stage.task, digest("another task on this ledger")):
        history = History(stage.book, task, {})
        for block in stage.blocks[: stage.set_up]:
            history.observe(block)
        assert not history.disagreement
        gas.append({kind for row in history.accounting.gas.values() for kind in row})
    assert gas == [{"other"}, set()]


def test_no_name_that_a_run_leaves_out_hides_the_gas_of_its_sponsor(stage: Stage) -> None:
    gas = []
    for names in ({}, {"0x" + "11" * 20: "somebody else"}):
        history = History(stage.book, stage.task, names)
        for block in stage.blocks[: stage.set_up]:
            history.observe(block)
        gas.append(sum(sum(row.values()) for row in history.accounting.gas.values()))
    assert gas[0] == gas[1] > 100_000


def test_a_call_before_there_is_a_federation_is_nobody_s_fault(stage: Stage) -> None:
    """Its address can be foreseen, and a call to nothing succeeds."""
    early = Stage(stage.book)
    assert early.book == stage.book
    assert early.blocks[0].receipts[0].status == 1
    history = History(early.book, early.task, {})
    for block in early.blocks:
        history.observe(block)
    assert history.disagreement == ""
    assert (history.count, history.trail.published is not None) == (1, True)
    # Once it is there, a call without an event is no call of its.
    published = History(early.book, early.task, {})
    for block in (*early.blocks, early.blocks[0]):
        published.observe(block)
    assert "Advance" in published.disagreement
