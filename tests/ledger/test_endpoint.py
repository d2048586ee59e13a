"""Endpoints: what is tried again and what is not, and what an error says of the address."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from sheaf.ledger.endpoint import Endpoint, expanded, shown
from sheaf.ledger.errors import Misanswered
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable
from tests.ledger.chain import CHAIN_ID
from tests.ledger.node import FORGOTTEN, GARBAGE, HANGING, LOST, Node

SECRET = "hunter2"
READ: tuple[Any, Any] = ("eth_chainId", [])


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as node:
        yield node


class Patient:
    """An endpoint that notes its pauses instead of sleeping."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self.pauses: list[float] = []
        self.endpoint = Endpoint(url, timeout_s, self.pauses.append)

    def ask(self, method: Any = "eth_chainId", *params: Any) -> Any:
        return self.endpoint.make_request(method, params)


@pytest.fixture
def patient(node: Node) -> Iterator[Patient]:
    patient = Patient(node.url)
    yield patient
    patient.endpoint.close()


def test_an_answer_is_passed_on_whether_result_or_error(patient: Patient) -> None:
    assert patient.ask()["result"] == hex(CHAIN_ID)
    assert patient.ask("eth_chainId", "too", "many")["error"]["code"] == -32602
    assert patient.pauses == []


@pytest.mark.parametrize("fault", [503, 429, LOST, FORGOTTEN])
def test_a_read_is_tried_again_after_growing_pauses(
    node: Node, patient: Patient, fault: str | int
) -> None:
    node.faults += [fault, fault]
    assert patient.ask()["result"] == hex(CHAIN_ID)
    assert patient.pauses == [0.5, 1.0]


def test_a_read_is_given_up_after_the_last_pause(node: Node, patient: Patient) -> None:
    node.faults += [503] * 5
    with pytest.raises(LedgerUnavailable) as caught:
        patient.ask()
    assert caught.value.message == f"{node.url} answers with HTTP status 503"
    assert caught.value.exit_code == 4
    assert patient.pauses == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (401, "answers with HTTP status 401"),
        (404, "answers with HTTP status 404"),
        (GARBAGE, "eth_chainId: found something other than JSON, accepted: a JSON-RPC answer"),
    ],
)
def test_what_waiting_does_not_change_is_not_tried_again(
    node: Node, patient: Patient, fault: str | int, told: str
) -> None:
    node.faults.append(fault)
    with pytest.raises(LedgerUnavailable, match=told):
        patient.ask()
    assert patient.pauses == []


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "evm_mine", "eth_sendTransaction"])
def test_what_changes_something_is_sent_once(node: Node, patient: Patient, method: str) -> None:
    node.faults.append(LOST)
    with pytest.raises(LedgerUnavailable, match="does not answer"):
        patient.ask(method, *(["0x00"] if method != "evm_mine" else []))
    assert node.seen == [method]
    assert patient.pauses == []


def test_a_batch_with_anything_but_reads_is_sent_once(node: Node, patient: Patient) -> None:
    node.faults.append(LOST)
    with pytest.raises(LedgerUnavailable):
        patient.endpoint.make_batch_request([READ, ("evm_mine", [])])  # type: ignore[list-item]
    assert node.seen == ["eth_chainId", "evm_mine"]


def test_a_slow_node_is_named_so(node: Node) -> None:
    slow = Patient(node.url, timeout_s=0.05)
    node.faults.append(HANGING)
    with pytest.raises(LedgerUnavailable, match="takes too long to answer"):
        slow.ask("evm_mine")
    slow.endpoint.close()


def test_answers_of_a_batch_are_put_in_order(patient: Patient) -> None:
    blocks = [("eth_getBlockByNumber", [tag, False]) for tag in ("0x0", "0x1")]
    answers = patient.endpoint.make_batch_request([READ, *blocks])  # type: ignore[list-item]
    assert isinstance(answers, list)
    found: list[Any] = [answer.get("result") for answer in answers]
    assert found[0] == hex(CHAIN_ID)
    assert found[1]["number"] == "0x0"
    assert found[2] is None


