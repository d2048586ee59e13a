"""Answers of nodes: what is taken and what is not, and that nothing else can come of nonsense."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sheaf
from sheaf.ledger import answers
from sheaf.ledger.answers import Wrong, check, error_of, parse
from sheaf.ledger.client import sensible
from sheaf.ledger.errors import Misreported
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.ledger.rpc_records import prove_block
from sheaf.ledger.wire import data
from sheaf.protocol.errors import LedgerUnavailable
from tests.ledger.chain import (
    LEGACY,
    START,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    word,
)

Change = Callable[[Any], Any]


def told() -> dict[str, Any]:
    """What the embedded ledger's node says of a chain of three blocks, by method."""
    ledger = new_ledger()
    cell = deploy_cell(ledger, START + 1)
    ledger.submit(raw_transaction("sponsor", 1, cell, word(4), **LEGACY))
    ledger.submit(raw_transaction("participant 1", 0, cell, word(0)))
    ledger.mine(START + 2)
    provider: Any = EmbeddedProvider(ledger)
    sent = data(ledger.transactions(2)[0].hash)
    account = data(address_of("sponsor"))
    asked: list[tuple[str, list[Any]]] = [
        ("eth_chainId", []),
        ("eth_gasPrice", []),
        ("eth_maxPriorityFeePerGas", []),
        ("eth_getBalance", [account]),
        ("eth_getTransactionCount", [account]),
        ("eth_getCode", [data(cell)]),
        ("eth_call", [{"to": data(cell), "data": data(word(3))}]),
        ("eth_getBlockByNumber", ["0x2", True]),
        ("eth_getBlockByHash", [data(ledger.header(2).hash), False]),  # type: ignore[union-attr]
        ("eth_getBlockReceipts", ["0x2"]),
        ("eth_getTransactionReceipt", [sent]),
        ("eth_getTransactionByHash", [sent]),
        ("eth_getLogs", [{"fromBlock": "0x0"}]),
        ("web3_clientVersion", []),
    ]
    found = {}
    for method, parameters in asked:
        found[method] = (parameters, provider.make_request(method, parameters)["result"])
    return found


TOLD = told()


def of(method: str) -> tuple[list[Any], Any]:
    parameters, result = TOLD[method]
    return parameters, copy.deepcopy(result)


@pytest.mark.parametrize("method", TOLD)
def test_what_an_honest_node_says_is_taken(method: str) -> None:
    parameters, result = of(method)
    check(method, parameters, result)
    assert parse(json.dumps(result).encode()) == result


def test_every_method_that_is_asked_has_a_shape() -> None:
    package = Path(sheaf.__file__).parent
    # What the embedded node serves is not what is asked of others.
    asked = {
        name
        for path in package.rglob("*.py")
        if path.name not in ("provider.py", "answers.py", "endpoint.py")
        for name in re.findall(r'"((?:eth|net|web3|anvil|evm|debug)_\w+)"', path.read_text())
    }
    blocks = {"eth_getBlockByNumber", "eth_getBlockByHash"}
    assert asked - answers._RESULTS.keys() == blocks
    for method in sorted(asked - {"anvil_getIntervalMining"}):
        with pytest.raises(Wrong):
            check(method, ["0x0", False], {"nonsense": 1})


def put(*path: Any, value: Any) -> Change:
    """One place in an answer, with another value in it."""

    def change(result: Any) -> Any:
        if not path:
            return value
        inner = result
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return result

    return change


def without(*path: Any) -> Change:
    def change(result: Any) -> Any:
        inner = result
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        return result

    return change


BLOCK, RECEIPTS, LOGS = "eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getLogs"
HUGE = "0x" + "f" * 65


