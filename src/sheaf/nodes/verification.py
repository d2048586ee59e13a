"""`verify`: a stranger recomputes a whole run from its ledger file and its store.

No keys, no torch, nothing taken from the run's own summary: the summary is compared at the end. The
first difference is raised as `VerificationFailed`, with the actor behind it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from eth_utils.address import to_canonical_address, to_checksum_address

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.database import LedgerFile
from sheaf.ledger.engine import Block, Engine, Message
from sheaf.ledger.federation import AddressBook, federation_interface
from sheaf.ledger.reexecute import Reexecution, reexecute
from sheaf.nodes.evidence import Check, Evidence, Report, fail
from sheaf.nodes.replay import (
    check_model,
    check_reports,
    check_rounds,
    check_summary,
    check_updates,
)
from sheaf.nodes.respecification import Disagreement, Respecification, steps
from sheaf.nodes.summary import Accounting, Place
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.content import DAG_CBOR, SHA2_256, ContentId
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidDocument,
    RunNotFound,
    SheafError,
    VerificationFailed,
)
from sheaf.protocol.task import Task
from sheaf.store.disk import DiskStore
from sheaf.store.interface import Store

Further = Callable[[Evidence, Report], None]
"""A check beyond those that need no torch, such as `metrics.check_metrics`."""

__all__ = ["Check", "Evidence", "Report", "verify"]


def verify(directory: Path, *further: Further) -> Report:
    """Recompute the run in `directory`.

    Raises `RunNotFound` where there is none, `VerificationFailed` at the first difference; ledger
    errors where the file cannot be read at all.
    """
    book, task_id = _address_book(directory)
    history = _History(book, task_id, _reported_names(directory))
    path = directory / "ledger.sqlite"
    again = reexecute(path, history.observe)
    if again.difference is not None:
        _fail_ledger(again, path, history.names)
    report = Report(again.head.hash.hex())
    detail = f"transactions in {again.blocks} blocks re-executed to the same state roots"
    report.add("ledger", again.transactions, detail)
    _check_code(again, book, report)
    evidence = _evidence(directory, history, again, report)
    own = (check_updates, check_rounds, check_model, check_reports, check_summary)
    for check in (*own, *further):
        check(evidence, report)
    return report


@dataclass
class _History:
    """Every protocol transaction, replayed through the specification while blocks are re-executed.
    The first disagreement is kept for later: code that is not Sheaf's is the better reason."""

    book: AddressBook
    task: bytes
    names: Mapping[str, str]
    accounting: Accounting = field(default_factory=Accounting)
    count: int = 0
    disagreement: str = ""

    def __post_init__(self) -> None:
        self.specification = Respecification(self.book)
        self.trail = Trail(self.book.deployment, self.task)

    def observe(self, block: Block) -> None:
        """Take in a block, unless one before it disagreed."""
        if self.disagreement:
            return
        found = list(steps(self.book, [block]))
        for step in found:
            wrong = self.specification.apply(step, block.header.timestamp)
            if wrong is not None:
                self.disagreement = self._told(wrong)
                return
            if step.action and getattr(step.action, "task", self.task) == self.task:
                self.accounting.spent(step.action, self.trail.round, step.gas)
        for step in found:
            for event in step.events:
                self.trail = fold(self.trail, event)
        self.count += len(found)

    def _told(self, wrong: Disagreement) -> str:
        step, address = wrong.step, to_checksum_address(wrong.step.sender)
        name = type(step.action).__name__ if step.action else "a call by another contract"
        return (
            f"specification: block {step.block}: {name} of {address} "
            f"({self.names.get(address, 'unknown')}): found {wrong.found}, "
            f"recomputed {wrong.expected}"
        )