@pytest.mark.parametrize(
    ("twisted", "told"),
    [
        ({}, "found 2 of other ids, accepted: 2 answers, of id 0 to 1"),
        ({"id": 7, "result": "0x1"}, "found 2 of other ids"),
        ({"id": [], "result": "0x1"}, "found 2 of other ids"),
        ({"id": True, "result": "0x1"}, "found 2 of other ids"),
        ({"id": 0, "result": "0x1"}, "found 2 of other ids"),
        ({"id": 1}, "found neither result nor error, accepted: one of them"),
        ([], "found no record of JSON-RPC, accepted: 2 answers"),
    ],
)
def test_an_answer_to_something_else_is_none(
    node: Node, patient: Patient, twisted: Any, told: str
) -> None:
    whole: Any = node._one
    setattr(node, "_one", lambda each: twisted if each["id"] == 1 else whole(each))  # noqa: B010
    with pytest.raises(Misanswered) as caught:
        patient.endpoint.make_batch_request([READ, READ])
    assert caught.value.message.startswith(f"{node.url}: eth_chainId: {told}")
    assert caught.value.exit_code == 4


def test_an_error_of_a_whole_batch_is_everybodys(node: Node, patient: Patient) -> None:
    refusal = b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "too many"}}'
    node.answer = lambda body: refusal  # type: ignore[method-assign]
    answers: Any = patient.endpoint.make_batch_request([READ, READ])
    assert [answer["error"]["message"] for answer in answers] == ["too many"] * 2


@pytest.mark.parametrize(
    "url",
    [
        f"http://operator:{SECRET}@127.0.0.1:1/",
        f"http://127.0.0.1:1/v3/{SECRET}",
        f"http://127.0.0.1:1/?key={SECRET}",
    ],
)
def test_nothing_says_more_of_an_address_than_its_host(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "web3")
    patient = Patient(url)
    with pytest.raises(LedgerUnavailable) as caught:
        patient.ask()
    everything = "".join(traceback.format_exception(caught.value))
    for text in (everything, caplog.text, repr(patient.endpoint), str(patient.endpoint)):
        assert SECRET not in text
    assert caught.value.message == "http://127.0.0.1:1 does not answer"
    patient.endpoint.close()


@pytest.mark.parametrize("url", ["", "8545", "ftp://127.0.0.1", "http://", "http://x:port/"])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        shown(url)
    accepted = "an http or https URL, such as http://127.0.0.1:8545"
    assert caught.value.message == f"ledger.url: found no address, accepted: {accepted}"


def test_a_secret_is_put_in_from_the_environment() -> None:
    environment = {"PROJECT": SECRET}
    assert expanded("https://rpc.example/${PROJECT}", environment).endswith(f"/{SECRET}")
    assert expanded("https://a:${PROJECT}@rpc.example", environment).startswith("https://a:hunter")
    with pytest.raises(InvalidConfiguration, match="'ABSENT' as a variable"):
        expanded("https://rpc.example/${ABSENT}", environment)
    with pytest.raises(InvalidConfiguration, match="found a secret") as caught:
        expanded(f"https://operator:{SECRET}@rpc.example", environment)
    assert SECRET not in caught.value.message
    with pytest.raises(InvalidConfiguration, match="found no address"):
        expanded("http://[::1", environment)


def test_what_is_wrong_with_an_address_is_said_of_the_option_that_it_was_given_by() -> None:
    for url in (f"https://a:{SECRET}@rpc.example", f"https://a:{SECRET}@${{HOST}}", "http://[::1"):
        with pytest.raises(InvalidConfiguration, match=r"^--store: found ") as caught:
            expanded(url, {"HOST": "rpc.example"}, "--store")
        assert SECRET not in caught.value.message
    with pytest.raises(InvalidConfiguration, match=r"^--store: found no address"):
        shown("ftp://127.0.0.1", "--store")


@pytest.mark.parametrize("secret", ["be/fore", "be?fore", "be#fore"])
def test_a_password_does_not_become_a_host(secret: str) -> None:
    with pytest.raises(InvalidConfiguration, match="percent-encoded") as caught:
        expanded("https://a:${SECRET}@rpc.example", {"SECRET": secret}, "--ledger")
    assert "fore" not in caught.value.message
    encoded = {"SECRET": quote(secret, safe="")}
    assert shown(expanded("https://a:${SECRET}@rpc.example", encoded)) == "https://rpc.example"
