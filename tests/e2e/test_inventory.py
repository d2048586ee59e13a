"""Files of a run that are taken away, added or renamed: found, or named as no evidence."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.codec import typed
from sheaf.nodes.evidence import Evidence, Report, Witness
from sheaf.nodes.journal import JOURNAL, Answer, Journal, Turn
from sheaf.nodes.verification import CHECKS, verify
from sheaf.protocol.content import ContentId, raw_id
from sheaf.protocol.errors import LedgerUnavailable, RunNotFound, SheafError, VerificationFailed
from sheaf.store.disk import DiskStore
from sheaf.store.interface import Copy
from tests.e2e.tampering import edit, place_of
from tests.nodes.stage import Played, evidence_of


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    return honest.copy(tmp_path / "copy")


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def outside(run: Path) -> list[str]:
    return verify(run).outside


NO_JOURNAL = "journal.jsonl: its operator's own, and not here"
UNUSED = "ledger.sqlite: bytes that its tables do not use"


def test_what_a_run_leaves_and_is_no_evidence(run: Path) -> None:
    assert outside(run) == [NO_JOURNAL, UNUSED]
    for name in ("run.json", "lock", "lock.pid", "log"):
        (run / name).write_text("anything")
    (run / "private").mkdir()
    assert outside(run) == [
        NO_JOURNAL,
        UNUSED,
        "lock: held while a process works on the run",
        "lock.pid: which process that is",
        "log: what was told while it ran",
        "private: each node's own blobs",
        "run.json: what was asked for; the task document says what was published",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ledger.sqlite", LedgerUnavailable),
        ("ledger.json", RunNotFound),
        ("model.safetensors", VerificationFailed),
        ("summary.json", VerificationFailed),
    ],
)
def test_a_file_that_was_taken_away(run: Path, name: str, error: type[SheafError]) -> None:
    (run / name).rename(run / "elsewhere")
    with pytest.raises(error) as caught:
        verify(run)
    assert name in caught.value.message or isinstance(caught.value, VerificationFailed)
    assert "\n" not in caught.value.message


def test_files_that_were_added_are_named(run: Path) -> None:
    (run / "notes.txt").write_text("looks official")
    (run / "store" / "task.py").write_text("raise SystemExit")
    (run / "store" / "ab").mkdir()
    (run / "store" / "ab" / "deep").mkdir()
    (run / "store" / "partial" / "cut short").write_bytes(b"x")
    data = b"a blob of somebody's"
    DiskStore(run / "store").put(data, raw_id(data))
    assert outside(run) == [
        "store: blobs that nothing on the ledger names: 1",
        NO_JOURNAL,
        UNUSED,
        "notes.txt: no file of a run",
        "store/ab/deep: no blob",
        "store/task.py: no blob",
    ]


def test_a_blob_under_another_name(run: Path, evidence: Evidence) -> None:
    place = place_of(run, evidence.task.cid)
    (place.parent / "junk").write_bytes(b"")
    with pytest.raises(
        VerificationFailed, match=r"^store: .*junk: the file's name is no content id"
    ):
        verify(run)
    (place.parent / "junk").unlink()
    data = b"another's bytes"
    other = place_of(run, raw_id(b"these bytes"))
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(data)
    with pytest.raises(VerificationFailed) as caught:
        verify(run)
    assert caught.value.message.startswith("store: a blob that nothing on the ledger names: ")


class Counting(DiskStore):
    """A store that counts what is asked of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads: Counter[ContentId] = Counter()

    def get(self, content_id: ContentId) -> bytes:
        self.reads[content_id] += 1
        return super().get(content_id)

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        self.reads[content_id] += 1
        return super().copies(content_id)


