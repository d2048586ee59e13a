"""`verify`: a stranger recomputes a whole run from its ledger file and its store.

No keys, no torch, nothing taken from the run's own summary: the summary is compared at the end. The
first difference is raised as `VerificationFailed`, with the actor behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path

from eth_utils.address import to_checksum_address

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.deployment import wired
from sheaf.ledger.engine import Block
from sheaf.ledger.federation import AddressBook
from sheaf.nodes import inventory, replay, reported, trust
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.evidence import (
    NOWHERE,
    Check,
    Evidence,
    Manner,
    Origin,
    Report,
    Witness,
    fail,
    fail_without,
)
from sheaf.nodes.receipts import note_withheld
from sheaf.nodes.rereading import Ground, Source, execute_again, reread
from sheaf.nodes.respecification import Disagreement, Respecification, Step, steps
from sheaf.nodes.seat import court_credit
from sheaf.nodes.summary import Accounting, Place, read_book
from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.actions import Action, Publish, Register, Withdraw
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidDocument,
    RunNotFound,
    VerificationFailed,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore
from sheaf.store.files import exists
from sheaf.store.interface import Store

Further = Callable[[Evidence, Report], None]
"""A check beyond those that need no torch, such as `metrics.check_metrics`."""

CHECKS: tuple[Further, ...] = (
    replay.check_commitments,
    replay.check_rounds,
    replay.check_disputes,
    inventory.check_store,
    note_withheld,
    reported.check_model,
    reported.check_reports,
    reported.check_summary,
    inventory.check_journal,
    inventory.check_folder,
)
"""What is checked once the ledger was executed again."""

CODE = "that the contracts have this code: it is the word of an endpoint that serves no proof of it"
"""Where an endpoint refuses proofs of the state."""

NOTHING, PLAINLY = Anchor(), Manner()

__all__ = ["CHECKS", "Anchor", "Check", "Evidence", "Report", "examine", "replayed", "verify"]


def verify(
    directory: Path,
    *further: Further,
    anchor: Anchor = NOTHING,
    source: Source | None = None,
    manner: Manner = PLAINLY,
) -> Report:
    """Recompute the run in `directory`, and hold `anchor` against it. The blocks of a run on a
    chain behind an endpoint are read from `source`, those of any other from its ledger file.

    Raises `RunNotFound` where there is none, `VerificationFailed` at the first difference; ledger
    errors where the file cannot be read at all.
    """
    return examine(directory, *further, anchor=anchor, source=source, manner=manner)[1]


def examine(
    directory: Path,
    *further: Further,
    anchor: Anchor = NOTHING,
    source: Source | None = None,
    manner: Manner = PLAINLY,
) -> tuple[Evidence, Report]:
    """What `verify` does, with the evidence that all of it was found in: for an audit."""
    evidence, report = replayed(directory, source, manner)
    for check in (*CHECKS, *further, anchor.check):
        check(evidence, report)
    return evidence, report


def replayed(
    directory: Path, source: Source | None = None, manner: Manner = PLAINLY
) -> tuple[Evidence, Report]:
    """The evidence of the ledger alone, applied to the specification, with the task document: for
    an audit of what the other bytes are, where some are missing or wrong. Raises as `verify`."""
    book, task_id = address_book(directory)
    names = _reported_names(directory)
    history = History(book, task_id, names, keep_steps=manner.steps)
    if source is None:
        path = directory / inventory.LEDGER
        ground = execute_again(
            path, lambda block, _: history.observe(block), names, manner.told, manner.execution
        )
    else:
        last = reported_blocks(directory)
        ground = reread(source, last, history.observe, told=manner.told)
    report = Report(ground.head.hash.hex(), limits=ground.limits)
    place = () if source is None else ("--url", "URL")
    report.origin = Origin(directory.name, place, embedded=source is None)
    report.add("ledger", ground.transactions, ground.detail)
    check_code(ground, book, report)
    store = Witness(DiskStore(directory / inventory.STORE))
    evidence = collected(history, ground, store, report, directory, manner)
    report.trust = trust.remaining(evidence.trail.terms)
    # A run that was stopped wrote no summary; one whose task has ended owes it.
    report.unfinished = not (evidence.trail.over or exists(directory / SUMMARY_FILE))
    return evidence, report


@dataclass
class History:
    """Every protocol transaction, replayed through the specification while blocks are re-executed:
    `count` of them, held in `steps` where they are to be kept, or else those that a receipt goes
    with. The first disagreement is kept for later: code that is not Sheaf's is a better reason."""

    book: AddressBook
    task: bytes
    names: Mapping[str, str]
    keep_steps: bool = True
    count: int = 0
    accounting: Accounting = field(default_factory=Accounting)
    sent: Counter[tuple[bytes, Action]] = field(default_factory=Counter)
    steps: list[Step] = field(default_factory=list)
    disagreement: str = ""
    begun: bool = False

    def __post_init__(self) -> None:
        self.specification = Respecification(self.book)
        self.trail = Trail(self.book.deployment, self.task)

    def observe(self, block: Block) -> None:
        """Take in a block, unless one before it disagreed. What was sent to where the contracts
        came to be later, which anybody can foresee, had no effect and is none of it."""
        if self.disagreement:
            return
        found = list(steps(self.book, [block]))
        if not self.begun:
            found = [*dropwhile(lambda step: not (step.events or step.failure), found)]
            self.begun = bool(found)
        for step in found:
            wrong = self.specification.apply(step)
            if wrong is not None:
                self.disagreement = self._told(wrong)
                return
            if step.action and self._concerns(step.sender, step.action):
                self.accounting.spent(step.action, self.trail.round, step.gas)
            if step.action and step.failure is None:
                self.sent[step.sender, step.action] += 1
        for step in found:
            for event in step.events:
                self.trail = fold(self.trail, event)
        self.count += len(found)
        self.steps += [step for step in found if self.keep_steps or step.receipt != ZERO]

    def _concerns(self, sender: bytes, action: Action) -> bool:
        """Whether an action is of this task, a withdrawal, which is of none, by its sender. Of
        sponsor and seats everything counts; of others, what the run says it counted, since on a
        chain of others anybody may send some."""
        if isinstance(action, Publish):
            return self.book.deployment.task_id(sender, action.document) == self.task
        published = self.trail.published
        sponsors = published is not None and sender == published.sponsor
        seated = sponsors or sender in self.trail.seats or isinstance(action, Register)
        if self.names and not seated and to_checksum_address(sender) not in self.names:
            return False
        if isinstance(action, Withdraw):
            return seated or court_credit(self.trail, sender) > 0
        return action.task == self.task

    def _told(self, wrong: Disagreement) -> str:
        step, address = wrong.step, to_checksum_address(wrong.step.sender)
        name = type(step.action).__name__ if step.action else "a call by another contract"
        return (
            f"specification: block {step.block}: {name} of {address} "
            f"({self.names.get(address, 'unknown')}): found {wrong.found}, "
            f"recomputed {wrong.expected}"
        )


