"""Where `model.initial` points: a run of here, or something beside the project's file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sheaf.apps.config import load
from sheaf.protocol.errors import InvalidConfiguration
from tests.apps.kept import keep
from tests.apps.projects import write

FIRST, SECOND = "20260304T120000Z-flowers", "20260304T120001Z-flowers"
ACCEPTED = "a finished run's id, a prefix of it or its path, or a safetensors file's path"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project in it, from which commands are run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").mkdir()
    return tmp_path


def initial(here: Path, text: str) -> Path | None:
    return load(write(here / "project", {"model.initial": f'"{text}"'}), {}, {}).initial


def test_without_it_the_factory_s_own_weights_are_meant(here: Path) -> None:
    assert initial(here, "") is None
    assert load(write(here / "project", {}), {}, {}).initial is None


def test_a_run_is_named_as_in_every_command(here: Path) -> None:
    runs = [keep(here, FIRST), keep(here, SECOND)]
    assert initial(here, FIRST) == runs[0]
    assert initial(here, SECOND[:16]) == runs[1]
    assert initial(here, str(runs[1])) == runs[1]
    assert initial(here, f"../.sheaf/runs/{FIRST}") == runs[0]


def test_a_file_lies_beside_the_project_s(here: Path) -> None:
    (here / "project" / "start.safetensors").write_bytes(b"")
    (here / "other.safetensors").write_bytes(b"")
    assert initial(here, "start.safetensors") == here / "project" / "start.safetensors"
    assert initial(here, "../other.safetensors") == here / "other.safetensors"
    assert initial(here, str(here / "other.safetensors")) == here / "other.safetensors"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("other.safetensors", "found no such run"),
        ("20260304", f"found more than one run: {FIRST}, {SECOND}"),
        ("unfinished", "unfinished: found a run without summary.json, accepted: a finished run"),
        (".", "found no such run"),
        ("pipe", ""),
    ],
)
def test_anything_else_is_one_line(here: Path, text: str, hint: str) -> None:
    keep(here, FIRST)
    keep(here, SECOND)
    (here / ".sheaf" / "runs" / "unfinished").mkdir()
    os.mkfifo(here / "project" / "pipe")
    with pytest.raises(InvalidConfiguration) as caught:
        initial(here, text)
    line = f"sheaf.toml: model.initial: found '{text}', accepted: {ACCEPTED}"
    assert caught.value.message == line
    assert hint in caught.value.hint
