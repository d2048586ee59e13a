"""The notebooks run from top to bottom, in a kernel of their own, as a reader would run them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The code cells of the first task's notebook after it ran in an empty folder."""
    commands = Path(sys.executable).parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(commands), os.environ["PATH"]]))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    text = (NOTEBOOKS / "first_task.ipynb").read_text("utf-8")
    notebook: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: Any, kind: str) -> str:
    """What a cell shows of a kind: a stream's name, or the type of its data."""
    streams = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == kind]
    data = [o.data.get(kind, "") for o in cell.outputs if "data" in o]
    return "".join([*streams, *data])


def test_the_first_task_runs_is_verified_and_gives_a_model(executed: list[Any]) -> None:
    _, project, run, plot, verification, model = executed
    assert "participant-5" in shown(project, "stdout")
    assert "hospitals" in shown(run, "text/html")
    assert shown(run, "text/html").count("<td>settled</td>") == 4
    assert len(shown(plot, "image/png")) > 1000
    assert "metrics" in shown(verification, "text/html")
    assert "consistent, not anchored" in shown(verification, "text/html")
    assert shown(model, "text/plain").count("'") == 10
    progress = shown(run, "stderr")
    assert [line[:9] for line in progress.splitlines()[-4:]] == [
        f"round {n}/4" for n in (1, 2, 3, 4)
    ]
    noise = [shown(cell, "stderr") for cell in executed if cell is not run]
    assert "".join(noise) == ""
