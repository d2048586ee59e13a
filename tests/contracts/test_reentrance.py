"""A token that calls back: what it may do at any other time, it may not do from within a transfer.

The token is stake and reward of a federation of its own, and a member in it: it can publish, has a
seat to claim, money to withdraw. So nothing but the guards can turn its calls away.
"""

from __future__ import annotations

import pytest

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import artifact
from sheaf.protocol import merkle
from sheaf.protocol.actions import (
    Action,
    Advance,
    Challenge,
    Claim,
    Demand,
    Descend,
    Publish,
    Register,
    Roots,
    Unfold,
    Withdraw,
)
from sheaf.protocol.hashing import ZERO, Deployment
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Role, Standing
from sheaf.protocol.terms import Terms
from tests.conformance import storage
from tests.conformance.chain import FEDERATION, VAULT, deployed, hostile
from tests.contracts.small import to_the_window
from tests.play import TERMS, altered, changed, digest
from tests.worlds import CHAIN, COURT, START, account

PURSE = 10**9
NOBODY = bytes(20)


class Array:
    """Ten integers that are all `value`, in chunks of four."""

    def __init__(self, value: int) -> None:
        data = value.to_bytes(4, "little") * 10
        self.chunks = [data[start : start + 16] for start in range(0, 40, 16)]
        self.leaves = [merkle.leaf_hash(chunk) for chunk in self.chunks]
        self.root = merkle.root_of(self.leaves)

    def opening(self, index: int) -> Opening:
        return Opening(self.chunks[index], tuple(merkle.inclusion_path(self.leaves, index)))


OLD, NEW = Array(1), Array(2)
ROOTS = Roots(NEW.root, ZERO, OLD.root, ZERO)


class Hooked:
    """The token's federation, with a task that takes seats and one that has ended: its seats are
    participant 0's and the token's, who have also sponsored a task of which nothing came."""

    def __init__(self) -> None:
        self.chain, self.now = deployed(0).copy(), START
        source = hostile("HookToken")
        self.interface = Interface(source.abi)
        arguments = ("Hook", "HOOK", 6, account("deployer"), 2**100)
        self.token = self._created(self.interface.creation(source.bytecode, *arguments))
        creation = FEDERATION.creation(artifact("Federation").bytecode, self.token, COURT)
        self.here = Deployment(CHAIN, self._created(creation))
        returned = self.chain.call(self.here.address, FEDERATION.calldata("vault"))
        (self.vault,) = FEDERATION.result("vault", returned)
        self._fill_purses()
        ended, own = self.task("sponsor", "ended"), self.task(None, "own")
        self.do("sponsor", self.publication("ended"))
        self.do(None, self.publication("own"))
        self.do("participant 0", self.registration("ended"))
        self.do(None, self.registration("ended"))
        for phase_s in (TERMS.schedule.register_s, TERMS.schedule.open_s):
            self.now += phase_s
            for task in (ended, own):
                self.do("auditor", Advance(task))
        self.claim_in_court()
        self.do("sponsor", self.publication("open"))

    def claim_in_court(self) -> None:
        """A task of one participant and one aggregator, up to its first claim's window."""
        terms = changed(self.terms, minimum=1, goal=1, committee=1)
        self.court = self.task("sponsor", "court")
        roots = OLD.root, OLD.root, NEW.root
        for seconds, label, action in to_the_window(self.here, terms, "court", *roots):
            self.now += seconds
            self.do(label, action)

    def challenge(self) -> Challenge:
        openings = OLD.opening(0), NEW.opening(0)
        return Challenge(self.court, 0, 1, 0, ROOTS, openings, bytes(4), 5)

    @property
    def terms(self) -> Terms:
        return changed(TERMS, reward_token=self.token)

    def task(self, sponsor: str | None, document: str) -> bytes:
        who = self.token if sponsor is None else account(sponsor)
        return self.here.task_id(who, digest(document))

    def publication(self, document: str) -> Publish:
        return Publish(self.terms, digest(document), digest("initial"), ZERO, self.terms.escrow)

    def registration(self, document: str) -> Register:
        return Register(self.task("sponsor", document), Role.PARTICIPANT, digest("nonce"), 100)

    def order(self, action: Action) -> tuple[bytes, bytes]:
        """Contract and call data of an action."""
        if isinstance(action, Withdraw):
            return self.vault, VAULT.encode(action)
        return self.here.address, FEDERATION.encode(action)

    def do(self, label: str | None, action: Action) -> None:
        """Successfully act; without a label it is the token that acts."""
        self._transact(label, *self.order(action))

    def arm(self, action: Action | None) -> None:
        """What the token does in every transfer from now on."""
        to, data = (NOBODY, b"") if action is None else self.order(action)
        self._transact("auditor", self.token, self.interface.calldata("arm", to, data))

    def hook(self) -> tuple[int, str]:
        """How many transfers called back, and the error that the last of them met."""
        calls, result = (
            self.interface.result(name, self.chain.call(self.token, self.interface.calldata(name)))
            for name in ("hookCalls", "hookResult")
        )
        error = FEDERATION.decode_error(result[0]) or VAULT.decode_error(result[0])
        return calls[0], error.name if error else "no error"

    def _fill_purses(self) -> None:
        for label in ("sponsor", "participant 0", "participant 1", "aggregator 0", None):
            who = self.token if label is None else account(label)
            transfer = self.interface.calldata("transfer", who, PURSE)
            self._transact("deployer", self.token, transfer)
            approve = self.interface.calldata("approve", self.vault, PURSE)
            self._transact(label, self.token, approve)

    def _created(self, creation: bytes) -> bytes:
        self.now += 1
        receipt = self.chain.transact("deployer", None, creation, self.now).require()
        assert receipt.contract is not None
        return receipt.contract

    def _transact(self, label: str | None, to: bytes, data: bytes) -> None:
        if label is None:
            label, to, data = "auditor", self.token, self.interface.calldata("execute", to, data)
        self.now += 1
        self.chain.transact(label, to, data, self.now).require()


