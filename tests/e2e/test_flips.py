"""A flipped bit anywhere in a finished run is found, or it changed nothing that is evidence."""

from __future__ import annotations

import random

import pytest

from tests.e2e.flips import LEDGER, Target, smallest

EACH_COLUMN = 3
STORED_BYTES = 40
EACH_FILE = 40


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("flips")
    played = smallest(folder / "run")
    return Target(played, folder / "copy")


def test_nothing_is_found_where_nothing_was_flipped(target: Target) -> None:
    assert (target.verified(), target.checked()) == ("", "")


def test_every_column_of_the_ledger(target: Target) -> None:
    dice = random.Random(3)
    assert len(target.columns) == 27
    for table, column in target.columns:
        for _ in range(EACH_COLUMN):
            target.flip_value(table, column, dice)


def test_the_ledgers_file(target: Target) -> None:
    dice = random.Random(3)
    found = [target.flip_stored_byte(dice) for _ in range(STORED_BYTES)]
    assert 0 < found.count(False) < found.count(True)  # SQLite leaves some of its pages empty


def test_every_other_file(target: Target) -> None:
    dice = random.Random(3)
    paths = [path for path in target.files if path.name != LEDGER]
    assert len(paths) > 8
    for path in paths:
        for _ in range(EACH_FILE):
            target.flip_file_byte(path, dice)
