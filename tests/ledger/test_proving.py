"""The client of an endpoint that may lie: over HTTP, on a node that does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from web3 import Web3

from sheaf.ledger import proving
from sheaf.ledger.client import Call, Client
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.errors import Misreported, TransactionRefused
from sheaf.ledger.finality import Finality
from sheaf.ledger.proving import ProvingClient, may_hold
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable
from tests.ledger.chain import (
    CELL_CREATION,
    CELL_RUNTIME,
    NOTHING,
    ROLES,
    STORED,
    address_of,
    key_of,
    word,
    write,
)
from tests.ledger.lies import in_results
from tests.ledger.node import FORGOTTEN, LOST, Answer, Node

ELSEWHERE = b"\x11" * 20


class Reader:
    """A node with a cell on it, and clients of it; whoever confirms mines a block."""

    def __init__(self, node: Node) -> None:
        self.node, self.pauses = node, list[float]()
        self.endpoint = Endpoint(node.url, sleep=self.pauses.append)
        node.automine = False
        creation = Call(address_of("sponsor"), None, CELL_CREATION + CELL_RUNTIME, 200_000)
        (receipt,) = self.client().send([creation])
        assert receipt.contract is not None
        self.cell = receipt.contract

    def client(self, finality: str | int = "latest") -> ProvingClient:
        """A client that knows nothing yet."""
        keys = [key_of(role) for role in ROLES]
        rule = Finality.parse(finality)
        client = ProvingClient(Web3(self.endpoint), keys, self.mine, rule)
        client.patience = 20
        return client

    def plain(self) -> Client:
        """The client that believes what it is told."""
        return Client(Web3(self.endpoint))

    def mine(self) -> None:
        self.endpoint.make_request("evm_mine", [])  # type: ignore[arg-type]

    def write(self, client: Client, number: int, role: str = "participant 1") -> None:
        client.send([write(role, self.cell, number)])


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as node:
        yield node


@pytest.fixture
def reader(node: Node) -> Iterator[Reader]:
    reader = Reader(node)
    yield reader
    reader.endpoint.close()


def test_it_reads_what_the_trusting_client_reads(reader: Reader) -> None:
    client = reader.client()
    sent = [write("participant 1", reader.cell, 5), write("participant 2", reader.cell, 0)]
    first, failed = client.send(sent)
    reader.write(client, 6)
    assert (first.status, failed.status, failed.revert_data) == (1, 0, NOTHING)
    plain = reader.plain()
    assert client.head() == plain.head()
    assert client.logs(reader.cell) == plain.logs(reader.cell)
    assert [log.data for log in client.logs(reader.cell, 3)] == [word(6)]
    who = bytes(12) + address_of("participant 1")
    assert len(client.logs(reader.cell, topics=[STORED, who])) == 2
    assert len(client.logs(reader.cell, topics=[None, who])) == 2
    assert client.logs(reader.cell, topics=[who]) == []
    assert client.logs(ELSEWHERE) == []
    for found, told in zip(client.transactions(2), plain.transactions(2), strict=True):
        assert replace(found, receipt=replace(found.receipt, encoded=b"")) == told


def test_a_block_without_a_log_of_the_contract_is_not_fetched(reader: Reader) -> None:
    client = reader.client()
    reader.write(client, 5)
    reader.node.seen.clear()
    assert reader.client().logs(ELSEWHERE) == []
    assert "eth_getBlockReceipts" not in reader.node.seen
    header = client.proved(2).header
    assert may_hold(header.logs_bloom, reader.cell)
    assert not may_hold(header.logs_bloom, ELSEWHERE)
    assert not may_hold(bytes(256), reader.cell)


def test_a_header_that_is_known_may_be_dropped_while_others_are_read(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        reader.write(reader.client(), number)
    monkeypatch.setattr(proving, "_HEADERS_BYTES", 4 * 1200)
    client = reader.client()
    last = client.head().number
    client.proved(last)
    assert [header.number for header in client.headers(1, last)] == [*range(1, last + 1)]


def test_a_log_that_is_left_out_is_missed(reader: Reader) -> None:
    reader.write(reader.client(), 5)
    reader.node.twist = in_results("eth_getBlockReceipts", lambda told: [{**told[0], "logs": []}])
    with pytest.raises(Misreported, match="block 2: receipts root"):
        reader.client().logs(reader.cell)
    reader.node.twist = in_results(
        "eth_getBlockByNumber", lambda told: {**told, "logsBloom": "0x" + bytes(256).hex()}
    )
    with pytest.raises(Misreported, match="block 2: hash"):
        reader.client().logs(reader.cell)


def test_a_receipt_is_proved_before_it_is_believed(reader: Reader) -> None:
    client = reader.client()
    reader.node.twist = in_results(
        "eth_getBlockReceipts", lambda told: [{**told[0], "status": "0x1"}]
    )
    with pytest.raises(Misreported, match="receipts root"):
        client.send([write("participant 1", reader.cell, 0)])


def test_a_node_without_receipts_by_block_gives_them_one_by_one(reader: Reader) -> None:
    reader.write(reader.client(), 5)

    def older(method: str, params: Any, answer: Answer) -> Answer:
        missing = method == "eth_getBlockReceipts"
        return {"error": {"code": -32601, "message": "no such method"}} if missing else answer

    reader.node.twist = older
    assert [log.data for log in reader.client().logs(reader.cell)] == [word(5)]
    assert "eth_getTransactionReceipt" in reader.node.seen


def test_a_block_in_the_place_of_another_is_seen(reader: Reader) -> None:
    client = reader.client()
    reader.write(client, 5)

    def shifted(method: Any, params: Any, answer: Answer) -> Answer:
        if method == "eth_getBlockByNumber" and params[0] == "0x1":
            found = reader.node._provider.make_request(method, ["0x0", *params[1:]])
            return {"result": found["result"]}
        return answer

    reader.node.twist = shifted
    with pytest.raises(Misreported, match="block 1: number: found 0x0, proved 0x1"):
        reader.client().logs(reader.cell)


def test_a_final_block_that_changes_is_a_reorganisation(reader: Reader) -> None:
    client, brief = reader.client(), reader.client()
    reader.write(client, 5)
    brief.head()
    with Node() as elsewhere:
        other = Reader(elsewhere)
        for number in (6, 7):
            other.write(other.client(), number)

        def reorganised(method: str, params: Any, answer: Answer) -> Answer:
            found: Any = other.endpoint.make_request(method, params)  # type: ignore[arg-type]
            return found if method.startswith("eth_getBlock") else answer

        reader.node.twist = reorganised
        told = "block 2, which was final, is another block now: the chain was reorganised deeper"
        # Its child names another parent; and it is not what it was before, when read whole.
        for read in (lambda: client.logs(reader.cell, 3), lambda: brief.transactions(2)):
            with pytest.raises(LedgerUnavailable, match=told):
                read()
        other.endpoint.close()


@pytest.mark.parametrize(("rule", "depth"), [(0, 0), (3, 3), ("latest", 0), ("finalized", 2)])
def test_only_final_blocks_are_read(reader: Reader, rule: str | int, depth: int) -> None:
    client = reader.client(rule)
    (receipt,) = client.send([write("participant 1", reader.cell, 5)])
    # It was mined in the next block, and confirmed once `depth` more lay on top of it.
    assert receipt.block_number == 2
    assert reader.plain().head().number == 2 + depth
    assert client.head().number == 2
    reader.mine()
    assert client.head().number == 3
    reader.node.final_depth = 100
    assert reader.client("safe").head().number == 0


def test_a_rule_is_a_tag_or_a_number() -> None:
    assert [str(Finality.parse(value)) for value in ("safe", 0, "12")] == [
        "safe",
        "latest",
        "12 blocks",
    ]
    for value in ("soon", -1, 10_001, "1.5", "", "²"):
        with pytest.raises(InvalidConfiguration, match="accepted: latest, safe, finalized, or a"):
            Finality.parse(value)


def test_what_no_block_takes_is_given_up(reader: Reader) -> None:
    client = ProvingClient(Web3(reader.endpoint), [key_of("sponsor")], lambda: None)
    client.patience = 3
    with pytest.raises(TransactionRefused, match="no block took it"):
        reader.write(client, 5, "sponsor")


def test_a_lost_answer_does_not_send_again(reader: Reader) -> None:
    client = reader.client()
    client.head()
    reader.node.seen.clear()
    _fail_at_send(reader.node, LOST)
    reader.write(client, 5)
    assert reader.node.seen.count("eth_sendRawTransaction") == 1
    assert len(client.logs(reader.cell)) == 1
    reader.write(client, 6)
    assert [log.data for log in client.logs(reader.cell)] == [word(5), word(6)]


def test_what_a_node_may_have_taken_is_named(reader: Reader) -> None:
    client = reader.client()
    _fail_at_send(reader.node, FORGOTTEN)
    with pytest.raises(LedgerUnavailable) as caught:
        reader.write(client, 5)
    told = (
        r"does not answer; it may have taken transaction 0x[0-9a-f]{64}, which was not sent again"
    )
    assert re.fullmatch(f"{reader.node.url} {told}", caught.value.message)
    assert reader.node.seen.count("eth_sendRawTransaction") == 1
    # The next one starts from what the node says.
    reader.write(client, 6)
    assert [log.data for log in client.logs(reader.cell)] == [word(6)]


def _fail_at_send(node: Node, fault: str) -> None:
    """Let the request that broadcasts be lost, whichever it is."""
    whole = node.answer

    def answer(body: bytes) -> bytes | int | None:
        if b"eth_sendRawTransaction" in body:
            node.faults.append(fault)
            node.answer = whole  # type: ignore[method-assign]
        return whole(body)

    node.answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("nonsense", [None, 7, "0x", [], {}, {"number": "0x0"}])
def test_nonsense_is_no_crash(reader: Reader, nonsense: Any) -> None:
    client = reader.client()
    for method in ("eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getCode"):
        reader.node.twist = in_results(method, lambda told: nonsense)
        if method != "eth_getBlockReceipts":
            with pytest.raises(LedgerUnavailable):
                client.head() if method == "eth_getBlockByNumber" else _text(client, nonsense)


def _text(client: Client, nonsense: Any) -> None:
    """Code is text: what else comes is refused, and two characters are no code."""
    found = client.code(ELSEWHERE)
    assert (found, nonsense) == (b"", "0x")
    raise LedgerUnavailable("no code")
