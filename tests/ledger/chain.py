"""A small chain for the ledger's tests: named accounts, and a contract assembled by hand.

The cell takes one word. Zero reverts with the four bytes of `NOTHING`. Any other word is stored in
the caller's slot, logged (topics `STORED` and the caller) and returned.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from sheaf.ledger.client import Call, Client
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.provider import EmbeddedProvider

CHAIN_ID = 1337
START = 1_700_000_000
FUNDS_WEI = 10**21
GWEI = 10**9

NOTHING = bytes.fromhex("deadbeef")
STORED = (7).to_bytes(32)

CELL_RUNTIME = bytes.fromhex(
    "600035"  # 00 the word
    "80601457"  # 03 jump to 0x14 if it is not zero
    "63deadbeef600052"  # 07 NOTHING into the last four bytes of memory's first word
    "6004601cfd"  # 0f revert with them
    "5b803355"  # 14 store the word in the caller's slot
    "600052"  # 18 and in memory
    "336007"  # 1b topics: the caller, STORED
    "60206000a2"  # 1e log the word
    "60206000f3"  # 23 return it
)
CELL_CREATION = bytes.fromhex(f"60{len(CELL_RUNTIME):02x}600c60003960{len(CELL_RUNTIME):02x}6000f3")
"""Copies what follows these twelve bytes to memory and returns it."""


def person(role: str) -> LocalAccount:
    """The account of a role such as `participant 1`."""
    account: LocalAccount = Account.from_key(hashlib.sha256(role.encode()).digest())
    return account


def key_of(role: str) -> bytes:
    return bytes(person(role).key)


def address_of(role: str) -> bytes:
    return bytes.fromhex(person(role).address[2:])


def slot_of(role: str) -> int:
    """Where the cell keeps a role's word."""
    return int.from_bytes(address_of(role))


def word(number: int) -> bytes:
    return number.to_bytes(32)


LEGACY: dict[str, Any] = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 3 * GWEI}

ROLES = ("sponsor", "participant 1", "participant 2", "aggregator", "auditor")


def new_ledger(path: Path | None = None, roles: tuple[str, ...] = ROLES) -> EmbeddedLedger:
    allocation = {address_of(role): FUNDS_WEI for role in roles}
    return EmbeddedLedger.create(path, chain_id=CHAIN_ID, allocation=allocation, timestamp=START)


def raw_transaction(
    role: str, nonce: int, to: bytes | None, data: bytes = b"", value_wei: int = 0, **more: Any
) -> bytes:
    """Signed by eth-account, which shares no code with the client; `more` overrides fields.

    A field overridden with None is left out; without the two fees it is a legacy transaction.
    """
    fields: dict[str, Any] = {
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "to": b"" if to is None else Web3.to_checksum_address(to),
        "data": data,
        "value": value_wei,
        "gas": 200_000,
        "maxFeePerGas": 2 * GWEI,
        "maxPriorityFeePerGas": 0,
    }
    given = {name: value for name, value in {**fields, **more}.items() if value is not None}
    signed = person(role).sign_transaction(given)
    return bytes(signed.raw_transaction)


def deploy_cell(ledger: EmbeddedLedger, timestamp: int) -> bytes:
    """Create a cell as the sponsor's next transaction, in a block of its own; its address."""
    nonce = ledger.engine.nonce(address_of("sponsor"))
    ledger.submit(raw_transaction("sponsor", nonce, None, CELL_CREATION + CELL_RUNTIME))
    contract = ledger.mine(timestamp).receipts[0].contract
    assert contract is not None
    return contract


@dataclass
class Host:
    """A ledger with a client for every role; each batch is mined one second later."""

    ledger: EmbeddedLedger
    client: Client
    web3: Web3

    @classmethod
    def over(cls, ledger: EmbeddedLedger, roles: tuple[str, ...] = ROLES) -> Host:
        def confirm() -> None:
            ledger.mine(ledger.engine.head().timestamp + 1)

        web3 = Web3(EmbeddedProvider(ledger))
        return cls(ledger, Client(web3, [key_of(role) for role in roles], confirm), web3)

    @classmethod
    def reopen(cls, path: Path) -> Host:
        return cls.over(EmbeddedLedger.open(path))


def new_host(path: Path | None = None, roles: tuple[str, ...] = ROLES) -> Host:
    return Host.over(new_ledger(path, roles), roles)


def write(role: str, cell: bytes, number: int, gas: int = 100_000) -> Call:
    return Call(address_of(role), cell, word(number), gas)
