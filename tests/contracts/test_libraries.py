"""Sets and votes as the contracts count them, against Python's integers; the whole supply of a
token; and what a federation refuses to be created with."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import artifact, parse_artifact
from sheaf.ledger.client import Call
from sheaf.ledger.engine import Message, Receipt
from tests.ledger.chain import Host, address_of, new_host

EXPOSED = parse_artifact((Path(__file__).parent / "exposed/Bitmaps.json").read_text("utf-8"))
LIBRARY = Interface(EXPOSED.abi)
GAS = 10**9
WORD = 2**256 - 1


@pytest.fixture(scope="module")
def host() -> Host:
    return new_host()


def created(host: Host, creation: bytes, gas: int = 3_000_000) -> Receipt:
    (receipt,) = host.client.send([Call(address_of("auditor"), None, creation, gas)])
    return receipt


@pytest.fixture(scope="module")
def contract(host: Host) -> bytes:
    address = created(host, LIBRARY.creation(EXPOSED.bytecode)).require().contract
    assert address is not None
    return address


def asked(host: Host, contract: bytes, name: str, *arguments: object) -> object:
    message = Message(contract, LIBRARY.calldata(name, *arguments), gas=GAS)
    (found,) = LIBRARY.result(name, host.ledger.engine.call(message))
    return list(found) if isinstance(found, tuple | list) else found


def test_positions_are_counted_over_the_whole_word(host: Host, contract: bytes) -> None:
    dice = random.Random(3)
    sets = [0, 1, WORD, WORD - 1, 1 << 255, *(1 << p for p in range(256))]
    sets += [dice.getrandbits(256) for _ in range(64)]
    assert asked(host, contract, "counts", sets) == [each.bit_count() for each in sets]


@pytest.mark.parametrize(
    ("position", "found"), [(0, True), (255, True), (256, False), (2**64, False)]
)
def test_no_set_has_a_position_beyond_its_word(
    host: Host, contract: bytes, position: int, found: bool
) -> None:
    assert asked(host, contract, "has", WORD, position) is found
    assert asked(host, contract, "has", 0, position) is False


@pytest.mark.parametrize("seats", [1, 3, 7, 16, 31])
def test_votes_of_up_to_31_seats(host: Host, contract: bytes, seats: int) -> None:
    dice = random.Random(seats)
    # One ballot in four holds everything, so that high thresholds are met at times.
    ballots = [WORD if dice.random() < 0.25 else dice.getrandbits(256) for _ in range(seats)]
    ballots = [each & ~1 for each in ballots]  # position 0 has no vote, the last one all
    ballots = [each | 1 << 255 for each in ballots]
    tally = [sum(each >> p & 1 for each in ballots) for p in range(256)]
    thresholds = list(range(1, seats + 1))
    expected = [sum((tally[p] >= least) << p for p in range(256)) for least in thresholds]
    assert asked(host, contract, "atLeast", ballots, thresholds) == expected
    assert expected[-1] >> 255 == 1 == 1 - expected[0] % 2


def test_the_holder_gets_the_whole_supply(host: Host) -> None:
    token, sponsor = artifact("Token"), address_of("sponsor")
    interface = Interface(token.abi)
    creation = interface.creation(token.bytecode, "Reward", "RWD", 9, sponsor, 10**20)
    address = created(host, creation).require().contract
    assert address is not None

    def read(name: str, *arguments: object) -> object:
        call = Message(address, interface.calldata(name, *arguments), gas=GAS)
        return interface.result(name, host.ledger.engine.call(call))[0]

    assert (read("decimals"), read("totalSupply")) == (9, 10**20)
    assert read("balanceOf", sponsor) == 10**20


def test_a_court_without_code_is_refused(host: Host) -> None:
    shipped = artifact("Federation")
    court = address_of("oracle")
    creation = Interface(shipped.abi).creation(shipped.bytecode, b"\x01" * 20, court)
    receipt = created(host, creation, 12_000_000)
    assert receipt.revert_data == keccak(text="NoCourt(address)")[:4] + court.rjust(32, b"\0")