@pytest.mark.parametrize(
    ("method", "change", "found"),
    [
        ("eth_chainId", put(value=1337), "a number, accepted: a quantity of at most 256 bits"),
        ("eth_chainId", put(value=None), "nothing, accepted: a quantity"),
        ("eth_chainId", put(value=True), "True, accepted: a quantity"),
        ("eth_chainId", put(value=1.5), "1.5, accepted: a quantity"),
        ("eth_chainId", put(value=[]), "a list, accepted: a quantity"),
        ("eth_chainId", put(value={}), "a record, accepted: a quantity"),
        ("eth_chainId", put(value=""), "'', accepted: a quantity"),
        ("eth_chainId", put(value="0x"), "'0x', accepted: a quantity"),
        ("eth_chainId", put(value="-0x1"), "'-0x1', accepted: a quantity"),
        ("eth_chainId", put(value="0x1_0"), "'0x1_0', accepted: a quantity"),
        ("eth_chainId", put(value=" 0x10"), "' 0x10', accepted: a quantity"),
        ("eth_chainId", put(value="0x10\n"), "'0x10\\n', accepted: a quantity"),
        ("eth_chainId", put(value="0x\u0661"), "'0x\u0661', accepted: a quantity"),
        ("eth_chainId", put(value=HUGE), f"'{HUGE[:40]}'..., accepted: a quantity"),
        ("eth_getCode", put(value="0x1"), "'0x1', accepted: data of at most 1048576 bytes"),
        ("eth_getCode", put(value="0x 00"), "'0x 00', accepted: data"),
        ("eth_getCode", put(value="00"), "'00', accepted: data"),
        ("eth_getCode", put(value="0x" + "00" * (2**20 + 1)), "accepted: data of at most"),
        (BLOCK, put(value=[]), "a list, accepted: a record"),
        (BLOCK, without("stateRoot"), "nothing as stateRoot, accepted: data of 32 bytes"),
        (BLOCK, put("hash", value="0x00"), "'0x00' as hash, accepted: data of 32 bytes"),
        (BLOCK, put("number", value="0x10000000000000000"), "as number, accepted: a quantity"),
        (BLOCK, put("logsBloom", value="0x" + "0" * 510), "accepted: data of 256 bytes"),
        (BLOCK, put("extraData", value="0x" + "0" * 8194), "accepted: data of at most 4096"),
        (BLOCK, put("baseFeePerGas", value=7), "a number as baseFeePerGas, accepted: a quantity"),
        (BLOCK, put("transactions", value={}), "a record as transactions, accepted: a list"),
        (BLOCK, put("transactions", 1, value="0x"), "'0x' as transactions[1], accepted: a record"),
        (
            BLOCK,
            put("transactions", 1, "type", value="0x7e"),
            "a transaction of kind 126 as transactions[1].type, accepted: 0 to 4",
        ),
        (BLOCK, without("transactions", 1, "r"), "nothing as transactions[1].r, accepted: a qu"),
        (BLOCK, put("transactions", 0, "to", value="0x00"), "as transactions[0].to, accepted: da"),
        (
            BLOCK,
            put("transactions", 1, "accessList", value=[{"address": "0x" + "00" * 20}]),
            "nothing as transactions[1].accessList[0].storageKeys, accepted: a list",
        ),
        (RECEIPTS, put(0, value=None), "nothing as [0], accepted: a record"),
        (RECEIPTS, put(0, "status", value="0x100"), "'0x100' as [0].status, accepted: a quantity"),
        (RECEIPTS, put(0, "logs", 0, "topics", value=["0x" + "00" * 32] * 5), "a list of 5 as [0]"),
        (RECEIPTS, put(0, "revertReason", value="none"), "'none' as [0].revertReason, accepted:"),
        (LOGS, put(0, "topics", 0, value="0x00"), "'0x00' as [0].topics[0], accepted: data of 32"),
        (LOGS, put(value=None), "nothing, accepted: a list"),
        ("web3_clientVersion", put(value="x" * 1001), "accepted: text of at most 1000 characters"),
    ],
)
def test_what_is_of_another_shape_is_refused(method: str, change: Change, found: str) -> None:
    parameters, result = of(method)
    with pytest.raises(Wrong) as caught:
        check(method, parameters, change(result))
    told = f"{caught.value.told}, accepted: {caught.value.accepted}"
    assert found in told
    assert "\n" not in told
    assert len(told) < 200


def test_absent_things_are_no_nonsense() -> None:
    for method in (BLOCK, "eth_getBlockByHash", RECEIPTS, "eth_getTransactionReceipt"):
        check(method, ["0x9", False], None)
    check("debug_traceTransaction", [], {"whatever": [1.5]})
    with pytest.raises(Wrong, match="the answer: found nothing, accepted: a list"):
        check(LOGS, [], None)


