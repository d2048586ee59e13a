"""An aggregation needs blocks of columns and what a rule works on, whatever the model's size."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import memory
from benchmarks.measuring import memory_bytes
from sheaf.protocol.content import tree_id

COORDINATES = 2_000_000
UPDATES_BYTES = memory.UPDATES * 4 * COORDINATES
BOUND = 60 * 2**20
CHUNK = 4096

pytestmark = pytest.mark.skipif(
    memory_bytes("VmRSS") is None, reason="only a Linux kernel tells a process's memory"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("round")
    memory.prepare(made, COORDINATES)
    return made


def read(folder: Path, root: str) -> NDArray[np.int32]:
    name = str(tree_id(bytes.fromhex(root), CHUNK))
    return np.fromfile(folder / "store" / name[-2:] / name, dtype="<i4")


def expected_root(folder: Path, rule: str) -> str:
    """Of the mean or median of twenty updates, each of one sample, added to the base."""
    _, base, roots = json.loads((folder / memory.GIVEN).read_text(encoding="utf-8"))
    whole = np.stack([read(folder, root) for root in roots])
    if rule == "weighted_mean":
        sums, by = whole.sum(0, dtype=np.int64), memory.UPDATES
    else:
        sums, by = np.partition(whole, (9, 10), axis=0)[9:11].sum(0, dtype=np.int64), 2
    mean = np.sign(sums) * ((np.abs(sums) + by // 2) // by)
    data = (read(folder, base) + mean).astype("<i4").tobytes()
    chunks = range(0, len(data), CHUNK)
    level = [hashlib.sha256(b"\0" + data[at : at + CHUNK]).digest() for at in chunks]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0].hex()


@pytest.mark.parametrize("rule", memory.RULES)
def test_updates_that_cannot_all_be_held_are_combined(folder: Path, rule: str) -> None:
    assert UPDATES_BYTES > BOUND + memory.ADDRESSES_BYTES
    peak, root = memory.combined(folder, rule, BOUND + memory.ADDRESSES_BYTES)
    assert peak < BOUND
    assert root == expected_root(folder, rule)


def test_what_needs_more_than_is_granted_fails(folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        memory.combined(folder, memory.RULES[0], 2**20)
    assert "MemoryError" in error.value.stderr
