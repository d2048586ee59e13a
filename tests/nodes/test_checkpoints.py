"""What a verifier noted of rounds is used while all that it follows from is as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sheaf.nodes.aggregation import aggregate, vector_id
from sheaf.nodes.checkpoints import HEAD, Checkpoints
from sheaf.nodes.evidence import Manner, Report
from sheaf.nodes.ledgers import LedgerInFile
from sheaf.nodes.replay import given_of
from sheaf.nodes.stranger import Asked, examine_task
from sheaf.nodes.summary import read_book
from sheaf.nodes.verification import verify
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import InvalidDocument, VerificationFailed
from sheaf.store import DiskStore, MemoryStore
from sheaf.store.interface import Copy
from tests.e2e.tampering import place_of
from tests.nodes.stage import Played, evidence_of


class Stopped(Exception):
    """Somebody pulled the plug."""


class Metered(DiskStore):
    """A store that counts the bytes that are read of it in parts."""

    parts_bytes = 0

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        (copy,) = super().copies(content_id)

        def metered(start: int, stop: int) -> bytes:
            self.parts_bytes += stop - start
            return copy.ranged(start, stop)

        yield Copy(copy.where, copy.size_bytes, metered, copy.identity)


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    return honest.copy(tmp_path / "run")


def examined(run: Path, state: Path, stop_at: int = 99) -> tuple[list[int], Report, int]:
    """A stranger's verification: the rounds that its notes stood for, the report, bytes read."""

    def told(what: str, done: int, of: int) -> None:
        if (what, done) == ("rounds", stop_at):
            raise Stopped

    checkpoints, store = Checkpoints.open(state), Metered(run / "store")
    ledger = LedgerInFile("file", run / "ledger.sqlite")
    asked = Asked(read_book(run / "ledger.json")[1])
    manner = Manner(checkpoints=checkpoints, told=told)
    _, report = examine_task(asked, [ledger], store, manner=manner)
    return checkpoints.used, report, store.parts_bytes


def test_a_verification_that_was_stopped_goes_on(run: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with pytest.raises(Stopped):
        examined(run, state, stop_at=1)
    used, report, fewer = examined(run, state)
    assert used == [1]
    (told,) = (limit for limit in report.limits if "behind rounds" in limit)
    assert told.startswith("that the bytes behind rounds 1 are still what they were: an earlier")
    used, _, fewest = examined(run, state)
    assert used == [1, 2]
    fresh, plain, most = examined(run, tmp_path / "other.json")
    assert fresh == []
    assert not any("behind rounds" in limit for limit in plain.limits)
    assert fewest < fewer < most
    assert [*map(str, report.checks)] == [*map(str, plain.checks)]


@pytest.mark.parametrize("change", ["bytes", "time", "size", "gone"])
def test_a_blob_that_was_touched_is_read_again(run: Path, tmp_path: Path, change: str) -> None:
    state = tmp_path / "state.json"
    examined(run, state)
    evidence = evidence_of(run)
    _, root, _ = evidence.trail.rounds[2].counted_updates(1)[0]
    place = place_of(run, vector_id(evidence.task, root))
    data, found = place.read_bytes(), place.stat()
    if change == "time":
        os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
        assert examined(run, state)[0] == [1]
        assert examined(run, state)[0] == [1, 2]
        return
    place.write_bytes({"bytes": data[::-1], "size": data[:-4], "gone": b""}[change])
    if change == "gone":
        place.unlink()
    with pytest.raises(VerificationFailed, match=r"store: round 2: the update of participant"):
        examined(run, state)


def test_notes_of_a_result_that_was_not_settled_are_no_excuse(run: Path, tmp_path: Path) -> None:
    """The result of a note is held against the ledger like any other."""
    state = tmp_path / "state.json"
    examined(run, state)
    head, *lines = state.read_text().splitlines()
    changed = [json.dumps(json.loads(line) | {"root": "11" * 32}) for line in lines]
    state.write_text("\n".join([head, *changed]) + "\n")
    with pytest.raises(VerificationFailed, match="aggregation: round 1: model root"):
        examined(run, state)


def test_a_note_that_was_cut_off_costs_no_other(run: Path, tmp_path: Path) -> None:
    """Whoever is killed while it writes one leaves less than a line, or no file."""
    state = tmp_path / "state.json"
    examined(run, state)
    whole = state.read_bytes()
    head, first, second = whole.splitlines(keepends=True)
    for cut in (0, 1, len(second) // 2, len(second) - 2):
        state.write_bytes(head + first + second[:cut])
        assert [*Checkpoints.open(state).notes] == [json.loads(first)["key"]]
    assert examined(run, state)[0] == [1]
    assert len(state.read_bytes().splitlines()) == 4
    assert len(Checkpoints.open(state).notes) == 2
    # Where the end of the line alone was lost the note is whole.
    state.write_bytes(whole[:-1])
    assert len(Checkpoints.open(state).notes) == 2
    state.write_bytes(head)
    assert Checkpoints.open(state).notes == {}


def test_two_verifications_write_to_one_file(run: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with pytest.raises(Stopped):
        examined(run, state, stop_at=1)
    before = Checkpoints.open(state)
    examined(run, state)
    given = given_of(evidence_of(run), 1)
    before.add(given, aggregate(given.task, evidence_of(run).store, given.base, given.counted))
    assert examined(run, state)[0] == [1, 2]


def test_a_run_that_is_verified_by_its_folder_reads_all_bytes_all_the_same(
    run: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    for used in ([], [1, 2]):
        checkpoints = Checkpoints.open(state)
        report = verify(run, manner=Manner(jobs=2, checkpoints=checkpoints))
        assert checkpoints.used == used
        assert {check.name: check.count for check in report.checks}["store"] > 8
    evidence = evidence_of(run)
    _, root, _ = evidence.trail.rounds[1].counted_updates(1)[0]
    place = place_of(run, vector_id(evidence.task, root))
    found = place.stat()
    data = bytearray(place.read_bytes())
    data[0] ^= 1
    place.write_bytes(data)
    os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))
    with pytest.raises(VerificationFailed, match="round 1: the update of participant"):
        verify(run, manner=Manner(checkpoints=Checkpoints.open(state)))


def test_copies_that_nothing_tells_apart_are_noted_by_nobody(
    run: Path, honest: Played, tmp_path: Path
) -> None:
    memory, disk, state = MemoryStore(), DiskStore(run / "store"), tmp_path / "state.json"
    for content_id in disk.ids():
        memory.put(disk.get(content_id), content_id)
    asked = Asked(read_book(run / "ledger.json")[1])
    manner = Manner(checkpoints=Checkpoints.open(state))
    examine_task(asked, [LedgerInFile("file", run / "ledger.sqlite")], memory, manner=manner)
    assert not state.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 1, "rounds": {}}',
        '{"notes": "rounds that were verified", "version": 3}',
        f"{json.dumps(HEAD)}\n[]",
        f"{json.dumps(HEAD)}\n" + '{"key": "a", "root": "00", "state": "00", "copies": {}, '
        '"statistics": {"coordinates": 1, "saturated": 0, "stalled": 0}}',
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(InvalidDocument, match="accepted: what `sheaf verify --state` wrote"):
        Checkpoints.open(tmp_path / "state.json")
