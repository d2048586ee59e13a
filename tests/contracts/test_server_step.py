"""The Solidity library of the server's step against exact rationals, on random and extreme columns,
as compiled and run by an EVM."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import parse_artifact
from sheaf.ledger.client import Call
from sheaf.ledger.engine import Message
from tests.ledger.chain import Host, address_of, new_host
from tests.optimiser_reference import Column, columns, exact_step

EXPOSED = parse_artifact((Path(__file__).parent / "exposed/ServerSteps.json").read_text("utf-8"))
LIBRARY = Interface(EXPOSED.abi)
BATCHES, BATCH = 10, 1_000
GAS = 10**10

Step = tuple[int, int, int]


@pytest.fixture(scope="module")
def host() -> Host:
    return new_host()


@pytest.fixture(scope="module")
def contract(host: Host) -> bytes:
    creation = LIBRARY.creation(EXPOSED.bytecode)
    (receipt,) = host.client.send([Call(address_of("auditor"), None, creation, 3_000_000)])
    created = receipt.require().contract
    assert created is not None
    return created


def steps(host: Host, contract: bytes, wanted: list[Column]) -> list[Step]:
    """What the library makes of columns."""
    arguments = [
        (
            (c.kind, c.fraction_bits, c.mean_divisor, c.square_divisor, c.rate, c.floor),
            (c.value, c.mean, c.square),
            c.aggregate,
        )
        for c in wanted
    ]
    message = Message(contract, LIBRARY.calldata("steps", arguments), gas=GAS)
    (found,) = LIBRARY.result("steps", host.ledger.engine.call(message))
    return [tuple(place) for place in found]


def test_the_plain_step_adds(host: Host, contract: bytes) -> None:
    end = 2**31 - 1
    given = (
        (3, -5, -2),
        (end, 1, end),
        (-end, -1, -end),
        (-end - 1, 0, -end),
        (7, -end - 1, 7 - end),
    )
    plain = [Column(0, 16, 0, 0, 0, 0, value, 9, 9, aggregate) for value, aggregate, _ in given]
    assert steps(host, contract, plain) == [(after, 0, 0) for *_, after in given]


@pytest.mark.parametrize("number", range(BATCHES))
def test_the_library_equals_exact_rationals(host: Host, contract: bytes, number: int) -> None:
    wanted = list(columns(BATCH, seed=100 + number))
    for column, found in zip(wanted, steps(host, contract, wanted), strict=True):
        assert found == exact_step(column), column