PULLING = ["publish", "register", "challenge", "descend", "demand"]
"""The actions that pull tokens, and therefore have a guard."""


@pytest.mark.parametrize("inner", [*PULLING, "claim", "withdraw"])
def test_from_within_a_transfer_nothing_goes(inner: str) -> None:
    hooked = Hooked()
    actions: dict[str, Action] = {
        "publish": hooked.publication("by the token"),
        "register": hooked.registration("open"),
        "claim": Claim(hooked.task("sponsor", "ended")),
        "withdraw": Withdraw(hooked.token),
        "challenge": hooked.challenge(),
        "descend": Descend(hooked.court, 1, ROOTS, 5),
        "demand": Demand(hooked.court, 0, 1, 10),
    }
    hooked.arm(actions[inner])
    outer: tuple[tuple[str, Action], ...] = (
        ("sponsor", hooked.publication("another")),
        ("participant 1", hooked.registration("open")),
        ("participant 0", Claim(hooked.task("sponsor", "ended"))),
        ("sponsor", Withdraw(hooked.token)),
        ("participant 0", hooked.challenge()),
        ("participant 0", Descend(hooked.court, 1, ROOTS, 5)),
        ("participant 0", Demand(hooked.court, 0, 0, 5)),
    )
    for calls, (label, transferring) in enumerate(outer, 1):
        hooked.do(label, transferring)
        assert hooked.hook() == (calls, "Reentered"), transferring
    hooked.arm(None)
    hooked.do(None, actions[inner])  # it was the guards alone