def address_book(directory: Path) -> tuple[AddressBook, bytes]:
    """Where a run says that its contracts are, and its task's id. Raises `RunNotFound` where it
    says nothing, `VerificationFailed` for what cannot be read."""
    path = directory / inventory.BOOK
    if not exists(path):
        raise RunNotFound(f"{directory}: found no {path.name}, accepted: a run that has begun")
    try:
        return read_book(path)
    except InvalidDocument as error:
        raise VerificationFailed(error.message) from error


def _reported_names(directory: Path) -> dict[str, str]:
    """Names of accounts as the run reports them: for messages only."""
    try:
        return {str(k): str(v) for k, v in read_summary(directory)["accounts"].items()}
    except (InvalidDocument, KeyError, AttributeError):
        return {}


def reported_blocks(directory: Path) -> int | None:
    """Where the run says that it ended: other runs may have gone on on its chain. What it says of
    that block's hash is compared at the end."""
    try:
        blocks = read_summary(directory)["blocks"]
    except (InvalidDocument, KeyError):
        return None
    return blocks if type(blocks) is int else None


def check_code(ground: Ground, book: AddressBook, report: Report) -> None:
    """The code that ran is the code Sheaf ships, wired as the address book says."""
    if book.chain_id != ground.chain_id:
        fail(f"ledger.json: found chain {book.chain_id}, the ledger is {ground.chain_id}")
    contracts = [("Federation", book.federation), ("Court", book.court), ("Vault", book.vault)]
    if not ground.foreign:
        contracts += [("Token", book.stake_token), ("Token", book.reward_token)]
    values, wires, unproved = dict[str, tuple[bytes, ...]](), dict[str, bytes](), ""
    for name, address in contracts:
        code, why = ground.code(address)
        unproved = unproved or why
        try:
            values[name] = artifact(name).values_in(code)
            if name == "Federation":
                wires = wired(values[name])
        except ValueError:
            where = to_checksum_address(address)
            fail(f"code: the contract at {where} is not the {name} that Sheaf ships")
    for name, found in wires.items():
        if found != getattr(book, name):
            fail(f"code: the federation's {name} is {found.hex()}, ledger.json says otherwise")
    (owner,) = values["Vault"]
    if owner[-20:] != book.federation:
        fail(f"code: the vault's federation is {owner[-20:].hex()}, ledger.json says otherwise")
    detail = "runtime code equal to the shipped artefacts"
    if unproved:
        report.limits = (*report.limits, CODE)
        detail += f", by the endpoint's word: it serves no proof ({unproved})"
    elif ground.foreign:
        detail += f", proved by the state root of block {ground.head.number}"
    report.add("code", len(contracts), detail)


def collected(
    history: History,
    ground: Ground,
    store: Witness,
    report: Report,
    directory: Path = NOWHERE,
    manner: Manner = PLAINLY,
) -> Evidence:
    """The replayed history with the task document from the store."""
    if history.disagreement:
        fail(history.disagreement)
    detail = "protocol transactions gave the specification's events, draws, payouts and slashes"
    report.add("specification", history.count, detail)
    trail, book = history.trail, history.book
    if trail.published is None:
        fail(f"ledger: task {history.task.hex()} is not on this ledger")
    if trail.terms.economics.reward_token != book.reward_token:
        fail("ledger.json: the reward token is not the task's")
    task = _document(store, trail)
    report.add("document", 1, f"task document {task.cid} and its terms")
    place = Place.of(book, ground.head.number, ground.head.hash, ground.read, ground.host)
    known = (history.accounting, place, history.sent, history.names, tuple(history.steps))
    return Evidence(directory, book, trail, task, store, *known, manner)


def _document(store: Store, trail: Trail) -> Task:
    assert trail.published is not None
    content_id = ContentId(DAG_CBOR, SHA2_256, trail.published.document)
    try:
        task = Task.decode(store.get(content_id))
    except (BlobMissing, BlobCorrupt, InvalidDocument) as error:
        fail_without(error, f"document: {error.message}; the sponsor published it")
    if task.terms() != trail.terms:
        fail("document: the published terms are not the document's; the sponsor published them")
    if trail.model_header(task.model.initial) != trail.published.model_root:
        fail("document: the published model root is not the document's; the sponsor published it")
    return task
