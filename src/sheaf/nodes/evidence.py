"""What a verification rests on, and what it reports."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from eth_utils.address import to_checksum_address

from sheaf.ledger.federation import AddressBook
from sheaf.nodes.checkpoints import Checkpoints
from sheaf.nodes.executing import Execution
from sheaf.nodes.respecification import Step
from sheaf.nodes.summary import REPORTED, UNCHECKED, Accounting, Place
from sheaf.nodes.trail import Trail
from sheaf.nodes.trust import Assumption
from sheaf.protocol.actions import Action
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobOutOfReach, SheafError, VerificationFailed
from sheaf.protocol.task import Task
from sheaf.store.interface import Copy, Draft, Store

HISTORY = "that this is the only history: anchor it by --head or --keys"
METRICS = (
    "the metrics, which the sponsor reports: --metrics recomputes them with the project's hook"
)
ORDER = "when anything happened: an embedded ledger's deadlines prove order, not time"
WITHHELD = "Receipts that the ledger names: withheld, or not what their ids name"
"""What is said of `Report.withheld`."""

LIMITS = (
    HISTORY,
    "that different keys are different parties",
    "that the data behind the updates are real, or that the updates come from training",
    ORDER,
    METRICS,
)


@dataclass(frozen=True)
class Check:
    """Something that was checked, how often, and in words."""

    name: str
    count: int
    detail: str


@dataclass(frozen=True)
class Origin:
    """What was verified, as a command line names it: a run's id or a task's, and the options that
    say where its ledger and its bytes are. Nothing secret is in them: what may be in an address and
    must not be told stands as `...`. Time on an `embedded` ledger is what one process made it."""

    subject: str
    options: Sequence[str] = ()
    embedded: bool = True

    def command(self, verb: str, *more: str) -> str:
        """The line that does `verb` to it again, for a shell."""
        return " ".join(["sheaf", verb, *map(_quoted, (self.subject, *self.options, *more))])


def _quoted(word: str) -> str:
    """As a shell takes it; `${NAME}` stays a variable, which is how a secret is named."""
    return word if _PLAIN.fullmatch(word) else shlex.quote(word)


LONGEST = 200
"""Characters of a text of others that are kept."""


def brief(text: str) -> str:
    """A text of others, cut to `LONGEST` characters: a sentence that names somebody goes on after
    the name."""
    return text[:LONGEST] + ("…" if len(text) > LONGEST else "")


_PLAIN = re.compile(r"(?:[\w@%+=:,./-]|\$\{\w+\})+", re.ASCII)


@dataclass
class Report:
    """What was checked, the head it was checked against, and what a replay does not show.

    `anchors` are what tells this history from another one, and `outside` names what lies in the
    run's folder and is no evidence. `withheld` has the receipts that the ledger names and no store
    has as their ids name them. `court` says what happened in court, a line for each claim that fell
    and each dispute; `trust` is what has to be trusted all the same (`trust.remaining`). An
    `unfinished` run was checked as far as it went. It is `whole` where a run's folder was there.
    `origin` says how to do it again, and `asked` has the options of what was asked for further.
    """

    head: str
    checks: list[Check] = field(default_factory=list)
    limits: Sequence[str] = LIMITS
    anchors: Sequence[str] = ()
    outside: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    court: list[str] = field(default_factory=list)
    trust: Sequence[Assumption] = ()
    unfinished: bool = False
    whole: bool = True
    origin: Origin = Origin("RUN")
    asked: Sequence[str] = ()

    def add(self, name: str, count: int, detail: str) -> None:
        """Note a check that passed."""
        self.checks.append(Check(name, count, detail))

    def shown(self, limit: str) -> None:
        """Note that something is shown after all."""
        self.limits = tuple(each for each in self.limits if each != limit)

    @property
    def reported(self) -> list[str]:
        """Fields of the summary that the run or the sponsor reports and nobody recomputed."""
        if not self.whole:
            return []
        return [*(REPORTED if METRICS in self.limits else UNCHECKED)]

    def again(self, verb: str, *more: str) -> str:
        """The command that does `verb` to what was verified, up to the same head."""
        return self.origin.command(verb, "--head", self.head, *more)

    @property
    def repeat(self) -> str:
        """The command that verifies it again, with all that was asked for."""
        return self.again("verify", *self.asked)

    @property
    def conclusion(self) -> str:
        """What all of it comes to."""
        anchored = f"anchored by {' and '.join(self.anchors)}" if self.anchors else "not anchored"
        return f"consistent, {anchored}" + (", unfinished" if self.unfinished else "")


@dataclass(frozen=True)
class Witness:
    """A store that remembers what it gave whole: what is in `seen` was found to be what its id
    names, so nobody has to read it again to know. Whoever read a copy to its end says so there."""

    store: Store
    seen: set[ContentId] = field(default_factory=set)

    def put(self, data: bytes, content_id: ContentId) -> None:
        """Keep `data` under its id (see `Store.put`)."""
        self.store.put(data, content_id)

    def draft(self) -> AbstractContextManager[Draft]:
        """A blob to be written in parts (see `Store.draft`)."""
        return self.store.draft()

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """All copies within reach (see `Store.copies`)."""
        return self.store.copies(content_id)

    def get(self, content_id: ContentId) -> bytes:
        """The bytes that the id names (see `Store.get`)."""
        data = self.store.get(content_id)
        self.seen.add(content_id)
        return data

    def has(self, content_id: ContentId) -> bool:
        """Whether a blob lies under this id."""
        return self.store.has(content_id)

    def ids(self) -> Iterator[ContentId]:
        """All ids kept."""
        return self.store.ids()


Told = Callable[[str, int, int], None]
"""Told that so many of so many of something are done."""


def silent(what: str, done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Manner:
    """How a replay goes about it: shared among as many processes as there are `jobs`, with what
    `checkpoints` know taken for done, telling how far it is; and whether the steps of the ledger's
    history are kept (`Evidence.steps`), which an audit and receipts take. `execution` is how a
    ledger's file is executed."""

    jobs: int = 1
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    told: Told = silent
    steps: bool = True
    execution: Execution = field(default_factory=Execution)


