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
from sheaf.apps.cli.outcome import execute
from sheaf.store import DiskStore
from sheaf.store.serving import StoreServer

COORDINATES = 10_000_000
MODEL_BYTES = 4 * COORDINATES
GRANTED = 32 * 2**20
"""Beyond what the command has when everything is loaded, for ledger, store and arithmetic."""
FILE_GRANTED = 16 * 2**20
"""The same for a file, of which neither ledger nor store is read."""

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


def test_a_model_s_file_is_verified_in_less_memory_than_it_has(
    played: tuple[Path, str], tmp_path: Path
) -> None:
    """Against a header, with its papers, which were written before anything was measured."""
    model = played[0] / "model.safetensors"
    assert model.stat().st_size > MODEL_BYTES
    papers = ["--only", "attestation", "--only", "header", "--out", str(tmp_path)]
    assert execute(["provenance", str(played[0]), *papers]) == 0
    attestation, header = tmp_path / "attestation.json", tmp_path / "header.hex"
    # All that grows with the model is in its file: the attestation is that of any small one.
    assert attestation.stat().st_size < MODEL_BYTES / 100
    given = ["verify-model", str(model), "--attestation", str(attestation)]
    given += ["--header", str(header), "--format", "json"]
    peak, code, told = limited(given, FILE_GRANTED)
    assert code == 0, told
    assert peak < FILE_GRANTED
    assert json.loads(told)["checks"][0]["count"] == COORDINATES


def test_what_needs_more_than_is_granted_fails(played: tuple[Path, str]) -> None:
    try:
        _, code, told = limited([*arguments(*played)], 2**20)
    except subprocess.CalledProcessError as error:  # not even to say that it did
        code, told = error.returncode, error.stderr
    assert code
    assert "verified" not in told
