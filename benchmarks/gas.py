"""Gas of every action of an honest task, against the promised limits and the committed snapshot.

A cohort of 100 of 100 participants, a committee of 7, everybody honest. The first round, which
pays for storage that later rounds reuse, is played but not counted. The chain is deterministic, so
the snapshot is compared to the unit. Without options: print the table. `--check`: fail when a
figure differs from `gas.json` or exceeds its limit. `--write`: renew `gas.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from web3 import Web3

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import Call, Client, address_of
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import federation_interface, token_interface, vault_interface
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.protocol import machine
from sheaf.protocol.actions import (
    Action,
    Advance,
    Claim,
    Commit,
    CommitVerdict,
    Hold,
    Open,
    Publish,
    Register,
    Reveal,
    RevealVerdict,
    Settle,
    Withdraw,
)
from sheaf.protocol.hashing import ZERO, Deployment, Verdict
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Env, Federation, Role, Task
from sheaf.protocol.terms import Cohort, Economics, Model, Schedule, Terms

SNAPSHOT = Path(__file__).with_name("gas.json")
CHAIN_ID = 5
PARTICIPANTS = 100
AGGREGATORS = 21
COMMITTEE = 7
ROUNDS = 3
PAGE_STEPS = 50
PHASE_S = 1000
STAKE, REWARD, FEE, SLASH = 10**9, 10**8, 10**6, 10**6
SUPPLY = 10**18
LIMIT = 30_000_000
"""Gas a transaction may take."""

LIMITS = {
    "commit + reveal, per participant and round": 105_000,
    "hold + verdict, per member": 160_000,
    "settlement, per counted participant": 20_000,
    "claim, which pays out, once a task": 110_000,
}

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
        return Call(sender, self.address, self.federation.encode(action), LIMIT)

    def pass_deadline(self, task: Task) -> None:
        """Close the running phase at its deadline."""
        self.now = max(self.now, task.deadline)
        self.act([(self.auditor, Advance(task.id))])


def terms(reward_token: bytes) -> Terms:
    """Weighted mean over ten million coordinates."""
    return Terms(
        Model(10_000_000, 10_000_000, 16, 12, 0, 0, 0, 0, 0, 0, 0, 0),
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


def begin(stage: Stage) -> Task:
    """Publish, register everybody, open, up to the first COMMIT."""
    here, document = stage.spec.deployment, word("document")
    offered = terms(stage.tokens[-1])
    publish = Publish(offered, document, word("initial"), ZERO, offered.escrow)
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


def play_round(stage: Stage, task: Task) -> int:
    """An honest round; the gas of its settlement."""
    here, round = stage.spec.deployment, task.round
    reveals = [
        (seat, Reveal(task.id, word(round, seat), 1000 + i, word("r", round, seat), word(seat)))
        for i, seat in enumerate(stage.seats[:PARTICIPANTS])
    ]
    words = [
        here.update_commitment(task.id, round, seat, r.root, r.samples, r.receipt, r.salt)
        for seat, r in reveals
    ]
    stage.act((s, Commit(task.id, w)) for (s, _), w in zip(reveals, words, strict=True))
    stage.pass_deadline(task)
    stage.act(reveals)
    stage.pass_deadline(task)
    return play_attempt(stage, task)


def play_attempt(stage: Stage, task: Task) -> int:
    """The committee's part and the settlement, in pages; the gas of the latter."""
    members = [task.member_at(1, slot) for slot in range(COMMITTEE)]
    stage.act((member, Hold(task.id, task.current.revealed)) for member in members)
    stage.pass_deadline(task)
    here, round = stage.spec.deployment, task.round
    model = word("model", round)
    header = task.header(Kind.MODEL, model)
    opened = [
        (member, RevealVerdict(task.id, ZERO, model, ZERO, word("v", member), word(member)))
        for member in members
    ]
    words = [
        here.verdict_commitment(
            task.id,
            round,
            1,
            m,
            Verdict(task.current.counted, ZERO, header, ZERO, v.receipt, v.salt),
        )
        for m, v in opened
    ]
    stage.act((m, CommitVerdict(task.id, w)) for m, w in zip(members, words, strict=True))
    stage.pass_deadline(task)
    stage.act(opened)
    stage.pass_deadline(task)
    stage.now = max(stage.now, task.deadline)
    page = (stage.auditor, Settle(task.id, PAGE_STEPS, ZERO, header, ZERO))
    return sum(stage.act([page]) for _ in range(2 * PARTICIPANTS // PAGE_STEPS))


def play(same_token: bool) -> tuple[Gas, list[int]]:
    """A whole task: gas by action from the second round on, and of each such settlement."""
    stage = Stage(same_token)
    task = begin(stage)
    play_round(stage, task)
    for kind in ("Commit", "Reveal", "Hold", "CommitVerdict", "RevealVerdict", "Settle", "Advance"):
        stage.gas[kind].clear()
    settled = [play_round(stage, task) for _ in range(ROUNDS - 1)]
    stage.act((seat, Claim(task.id)) for seat in stage.seats)
    if refund := stage.spec.account(stage.tokens[-1]).withdrawable:
        stage.act((account, Withdraw(stage.tokens[-1])) for account in list(refund))
    return stage.gas, settled


def mean(values: Sequence[int]) -> int:
    """The mean, rounded up: a limit is not met by rounding."""
    return -int(-statistics.fmean(values) // 1)


def figures() -> tuple[Gas, dict[str, int]]:
    """Gas by action, and the four promised figures."""
    gas, settled = play(same_token=True)
    two, _ = play(same_token=False)
    gas["Claim, two tokens"] = two["Claim"]
    means = {kind: statistics.fmean(values) for kind, values in gas.items()}
    promised = (
        means["Commit"] + means["Reveal"],
        means["Hold"] + means["CommitVerdict"] + means["RevealVerdict"],
        statistics.fmean(settled) / PARTICIPANTS,
        max(gas["Claim, two tokens"]),
    )
    return gas, {name: mean([round(x)]) for name, x in zip(LIMITS, promised, strict=True)}


def main() -> int:
    """The table; with `--check`, 1 when a figure differs or is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    gas, promised = figures()
    print(f"{'action':<44}{'mean':>10}{'least':>10}{'most':>10}")
    for kind, values in gas.items():
        print(f"{kind:<44}{mean(values):>10,}{min(values):>10,}{max(values):>10,}")
    print(f"\n{'promised':<44}{'found':>10}{'limit':>10}")
    for name, value in promised.items():
        print(f"{name:<44}{value:>10,}{LIMITS[name]:>10,}")
    found = {**{kind: mean(values) for kind, values in gas.items()}, **promised}
    if options.write:
        SNAPSHOT.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    return complain(found) if options.check else 0


def complain(found: dict[str, int]) -> int:
    """Say what differs from the snapshot or breaks its limit; 1 if anything does."""
    expected = json.loads(SNAPSHOT.read_text())
    wrong = [
        f"{name}: found {found.get(name)}, {SNAPSHOT.name} says {expected.get(name)}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    wrong += [
        f"{name}: found {found[name]}, at most {limit} accepted"
        for name, limit in LIMITS.items()
        if found[name] > limit
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
