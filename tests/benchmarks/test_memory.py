"""An aggregation needs the updates, a few vectors more, and what a rule works on; no more."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks import memory
from benchmarks.measuring import memory_bytes

COORDINATES = 2_000_000
VECTOR_BYTES = 4 * COORDINATES
UPDATES_BYTES = memory.UPDATES * VECTOR_BYTES
BOUND = UPDATES_BYTES + 6 * VECTOR_BYTES + 24 * 2**20
"""A few vectors more; and chunks in every form that a rule wants, the same for any model."""
GRANTED = BOUND + 64 * 2**20
"""What BLAS asks for and does not use is no memory, but address space, which is what is granted."""

pytestmark = pytest.mark.skipif(
    memory_bytes("VmRSS") is None, reason="only a Linux kernel tells a process's memory"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("round")
    memory.prepare(made, COORDINATES)
    return made


@pytest.mark.parametrize("rule", memory.RULES)
def test_an_aggregation_is_bounded(folder: Path, rule: str) -> None:
    # All updates are held, so it is the aggregation that is measured.
    assert UPDATES_BYTES < memory.peak_bytes(folder, rule, GRANTED) < BOUND


def test_what_needs_more_than_is_granted_fails(folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        memory.peak_bytes(folder, memory.RULES[0], UPDATES_BYTES // 2)
    assert "MemoryError" in error.value.stderr
