"""A replay that several processes share comes to what one process finds, whatever goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sheaf.nodes import columns, sharing
from sheaf.nodes.aggregation import Given, Result, UpdateMissing, vector_id
from sheaf.nodes.processes import Processes
from sheaf.nodes.sharing import Watcher, results
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidModel, SheafError, StoreUnavailable
from sheaf.protocol.hashing import ZERO
from sheaf.store import DiskStore, LayeredStore, MemoryStore, Store
from sheaf.store.described import description, opened
from sheaf.store.http import HttpStore
from sheaf.store.several import SeveralStores
from tests.nodes.test_aggregation import COORDINATES, END, TRAINABLE, put, task_of

WEIGHTS = (3, 500, 20)


@dataclass(frozen=True)
class Rounds:
    """Three rounds of a task with an optimiser, one of them without a state before it."""

    folder: Path
    givens: Sequence[Given]

    def copy(self, to: Path) -> tuple[Rounds, DiskStore]:
        """The same, to be spoiled."""
        shutil.copytree(self.folder, to)
        return replace(self, folder=to), DiskStore(to)

    def place(self, root: bytes) -> Path:
        name = str(vector_id(self.givens[0].task, root))
        return self.folder / name[-2:] / name


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    folder = tmp_path_factory.mktemp("rounds") / "store"
    store, dice = DiskStore(folder), np.random.default_rng(5)
    unfit = task_of(algorithm="fedadam")
    # Another process takes no document that could not be published.
    task = replace(unfit, economics=replace(unfit.economics, reward_token=b"\1" * 20))

    def drawn() -> bytes:
        return put(store, dice.integers(-END, END, COORDINATES, dtype=np.int32) >> 7)

    def state() -> bytes:
        moments: NDArray[Any] = dice.integers(0, 2**30, (TRAINABLE, 2))
        return put(store, moments)

    givens = [
        Given(task, drawn(), before, [(2 + at, drawn(), w) for at, w in enumerate(WEIGHTS)])
        for before in (ZERO, state(), state())
    ]
    return Rounds(folder, givens)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares of a block each, and processes for little: a round is three blocks."""
    monkeypatch.setattr(columns, "SHARE_BYTES", 1)
    monkeypatch.setattr(sharing, "LEAST_BYTES", 1)


class Seen(Watcher):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.results: dict[int, Result] = {}
        self.columns: dict[int, list[int]] = {}

    def done(self, place: int, columns: int) -> None:
        self.columns.setdefault(place, []).append(columns)

    def made(self, place: int, result: Result) -> None:
        self.results[place] = result


def all_of(givens: Sequence[Given], store: Store, jobs: int) -> list[Result | tuple[str, str]]:
    """The results of rounds, the last of which may be an error."""
    found: list[Result | tuple[str, str]] = []
    made = results(givens, store, jobs)
    try:
        found.extend(made)
    except SheafError as error:
        position = getattr(error, "position", "")
        found.append((f"{type(error).__name__} {position}", error.message))
    return found


def test_what_is_shared_comes_to_the_same(rounds: Rounds) -> None:
    store = DiskStore(rounds.folder)
    alone = all_of(rounds.givens, store, 1)
    assert len({each.root for each in alone if isinstance(each, Result)}) == 3
    for jobs in (2, 3):
        shared = all_of(rounds.givens, store, jobs)
        assert shared == alone
        for one, other in zip(alone, shared, strict=True):
            assert isinstance(one, Result)
            assert isinstance(other, Result)
            assert one.copies == other.copies
            assert all(one.copies.values())
    assert len(columns.shares(rounds.givens[1], store)) == 3


def test_a_single_round_is_shared_by_columns(rounds: Rounds, monkeypatch: Any) -> None:
    asked: list[Any] = []
    ask = Processes.ask

    def noted(self: Processes, request: dict[str, Any], answered: Any) -> Any:
        asked.append((request["columns"], ask(self, request, answered)))
        return asked[-1][1]

    monkeypatch.setattr(Processes, "ask", noted)
    store = DiskStore(rounds.folder)
    shared = all_of(rounds.givens[1:2], store, 2)
    assert sorted(columns for columns, _ in asked) == [
        [0, 131_072],
        [131_072, 262_144],
        [262_144, COORDINATES],
    ]
    assert all(found is not None for _, found in asked)
    assert shared == all_of(rounds.givens[1:2], store, 1)


