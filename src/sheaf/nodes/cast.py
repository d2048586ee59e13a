"""The cast of a run: who takes part, on which ledger, with which means."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sheaf.learning import lattice
from sheaf.ledger.client import Client
from sheaf.ledger.federation import AddressBook, FederationClient, TokenTerms, deploy, grant
from sheaf.nodes import aggregator, challenger, participant, sponsor
from sheaf.nodes import host as hosts
from sheaf.nodes.accounts import Account
from sheaf.nodes.acts import vouch
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.attesting import Signer
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.drafting import draft, initial_model
from sheaf.nodes.effects import Effect, LocalEvent
from sheaf.nodes.host import Host
from sheaf.nodes.journal import JOURNAL
from sheaf.nodes.local import LocalWorkshop, Machine
from sheaf.nodes.plan import Plan, TokenPlan
from sheaf.nodes.remote import accounts_of, contracts_of, require_new
from sheaf.nodes.seat import SeatState
from sheaf.nodes.summary import book_plain, read_book, write_json
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop
from sheaf.protocol.actions import Action, Publish
from sheaf.protocol.content import DAG_CBOR
from sheaf.protocol.errors import BlobMissing, InvalidConfiguration, LedgerCorrupt
from sheaf.protocol.rounds import LAST_ATTEMPT
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore
from sheaf.store.files import exists, is_file, reachable
from sheaf.store.interface import Store

BOOK, STORE, PRIVATE = "ledger.json", "store", "private"
LOOPBACK_KBPS = 10**6
SUPPLY = 2**128

H = TypeVar("H", bound=Host)


@dataclass
class Node:
    """One actor: its pure functions, its state, its means."""

    account: Account
    role: ModuleType
    state: Any
    workshop: Workshop

    @property
    def name(self) -> str:
        """The actor's name, such as `participant-3`."""
        return self.account.name

    def fold(self, event: object) -> None:
        """Take in an event."""
        self.state = self.role.fold(self.state, event)

    def decide(self, now: int) -> list[Effect]:
        """What the node wants done at ledger time `now`."""
        effects: list[Effect] = self.role.decide(self.state, now, self.account.secrets)
        return effects

    def perform(self, effect: Effect) -> LocalEvent:
        """Do an effect that is not for the ledger."""
        return self.workshop.perform(effect, self.state.trail)

    def vouch(self, action: Action) -> bytes:
        """The id of the receipt that the node signs and shows for an act; zero for none."""
        return vouch(self.workshop, self.state, action)

    def equip(self, performers: Mapping[type[object], Performer]) -> None:
        """Give the node other ways of doing things, by effect: how a faulty actor is made."""
        own = self.workshop.performers
        self.workshop = replace(self.workshop, performers={**own, **performers})


@dataclass
class Cast:
    """Everything a run needs."""

    plan: Plan
    task: Task
    host: Host
    federation: FederationClient
    store: Store
    nodes: Sequence[Node]

    @property
    def task_id(self) -> bytes:
        """The task's id on the ledger."""
        sponsor_address = self.nodes[0].account.address
        return self.federation.book.deployment.task_id(sponsor_address, self.task.cid.digest)

    def node(self, name: str) -> Node:
        """The actor called `name`."""
        return next(node for node in self.nodes if node.name == name)

    def names(self) -> Mapping[bytes, str]:
        """Actors by address."""
        return {node.account.address: node.name for node in self.nodes}


