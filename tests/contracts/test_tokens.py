"""Reward tokens as they come: 6 or 18 decimals, a fee on transfer, rebasing, re-entering hooks, and
some that do not pay."""

from __future__ import annotations

import pytest

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import Artifact, artifact
from sheaf.ledger.engine import Receipt
from sheaf.protocol.actions import Claim, Withdraw
from tests.conformance.chain import FEDERATION, VAULT, hostile
from tests.conformance.worlds import LABELS, BothWorlds, Verdicts
from tests.play import TERMS, Play, changed
from tests.worlds import REWARD, account

TOKEN = Interface(artifact("Token").abi)
SUPPLY, PURSE = 2**150, 2**90
FEE_BPS = 1_000


class Bank:
    """Both worlds, and a reward token of one's own in them."""

    def __init__(self, source: Artifact, decimals: int = 6, *more: object) -> None:
        # A rebasing token keeps shares where others keep balances, so that the vault's cannot be
        # read from storage.
        self.world = Verdicts() if source.name == "RebasingToken" else BothWorlds()
        self.world._fresh = False  # another token is to be on this chain than on any remembered one
        self.interface = Interface(source.abi)
        arguments = ("Reward", "RWD", decimals, account("deployer"), SUPPLY, *more)
        creation = self.interface.creation(source.bytecode, *arguments)
        created = self.transact("deployer", None, creation).require().contract
        assert created is not None
        self.token = created
        self.call("deployer", "transfer", account("sponsor"), PURSE)
        self.call("sponsor", "approve", self.vault, 2**256 - 1)

    @property
    def vault(self) -> bytes:
        return self.world.chain.vault

    def transact(self, label: str, to: bytes | None, data: bytes) -> Receipt:
        """A transaction beside the protocol; time goes on in both worlds."""
        self.world.spec._now += 1
        return self.world.chain.transact(label, to, data, self.world.now)

    def call(self, label: str, name: str, *arguments: object) -> None:
        """A successful transaction to the token."""
        self.transact(label, self.token, self.interface.calldata(name, *arguments)).require()

    def balance(self, holder: bytes, token: bytes | None = None) -> int:
        asked = TOKEN.calldata("balanceOf", holder)
        returned = self.world.chain.call(token or self.token, asked)
        (found,) = TOKEN.result("balanceOf", returned)
        assert isinstance(found, int)
        return found

    def finished(self, token: bytes, whole: int = 1) -> Play:
        """Two honest rounds for 1000 and 100 whole tokens each; nobody has claimed."""
        terms = changed(
            TERMS, reward_token=token, round_reward=1000 * whole, committee_fee=100 * whole
        )
        play = Play(self.world, terms, document=token.hex())
        play.start()
        play.honest_round()
        play.honest_round()
        return play

    def leave(self, play: Play, token: bytes) -> list[int]:
        """Everybody claims, and withdraws what was refused, on the chain alone; what each got (-1:
        nothing)."""
        got = []
        for seat in play.participants + play.aggregators:
            label, before = LABELS[seat], self.balance(seat, token)
            claim, withdraw = FEDERATION.encode(Claim(play.id)), VAULT.encode(Withdraw(token))
            self.transact(label, self.world.chain.federation, claim).require()
            self.transact(label, self.vault, withdraw)
            got.append(self.balance(seat, token) - before or -1)
        return got


@pytest.mark.parametrize("decimals", [6, 18])
def test_amounts_are_the_tokens_own_units(decimals: int) -> None:
    bank, whole = Bank(artifact("Token"), decimals), 10**decimals
    play = bank.finished(bank.token, whole)
    got = [amount for amount in bank.leave(play, bank.token) if amount > 0]
    # A sixth, a third and a half of 1000 lose one unit to rounding, thirds of 100 another.
    assert sum(got) == 2 * (1000 * whole - 1 + 100 * whole - 1)
    assert bank.balance(bank.vault) == 4


def test_a_fee_on_transfer_is_the_sponsors_to_cover() -> None:
    bank = Bank(hostile("FeeOnTransferToken"), 6, FEE_BPS)
    bank.world.spec.taxes[bank.token] = FEE_BPS
    play = Play(bank.world, changed(TERMS, reward_token=bank.token))
    assert play.no(play.sponsor, play.publication(deposit=2200)) == "Underfunded"
    play.publish(deposit=2445)  # a tenth, 244, is burned on the way: 2201 arrive
    assert play.places(bank.token) == {"escrow": 2201}
    assert bank.balance(bank.vault) == 2201


