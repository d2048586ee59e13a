"""An honest task played on a ledger, from the first transaction to the last, all of them signed:
nothing is written into its state from beside, so that any engine can do it again."""

from __future__ import annotations

import rlp
from coincurve import PrivateKey
from eth_utils.crypto import keccak

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import sign
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import federation_interface, token_interface, vault_interface
from sheaf.protocol.actions import Action, Claim, Withdraw
from sheaf.protocol.events import Phase
from tests.play import TERMS, Play, changed
from tests.worlds import CHAIN, COURT, DEPLOYMENT, REWARD, STAKE, SpecWorld, account, key

GAS, FEE_WEI, FUNDS_WEI = 20_000_000, 10**11, 10**24
SUPPLY, PURSE = 10**12, 10**6
COUNT = 3
LABELS = (
    "sponsor",
    *(f"{role} {i}" for role in ("participant", "aggregator") for i in range(COUNT)),
)
KEYS = {account(label): key(label).to_bytes() for label in ("deployer", "auditor", *LABELS)}
VAULT = bytes(keccak(rlp.encode([DEPLOYMENT.address, 1]))[12:])
"""The first contract that the federation creates."""


class LedgerWorld(SpecWorld):
    """The specification, and a ledger that must take what it takes."""

    def __init__(self) -> None:
        super().__init__()
        funds = dict.fromkeys(KEYS, FUNDS_WEI)
        self.ledger = EmbeddedLedger.create(None, chain_id=CHAIN, allocation=funds, timestamp=0)
        self._deploy()
        self._fill_purses()

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """As `World.act`."""
        events = super().act(sender, action, now)
        if isinstance(action, Withdraw):
            self._submit(sender, VAULT, vault_interface().encode(action))
        else:
            self._submit(sender, DEPLOYMENT.address, federation_interface().encode(action))
        self._mine(now)
        return events

    def _deploy(self) -> None:
        deployer, token = account("deployer"), artifact("Token")
        # The third is the taxed one of other tests: the federation's address counts it.
        for name in ("stake", "reward", "taxed"):
            arguments = (name, name, 6, deployer, SUPPLY)
            self._submit(deployer, None, token_interface().creation(token.bytecode, *arguments))
        self._submit(deployer, None, artifact("Court").bytecode)
        code = artifact("Federation").bytecode
        self._submit(deployer, None, federation_interface().creation(code, STAKE, COURT))
        self._mine(1)
        assert self.ledger.engine.code(VAULT)

    def _fill_purses(self) -> None:
        for owner in map(account, LABELS):
            for token in (STAKE, REWARD):
                transfer = token_interface().calldata("transfer", owner, PURSE)
                self._submit(account("deployer"), token, transfer)
                self._submit(owner, token, token_interface().calldata("approve", VAULT, PURSE))
        self._mine(2)

    def _submit(self, sender: bytes, to: bytes | None, data: bytes) -> None:
        nonce = self.ledger.engine.nonce(sender) + len(self.ledger.waiting_from(sender))
        fields = (nonce, 0, FEE_WEI, GAS, to or b"", 0, data)
        self.ledger.submit(sign(PrivateKey(KEYS[sender]), CHAIN, fields))

    def _mine(self, now: int) -> None:
        for receipt in self.ledger.mine(now).receipts:
            receipt.require()


def played_ledger() -> EmbeddedLedger:
    """A task of one round in which nobody fails; at the end everybody takes out what is theirs."""
    world = LedgerWorld()
    play = Play(world, changed(TERMS, rounds=1), participants=COUNT, aggregators=COUNT)
    play.publish(deposit=play.terms.escrow + 1)  # of which one comes back
    play.register()
    play.open()
    play.honest_round()
    assert play.task.phase == Phase.DONE
    for seat in (*play.participants, *play.aggregators):
        play.do(seat, Claim(play.id))
    play.do(play.sponsor, Withdraw(REWARD))
    return world.ledger
