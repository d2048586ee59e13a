"""Shipped contracts: what is deployed is what was compiled, immutables aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sheaf.ledger.abi import ContractError, Interface
from sheaf.ledger.artifacts import artifact, parse_artifact
from sheaf.ledger.client import Call
from sheaf.ledger.deployment import wiring
from sheaf.protocol.errors import LedgerUnavailable
from tests.ledger.chain import Host, address_of, new_host

SMALL = """{"contractName": "Small", "abi": [{"type": "error", "name": "Late", "inputs": []}],
 "bytecode": "0x6001", "deployedBytecode": "0x600200000003",
 "immutableReferences": {"9": [{"start": 4, "length": 1}], "8": [{"start": 2, "length": 1}]}}"""


def test_an_artifact_is_read() -> None:
    small = parse_artifact(SMALL)

    assert small.name == "Small"
    assert small.abi == ({"type": "error", "name": "Late", "inputs": []},)
    assert small.bytecode == bytes.fromhex("6001")
    assert small.runtime == bytes.fromhex("600200000003")
    assert small.immutables == (((2, 1),), ((4, 1),))
    assert small.immutable_references == ((2, 1), (4, 1))


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("600200000003", True),
        ("6002ff00ff03", True),
        ("6002ff01ff03", False),
        ("600200000004", False),
        ("6002000000", False),
        ("", False),
    ],
)
def test_only_immutables_may_differ(code: str, same: bool) -> None:
    assert parse_artifact(SMALL).is_runtime(bytes.fromhex(code)) is same


def test_immutables_are_filled_in_by_declaration() -> None:
    small = parse_artifact(SMALL)
    assert small.runtime_of([b"\xaa", b"\xbb"]) == bytes.fromhex("6002aa00bb03")
    assert small.is_runtime(small.runtime_of([b"\xaa", b"\xbb"]))
    with pytest.raises(ValueError, match="zip"):
        small.runtime_of([b"\xaa"])


def test_immutables_are_read_out_of_code() -> None:
    small = parse_artifact(SMALL)
    assert small.values_in(bytes.fromhex("6002aa00bb03")) == (b"\xaa", b"\xbb")
    for other in ("6002aa01bb03", "6002aa00bb", ""):
        with pytest.raises(ValueError, match="not the code of"):
            small.values_in(bytes.fromhex(other))
    # An immutable that stands in two places has one value.
    twice = replace(small, immutables=(((2, 1), (4, 1)),))
    assert twice.values_in(bytes.fromhex("6002aa00aa03")) == (b"\xaa",)
    with pytest.raises(ValueError, match="not the code of"):
        twice.values_in(bytes.fromhex("6002aa00bb03"))


def test_a_federation_says_in_its_code_who_belongs_to_it() -> None:
    federation = artifact("Federation")
    token, vault, court = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
    assert wiring(federation.runtime_of([token, vault, court])) == {
        "stake_token": token,
        "vault": vault,
        "court": court,
    }
    with pytest.raises(ValueError, match="no addresses"):
        wiring(federation.runtime_of([token, b"\x01" + vault, court]))


@pytest.mark.parametrize("name", ["Absent", "../client", ""])
def test_a_contract_that_is_not_shipped(name: str) -> None:
    with pytest.raises(LedgerUnavailable, match="no contract"):
        artifact(name)


@pytest.fixture
def host() -> Host:
    return new_host()


def test_the_token_runs_as_shipped(host: Host) -> None:
    token = artifact("Token")
    interface = Interface(token.abi)
    sponsor, auditor = address_of("sponsor"), address_of("auditor")
    creation = interface.creation(token.bytecode, "Reward", "RWD", 6, sponsor, 1_000)
    (receipt,) = host.client.send([Call(sponsor, None, creation, 3_000_000)])
    contract = receipt.contract
    assert contract is not None

    paid, refused = host.client.send(
        [
            Call(sponsor, contract, interface.calldata("transfer", auditor, 7), 100_000),
            Call(auditor, contract, interface.calldata("transfer", sponsor, 8), 100_000),
        ]
    )

    assert token.is_runtime(host.client.code(contract))
    assert paid.status == 1
    balance = host.client.call(contract, interface.calldata("balanceOf", auditor))
    assert interface.result("balanceOf", balance) == (7,)
    assert interface.decode_error(refused.revert_data or b"") == ContractError(
        "ERC20InsufficientBalance", (auditor, 7, 8)
    )
