"""Chains behind endpoints: how one is reached, and the contracts on it with their address book."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eth_utils.address import is_address, to_canonical_address

from sheaf.apps.anchors import signing_key
from sheaf.ledger.anvil import DEVELOPMENT_KEY
from sheaf.ledger.client import Call
from sheaf.ledger.deployment import Deployed, require
from sheaf.ledger.endpoint import expanded
from sheaf.ledger.federation import (
    DEFAULT_GAS,
    TokenTerms,
    create_federation,
    create_tokens,
    require_tokens,
    token_interface,
    token_unit,
)
from sheaf.ledger.keys import KEY_VARIABLE, parse_key
from sheaf.ledger.rpc import Connection, DevelopmentChain, RemoteChain, connect
from sheaf.nodes import inventory
from sheaf.nodes.rereading import Source
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage, LedgerUnavailable
from sheaf.store.files import exists, is_folder, write_atomically
from sheaf.transport.address import quoted

SUPPLY, WEI = 2**128, 10**18
TOKENS = {
    "stake_token": TokenTerms("Sheaf Stake", "STAKE", 18, SUPPLY),
    "reward_token": TokenTerms("Sheaf Reward", "REWARD", 6, SUPPLY),
}
"""What is created where no token is named."""


@contextmanager
def opened(connection: Connection, *keys: bytes) -> Iterator[RemoteChain]:
    """A chain, closed at the end; its client sends for the accounts of these keys."""
    chain = connect(connection, keys)
    try:
        yield chain
    finally:
        chain.close()


@contextmanager
def source_of(folder: Path, url: str | None, first: int) -> Iterator[Source | None]:
    """Where the blocks of the run in `folder` are read again: from block `first` on of the chain at
    `url`; None where the run has a ledger of its own.

    Raises `InvalidUsage` where it has one and an address was named, too, and `LedgerUnavailable`
    where it has none.
    """
    ledger = folder / inventory.LEDGER
    if url is not None and exists(ledger):
        raise InvalidUsage("--url: found a run with a ledger of its own, accepted: one without")
    if url is not None:
        with opened(Connection(expanded(url, os.environ, "--url"))) as chain:
            yield Source(chain.client, first)
        return
    if exists(folder / inventory.BOOK) and not exists(ledger):
        hint = "--url names the endpoint of the chain that a run was on"
        raise LedgerUnavailable(f"no ledger at {ledger}", hint)
    yield None


def operator_key(
    connection: Connection, file: Path | None, environment: Mapping[str, str]
) -> bytes:
    """The key that pays: out of a file or a variable, or the one that every anvil funds.

    Raises `InvalidConfiguration` where there is none; no message shows one.
    """
    if file is not None:
        return signing_key(file)
    if KEY_VARIABLE in environment:
        return parse_key(environment[KEY_VARIABLE], KEY_VARIABLE)
    with opened(connection) as chain:
        if isinstance(chain, DevelopmentChain):
            return DEVELOPMENT_KEY
    raise InvalidConfiguration(
        f"{KEY_VARIABLE}: found no key, accepted: one there or in a key file; only a development "
        "chain has keys that everybody knows"
    )


def address(text: str) -> bytes:
    """A 20-byte address as people write it. Raises `InvalidUsage` for anything else."""
    if not is_address(text):
        found = quoted(text, wanted=False)
        raise InvalidUsage(f"found {found}, accepted: an address of 0x and 40 hex digits")
    return bytes(to_canonical_address(text))


def deploy(
    connection: Connection, out: Path, tokens: Mapping[str, bytes], key: Callable[[], bytes]
) -> tuple[Deployed, bool]:
    """Create the federation, its vault and the tokens that are not given, and write the address
    book to `out`. Where that file is there and the chain is as it says, nothing is sent.

    Returns the address book, and whether it is new.
    """
    folder = out.absolute().parent
    if not is_folder(folder):
        raise InvalidUsage(f"{out}: found no folder {folder}, accepted: one that is there")
    if exists(out):
        with opened(connection) as chain:
            return require(out, chain.client, tokens), False
    with opened(connection, key()) as chain:
        (deployer,) = chain.client.accounts
        absent = [name for name in TOKENS if name not in tokens]
        made = create_tokens(chain.client, deployer, [TOKENS[name] for name in absent])
        whole = {**tokens, **dict(zip(absent, made, strict=True))}
        found = Deployed.read(chain.client, *create_federation(chain.client, deployer, **whole))
    write_atomically(out, found.document().encode())
    return found, True


def give(
    connection: Connection, account: bytes, token: bytes, amounts: tuple[int, int], key: bytes
) -> dict[str, object]:
    """Transfer so many whole tokens and ethers to an account, from that of `key`; in units and wei,
    what was sent and of what symbol.

    Raises `Unfunded` where the giver has too little, `LedgerUnavailable` for an address that is no
    token's.
    """
    whole, ethers = amounts
    with opened(connection, key) as chain:
        (giver,) = chain.client.accounts
        unit = token_unit(chain.client.call, token, chain.client.host)
        units, wei = whole * 10 ** int(str(unit["decimals"])), ethers * WEI
        require_tokens(chain.client, token, giver, units)
        transfer = token_interface().calldata("transfer", account, units)
        calls = [Call(giver, token, transfer, DEFAULT_GAS)]
        calls += [Call(giver, account, b"", DEFAULT_GAS, wei)] if wei else []
        for receipt in chain.client.send(calls):
            receipt.require()
    return {"units": units, "wei": wei, "symbol": str(unit["symbol"])}
