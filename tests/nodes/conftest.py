"""The run that most tests of the nodes look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sheaf.nodes.ledgers import LedgerInFile
from sheaf.nodes.summary import read_book
from sheaf.store import DiskStore, Store
from tests.nodes.plans import plan
from tests.nodes.stage import Played, play


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Four participants, three aggregators, two rounds, nobody at fault."""
    return play(tmp_path_factory.mktemp("honest") / "run", plan())


@pytest.fixture(scope="module")
def task(honest: Played) -> bytes:
    """The honest run's, by its id."""
    return read_book(honest.directory / "ledger.json")[1]


@pytest.fixture
def store(honest: Played) -> Store:
    """What the honest run shares."""
    return DiskStore(honest.directory / "store")


@pytest.fixture
def file(honest: Played, tmp_path: Path) -> LedgerInFile:
    """A ledger's file, away from its run."""
    return LedgerInFile("a file", Path(shutil.copy(honest.directory / "ledger.sqlite", tmp_path)))
