"""Where runs lie, and which one is meant."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sheaf.apps import runs
from sheaf.nodes.hold import held
from sheaf.protocol.errors import InvalidDocument, RunNotFound, StoreUnavailable
from tests.apps.kept import keep


def recorded(folder: Path) -> None:
    (folder / "run.json").write_text("{}", encoding="utf-8")


NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def test_a_run_is_named_by_time_and_task(tmp_path: Path) -> None:
    run = runs.create(tmp_path / ".sheaf", "flower beds / 2", NOON, recorded)
    assert run.id == "20260304T120000Z-flower-beds-2"
    assert run.folder == tmp_path / ".sheaf" / "runs" / run.id
    assert run.folder.is_dir()
    assert run.started == "2026-03-04T12:00:00+00:00"


def test_runs_of_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    made = [runs.create(tmp_path, "a", NOON, recorded) for _ in range(11)]
    assert len({run.folder for run in made}) == 11
    assert runs.listed(tmp_path) == made
    assert runs.find(tmp_path, None, last=True) == made[-1]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        runs.create(tmp_path / "file", "a", NOON, recorded)


def test_runs_are_found_from_below(tmp_path: Path) -> None:
    below = tmp_path / "project" / "data"
    below.mkdir(parents=True)
    keep(tmp_path, "20260101T000000Z-a")
    assert runs.home(below) == tmp_path / ".sheaf"
    keep(below, "20260102T000000Z-b")
    assert runs.home(below) == below / ".sheaf"


def test_a_run_is_meant_by_id_prefix_path_or_age(tmp_path: Path) -> None:
    first = keep(tmp_path, "20260101T000000Z-a")
    second = keep(tmp_path, "20260102T000000Z-a")
    home = tmp_path / ".sheaf"
    assert runs.find(home, "20260101T000000Z-a").folder == first
    assert runs.find(home, "20260102").folder == second
    assert runs.find(home, str(first)).folder == first
    assert runs.find(home, None, last=True).folder == second


def test_an_id_counts_before_the_prefix_of_another(tmp_path: Path) -> None:
    whole = keep(tmp_path, "20260101T000000Z-a")
    keep(tmp_path, "20260101T000000Z-a-2")
    assert runs.find(tmp_path / ".sheaf", "20260101T000000Z-a").folder == whole


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("2026", "more than one run: 20260101"),
        ("2025", "no such run"),
        ("", "^RUN: found no such run"),
        (None, "found no RUN"),
    ],
)
def test_a_run_that_is_not_meant(tmp_path: Path, reference: str | None, words: str) -> None:
    keep(tmp_path, "20260101T000000Z-a")
    keep(tmp_path, "20260102T000000Z-a")
    with pytest.raises(RunNotFound, match=words) as caught:
        runs.find(tmp_path / ".sheaf", reference)
    assert caught.value.exit_code == 2


def test_of_many_that_could_be_meant_a_few_are_named(tmp_path: Path) -> None:
    for second in range(7):
        keep(tmp_path, f"2026010{second + 1}T000000Z-a")
    with pytest.raises(RunNotFound, match=r"T000000Z-a and 2 more, accepted") as caught:
        runs.find(tmp_path / ".sheaf", "2026")
    assert caught.value.message.count("T000000Z-a") == 5


def test_there_is_no_last_of_none(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="found no run in"):
        runs.find(tmp_path, None, last=True)


def test_an_unfinished_run_has_no_summary(tmp_path: Path) -> None:
    run = runs.create(tmp_path, "a", NOON, recorded)
    assert run.summary() is None
    with pytest.raises(RunNotFound, match=r"without summary\.json") as caught:
        run.finished()
    assert caught.value.hint == f"it was stopped; `sheaf run --resume {run.id}` goes on with it"
    with held(run.folder), pytest.raises(RunNotFound) as caught:
        run.finished()
    assert caught.value.hint == f"process {os.getpid()} is at work on it"
    (run.folder / "run.json").unlink()
    with pytest.raises(RunNotFound) as caught:
        run.finished()
    assert caught.value.hint == "it was stopped, and left no record to go on from"


def test_a_run_is_not_there_before_its_record(tmp_path: Path) -> None:
    """Whatever ends the process while that is written: nothing is listed, so nothing is last."""

    def dies(folder: Path) -> None:
        (folder / "run.json.partial").write_bytes(b"{")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.create(tmp_path, "a", NOON, dies)
    assert list((tmp_path / "runs").iterdir()) == []
    (tmp_path / "runs" / ".left by a kill").mkdir()
    assert runs.listed(tmp_path) == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"run": 1}', "[" * 100_000])
def test_a_summary_is_a_json_object(tmp_path: Path, text: str) -> None:
    run = runs.create(tmp_path, "a", NOON, recorded)
    (run.folder / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidDocument, match=r"summary\.json: found"):
        run.summary()