def assemble(plan: Plan, directory: Path) -> Cast:
    """A fresh host in `directory` with contracts, money and nodes, and the task's documents in the
    store. Nothing of the task is on the ledger yet.

    The address book is written last: where it lies, assembly is done. Where it does not, all of
    this can be done again, to the same addresses and bytes.
    """
    bundle = Bundle.load(plan.folder)
    layout, initial = initial_model(plan, bundle)
    accounts = _accounts(plan)
    with _closed_on_error(hosts.create(directory, plan, accounts)) as host:
        book = _deploy(host.client, accounts["deployer"], plan)
        task = draft(plan, bundle, (layout, initial), book.reward_token)
        store = DiskStore(directory / STORE)
        store.put(task.encode(), task.cid)
        store.put(lattice.to_bytes(initial), vector_id(task, task.model.initial))
        cast = _cast(plan, bundle, task, host, book, directory)
        sponsoring = cast.node("sponsor")
        require_new(cast.federation, sponsoring.account.address, sponsoring.state.publication)
        _fund(host.client, book, task, accounts)
        write_json(directory / BOOK, book_plain(book, cast.task_id))
    return cast


def reassemble(plan: Plan, directory: Path) -> Cast:
    """The cast of a run that was stopped: as `assemble` made it, on the ledger as it stands.

    Raises `InvalidConfiguration` where the project's code is no longer what the task pins,
    `LedgerCorrupt` where the address book of a run that began is not there.
    """
    if not is_file(directory / BOOK):
        _require_unbegun(directory)
        return assemble(plan, directory)
    book, task_id = read_book(directory / BOOK)
    accounts = _accounts(plan)
    task = _document(DiskStore(directory / STORE), book, accounts["sponsor"], task_id)
    bundle = Bundle.load(plan.folder)
    if bundle.digest != task.model.bundle:
        raise InvalidConfiguration(
            f"{plan.folder}: found code that hashes to {bundle.digest.hex()[:16]}..., accepted: "
            f"{task.model.bundle.hex()[:16]}..., as when the run began"
        )
    with _closed_on_error(hosts.reopen(directory, plan, accounts)) as host:
        return _cast(plan, bundle, task, host, book, directory)


def _require_unbegun(directory: Path) -> None:
    """What was assembled is thrown away only where nothing rests on it: LedgerCorrupt else."""
    path = directory / JOURNAL
    with reachable(path):
        began = exists(path) and path.stat().st_size
    if began:
        raise LedgerCorrupt(
            f"{directory}: found {JOURNAL} of a run that began and no {BOOK}, accepted: both",
            hint=f"nothing was changed: put {BOOK} back",
        )


def _document(store: DiskStore, book: AddressBook, sponsor: Account, task_id: bytes) -> Task:
    """The task document that the address book's task is about."""
    for content_id in store.ids():
        is_document = content_id.codec == DAG_CBOR
        if is_document and book.deployment.task_id(sponsor.address, content_id.digest) == task_id:
            return Task.decode(store.get(content_id))
    raise BlobMissing(f"{store.path}: found no document of task {task_id.hex()}")


@contextmanager
def _closed_on_error(host: H) -> Iterator[H]:
    """A host that is closed unless all goes well."""
    try:
        yield host
    except BaseException:
        host.close()
        raise


def _cast(
    plan: Plan, bundle: Bundle, task: Task, host: Host, book: AddressBook, directory: Path
) -> Cast:
    private, store = directory / PRIVATE, DiskStore(directory / STORE)
    with reachable(private):
        private.mkdir(mode=0o700, exist_ok=True)
    nodes = _nodes(task, book, _accounts(plan), _Workshops(plan, bundle, store, private))
    return Cast(plan, task, host, FederationClient(host.client, book), store, nodes)


def _accounts(plan: Plan) -> dict[str, Account]:
    """Everybody's account by name, in the order of the cast."""
    numbered = [("participant", plan.participants), ("aggregator", plan.aggregators)]
    seats = [f"{role}-{i + 1}" for role, count in numbered for i in range(count)]
    named = ["deployer", "sponsor", "challenger", *seats]
    return accounts_of(plan, named, os.environ)


def _deploy(client: Client, deployer: Account, plan: Plan) -> AddressBook:
    def terms(token: TokenPlan) -> TokenTerms:
        return TokenTerms(token.name, token.symbol, token.decimals, SUPPLY)

    if plan.ledger.contracts is not None:
        return contracts_of(client, plan.ledger.contracts, plan.ledger)
    stake, reward = plan.ledger.stake_token, plan.ledger.reward_token
    return deploy(client, deployer.address, terms(stake), terms(reward))


