"""The whole `sheaf verify` of a model that is larger than the memory it may use."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measuring import memory_bytes
from benchmarks.playing import play
from benchmarks.verifying import arguments, limited
from sheaf.store import DiskStore
from sheaf.store.serving import StoreServer

COORDINATES = 10_000_000
MODEL_BYTES = 4 * COORDINATES
GRANTED = 32 * 2**20
"""Beyond what the command has when everything is loaded, for ledger, store and arithmetic."""

pytestmark = pytest.mark.skipif(
    memory_bytes("VmRSS") is None, reason="only a Linux kernel tells a process's memory"
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of three participants, and its task."""
    folder = tmp_path_factory.mktemp("large") / "run"
    return folder, play(folder, 3, COORDINATES)


@pytest.fixture
def url(played: tuple[Path, str]) -> Iterator[str]:
    """Where the run's store is served."""
    with StoreServer(DiskStore(played[0] / "store")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def test_a_run_is_verified_in_less_memory_than_its_model_has(played: tuple[Path, str]) -> None:
    """Its model file and all blobs of its store as well."""
    assert MODEL_BYTES > GRANTED
    given = ["verify", str(played[0]), "--format", "json"]
    peak, code, told = limited(given, GRANTED)
    assert code == 0, told
    assert peak < GRANTED
    checks = {check["name"] for check in json.loads(told)["checks"]}
    assert {"model", "store", "aggregations"} <= checks


def test_a_task_is_verified_in_less_memory_than_its_model_has(
    played: tuple[Path, str], url: str, tmp_path: Path
) -> None:
    """From an address, with notes of what is done."""
    folder, task = played
    given = ["verify", task, "--ledger", str(folder / "ledger.sqlite"), "--store", url]
    given += ["--state", str(tmp_path / "state"), "--format", "json"]
    peak, code, told = limited(given, GRANTED)
    assert code == 0, told
    assert peak < GRANTED
    assert json.loads(told)["task"] == task
    assert len((tmp_path / "state").read_bytes().splitlines()) == 2


def test_what_needs_more_than_is_granted_fails(played: tuple[Path, str]) -> None:
    try:
        _, code, told = limited([*arguments(*played)], 2**20)
    except subprocess.CalledProcessError as error:  # not even to say that it did
        code, told = error.returncode, error.stderr
    assert code
    assert "verified" not in told
