"""One finished run of the points template, for whoever looks at what can be done with a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import sheaf
from sheaf.apps import projects


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> sheaf.RunResult:
    """Two rounds, kept as a command keeps them: beside the project, in `.sheaf/runs`."""
    folder = tmp_path_factory.mktemp("points")
    projects.make(folder / "points")
    kept = folder / ".sheaf" / "runs" / "20260304T120000Z-points"
    return sheaf.run(folder / "points", rounds=2, directory=kept, progress=False)


@pytest.fixture
def beside(points: sheaf.RunResult, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the run's project and `.sheaf` are in, to run commands from."""
    folder = points.folder.parents[2]
    monkeypatch.chdir(folder)
    return folder
