"""What a verification rests on, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from eth_utils.address import to_checksum_address

from sheaf.ledger.federation import AddressBook
from sheaf.nodes.summary import Accounting, Place
from sheaf.nodes.trail import Trail
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.task import Task
from sheaf.store.interface import Store

LIMITS = (
    "that this is the only history: compare the head hash with one you got elsewhere",
    "that different keys are different parties",
    "that the data behind the updates are real, or that the updates come from training",
    "when anything happened: an embedded ledger's deadlines prove order, not time",
    "the metrics, which the sponsor reports: --metrics recomputes them with the project's hook",
    "the seconds and the names of accounts in the summary, which the run reports",
)


@dataclass(frozen=True)
class Check:
    """Something that was checked, how often, and in words."""

    name: str
    count: int
    detail: str


@dataclass
class Report:
    """What was checked, the head it was checked against, and what a replay does not show."""

    head: str
    checks: list[Check] = field(default_factory=list)
    limits: Sequence[str] = LIMITS

    def add(self, name: str, count: int, detail: str) -> None:
        """Note a check that passed."""
        self.checks.append(Check(name, count, detail))


@dataclass
class Evidence:
    """What the verification rests on: the ledger's events, gas and head, the store, the document.
    `names` are the run's own, for messages only."""

    directory: Path
    book: AddressBook
    trail: Trail
    task: Task
    store: Store
    accounting: Accounting
    place: Place
    names: Mapping[str, str]

    def who(self, account: bytes) -> str:
        """An actor for people: role, address, and the name the run reports for it."""
        seat = self.trail.seats.get(account)
        published = self.trail.published
        sponsor = published is not None and published.sponsor == account
        role = "sponsor" if sponsor else seat.role.name.lower() if seat else "outsider"
        address = to_checksum_address(account)
        name = self.names.get(address)
        return f"{role} {address}" + (f" ({name})" if name else "")


def fail(message: str) -> NoReturn:
    """Raise `VerificationFailed`."""
    raise VerificationFailed(message)
