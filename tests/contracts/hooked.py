"""Both worlds, where stake and reward are tokens that call back."""

from __future__ import annotations

from collections.abc import Callable

from sheaf.ledger.abi import Interface
from sheaf.protocol import actions as a
from sheaf.protocol import machine
from sheaf.protocol.actions import Action
from sheaf.protocol.state import Env
from tests.conformance.chain import FEDERATION, PURSE, VAULT, deployed, hostile
from tests.conformance.storage import ALLOWANCES_SLOT, BALANCES_SLOT, entry
from tests.conformance.worlds import LABELS, BothWorlds
from tests.worlds import REWARD, STAKE

TRANSFERRING = (
    a.Publish,
    a.Register,
    a.Challenge,
    a.Descend,
    a.Demand,
    a.Claim,
    a.Withdraw,
)
TOKEN = Interface(hostile("HookToken").abi)


class Hooked(BothWorlds):
    """Both worlds, where the tokens make a call of `wanted` in each transfer. `called` holds the
    actions in whose transfers they did, with what they called."""

    def __init__(self, wanted: Callable[[Action], Action | None]) -> None:
        super().__init__()
        self.chain = deployed(0, "HookToken").copy()
        self.wanted = wanted
        self.called: list[tuple[Action, Action | None]] = []
        self.took_effect: list[Action] = []

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """As `World.act`; a call that took effect is the token's own action, at the same time.
        What the stake token itself sends, it sends as an account like any other."""
        if sender == STAKE:
            return self._of_the_token(action, now)
        inner = self.wanted(action) if isinstance(action, TRANSFERRING) else None
        self._arm(inner)
        before = self._calls()
        caused = self.chain.act(LABELS[sender], action, now)
        meant = self.spec.act(sender, action, now)
        if self._calls() > before:
            self.called.append((action, inner))
        if inner is not None and self._succeeded():
            self.took_effect.append(inner)
            meant += tuple(machine.apply(self.federation, Env(STAKE, now), inner))
        assert caused == meant
        self.assert_equal()
        return meant

    def recall(self, start: object) -> bool:
        """As `World.recall`: what the others remember has other tokens."""
        return False

    def fund_the_token(self) -> None:
        """Let the stake token, too, pay in both tokens, before anybody acts."""
        writes = []
        for token in (STAKE, REWARD):
            allowed = entry(entry(ALLOWANCES_SLOT, STAKE), self.chain.vault)
            writes += [(token, entry(BALANCES_SLOT, STAKE), PURSE), (token, allowed, PURSE)]
        self.chain.poke(writes, self.now - 1)

    def balance(self, token: bytes, account: bytes) -> int:
        """What an account has of a token itself, which no book of the federation says."""
        asked = self.chain.call(token, TOKEN.calldata("balanceOf", account))
        (found,) = TOKEN.result("balanceOf", asked)
        return int(found)

    def _of_the_token(self, action: Action, now: int) -> tuple[object, ...]:
        data = TOKEN.calldata("execute", self.chain.federation, FEDERATION.encode(action))
        self.chain.transact("deployer", STAKE, data, now).require()
        meant = self.spec.act(STAKE, action, now)
        self.assert_equal()
        return meant

    def _arm(self, inner: Action | None) -> None:
        to, data = bytes(20), b""
        if isinstance(inner, a.Withdraw):
            to, data = self.chain.vault, VAULT.encode(inner)
        elif inner is not None:
            to, data = self.chain.federation, FEDERATION.encode(inner)
        for token in (STAKE, REWARD):
            self.chain.queue("deployer", token, TOKEN.calldata("arm", to, data))

    def _calls(self) -> int:
        return sum(self._read(token, "hookCalls") for token in (STAKE, REWARD))

    def _succeeded(self) -> bool:
        return any(self._read(token, "hookSucceeded") for token in (STAKE, REWARD))

    def _read(self, token: bytes, name: str) -> int:
        (found,) = TOKEN.result(name, self.chain.call(token, TOKEN.calldata(name)))
        return int(found)