NOWHERE = Path(os.devnull) / "no run"
"""A folder in which nobody ever finds anything."""


@dataclass
class Evidence:
    """What the verification rests on: the ledger's events, gas and head, the store, the document.
    `sent` counts the actions that succeeded, by sender; `names` are the run's own; `steps` are all
    protocol transactions of the ledger, in order, where they were to be kept, or else those that a
    receipt goes with; `manner` is how to replay them. `directory` is the run's folder, and
    `NOWHERE` for a stranger, who has none. `model_file` says whether the file there is that of the
    last model, once somebody looked."""

    directory: Path
    book: AddressBook
    trail: Trail
    task: Task
    store: Witness
    accounting: Accounting
    place: Place
    sent: Counter[tuple[bytes, Action]]
    names: Mapping[str, str]
    steps: Sequence[Step]
    manner: Manner = field(default_factory=Manner)
    model_file: bool | None = None

    def who(self, account: bytes) -> str:
        """An actor for people: role, address, and the name the run reports for it."""
        seat = self.trail.seats.get(account)
        published = self.trail.published
        sponsor = published is not None and published.sponsor == account
        role = "sponsor" if sponsor else seat.role.name.lower() if seat else "outsider"
        address = to_checksum_address(account)
        name = brief(self.names.get(address, ""))
        return f"{role} {address}" + (f" ({name})" if name else "")


def fail(message: str) -> NoReturn:
    """Raise `VerificationFailed`."""
    raise VerificationFailed(message)


def fail_without(error: SheafError, message: str) -> NoReturn:
    """Raise `VerificationFailed` for bytes that could not be had; `BlobOutOfReach` where that is
    because a store did not answer: nothing differs then that anybody knows of."""
    if isinstance(error, BlobOutOfReach):
        raise BlobOutOfReach(message, error.hint)
    raise VerificationFailed(message)
