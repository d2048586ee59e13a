"""A watchtower's means: the task, chain, stores and key as they are named on a command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_utils.address import to_checksum_address

from sheaf.apps.strangers import several
from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import address_of
from sheaf.ledger.deployment import wiring
from sheaf.ledger.endpoint import expanded
from sheaf.ledger.endpoints import Endpoints
from sheaf.ledger.errors import Unfunded
from sheaf.ledger.federation import GAS, AddressBook, FederationClient, federation_interface
from sheaf.ledger.finality import LATEST, Finality
from sheaf.ledger.patient import PatientClient
from sheaf.ledger.rpc import Connection
from sheaf.nodes.accounts import lone_account
from sheaf.nodes.attesting import Signer
from sheaf.nodes.challenger import State
from sheaf.nodes.hold import held
from sheaf.nodes.ledgers import publishing
from sheaf.nodes.moves import MOVES, Moves
from sheaf.nodes.purse import Purse
from sheaf.nodes.seat import SeatState
from sheaf.nodes.trail import Trail, fold
from sheaf.nodes.watchtower import Listener, Patience, Watchtower
from sheaf.nodes.workshop import Workshop, objection, published_task
from sheaf.protocol.actions import Challenge
from sheaf.protocol.errors import (
    BlobMissing,
    InvalidConfiguration,
    InvalidUsage,
    StoreUnavailable,
)
from sheaf.protocol.events import TaskPublished
from sheaf.protocol.terms import Visibility
from sheaf.store.disk import DiskStore
from sheaf.store.files import reachable, write_atomically
from sheaf.store.layered import LayeredStore
from sheaf.store.several import SeveralStores

PURPOSE = "watchtower"
RECORD, PUBLIC, PRIVATE = "watch.json", "store", "private"


@dataclass(frozen=True)
class Watched:
    """What somebody wants watched: a task (32 bytes) on the chain behind `ledgers`, its bytes in
    `stores`, with the account of a key; the federation's address and the chain's id where they were
    named; `first` is a block before the task was published."""

    task: bytes
    ledgers: Sequence[str]
    stores: Sequence[str]
    key: bytes
    chain_id: int | None = None
    finality: Finality = LATEST
    first: int = 0


@contextmanager
def manned(
    watched: Watched, folder: Path, listener: Listener, patience: Patience
) -> Iterator[Watchtower]:
    """A watchtower that keeps in `folder` what it must not forget.

    Raises `InvalidUsage` without ledger or store, `InvalidConfiguration` for another chain or task
    than the folder's, `Unfunded` for an account that could not even open one dispute, `BlobMissing`
    or `StoreUnavailable` where nobody serves the task document, and what the chain raises.
    """
    if not watched.ledgers or not watched.stores:
        raise InvalidUsage(
            f"found {len(watched.ledgers)} ledgers and {len(watched.stores)} stores, accepted: at "
            "least one --ledger and one --store"
        )
    with reachable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PRIVATE).mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(held(folder))
        chain = Endpoints(_connections(watched, patience), watched.key, listener.warned)
        stack.callback(chain.close)
        client = chain.client()
        book, published, block = _found(client, watched, chain.name)
        account = address_of(watched.key)
        record = _require_same(folder, book, watched.task, account)
        stores = stack.enter_context(several(watched.stores))
        public = DiskStore(folder / PUBLIC)
        signing = lone_account(watched.key, PURPOSE).secrets.signing_key(watched.task)
        signer = Signer.of_account(signing, book.deployment, watched.task, watched.key)
        kept = (LayeredStore(public, stores), DiskStore(folder / PRIVATE))
        shop = Workshop(*kept, signer=signer)
        state = _state(shop, stores, book, published, account, listener)
        moves = Moves(folder / MOVES)
        stack.callback(moves.close)
        purse = Purse(account, book, moves)
        if not (moves.live or moves.ended):
            _require_means(client, purse, published)
        # Not before: whoever was refused binds no folder.
        write_atomically(folder / RECORD, record)
        yield Watchtower(chain, purse, state, shop, stores, block, listener, patience)


def _connections(watched: Watched, patience: Patience) -> list[Connection]:
    rule, chain_id = watched.finality, watched.chain_id
    return [
        Connection(_address(url), chain_id, rule, sleep=patience.sleep) for url in watched.ledgers
    ]


def _address(url: str) -> str:
    """An endpoint's address with its variables put in. Raises `InvalidUsage`, which names the
    option, for none."""
    try:
        return expanded(url, os.environ, "--ledger")
    except InvalidConfiguration as error:
        raise InvalidUsage(error.message) from None


def _found(
    client: PatientClient, watched: Watched, endpoint: str
) -> tuple[AddressBook, TaskPublished, int]:
    """Where the task's contracts are, its publication and the block of that, all proved: the
    contracts by their code, the rest by the block's header."""
    topics = (federation_interface().topic(TaskPublished), watched.task)
    told = publishing(client.chain_id, watched.task, client.told_logs(topics, watched.first))
    if told is None:
        raise InvalidConfiguration(
            f"--ledger: found no task 0x{watched.task.hex()} on chain {client.chain_id} at "
            f"{endpoint}, accepted: the chain that it was published on"
        )
    federation, block = told[0].address, told[0].block_number
    try:
        own = wiring(client.code(federation))
    except ValueError:
        raise InvalidConfiguration(
            f"--ledger: found other code at {to_checksum_address(federation)} than the Federation "
            "that Sheaf ships; no money goes there"
        ) from None
    # The vault pulls for one federation, which is part of its code.
    for name, contract, values in (
        ("Court", own["court"], []),
        ("Vault", own["vault"], [federation]),
    ):
        if client.code(contract) != artifact(name).runtime_of(values):
            raise InvalidConfiguration(
                f"--ledger: found other code at {to_checksum_address(contract)} than the {name} "
                "that Sheaf ships; no money goes there"
            )
    book = AddressBook(client.chain_id, federation, reward_token=bytes(20), **own)
    for event in FederationClient(client, book).events(block, block):
        if isinstance(event, TaskPublished) and event.task == watched.task:
            return book, event, block
    raise InvalidConfiguration(
        f"--ledger: block {block} does not hold the publication that {endpoint} says it holds, or "
        "is not final yet"
    )


