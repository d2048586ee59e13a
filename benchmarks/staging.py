"""A chain with a federation on it and the specification beside it, for measuring gas.

A cohort of 100 of 100 participants, a committee of 7.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from web3 import Web3

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import Call, Client, address_of
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import federation_interface, token_interface, vault_interface
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.nodes.acts import ACTS
from sheaf.protocol import machine
from sheaf.protocol.actions import (
    Action,
    Advance,
    Commit,
    CommitVerdict,
    Hold,
    Open,
    Publish,
    Register,
    Reveal,
    RevealVerdict,
    Withdraw,
)
from sheaf.protocol.hashing import ZERO, Deployment, Verdict
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Env, Federation, Role, Task
from sheaf.protocol.terms import Cohort, Economics, Model, Schedule, Terms

CHAIN_ID = 5
PARTICIPANTS = 100
AGGREGATORS = 21
COMMITTEE = 7
ROUNDS = 3
PHASE_S = 1000
STAKE, REWARD, FEE, SLASH = 10**9, 10**8, 10**6, 10**6
SUPPLY = 10**18
LIMIT = 30_000_000
"""Gas a transaction may take."""

MEAN = Model(10_000_000, 10_000_000, 16, 12, 0, 0, 0, 0, 0, 0, 0, 0)
"""Weighted mean over ten million coordinates."""

Gas = dict[str, list[int]]


def word(*parts: object) -> bytes:
    """32 bytes that stand for a root, a salt or a nonce."""
    return hashlib.sha256(repr(parts).encode()).digest()


class Stage:
    """A chain with the contracts and funded accounts, and the specification beside it.

    The specification tells who was drawn; every transaction must succeed on the chain.
    """

    def __init__(self, same_token: bool) -> None:
        people = 3 + PARTICIPANTS + AGGREGATORS
        keys = {address_of(key): key for key in (word("key", i) for i in range(people))}
        self.accounts = list(keys)
        self.deployer, self.sponsor, self.auditor, *self.seats = self.accounts
        self.ledger = EmbeddedLedger.create(
            None,
            chain_id=CHAIN_ID,
            allocation=dict.fromkeys(self.accounts, 10**24),
            timestamp=0,
            gas_limit=len(keys) * LIMIT,
        )
        self.now = 0
        provider = EmbeddedProvider(self.ledger)
        self.client = Client(Web3(provider), keys.values(), lambda: self.ledger.mine(self.now))
        self.token, self.vault = token_interface(), vault_interface()
        self.federation = federation_interface()
        self.gas: Gas = defaultdict(list)
        self._deploy(same_token)

    def _deploy(self, same_token: bool) -> None:
        token = artifact("Token").bytecode
        arguments = ("Sheaf Credit", "SHEAF", 6, self.deployer, SUPPLY)
        stake = self._create(self.token.creation(token, *arguments))
        reward = stake if same_token else self._create(self.token.creation(token, *arguments))
        court = self._create(artifact("Court").bytecode)
        self.gas["deploy Court"].append(self.last_gas)
        code = artifact("Federation").bytecode
        self.address = self._create(self.federation.creation(code, stake, court))
        self.gas["deploy Federation and Vault"].append(self.last_gas)
        asked = self.client.call(self.address, self.federation.calldata("vault"))
        (self.vault_address,) = self.federation.result("vault", asked)
        self.tokens = [stake] if same_token else [stake, reward]
        for token_address in self.tokens:
            self._fund(token_address, STAKE if token_address == stake else 0)
        self.spec = Federation(Deployment(CHAIN_ID, self.address), stake)

    def _fund(self, token: bytes, share: int) -> None:
        """A seat has its stake and nothing else, so that what it is paid lands in a fresh slot."""
        purses = {account: share for account in self.seats if share} | {self.sponsor: SUPPLY // 2}
        purses[self.auditor] = SUPPLY // 4
        give = [self.token.calldata("transfer", *purse) for purse in purses.items()]
        approve = self.token.calldata("approve", self.vault_address, 2**256 - 1)
        self._send([Call(self.deployer, token, data, LIMIT) for data in give])
        self._send([Call(account, token, approve, LIMIT) for account in self.accounts])

    def _create(self, data: bytes) -> bytes:
        (used,) = self._send([Call(self.deployer, None, data, LIMIT)])
        self.last_gas = used
        return self.created

    def _send(self, calls: Sequence[Call]) -> list[int]:
        self.now += 1
        receipts = [receipt.require() for receipt in self.client.send(calls)]
        self.created = receipts[-1].contract or b""
        return [receipt.gas_used for receipt in receipts]

    def act(self, actions: Iterable[tuple[bytes, Action]]) -> int:
        """Actions in one block, on the chain and in the specification; their gas together."""
        calls, kinds = [], []
        for sender, action in actions:
            calls.append(self._call(sender, action))
            kinds.append(type(action).__name__)
            machine.apply(self.spec, Env(sender, self.now + 1), action)
        used = self._send(calls)
        for kind, gas in zip(kinds, used, strict=True):
            self.gas[kind].append(gas)
        return sum(used)

    def _call(self, sender: bytes, action: Action) -> Call:
        if isinstance(action, Withdraw):
            return Call(sender, self.vault_address, self.vault.encode(action), LIMIT)
        # As nodes do, who send the id of a receipt behind the arguments.
        note = word(action) if isinstance(action, ACTS) else b""
        return Call(sender, self.address, self.federation.encode(action) + note, LIMIT)

    def pass_deadline(self, task: Task) -> None:
        """Close the running phase at its deadline."""
        self.now = max(self.now, task.deadline)
        self.act([(self.auditor, Advance(task.id))])


def terms(reward_token: bytes, model: Model = MEAN) -> Terms:
    """What a task of this model and as many seats asks for."""
    return Terms(
        model,
        Schedule(ROUNDS, *[PHASE_S] * 8),
        Cohort(PARTICIPANTS // 2, PARTICIPANTS, COMMITTEE, 10_000, 0),
        Economics(
            reward_token=reward_token,
            round_reward=REWARD,
            committee_fee=FEE,
            participant_stake=STAKE,
            aggregator_stake=STAKE,
            court_bond=SLASH,
            slash_nonce=SLASH,
            slash_commit=SLASH,
            slash_reveal=SLASH,
            slash_withheld=SLASH,
            slash_silent=SLASH,
            slash_overturned=SLASH,
        ),
    )


def begin(
    stage: Stage, model: Model = MEAN, roots: tuple[bytes, bytes] = (word("initial"), ZERO)
) -> Task:
    """Publish, register everybody, open, up to the first COMMIT."""
    here, document = stage.spec.deployment, word("document")
    offered = terms(stage.tokens[-1], model)
    publish = Publish(offered, document, *roots, offered.escrow)
    stage.act([(stage.sponsor, publish)])
    id = here.task_id(stage.sponsor, document)
    task = stage.spec.task(id)
    roles = [Role.PARTICIPANT] * PARTICIPANTS + [Role.AGGREGATOR] * AGGREGATORS
    stage.act(
        (seat, Register(id, role, here.nonce_hash(id, seat, word("nonce", seat)), STAKE))
        for seat, role in zip(stage.seats, roles, strict=True)
    )
    stage.pass_deadline(task)
    stage.act((seat, Open(id, word("nonce", seat))) for seat in stage.seats)
    stage.pass_deadline(task)
    return task


def reveal(stage: Stage, task: Task, roots: Sequence[bytes]) -> None:
    """Everybody commits to an update of these tree roots and reveals it: up to HOLD."""
    here, round = stage.spec.deployment, task.round
    reveals = [
        (seat, Reveal(task.id, root, 1000 + i, word("r", round, seat), word(seat)))
        for i, (seat, root) in enumerate(zip(stage.seats, roots, strict=False))
    ]
    words = [
        here.update_commitment(task.id, round, seat, r.root, r.samples, r.receipt, r.salt)
        for seat, r in reveals
    ]
    stage.act((s, Commit(task.id, w)) for (s, _), w in zip(reveals, words, strict=True))
    stage.pass_deadline(task)
    stage.act(reveals)
    stage.pass_deadline(task)


def claim(
    stage: Stage, task: Task, held: int, model: bytes, state: bytes, dissenters: int = 0
) -> None:
    """The committee holds these updates and claims these tree roots, but for so many members that
    say something else: up to CHALLENGE."""
    attempt = task.attempt
    members = [task.member_at(attempt, slot) for slot in range(COMMITTEE)]
    models = [word("dissent")] * dissenters + [model] * (COMMITTEE - dissenters)
    stage.act((member, Hold(task.id, held)) for member in members)
    stage.pass_deadline(task)
    here, round = stage.spec.deployment, task.round
    opened = [
        (member, RevealVerdict(task.id, ZERO, own, state, word("v", member), word(member)))
        for member, own in zip(members, models, strict=True)
    ]
    words = [
        here.verdict_commitment(
            task.id,
            round,
            attempt,
            member,
            Verdict(
                task.current.counted,
                ZERO,
                task.header(Kind.MODEL, verdict.model_root),
                task.header(Kind.OPTIMISER_STATE, state),
                verdict.receipt,
                verdict.salt,
            ),
        )
        for member, verdict in opened
    ]
    stage.act((m, CommitVerdict(task.id, w)) for m, w in zip(members, words, strict=True))
    stage.pass_deadline(task)
    stage.act(opened)
    stage.pass_deadline(task)