# A byte at the ends of the blocks of an array, and in their middles.
BYTES = [0, 4 * 70_000, 4 * 131_072 - 1, 4 * 131_072, 4 * 262_144 + 2, 4 * COORDINATES - 1]


@pytest.mark.parametrize(("at", "jobs"), [*((at, 2) for at in BYTES), (BYTES[0], 3)])
def test_one_wrong_byte_is_found_by_any_number(
    rounds: Rounds, tmp_path: Path, at: int, jobs: int
) -> None:
    spoiled, store = rounds.copy(tmp_path / "store")
    _, root, _ = spoiled.givens[1].counted[2]
    place = spoiled.place(root)
    data = bytearray(place.read_bytes())
    data[at] ^= 16
    place.write_bytes(data)
    alone = all_of(spoiled.givens, store, 1)
    assert len(alone) == 2
    kind, message = alone[1]  # type: ignore[misc]
    assert kind == "UpdateMissing 4"
    assert "hash to something else" in message
    assert all_of(spoiled.givens, store, jobs) == alone


def wrongs(spoiled: Rounds, kind: str) -> type[SheafError]:
    """Spoil something of the second round, and something of the third, which nobody gets to."""
    _, second, third = spoiled.givens
    spoiled.place(third.counted[0][1]).unlink()
    if kind == "gone":
        spoiled.place(second.counted[1][1]).unlink()
        return UpdateMissing
    place = spoiled.place(second.state if kind == "state" else second.base)
    data = place.read_bytes()
    place.write_bytes({"base": data[::-1], "state": data[:-16], "long": data + bytes(4)}[kind])
    return InvalidModel if kind == "long" else SheafError


@pytest.mark.parametrize("kind", ["gone", "base", "state", "long"])
def test_the_first_thing_that_is_wrong_is_told_by_any_number(
    rounds: Rounds, tmp_path: Path, kind: str
) -> None:
    spoiled, store = rounds.copy(tmp_path / "store")
    expected = wrongs(spoiled, kind)
    for jobs in (1, 2):
        made = results(spoiled.givens, store, jobs)
        next(made)
        with pytest.raises(expected):
            next(made)
    assert all_of(spoiled.givens, store, 2) == all_of(spoiled.givens, store, 1)


def test_results_are_told_as_soon_as_there_are_some(rounds: Rounds, tmp_path: Path) -> None:
    """Also those behind a round that is wrong, so that nobody has to make them again."""
    spoiled, store = rounds.copy(tmp_path / "store")
    spoiled.place(spoiled.givens[0].counted[0][1]).unlink()
    for jobs in (1, 2):
        seen = Seen()
        made = results(spoiled.givens[:2], store, jobs, seen)
        with pytest.raises(UpdateMissing):
            next(made)
        assert 0 not in seen.results
        seen = Seen()
        sound = [*results(rounds.givens, DiskStore(rounds.folder), jobs, seen)]
        assert [seen.results[place] for place in range(3)] == sound
        # Three blocks a round, told one after the other.
        assert {place: len(columns) for place, columns in seen.columns.items()} == dict.fromkeys(
            range(3), 3
        )
        assert all(sorted(each) == each for each in seen.columns.values())
        assert {each[-1] for each in seen.columns.values()} == {COORDINATES}


@pytest.mark.parametrize("jobs", [1, 2])
def test_troubles_of_several_stores_are_the_same(rounds: Rounds, tmp_path: Path, jobs: int) -> None:
    """A copy that is refused, a store that falls silent: in the order of the rounds."""
    spoiled, bad = rounds.copy(tmp_path / "store")
    first, _, third = spoiled.givens
    spoiled.place(first.counted[1][1]).write_bytes(b"rubbish")
    place = spoiled.place(third.counted[1][1])
    place.write_bytes(place.read_bytes()[::-1])
    several = SeveralStores(
        [("far", HttpStore("http://127.0.0.1:9")), ("bad", bad), ("good", DiskStore(rounds.folder))]
    )
    assert all_of(rounds.givens, several, jobs) == all_of(
        rounds.givens, DiskStore(rounds.folder), 1
    )
    task = first.task
    assert several.troubles == [
        "far: http://127.0.0.1:9: does not answer; it was not asked again",
        f"bad: what it has under {vector_id(task, first.counted[1][1])} was refused",
        f"bad: what it has under {vector_id(task, third.counted[1][1])} was refused",
    ]