def _address_book(directory: Path) -> tuple[AddressBook, bytes]:
    path = directory / "ledger.json"
    if not path.is_file():
        raise RunNotFound(f"{directory}: found no ledger.json; accepted: a finished run")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        names = ("federation", "vault", "stake_token", "reward_token")
        addresses = [to_canonical_address(plain[name]) for name in names]
        chain, task = int(plain["chain_id"]), bytes.fromhex(plain["task"])
        return AddressBook(chain, *map(bytes, addresses)), task
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationFailed(f"{path} is not an address book: {error}") from error


def _reported_names(directory: Path) -> dict[str, str]:
    """Names of accounts as the run reports them: for messages only."""
    try:
        found = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        return {str(k): str(v) for k, v in found["accounts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _fail_ledger(again: Reexecution, path: Path, names: Mapping[str, str]) -> NoReturn:
    """Name block, field and, where one transaction is at fault, its sender."""
    d = again.difference
    assert d is not None
    kind, _, number = d.field.partition(" ")
    whose = ""
    if kind in ("transaction", "receipt") and number.partition(" ")[0].isdigit():
        whose = _sender(again, path, d.block, int(number.partition(" ")[0]), names)
    fail(f"ledger: block {d.block}: {d.field}: found {d.found}, recomputed {d.expected}{whose}")


def _sender(
    again: Reexecution, path: Path, block: int, index: int, names: Mapping[str, str]
) -> str:
    """Who sent a transaction of a tampered file, as far as it still says so."""
    file = LedgerFile.open(path, read_only=True)
    try:
        address = to_checksum_address(
            again.engine.decode(file.raw_transactions(block)[index]).sender
        )
    except (SheafError, ValueError, IndexError):
        return ""
    finally:
        file.close()
    return f", sent by {address} ({names.get(address, 'unknown')})"


def _check_code(again: Reexecution, book: AddressBook, report: Report) -> None:
    """The code that ran is the code Sheaf ships, wired as the address book says."""
    if book.chain_id != again.genesis.chain_id:
        fail(f"ledger.json: found chain {book.chain_id}, the ledger is {again.genesis.chain_id}")
    contracts = (
        ("Federation", book.federation),
        ("Vault", book.vault),
        ("Token", book.stake_token),
        ("Token", book.reward_token),
    )
    for name, address in contracts:
        if not artifact(name).is_runtime(again.engine.code(address)):
            where = to_checksum_address(address)
            fail(f"code: the contract at {where} is not the {name} that Sheaf ships")
    for name, expected in (("vault", book.vault), ("stakeToken", book.stake_token)):
        answer = _read(again.engine, book.federation, federation_interface().calldata(name))
        (found,) = federation_interface().result(name, answer)
        if found != expected:
            fail(f"code: the federation's {name} is {found.hex()}, ledger.json says otherwise")
    report.add("code", len(contracts), "runtime code equal to the shipped artefacts")


def _read(engine: Engine, contract: bytes, calldata: bytes) -> bytes:
    return engine.call(Message(contract, calldata))


def _evidence(directory: Path, history: _History, again: Reexecution, report: Report) -> Evidence:
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
    store = DiskStore(directory / "store")
    task = _document(store, trail)
    report.add("document", 1, f"task document {task.cid} and its terms")
    reader = partial(_read, again.engine)
    place = Place.of(book, again.head.number, again.head.hash, reader)
    return Evidence(directory, book, trail, task, store, history.accounting, place, history.names)


def _document(store: Store, trail: Trail) -> Task:
    assert trail.published is not None
    content_id = ContentId(DAG_CBOR, SHA2_256, trail.published.document)
    try:
        task = Task.decode(store.get(content_id))
    except (BlobMissing, BlobCorrupt, InvalidDocument) as error:
        fail(f"document: {error.message}; the sponsor published it")
    if task.terms() != trail.terms:
        fail("document: the published terms are not the document's; the sponsor published them")
    if trail.model_header(task.model.initial) != trail.published.model_root:
        fail("document: the published model root is not the document's; the sponsor published it")
    return task
