"""Address books: written, read, and held against a chain."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sheaf.ledger.deployment import CONTRACTS, Deployed, differences
from sheaf.ledger.federation import AddressBook, TokenTerms, create_federation, create_tokens
from sheaf.protocol.errors import InvalidDocument
from tests.ledger.chain import CHAIN_ID, Host, address_of, new_host

TERMS = TokenTerms("Stake", "STK", 18, 2**100)


@pytest.fixture(scope="module")
def host() -> Host:
    return new_host()


@pytest.fixture(scope="module")
def deployed(host: Host) -> Deployed:
    sponsor = address_of("sponsor")
    stake, reward = create_tokens(host.client, sponsor, [TERMS, TERMS])
    book, block = create_federation(host.client, sponsor, stake, reward)
    assert block == 3
    return Deployed.read(host.client, book, block)


def test_a_chain_is_as_its_book_says(host: Host, deployed: Deployed) -> None:
    assert list(differences(host.client, deployed)) == []
    engine = host.ledger.engine
    for name in CONTRACTS:
        code = engine.code(getattr(deployed.book, name))
        assert len(code) > 1000
        assert deployed.codes[name] == keccak(code)


def test_a_book_is_read_as_it_was_written(deployed: Deployed) -> None:
    document = deployed.document()
    plain = json.loads(document)
    assert (plain["chain_id"], plain["deployment_block"]) == (CHAIN_ID, 3)
    assert list(plain["contracts"]) == [
        "federation",
        "court",
        "vault",
        "stake_token",
        "reward_token",
    ]
    vault = plain["contracts"]["vault"]
    assert bytes.fromhex(vault["address"][2:]) == deployed.book.vault
    assert vault["code_hash"] == f"0x{deployed.codes['vault'].hex()}"
    assert Deployed.parse(document) == deployed


def changed(deployed: Deployed, *path: str, to: Any) -> str:
    plain = json.loads(deployed.document())
    at = plain
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = to
    return json.dumps(plain, indent=2) + "\n"


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("contracts", "vault", "address"), "0x11"),
        (("contracts", "vault", "address"), 7),
        (("contracts", "vault", "code_hash"), "0xzz"),
        (("contracts", "vault"), None),
        (("contracts",), []),
        (("more",), 1),
        (("chain_id",), {"a": 1, "b": (2,)}),
    ],
)
def test_anything_else_is_no_book(deployed: Deployed, path: tuple[str, ...], to: Any) -> None:
    with pytest.raises(InvalidDocument):
        Deployed.parse(changed(deployed, *path, to=to))


@pytest.mark.parametrize("document", ["", "[]", "nonsense", "{" * 2000, '{"contracts": {}}'])
def test_nonsense_is_no_book(document: str) -> None:
    with pytest.raises(InvalidDocument):
        Deployed.parse(document)


def test_every_difference_is_told(host: Host, deployed: Deployed) -> None:
    def told(**changes: Any) -> list[str]:
        book = replace(deployed.book, **changes)
        return list(differences(host.client, replace(deployed, book=book)))

    book = deployed.book
    assert told(chain_id=1) == [f"chain: found {CHAIN_ID}, accepted: 1"]
    (nothing,) = told(reward_token=b"\x11" * 20)
    assert nothing == "reward_token 0x" + "11" * 20 + ": found no code"
    swapped = told(federation=book.vault)
    assert swapped[0].startswith("federation 0x")
    assert ": found code hash 0x" in swapped[0]
    codes = {**deployed.codes, "stake_token": deployed.codes["reward_token"]}
    other = replace(deployed, book=replace(book, stake_token=book.reward_token), codes=codes)
    (wired,) = differences(host.client, other)
    stake = to_checksum_address(book.stake_token)
    assert wired.endswith(f": found {stake} in the federation")


def test_code_that_a_book_vouches_for_must_be_the_shipped_one(
    host: Host, deployed: Deployed
) -> None:
    book: AddressBook = replace(deployed.book, vault=deployed.book.stake_token)
    found = list(differences(host.client, Deployed.read(host.client, book, 3)))
    assert len(found) == 1
    assert found[0].endswith(": found other code than the Vault that Sheaf ships")
