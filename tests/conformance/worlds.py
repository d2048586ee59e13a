"""Both worlds at once: the specification and the contracts must agree on everything."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from functools import partial
from typing import ClassVar

from sheaf.protocol.actions import Action
from sheaf.protocol.errors import Rejected
from sheaf.protocol.state import Federation, Role
from tests.conformance import storage
from tests.conformance.chain import CROWD, Chain, deployed
from tests.worlds import SpecWorld, account

LABELS = {account(label): label for label in CROWD}


class BothWorlds:
    """Acts in both, and compares the verdict, the reason, the events and the whole state."""

    remembered: ClassVar[dict[Hashable, tuple[SpecWorld, Chain]]] = {}

    def __init__(self, stake_tax_bps: int = 0) -> None:
        self.spec = SpecWorld(stake_tax_bps)
        self.chain = deployed(stake_tax_bps).copy()
        self._stake_tax_bps = stake_tax_bps
        self._fresh = self._began_fresh = True

    @property
    def federation(self) -> Federation:
        """The specification's state, which is the contracts', too."""
        return self.spec.federation

    @property
    def now(self) -> int:
        """Ledger time."""
        return self.spec.now

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """As `World.act`."""
        self._fresh = False
        said = _outcome(lambda: self.chain.act(LABELS[sender], action, now))
        meant = _outcome(lambda: self.spec.act(sender, action, now))
        if isinstance(meant, Rejected):
            assert isinstance(said, Rejected), f"{action}: spec {meant}, chain accepts"
            assert (said.reason, said.detail) == (meant.reason, meant.detail), action
            raise meant
        assert said == meant, f"{action}: spec {meant}, chain {said!r}"
        self.assert_equal()
        return meant

    def recall(self, start: Hashable) -> bool:
        """As `World.recall`."""
        self._began_fresh = self._fresh
        found = self.remembered.get((self._stake_tax_bps, start))
        if not self._fresh or found is None:
            return False
        spec, chain = found
        self.spec, self.chain, self._fresh = copy.deepcopy(spec), chain.copy(), False
        return True

    def remember(self, start: Hashable) -> None:
        """As `World.remember`."""
        if self._began_fresh and self.chain.ground.branches:
            place = self._stake_tax_bps, start
            self.remembered[place] = copy.deepcopy(self.spec), self.chain.copy()

    def set_stake(self, task: bytes, sender: bytes, stake: int) -> None:
        """As `World.set_stake`; the vault's balance follows."""
        was = self.federation.tasks[task].seats[sender].stake
        self.spec.set_stake(task, sender, stake)
        slot = storage.seat_slot(task, sender)
        word = self.chain.storage(self.chain.federation, slot)
        writes = [(self.chain.federation, slot, word - was + stake)]
        token = self.federation.stake_token
        balance = storage.entry(storage.BALANCES_SLOT, self.chain.vault)
        writes.append((token, balance, self.chain.storage(token, balance) - was + stake))
        self.chain.poke(writes, self.now)
        self.assert_equal()

    def set_registered(self, task: bytes, role: Role, count: int) -> None:
        """As `World.set_registered`."""
        self.spec.set_registered(task, role, count)
        slot = storage.task_slot(task) + storage.IDENTITY.slot
        field = f"registered_{role.name.lower()}s"
        shift = storage.IDENTITY.shift(field)
        word = self.chain.storage(self.chain.federation, slot)
        word = word & ~(0xFFFFFF << shift) | count << shift
        self.chain.poke([(self.chain.federation, slot, word)], self.now)
        self.assert_equal()

    def set_disputes(self, task: bytes, count: int) -> None:
        """As `World.set_disputes`; of what is on the docket the contracts get the number alone."""
        self.spec.set_disputes(task, count)
        slot, shift = storage.task_slot(task) + storage.CORE.slot, storage.CORE.shift("disputes")
        word = self.chain.storage(self.chain.federation, slot)
        word = word & ~(0xFFFF << shift) | count << shift
        self.chain.poke([(self.chain.federation, slot, word)], self.now)

    def assert_equal(self) -> None:
        """Every field of every task, and the vault's books."""
        load = partial(self.chain.storage, self.chain.federation)
        for task in self.federation.tasks.values():
            found, wanted = storage.stored(load, task), storage.expected(task)
            assert found == wanted
        vault, balance = self.chain.vault, storage.entry(storage.BALANCES_SLOT, self.chain.vault)
        storage.assert_books(
            partial(self.chain.storage, vault),
            lambda token: self.chain.storage(token, balance),
            self.federation,
        )


class Verdicts(BothWorlds):
    """Verdicts, reasons and events alone."""

    remembered: ClassVar[dict[Hashable, tuple[SpecWorld, Chain]]] = {}

    def assert_equal(self) -> None:
        """As `BothWorlds.assert_equal`, of nothing."""


def _outcome(act: Callable[[], tuple[object, ...]]) -> tuple[object, ...] | Rejected:
    try:
        return act()
    except Rejected as rejected:
        return rejected
