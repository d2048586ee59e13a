"""What a report is made of: the evidence, who is in it, and the specification's last state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.audit.plainly import printable
from sheaf.nodes.evidence import Evidence, Report
from sheaf.nodes.respecification import Respecification, Step
from sheaf.nodes.summary import SETUP, Accounting
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol import state
from sheaf.protocol.actions import Publish, Withdraw
from sheaf.protocol.events import PhaseStarted, RoundSettled, Withdrawn
from sheaf.protocol.state import Federation, Role

LETTERS = {Role.PARTICIPANT: "P", Role.AGGREGATOR: "A"}


@dataclass(frozen=True)
class Ground:
    """The evidence of a verification, with what several parts of a report ask of it."""

    evidence: Evidence
    report: Report

    @property
    def trail(self) -> Trail:
        """What the ledger says of the task."""
        return self.evidence.trail

    @cached_property
    def steps(self) -> Sequence[Step]:
        """The transactions of this task, in order: those that changed it, withdrawals of who acted
        in it, and what was refused to them. Anybody may send what is refused: what came of nobody
        in the task says nothing of it, and is none of its gas."""
        return [step for step in self.evidence.steps if self._concerns(step)]

    def _concerns(self, step: Step) -> bool:
        if self._changed(step):
            return True
        if isinstance(step.action, Publish):
            named = self.trail.deployment.task_id(step.sender, step.action.document)
            return named == self.trail.task
        if isinstance(step.action, Withdraw):
            return step.sender in self.acting or any(
                isinstance(event, Withdrawn) and event.account in self.acting
                for event in step.events
            )
        own = getattr(step.action, "task", None) == self.trail.task
        return own and step.sender in self.acting

    def _changed(self, step: Step) -> bool:
        return any(getattr(event, "task", None) == self.trail.task for event in step.events)

    @cached_property
    def acting(self) -> frozenset[bytes]:
        """Who acted in this task: its sponsor, its seats, and whoever else changed anything."""
        others = (step.sender for step in self.evidence.steps if self._changed(step))
        return frozenset((self.sponsor, *self.trail.seats, *others))

    @cached_property
    def gas(self) -> Mapping[int, Mapping[str, int]]:
        """The gas of these transactions, by round, or `SETUP` or `CLOSING`, and kind: it belongs to
        the round that was running when its block began."""
        accounting, running = Accounting(), SETUP
        for _, block in groupby(self.steps, lambda step: step.block):
            then = running
            for step in block:
                if step.action is not None:
                    accounting.spent(step.action, then, step.gas)
                for event in step.events:
                    if isinstance(event, PhaseStarted) and event.task == self.trail.task:
                        running = event.round
        return accounting.gas

    @property
    def sponsor(self) -> bytes:
        """The account that published the task."""
        assert self.trail.published is not None
        return self.trail.published.sponsor

    @cached_property
    def accounts(self) -> Sequence[bytes]:
        """Everybody in the report: the sponsor, the seats as they registered, participants first,
        and outsiders as they appeared. A number that stands for somebody is the place in here."""
        seats = self.trail.seats
        order = [a for role in Role for a, seat in seats.items() if seat.role == role]
        others = [account for step in self.steps for account in _named(step)]
        return tuple(dict.fromkeys([self.sponsor, *order, *others]))

    @cached_property
    def places(self) -> dict[bytes, int]:
        """The place of each account."""
        return {account: place for place, account in enumerate(self.accounts)}

    @cached_property
    def labels(self) -> Sequence[str]:
        """A short label for each account: S, P1, A1, or X1 for somebody without a seat."""
        made, numbers = [], dict.fromkeys("SPAX", 0)
        for account in self.accounts:
            letter = self._letter(account)
            numbers[letter] += 1
            made.append("S" if letter == "S" else f"{letter}{numbers[letter]}")
        return made

    def _letter(self, account: bytes) -> str:
        seat = self.trail.seats.get(account)
        if account == self.sponsor:
            return "S"
        return LETTERS[seat.role] if seat else "X"

    def label(self, account: bytes) -> str:
        """The short label of an account; its address if it is not in the report."""
        place = self.places.get(account)
        return to_checksum_address(account) if place is None else self.labels[place]

    def actors(self) -> list[dict[str, Any]]:
        """Everybody, in the order of `accounts`. A `name` is the run's own word."""
        return [self._actor(account) for account in self.accounts]

    def _actor(self, account: bytes) -> dict[str, Any]:
        seat, address = self.trail.seats.get(account), to_checksum_address(account)
        name = self.evidence.names.get(address)
        role = seat.role.name.lower() if seat else "outsider"
        return {
            "label": self.label(account),
            "address": address,
            "role": "sponsor" if account == self.sponsor else role,
            "name": None if name is None else printable(name),
            "index": seat.index if seat else None,
        }

    @cached_property
    def federation(self) -> Federation:
        """The state that the specification comes to after all transactions of the ledger."""
        again = Respecification(self.evidence.book)
        for step in self.evidence.steps:
            again.apply(step)
        return again.federation

    @property
    def state(self) -> state.Task:
        """This task in the specification's last state."""
        return self.federation.task(self.trail.task)

    @property
    def rounds(self) -> Iterator[RoundTrail]:
        """The rounds in order."""
        return (found for _, found in sorted(self.trail.rounds.items()))

    @cached_property
    def units(self) -> dict[str, dict[str, Any]]:
        """The reward and the stake token: symbol, decimals, address."""
        book = self.evidence.book
        addresses = {"reward": book.reward_token, "stake": book.stake_token}
        return {
            kind: {
                "symbol": printable(str(unit["symbol"])),
                "decimals": int(unit["decimals"]),
                "address": to_checksum_address(addresses[kind]),
            }
            for kind, unit in self.evidence.place.tokens.items()
        }


def in_model(found: RoundTrail) -> tuple[int, ...]:
    """Positions of the updates that went into a settled round's model; none where it did not
    settle."""
    if not isinstance(found.outcome, RoundSettled) or found.claim is None:
        return ()
    return found.counted_positions(found.claim.attempt)


def _named(step: Step) -> Iterator[bytes]:
    yield step.sender
    for event in step.events:
        account = getattr(event, "account", None)
        if isinstance(account, bytes):
            yield account