class Fading(Watcher):
    """Lets a store fall silent once the first round is done."""

    def __init__(self, several: SeveralStores) -> None:
        self.several = several

    def made(self, place: int, result: Result) -> None:
        if place == 0:
            self.several.lost("fading", StoreUnavailable("is gone"))


def test_what_was_read_of_a_store_that_fell_silent_is_read_of_the_next(
    rounds: Rounds, tmp_path: Path
) -> None:
    """Other processes may have read it before: one alone would not have asked it any more."""
    _, fading = rounds.copy(tmp_path / "fading")
    spoiled, bad = rounds.copy(tmp_path / "bad")
    place = spoiled.place(spoiled.givens[1].counted[0][1])
    place.write_bytes(place.read_bytes()[::-1])
    found = []
    for jobs in (1, 3):
        several = SeveralStores([("fading", fading), ("bad", bad)])
        made = results(rounds.givens, several, jobs, Fading(several))
        first = next(made)
        with pytest.raises(UpdateMissing, match=r"bad: what it has under .* was refused"):
            next(made)
        found.append((first, several.troubles))
        assert several.troubles[0] == "fading: is gone; it was not asked again"
    assert found[0] == found[1]


def test_processes_that_are_killed_cost_nothing(rounds: Rounds, monkeypatch: Any) -> None:
    """Once one has answered, all are killed: what they were at is asked of another one."""
    ask = Processes.ask
    killed: list[int] = []

    def killing(self: Processes, request: Any, answered: Any) -> Any:
        found = ask(self, request, answered)
        assert found is not None
        if not killed:
            killed.extend(self.pids)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return found

    monkeypatch.setattr(Processes, "ask", killing)
    store = DiskStore(rounds.folder)
    assert all_of(rounds.givens, store, 2) == all_of(rounds.givens, store, 1)
    assert killed


def test_where_none_can_be_started_one_does_it_alone(rounds: Rounds, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    store = DiskStore(rounds.folder)
    assert all_of(rounds.givens, store, 3) == all_of(rounds.givens, store, 1)


def test_processes_end_with_whoever_started_them(rounds: Rounds) -> None:
    with Processes(sharing.COLUMNS, rounds.givens[0].task.encode().hex()) as processes:
        given, store = rounds.givens[0], DiskStore(rounds.folder)
        (share, *_) = columns.shares(given, store)
        described = description(store)
        assert described is not None
        found = processes.ask(columns.request(given, described, share), columns.answered)
        assert found is not None
        assert found == columns.combined(given, store, share)
        (pid,) = processes.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert processes.ask(columns.request(given, described, share), columns.answered) is None


def test_a_store_is_opened_from_its_description(rounds: Rounds) -> None:
    disk = DiskStore(rounds.folder)
    root = rounds.givens[0].base
    content_id: ContentId = vector_id(rounds.givens[0].task, root)
    silent = HttpStore("http://127.0.0.1:9", timeout_s=1.0)
    several = SeveralStores([("far", silent), ("near", LayeredStore(disk, disk))])
    several.get(content_id)
    plain = description(several)
    assert plain is not None
    again = opened(plain)
    assert isinstance(again, SeveralStores)
    assert again.silent == {"far"}
    assert again.get(content_id) == disk.get(content_id)
    assert again.troubles == []
    assert description(again) == plain

    class Own(DiskStore):
        """Somebody's own."""

    for own in (MemoryStore(), Own(rounds.folder)):
        assert description(own) is None
        assert description(LayeredStore(disk, own)) is None
    with pytest.raises(BlobMissing):
        opened({"disk": str(rounds.folder)}).get(vector_id(rounds.givens[0].task, bytes(32)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"read": 1}', '{"read": [["zz"]]}'])
def test_other_answers_are_none(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        columns.answered(json.loads(text))
