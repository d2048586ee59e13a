"""What lies in a run's folder: every blob is what it is called, and what is no evidence is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eth_utils.address import to_canonical_address

from sheaf.nodes import anchoring, journal
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.effects import Sent
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.hold import HOLDER, LOCK
from sheaf.nodes.journal import JOURNAL, Answer
from sheaf.nodes.receipts import acts, told
from sheaf.nodes.record import RECORD
from sheaf.nodes.summary import MODEL_FILE
from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.nodes.trail import Trail
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, LedgerCorrupt
from sheaf.protocol.events import VerdictRevealed
from sheaf.protocol.task import Task
from sheaf.store.files import exists, is_file, is_folder, reachable
from sheaf.store.interface import sound_copy

LEDGER, BOOK, STORE = "ledger.sqlite", "ledger.json", "store"
EVIDENCE = (
    LEDGER,
    BOOK,
    STORE,
    JOURNAL,
    anchoring.FILE,
    MODEL_FILE,
    SUMMARY_FILE,
)
"""What a verification reads, to the last byte but for what SQLite does not use of its file."""

KNOWN = {
    "private": "each node's own blobs",
    "log": "what was told while it ran",
    RECORD: "what was asked for; the task document says what was published",
    LOCK: "held while a process works on the run",
    HOLDER: "which process that is",
    "rounds.svg": "a picture of the summary",
}
PARTIAL = "partial"


def check_store(evidence: Evidence, report: Report) -> None:
    """Every blob in the store is what its id names, also those that no replay needs: updates that
    nobody counted, models that lost the vote, and what nothing on the ledger names."""
    store, count, nameless = evidence.store, 0, 0
    owners = _owners(evidence)
    try:
        for content_id in store.ids():
            if content_id not in store.seen:
                _check_blob(evidence, content_id, owners)
            count, nameless = count + 1, nameless + (content_id not in owners)
    except BlobCorrupt as error:
        fail(f"store: {error.message}")
    report.add("store", count, "blobs are what their ids name")
    if nameless:
        report.outside.append(f"{STORE}: blobs that nothing on the ledger names: {nameless}")


def _check_blob(evidence: Evidence, content_id: ContentId, owners: Mapping[ContentId, str]) -> None:
    try:
        sound_copy(evidence.store, content_id)
    except (BlobMissing, BlobCorrupt) as error:
        what = owners.get(content_id, "a blob that nothing on the ledger names")
        fail(f"store: {what}: {error.message}")


def _owners(evidence: Evidence) -> dict[ContentId, str]:
    """Whose the blobs are that the ledger names, the first that named one."""
    owners: dict[ContentId, str] = {}
    for content_id, what, account in named(evidence.task, evidence.trail):
        owners.setdefault(content_id, what + (evidence.who(account) if account else ""))
    for act in acts(evidence):
        owners.setdefault(receipt_id(act.receipt), told(evidence, act))
    return owners


def named(task: Task, trail: Trail) -> Iterator[tuple[ContentId, str, bytes | None]]:
    """The blobs that the ledger names, what they are, and whose, where that is not said by it: one
    may be named more than once."""
    yield task.cid, "the sponsor's task document", None
    yield vector_id(task, task.model.initial), "the sponsor's initial model", None
    for number, found in sorted(trail.rounds.items()):
        for revealed in found.reveals.values():
            what = f"round {number}: the update of "
            yield vector_id(task, revealed.root), what, revealed.account
        for signed in (*found.reveals.values(), *found.verdicts.values()):
            what = f"round {number}: the receipt of "
            yield receipt_id(signed.receipt), what, signed.account
        for verdict in found.verdicts.values():
            if isinstance(verdict, VerdictRevealed):
                for root, kind in ((verdict.model_root, "model"), (verdict.state_root, "state")):
                    what = f"round {number}: the new {kind}, voted for by "
                    yield vector_id(task, root), what, verdict.account


def check_journal(evidence: Evidence, report: Report) -> None:
    """The journal, where its owner gave it along, is whole, goes with the summary, and says what
    the ledger says of what was sent."""
    path = evidence.directory / JOURNAL
    if not exists(path):
        report.outside.append(f"{JOURNAL}: its operator's own, and not here")
        return
    if not is_file(path):
        fail(f"journal: {JOURNAL} is no file")
    try:
        turns = journal.read(path)
        if not report.unfinished:
            _check_head(evidence, journal.head(path))
    except LedgerCorrupt as error:
        fail(f"journal: {error.message}")
    entries = sum(1 + len(each.answers) for each in turns)
    # The names of accounts are in the summary, which an unfinished run does not have.
    if evidence.names:
        _check_sent(evidence, [answer for each in turns for answer in each.answers], report)
    report.add("journal", entries, f"entries of {JOURNAL} in their chain")


def _check_head(evidence: Evidence, found: str) -> None:
    expected = read_summary(evidence.directory)["journal"]
    if found != expected:
        fail(f"journal: {JOURNAL} ends in {found}, {SUMMARY_FILE} says {expected}")


def _check_sent(evidence: Evidence, answers: Sequence[Answer], report: Report) -> None:
    """What the nodes noted as sent is on the ledger, and nothing else of theirs is."""
    accounts = {name: to_canonical_address(a) for a, name in evidence.names.items()}
    left = evidence.sent.copy()
    for answer in answers:
        if isinstance(answer.content, Sent):
            sent = accounts.get(answer.node, b""), answer.content.action
            if left[sent] < 1:
                name = type(answer.content.action).__name__
                fail(f"journal: {answer.node} noted a {name} that the ledger does not have of it")
            left[sent] -= 1
    for account, action in +left if not report.unfinished else ():
        if account in accounts.values():
            what = f"a {type(action).__name__} of {evidence.who(account)}"
            fail(f"journal: the ledger has {what} that nobody noted")


def check_folder(evidence: Evidence, report: Report) -> None:
    """Name what lies in the folder and is no evidence; nothing of it is read."""
    report.outside.append(f"{LEDGER}: bytes that its tables do not use")
    for name in sorted(path.name for path in _within(evidence.directory)):
        if name not in EVIDENCE:
            report.outside.append(f"{name}: {KNOWN.get(name, 'no file of a run')}")
    report.outside += [f"{STORE}/{name}: no blob" for name in sorted(_no_blobs(evidence.directory))]


def _no_blobs(directory: Path) -> Iterator[str]:
    for path in _within(directory / STORE):
        if len(path.name) == 2 and is_folder(path):
            yield from (f"{path.name}/{each.name}" for each in _within(path) if is_folder(each))
        elif path.name != PARTIAL:
            yield path.name


def _within(folder: Path) -> list[Path]:
    with reachable(folder):
        return [*folder.iterdir()]
