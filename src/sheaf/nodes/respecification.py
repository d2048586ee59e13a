"""A second execution of a ledger's history, by the executable specification.

Every transaction of the federation is decoded and applied to `sheaf.protocol.machine`; what the
contracts emitted and rejected must be what the specification emits and rejects. So draws, counted
sets, claims, payouts and slashes are recomputed without an EVM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sheaf.ledger.engine import Block, Header, Receipt, Transaction
from sheaf.ledger.errors import Reverted
from sheaf.ledger.federation import AddressBook, action_of, event_of, failure_of, note_of
from sheaf.nodes.acts import ACTS
from sheaf.protocol import actions as a
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Registered, TaskPublished, Withdrawn
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.machine import apply
from sheaf.protocol.state import Env, Federation


@dataclass(frozen=True)
class Step:
    """One protocol transaction: its hash, who sent what in which block, at what ledger time, and
    what it caused.

    `action` is None where a contract of somebody's made the protocol's contracts emit events; an
    event that cannot be read stands as text. Of an act `receipt` is what its sender noted with it,
    zero for nothing.
    """

    block: int
    time: int
    transaction: bytes
    sender: bytes
    action: Action | None
    gas: int
    failure: Rejected | Reverted | None
    events: tuple[object, ...]
    receipt: bytes = ZERO


@dataclass(frozen=True)
class Disagreement:
    """Where contract and specification differ."""

    step: Step
    found: str
    expected: str


def steps(book: AddressBook, blocks: Iterable[Block]) -> Iterator[Step]:
    """The protocol transactions of `blocks`, in order."""
    for block in blocks:
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            step = _step(book, block.header, transaction, receipt)
            if step is not None:
                yield step


def _step(book: AddressBook, at: Header, sent: Transaction, receipt: Receipt) -> Step | None:
    action, events = action_of(book, sent.to, sent.data), tuple(_events(book, receipt))
    if action is None and not events:
        return None
    place, gas = (at.number, at.timestamp, sent.hash, sent.sender), receipt.gas_used
    noted = note_of(action, sent.data) if isinstance(action, ACTS) else ZERO
    return Step(*place, action, gas, failure_of(receipt), events, noted)


def _events(book: AddressBook, receipt: Receipt) -> Iterator[object]:
    for log in receipt.logs:
        try:
            event = event_of(book, log)
        except ValueError as error:
            event = f"an event that cannot be read: {error}"
        if event is not None:
            yield event


class Respecification:
    """Applies steps to the specification, one after the other."""

    def __init__(self, book: AddressBook) -> None:
        self.federation = Federation(book.deployment, book.stake_token)

    def apply(self, step: Step) -> Disagreement | None:
        """The disagreement of one step, if there is one."""
        if isinstance(step.failure, Reverted):
            return None  # outside the protocol: a token without allowance, too little gas
        if step.action is None:
            return Disagreement(step, str(step.events[0]), "events of direct calls only")
        env = Env(step.sender, step.time, _received(step), self._refusing(step))
        try:
            expected = tuple(apply(self.federation, env, step.action))
        except Rejected as rejected:
            verdict = str(step.failure or "no rejection")
            same = verdict == str(rejected)
            return None if same else Disagreement(step, verdict, str(rejected))
        if step.failure is not None:
            return Disagreement(step, str(step.failure), "no rejection")
        for found, made in zip(step.events, expected, strict=False):
            if found != made:
                return Disagreement(step, str(found), str(made))
        if len(step.events) != len(expected):
            return Disagreement(step, f"{len(step.events)} events", f"{len(expected)} events")
        return None

    def _refusing(self, step: Step) -> frozenset[bytes]:
        """Tokens that did not pay out when a seat claimed, which no specification can know."""
        task = self.federation.tasks.get(getattr(step.action, "task", b""))
        if task is None or not isinstance(step.action, a.Claim):
            return frozenset()
        paid = {event.token for event in step.events if isinstance(event, Withdrawn)}
        return frozenset({self.federation.stake_token, task.terms.economics.reward_token} - paid)


def _received(step: Step) -> int | None:
    """What a pulled token delivered, which no specification can know."""
    if isinstance(step.action, a.Publish | a.Register):
        for event in step.events:
            if isinstance(event, TaskPublished):
                return event.deposit
            if isinstance(event, Registered):
                return event.stake
    return None