def test_every_blob_is_read_and_hashed_once(run: Path, evidence: Evidence) -> None:
    """A model as what the next round starts from, the last one with the model file beside it."""
    store = Counting(run / "store")
    again = replace(evidence, directory=run, store=Witness(store))
    for check in CHECKS:
        check(again, Report(""))
    task, trail = evidence.task, evidence.trail
    models = [trail.model_after(number, task.model.initial) for number in range(3)]
    updates = [e.root for found in trail.rounds.values() for e in found.reveals.values()]
    rounds = trail.rounds.values()
    signed = [e for r in rounds for e in (*r.reveals.values(), *r.verdicts.values())]
    acts = [step for step in evidence.steps if any(step.receipt)]
    assert len(acts) == 4  # a publication and three reports
    receipts = {receipt_id(e.receipt): 1 for e in (*signed, *acts)}
    assert store.reads == {
        task.cid: 1,
        **receipts,
        **{vector_id(task, root): 1 for root in models},
        **{vector_id(task, root): 1 for root in updates},
    }
    assert (len(updates), len(receipts)) == (8, 18)


# The journal


Lines = list[dict[str, Any]]


@pytest.fixture
def journalled(honest: Played, run: Path) -> Path:
    shutil.copy(honest.directory / JOURNAL, run)
    assert NO_JOURNAL not in outside(run)
    return run


def rewrite(run: Path, change: Callable[[Lines], object]) -> None:
    """Change a journal and make its chain and the summary go with it, as its operator could."""
    lines: Lines = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    change(lines)
    (run / JOURNAL).unlink()
    book = Journal(run / JOURNAL)
    for line in lines:
        entry: Turn | Answer = typed(line["entry"], Turn | Answer)
        if isinstance(entry, Turn):
            book.turn(entry)
        else:
            book.answer(entry)
    book.close()
    edit(run / "summary.json", lambda summary: summary.update(journal=book.head))


def sent(lines: Lines, action: str) -> int:
    """The place of the first answer that says that such an action was sent."""
    for place, line in enumerate(lines):
        content = line["entry"].get("content", {})
        if content.get("type") == "Sent" and content["action"]["type"] == action:
            return place
    raise AssertionError(f"nobody sent a {action}")


def failure(run: Path) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(run)
    return caught.value.message


def test_a_changed_line_of_the_journal_is_named_with_its_node(journalled: Path) -> None:
    path = journalled / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if b'"type":"Trained"' in line)
    lines[place] = lines[place].replace(b'"samples":80', b'"samples":81')
    path.write_bytes(b"".join(lines))
    message = failure(journalled)
    assert message.startswith("journal: ")
    told = f"line {place + 2} does not follow the one before it, an answer of participant-1"
    assert message.endswith(told)


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (lambda content: content + b"{", "found more after its last line"),
        (lambda content: content[:-1], "found more after its last line"),
        (lambda content: content[: content[:-1].rindex(b"\n") + 1], "ends in "),
        (lambda content: b"", f"ends in {'0' * 64}, summary.json says "),
        (lambda content: content[content.index(b"\n") + 1 :], "line 1 does not follow"),
        (lambda content: b"[]\n" + content, "line 1 is not a journal entry"),
    ],
)
def test_a_journal_that_is_not_whole(
    journalled: Path, cut: Callable[[bytes], bytes], told: str
) -> None:
    path = journalled / JOURNAL
    path.write_bytes(cut(path.read_bytes()))
    assert told in failure(journalled)


def test_a_journal_made_anew_must_say_what_the_ledger_says(journalled: Path) -> None:
    rewrite(journalled, lambda lines: None)
    verify(journalled)

    def commit(lines: Lines) -> None:
        action = lines[sent(lines, "Commit")]["entry"]["content"]["action"]
        action["commitment"] = "0x" + "ab" * 32

    rewrite(journalled, commit)
    found = failure(journalled)
    assert found == "journal: participant-1 noted a Commit that the ledger does not have of it"


def test_what_the_ledger_has_of_a_node_must_be_in_its_journal(
    journalled: Path, honest: Played
) -> None:
    def refused(lines: Lines) -> None:
        entry = lines[sent(lines, "Report")]["entry"]
        entry["content"] = {**entry["content"], "type": "Refused", "reason": "NotYet"}

    rewrite(journalled, refused)
    message = failure(journalled)
    assert message.startswith("journal: the ledger has a Report of sponsor 0x")
    assert message.endswith("(sponsor) that nobody noted")