def _fund(client: Client, book: AddressBook, task: Task, accounts: Mapping[str, Account]) -> None:
    """The escrow to the sponsor, a stake to every seat, and to the challenger the bonds of all that
    it may have to open: in both attempts of a round a dispute of the model, one of the state, a
    demand on each update, and all of one update."""
    e, chunks = task.economics, min(task.terms().model.leaves, challenger.MAX_DEMANDS)
    disputes = 2 + task.cohort.goal + chunks * (chunks + 1) // 2
    bonds = task.schedule.rounds * LAST_ATTEMPT * disputes * e.court_bond
    grants = [(book.reward_token, accounts["sponsor"].address, task.terms().escrow)]
    if bonds:
        grants.append((book.stake_token, accounts["challenger"].address, bonds))
    for name, account in accounts.items():
        stakes = {"participant": e.participant_stake, "aggregator": e.aggregator_stake}
        stake = stakes.get(name.partition("-")[0])
        if stake is not None:
            grants.append((book.stake_token, account.address, stake))
    grant(client, book, accounts["deployer"].address, grants)


@dataclass(frozen=True)
class _Workshops:
    """Makes each actor's means."""

    plan: Plan
    bundle: Bundle
    shared: Store
    private: Path

    def plain(self, name: str) -> Workshop:
        """Means without torch."""
        return Workshop(self.shared, DiskStore(self.private / name))

    def local(self, name: str, index: int, data: Callable[[], object]) -> LocalWorkshop:
        """Means with code and data."""
        return LocalWorkshop(
            self.shared,
            DiskStore(self.private / name),
            bundle=self.bundle,
            machine=Machine.here(LOOPBACK_KBPS),
            data=data,
            index=index,
        )

    def participant(self, name: str, index: int) -> LocalWorkshop:
        """Means with the hook's data of participant `index` (0-based)."""
        plan = self.plan
        data = partial(self.bundle.call, plan.data_entry, index, plan.participants)
        return self.local(name, index, data)


def _nodes(
    task: Task, book: AddressBook, accounts: Mapping[str, Account], shops: _Workshops
) -> list[Node]:
    """Sponsor and challenger first, then the seats."""
    sponsoring = accounts["sponsor"]
    id = book.deployment.task_id(sponsoring.address, task.cid.digest)
    trail = Trail(book.deployment, id)

    def common(account: Account) -> dict[str, Any]:
        state = SeatState(account.address, book.stake_token, task.model.initial, trail)
        return vars(state)

    terms = task.terms()
    publication = Publish(
        terms, task.cid.digest, task.model.initial, terms.model.initial_state, terms.escrow
    )
    evaluates = bool(task.evaluation.entry)
    state = sponsor.State(**common(sponsoring), publication=publication, evaluates=evaluates)

    def seatless(account: Account) -> Signer:
        key = account.secrets.signing_key(id)
        return Signer.of_account(key, book.deployment, id, account.key)

    own = replace(shops.local("sponsor", -1, tuple), signer=seatless(sponsoring))
    nodes = [Node(sponsoring, sponsor, state, own)]
    watching = accounts["challenger"]
    replaying = challenger.State(**common(watching))
    means = replace(shops.plain("challenger"), signer=seatless(watching))
    nodes.append(Node(watching, challenger, replaying, means))
    for name, account in accounts.items():
        role, _, number = name.partition("-")
        if role == "participant":
            training = participant.State(**common(account))
            signer = Signer(account.secrets.signing_key(id), shops.plan.data_policy)
            shop = replace(shops.participant(name, int(number) - 1), signer=signer)
            nodes.append(Node(account, participant, training, shop))
        elif role == "aggregator":
            combining = aggregator.State(**common(account))
            signer = Signer(account.secrets.signing_key(id))
            means = replace(shops.plain(name), signer=signer)
            nodes.append(Node(account, aggregator, combining, means))
    return nodes