def _state(
    shop: Workshop,
    stores: SeveralStores,
    book: AddressBook,
    published: TaskPublished,
    account: bytes,
    listener: Listener,
) -> State:
    """What the challenger knows before it reads on: the task, from a document that is right."""
    begun = Trail(book.deployment, published.task)
    trail = fold(begun, published)
    try:
        task = published_task(shop.shared, trail)
        wrong = objection(shop.shared, trail)
    except BlobMissing as error:
        if stores.silent:
            raise StoreUnavailable("; ".join(stores.troubles)) from error
        raise
    if wrong:
        raise InvalidConfiguration(f"task 0x{published.task.hex()}: {wrong}; nobody can judge it")
    if trail.terms.cohort.visibility == Visibility.COMMITTEE:
        listener.warned("updates are for the committee alone: who has no seat opens no dispute")
    seat = SeatState(account, book.stake_token, task.model.initial, begun)
    return State(**vars(seat))


def _require_means(client: PatientClient, purse: Purse, published: TaskPublished) -> None:
    """Raise `Unfunded` for an account that could not open a single dispute."""
    has, bond = purse.means(client), published.terms.economics.court_bond
    gas = client.fees().most * GAS[Challenge]
    if has.tokens < bond:
        token = f"of token {to_checksum_address(purse.book.stake_token)}"
        raise Unfunded(purse.account, has.tokens, bond, token)
    if has.wei < gas:
        raise Unfunded(purse.account, has.wei, gas)


def _require_same(folder: Path, book: AddressBook, task: bytes, account: bytes) -> bytes:
    """A folder is for one account's watch over one task on one chain; the record that says so."""
    wanted = {
        "chain_id": book.chain_id,
        "federation": to_checksum_address(book.federation),
        "task": f"0x{task.hex()}",
        "account": to_checksum_address(account),
    }
    path = folder / RECORD
    with reachable(path):
        known = path.read_text(encoding="utf-8") if path.exists() else None
    record = (json.dumps(wanted, indent=2) + "\n").encode()
    if known is None:
        return record
    try:
        found = json.loads(known)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidConfiguration(f"{path}: found no JSON object, accepted: a watch's record")
    for name, value in wanted.items():
        if found.get(name) != value:
            raise InvalidConfiguration(
                f"{folder}: found a watch over {name} {found.get(name)!r:.80}, accepted: {value}; "
                "--state names another folder"
            )
    return record