NO_JSON = "something other than JSON"
EMPTY_RECORDS = b"[" + b"{}," * 10**5 + b"{}]"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", NO_JSON),
        (b"<html>", NO_JSON),
        (b"\xff\xfe{}", NO_JSON),
        (b'{"result": NaN}', NO_JSON),
        (b'{"result": -Infinity}', NO_JSON),
        (b'{"result": 1, "result": 2}', NO_JSON),
        (b'{"result": ' + b"1" * 5000 + b"}", NO_JSON),
        (b"[" * 50, NO_JSON),
        (b'{"nested-deeply": ' * 10**4, NO_JSON),
        (b"[" * 10**6, "1000000 brackets and commas in 1000000 bytes"),
        (EMPTY_RECORDS, "200002 brackets and commas in 300004 bytes"),
    ],
    ids=[
        *("nothing", "a page", "no text", "NaN", "Infinity", "twice", "many digits", "nested"),
        *("nested deeper", "brackets alone", "empty records"),
    ],
)
def test_what_is_no_json_is_refused(body: bytes, found: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse(body)
    assert caught.value.found == found


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("busy", {"message": "busy"}),
        (None, {"message": "no reason"}),
        ({"code": -32000, "message": "no\nstate"}, {"code": -32000, "message": "no state"}),
        ({"code": True, "message": 7}, {"message": "a number"}),
        ({"message": "x" * 999}, {"message": "x" * 200 + "..."}),
        ({"message": {"a": 1}}, {"message": "a record"}),
        ({"message": "m", "data": "0x0102"}, {"message": "m", "data": "0x0102"}),
        ({"message": "m", "data": {"data": "0x01"}}, {"message": "m", "data": "0x01"}),
        ({"message": "m", "data": "0xzz"}, {"message": "m"}),
        ({"message": "m", "data": [[1.5]]}, {"message": "m"}),
    ],
)
def test_an_error_is_cut_to_what_is_used(told: Any, expected: dict[str, Any]) -> None:
    assert error_of(told) == expected


NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.from_regex(r"0x[0-9a-f]{0,66}", fullmatch=True)
    | st.sampled_from([HUGE, "0x" + "ff" * 32, "0x" + "00" * 20, "0x" + "11" * 256]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in an answer."""
    steps = (
        enumerate(value)
        if isinstance(value, list)
        else value.items()
        if isinstance(value, dict)
        else ()
    )
    return [path, *(found for step, each in steps for found in places(each, (*path, step)))]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_block_is_that_block_or_an_error(drawn: st.DataObject) -> None:
    parameters, block = of(BLOCK)
    both = [block, of(RECEIPTS)[1]]
    for _ in range(drawn.draw(st.integers(1, 2))):
        path = drawn.draw(st.sampled_from(places(both)[3:]))
        # After the first change there may be no such place any more.
        with suppress(TypeError, KeyError, IndexError):
            put(*path, value=drawn.draw(NONSENSE))(both)
    found = None
    # As the client does, which is told "none" of receipts by nodes that give them one by one.
    with suppress(Wrong, Misreported, LedgerUnavailable), sensible("block 2"):
        check(BLOCK, parameters, both[0])
        check(RECEIPTS, ["0x2"], both[1])
        found = prove_block(both[0], both[1])
    assert found in (None, prove_block(of(BLOCK)[1], of(RECEIPTS)[1]))


@given(st.sampled_from(sorted(TOLD)), NONSENSE)
@settings(max_examples=300, deadline=None)
def test_nonsense_in_place_of_an_answer_is_refused_or_taken(method: str, nonsense: Any) -> None:
    refused = ""
    try:
        check(method, of(method)[0], nonsense)
    except Wrong as wrong:
        refused = str(wrong)
    assert refused or nonsense is None or isinstance(nonsense, str | list)
    assert "\n" not in refused


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    value = refused = None
    try:
        value = parse(body)
    except Wrong as wrong:
        refused = str(wrong)
    assert (refused is None) == (value == _read(body))


def _read(body: bytes) -> Any:
    """What Python takes for JSON; something that nothing equals where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return object()