def test_a_rebasing_token_harms_only_tasks_paid_in_it() -> None:
    bank = Bank(hostile("RebasingToken"))
    harmed, spared = bank.finished(bank.token), bank.finished(REWARD)
    bank.call("auditor", "rebase", 1, 2)
    assert bank.balance(bank.vault) == 1100
    got = bank.leave(harmed, bank.token)
    # The books still owe 2196 of which 1100 are there: the first are paid, the last are refused.
    assert -1 in got
    assert 0 < sum(amount for amount in got if amount > 0) <= 1100
    assert sum(amount for amount in bank.leave(spared, REWARD) if amount > 0) == 2196


def test_a_hook_cannot_withdraw_twice() -> None:
    bank = Bank(hostile("HookToken"))
    play = bank.finished(bank.token)
    # The token itself is nobody here, so its inner call must be turned away by the guard alone:
    # it tries while a member's withdrawal is under way.
    inner = VAULT.encode(Withdraw(bank.token))
    bank.call("auditor", "arm", bank.vault, inner)
    got = [amount for amount in bank.leave(play, bank.token) if amount > 0]
    returned = bank.world.chain.call(bank.token, bank.interface.calldata("hookResult"))
    (result,) = bank.interface.result("hookResult", returned)
    error = VAULT.decode_error(result)
    assert error is not None
    assert error.name == "Reentered"
    assert sum(got) == 2196
    assert bank.balance(bank.vault) == 4


MOODS = {"reverts": 1, "answers false": 2, "takes all gas": 3, "answers without end": 4}
PAYMENT_GAS = 250_000


@pytest.mark.parametrize("mood", MOODS)
def test_a_token_that_does_not_pay_holds_back_no_stake(mood: str) -> None:
    bank = Bank(hostile("StubbornToken"))
    play = bank.finished(bank.token)
    owner, stake, token = play.participant(2), play.world.federation.stake_token, bank.token
    before = bank.balance(owner, stake)
    bank.call("auditor", "become", MOODS[mood], bank.vault)
    bank.world.spec.refusing = frozenset({token})
    # Both worlds agree on the events and on every stored word: the reward can be withdrawn later.
    earned = play.task.seats[owner].credit
    assert play.do(owner, Claim(play.id)) == [f"claims 100 and {earned}", "withdrew 100"]
    assert bank.balance(owner, stake) - before == 100
    assert play.world.federation.account(token).withdrawable == {owner: earned}
    bank.call("auditor", "become", 0, bank.vault)
    bank.world.spec.refusing = frozenset()
    assert play.do(owner, Withdraw(token)) == [f"withdrew {earned}"]
    assert bank.balance(owner) == earned


@pytest.mark.parametrize("mood", MOODS)
def test_a_token_that_does_not_pay_takes_little_gas(mood: str) -> None:
    spent = {}
    for chosen in ("willing", mood):
        bank = Bank(hostile("StubbornToken"))
        play = bank.finished(bank.token)
        bank.call("auditor", "become", MOODS.get(chosen, 0), bank.vault)
        label = LABELS[play.participant(2)]
        claim = FEDERATION.encode(Claim(play.id))
        receipt = bank.transact(label, bank.world.chain.federation, claim).require()
        spent[chosen] = receipt.gas_used
    # Its own limit, and the slot that the reward waits in.
    assert spent[mood] - spent["willing"] < PAYMENT_GAS + 25_000


def test_a_hook_cannot_be_paid_from_within_a_payment() -> None:
    bank = Bank(hostile("HookToken"))
    play = bank.finished(bank.token)
    inner = VAULT.calldata("deliver", bank.token, play.participant(0), 1)
    bank.call("auditor", "arm", bank.vault, inner)
    play.do(play.participant(2), Claim(play.id))
    returned = bank.world.chain.call(bank.token, bank.interface.calldata("hookResult"))
    (result,) = bank.interface.result("hookResult", returned)
    error = VAULT.decode_error(result)
    assert error is not None
    assert error.name == "NotVault"