@pytest.mark.parametrize("inner", PULLING)
def test_the_federation_turns_away_before_it_looks(inner: str) -> None:
    """Else the vault alone would, after the federation has answered whatever else is wrong."""
    hooked = Hooked()
    wrong: dict[str, Action] = {
        "publish": Publish(hooked.terms, digest("no model"), ZERO, ZERO, 0),
        "register": Register(hooked.task("sponsor", "open"), 0, ZERO, 0),
        "challenge": altered(hooked.challenge(), column=b""),
        "descend": Descend(hooked.court, 3, ROOTS, 5),
        "demand": Demand(hooked.court, 1, 0, 5),
    }
    hooked.arm(wrong[inner])
    hooked.do("sponsor", hooked.publication("another"))
    assert hooked.hook() == (1, "Reentered")
    hooked.do("participant 1", hooked.registration("open"))
    assert hooked.hook() == (2, "Reentered")


def in_a_row(calls: list[tuple[bytes, bytes]]) -> bytes:
    """Creation code that makes these calls one after another and ends, whatever they answer."""
    one = 44  # bytes of code for each call
    code, data = b"", b""
    for to, payload in calls:
        size, start = len(payload).to_bytes(2), (one * len(calls) + 1 + len(data)).to_bytes(2)
        code += b"\x61" + size + b"\x61" + start + bytes.fromhex("600039")  # CODECOPY to 0
        code += bytes.fromhex("60006000") + b"\x61" + size + bytes.fromhex("60006000")
        code += b"\x73" + to + bytes.fromhex("5af150")  # PUSH20, GAS, CALL, POP
        data += payload
    assert len(code) == one * len(calls)
    return code + b"\0" + data


def test_a_guard_is_down_again_within_the_transaction() -> None:
    """Of whoever acts twice in one transaction, as a wallet's contract does."""
    hooked = Hooked()
    orders = [hooked.order(hooked.publication(name)) for name in ("first", "second")]
    acts = [(hooked.token, hooked.interface.calldata("execute", *order)) for order in orders]
    hooked.now += 1
    hooked.chain.transact("auditor", None, in_a_row(acts), hooked.now).require()
    for document in ("first", "second"):
        slot = storage.task_slot(hooked.task(None, document))
        core = storage.CORE.read(lambda at: hooked.chain.storage(hooked.here.address, at), slot, "")
        assert core["phase"] != 0, document


def test_a_bond_arrives_in_a_docket_that_is_whole() -> None:
    """A dispute is entered before its bond is pulled: a token that moves in it from within the pull
    finds all of it, and the move stands."""
    hooked = Hooked()
    hooked.arm(Unfold(hooked.court, 1, tuple(NEW.leaves)))
    hooked.do("participant 0", Descend(hooked.court, 1, ROOTS, 5))
    assert hooked.hook() == (1, "no error")
    place = (1 << 16 | 1).to_bytes(32)
    slot = storage.entry(storage.task_slot(hooked.court) + storage.DISPUTES_SLOT, place)
    found = storage.DISPUTE[0].read(
        lambda at: hooked.chain.storage(hooked.here.address, at), slot, ""
    )
    assert (found["standing"], found["matter"]) == (Standing.UNFOLDED, 1)
    hooked.arm(None)
    hooked.do(None, Descend(hooked.court, 1, ROOTS, 5))


def test_a_bond_that_does_not_arrive_undoes_the_dispute() -> None:
    hooked = Hooked()
    for action in (
        altered(hooked.challenge(), bond=4),
        Descend(hooked.court, 1, ROOTS, 4),
        Demand(hooked.court, 0, 0, 4),
    ):
        to, data = hooked.order(action)
        hooked.now += 1
        receipt = hooked.chain.transact("participant 0", to, data, hooked.now)
        error = FEDERATION.decode_error(receipt.revert_data or b"")
        assert error is not None
        assert error.name == "BondTooLow"
    slot = storage.task_slot(hooked.court)
    core = storage.CORE.read(lambda at: hooked.chain.storage(hooked.here.address, at), slot, "")
    assert (core["disputes"], core["open"]) == (0, 0)
