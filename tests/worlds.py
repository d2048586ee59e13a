"""Worlds: where an action takes effect. `SpecWorld` is the executable specification alone.

A world moves through strictly increasing ledger time, one action a block, as a ledger does, so
that whatever a vector says of the specification can be said of the contracts, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from functools import cache
from typing import Protocol

import rlp
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from sheaf.protocol import machine
from sheaf.protocol.actions import Action, Challenge, Demand, Descend, Publish, Register
from sheaf.protocol.hashing import Deployment
from sheaf.protocol.state import Env, Federation, Role

CHAIN = 5
STAKE_NONCE, REWARD_NONCE, TAXED_NONCE, COURT_NONCE, FEDERATION_NONCE = range(5)
START = 1_000_000
"""Ledger time, in seconds, when a world begins."""
TAX_BPS = 1_000
"""What the taxed token keeps of every transfer: a tenth, rounded down."""


@cache
def key(label: str) -> PrivateKey:
    """The private key behind a label such as `participant 3`."""
    return PrivateKey(hashlib.sha256(label.encode()).digest())


@cache
def account(label: str) -> bytes:
    """The address behind a label."""
    return bytes(key(label).public_key.to_canonical_address())


def created(nonce: int) -> bytes:
    """Address of the contract the deployer creates with this nonce."""
    return bytes(keccak(rlp.encode([account("deployer"), nonce]))[12:])


STAKE, REWARD, TAXED = created(STAKE_NONCE), created(REWARD_NONCE), created(TAXED_NONCE)
COURT = created(COURT_NONCE)
DEPLOYMENT = Deployment(CHAIN, created(FEDERATION_NONCE))


class World(Protocol):
    """Applies actions; `federation` is the state the specification gives them."""

    @property
    def federation(self) -> Federation:
        """The state, to read."""

    @property
    def now(self) -> int:
        """Ledger time of the last action."""

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """The events `action` causes at `now`, which must lie ahead; or `Rejected`."""

    def recall(self, start: Hashable) -> bool:
        """Jump to where a fresh world of this kind was when it was remembered, if it ever was."""

    def remember(self, start: Hashable) -> None:
        """Let other fresh worlds of this kind jump to here; all that led here is in `start`."""

    def set_stake(self, task: bytes, sender: bytes, stake: int) -> None:
        """Surgery: a stake that no actions lead to before the court is built. Takes a second."""

    def set_registered(self, task: bytes, role: Role, count: int) -> None:
        """Surgery: as if `count` seats were registered."""

    def set_disputes(self, task: bytes, count: int) -> None:
        """Surgery: as if so many were on the docket, copies of its first, which is decided."""


class SpecWorld:
    """The specification. Every action is checked to conserve both tokens."""

    def __init__(self, stake_tax_bps: int = 0) -> None:
        self._federation = Federation(DEPLOYMENT, STAKE)
        self._now = START
        self.taxes = {STAKE: stake_tax_bps, REWARD: 0, TAXED: TAX_BPS}
        self.refusing: frozenset[bytes] = frozenset()

    @property
    def federation(self) -> Federation:
        """As `World.federation`."""
        return self._federation

    @property
    def now(self) -> int:
        """As `World.now`."""
        return self._now

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """As `World.act`."""
        assert now > self.now, f"time is {self.now}, cannot act at {now}"
        self._now = now
        env = Env(sender, now, self._received(action), self.refusing)
        events = tuple(machine.apply(self.federation, env, action))
        assert_conserved(self.federation)
        return events

    def recall(self, start: Hashable) -> bool:
        """As `World.recall`; the specification is faster than a copy of it."""
        return False

    def remember(self, start: Hashable) -> None:
        """As `World.remember`."""

    def set_stake(self, task: bytes, sender: bytes, stake: int) -> None:
        """As `World.set_stake`; the vault's books follow, so that they still balance."""
        seat = self.federation.tasks[task].seats[sender]
        self.federation.account(STAKE).deposits += stake - seat.stake
        seat.stake = stake
        self._now += 1

    def set_registered(self, task: bytes, role: Role, count: int) -> None:
        """As `World.set_registered`."""
        self.federation.tasks[task].registered[role] = count
        self._now += 1

    def set_disputes(self, task: bytes, count: int) -> None:
        """As `World.set_disputes`; the vault's books follow, so that they still balance."""
        found = self.federation.tasks[task]
        more = count - len(found.current.disputes)
        found.current.disputes += found.current.disputes[:1] * more
        self.federation.account(STAKE).deposits += found.terms.economics.court_bond * more
        self._now += 1

    def _received(self, action: Action) -> int | None:
        """What the vault receives of a pulled amount, after the token took its tax."""
        if isinstance(action, Publish):
            token, asked = action.terms.economics.reward_token, action.deposit
        elif isinstance(action, Register):
            token, asked = STAKE, action.stake
        elif isinstance(action, Challenge | Descend | Demand):
            token, asked = STAKE, action.bond
        else:
            return None
        return asked - asked * self.taxes.get(token, 0) // 10_000


def assert_conserved(federation: Federation) -> None:
    """Every unit that came in and did not go out is in exactly one place, none is negative."""
    tokens = {federation.stake_token, *federation.vault}
    tokens |= {task.terms.economics.reward_token for task in federation.tasks.values()}
    for token in tokens:
        books, places = federation.account(token), federation.buckets(token)
        assert sum(places.values()) == books.deposits - books.withdrawals, places
        assert min(places.values()) >= 0, places
