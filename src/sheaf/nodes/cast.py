"""The cast of an embedded run: who takes part, on which ledger, with which means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from web3 import Web3

from sheaf.learning import lattice
from sheaf.ledger.client import Client
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import AddressBook, FederationClient, TokenTerms, deploy, grant
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.nodes import aggregator, auditor, participant, sponsor
from sheaf.nodes.accounts import Account, development_account
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.drafting import draft, initial_model
from sheaf.nodes.effects import Effect, LocalEvent
from sheaf.nodes.local import LocalWorkshop, Machine
from sheaf.nodes.plan import Plan, TokenPlan
from sheaf.nodes.seat import SeatState
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Performer, Workshop
from sheaf.protocol.actions import Publish
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore
from sheaf.store.interface import Store

FUNDS_WEI = 10**24
LOOPBACK_KBPS = 10**6
SUPPLY = 2**128
BLOCK_S = 1


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

    def equip(self, performers: Mapping[type[object], Performer]) -> None:
        """Give the node other ways of doing things, by effect: how a faulty actor is made."""
        own = self.workshop.performers
        self.workshop = replace(self.workshop, performers={**own, **performers})


@dataclass
class Clock:
    """Ledger time: that of the latest block, or later where nobody wanted anything for a while."""

    now: int


@dataclass
class Cast:
    """Everything a run needs."""

    plan: Plan
    task: Task
    ledger: EmbeddedLedger
    federation: FederationClient
    clock: Clock
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
    """A fresh embedded ledger in `directory` with contracts, money and nodes, and the task's
    documents in the store. Nothing of the task is on the ledger yet."""
    bundle = Bundle.load(plan.folder)
    layout, initial = initial_model(plan, bundle)
    accounts = _accounts(plan)
    clock = Clock(plan.ledger.genesis_time)
    with ExitStack() as opened:
        ledger = EmbeddedLedger.create(
            directory / "ledger.sqlite",
            chain_id=plan.ledger.chain_id,
            allocation={account.address: FUNDS_WEI for account in accounts.values()},
            timestamp=clock.now,
        )
        opened.callback(ledger.close)
        client = Client(
            Web3(EmbeddedProvider(ledger)),
            [account.key for account in accounts.values()],
            partial(_mine, ledger, clock),
        )
        book = _deploy(client, accounts["deployer"], plan)
        task = draft(plan, bundle, (layout, initial), book.reward_token)
        store = DiskStore(directory / "store")
        store.put(task.encode(), task.cid)
        store.put(lattice.to_bytes(initial), vector_id(task, task.model.initial))
        _fund(client, book, task, accounts)
        private = directory / "private"
        private.mkdir(mode=0o700)
        shops = _Workshops(plan, bundle, store, private)
        nodes = _nodes(task, book, accounts, shops)
        opened.pop_all()
    return Cast(plan, task, ledger, FederationClient(client, book), clock, store, nodes)


def _accounts(plan: Plan) -> dict[str, Account]:
    """Everybody's account by name, in the order of the cast."""
    numbered = [("participant", plan.participants), ("aggregator", plan.aggregators)]
    seats = [f"{role}-{i + 1}" for role, count in numbered for i in range(count)]
    named = ["deployer", "sponsor", "auditor", *seats]
    return {name: development_account(plan.algorithm.seed, name) for name in named}


def _mine(ledger: EmbeddedLedger, clock: Clock) -> None:
    """One block, a second after the clock's time: blocks must not share a time."""
    clock.now += BLOCK_S
    ledger.mine(clock.now)


def _deploy(client: Client, deployer: Account, plan: Plan) -> AddressBook:
    def terms(token: TokenPlan) -> TokenTerms:
        return TokenTerms(token.name, token.symbol, token.decimals, SUPPLY)

    stake, reward = plan.ledger.stake_token, plan.ledger.reward_token
    return deploy(client, deployer.address, terms(stake), terms(reward))


def _fund(client: Client, book: AddressBook, task: Task, accounts: Mapping[str, Account]) -> None:
    """The escrow to the sponsor, a stake to every seat."""
    e = task.economics
    grants = [(book.reward_token, accounts["sponsor"].address, task.terms().escrow)]
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
    """Sponsor and auditor first, then the seats."""
    sponsoring = accounts["sponsor"]
    id = book.deployment.task_id(sponsoring.address, task.cid.digest)
    trail = Trail(book.deployment, id)

    def common(account: Account) -> dict[str, Any]:
        state = SeatState(account.address, book.stake_token, task.model.initial, trail)
        return vars(state)

    publication = Publish(
        task.terms(), task.cid.digest, task.model.initial, ZERO, task.terms().escrow
    )
    evaluates = bool(task.evaluation.entry)
    state = sponsor.State(**common(sponsoring), publication=publication, evaluates=evaluates)
    own = shops.local("sponsor", -1, tuple)
    nodes = [Node(sponsoring, sponsor, state, own)]
    watching = accounts["auditor"]
    audit = auditor.State(**common(watching))
    nodes.append(Node(watching, auditor, audit, shops.plain("auditor")))
    for name, account in accounts.items():
        role, _, number = name.partition("-")
        if role == "participant":
            training = participant.State(**common(account))
            shop = shops.participant(name, int(number) - 1)
            nodes.append(Node(account, participant, training, shop))
        elif role == "aggregator":
            combining = aggregator.State(**common(account))
            nodes.append(Node(account, aggregator, combining, shops.plain(name)))
    return nodes
