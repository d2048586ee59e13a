"""Files that are there and that the system refuses to open: one line that names the file, and exit
code 4. Nobody is accused, and no new file is named for an old one."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from tests.e2e.filecalls import Calls, counted

Capture = pytest.CaptureFixture[str]


class Refusing(Calls):
    """Refuses to open files of this name, and to look into folders of it, as a system does whose
    user may not."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def due(self, what: str, place: object = "") -> bool:
        """No call is due; some are refused."""
        file = Path(str(place))
        if self._name in (file.name if what == "open to read" else "", file.parent.name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
        return False


@pytest.fixture
def run(points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run beside its project, to run commands from."""
    place = points.folder.parents[2]
    shutil.copytree(place, tmp_path / "place", symlinks=True)
    monkeypatch.chdir(tmp_path / "place")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SHEAF_DEBUG", raising=False)
    return Path(".sheaf/runs") / points.id


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("model.safetensors", "verify --last"),
        ("journal.jsonl", "verify --last"),
        ("summary.json", "verify --last"),
        ("countersignatures.json", "verify --last"),
        ("task.py", "verify --last --metrics --project points"),
        ("summary.json", "show --last"),
        ("model.safetensors", "export --last --to safetensors --out new"),
        ("model.safetensors", "export --last --to torch --out new"),
        ("model.safetensors", "evaluate --last --data task:held_out --project points"),
        ("task.py", "evaluate --last --data task:held_out --project points"),
        ("sheaf.toml", "run points"),
        ("sheaf.toml", "data check points"),
        ("task.py", "data check points"),
    ],
)
def test_a_file_that_may_not_be_opened(run: Path, capsys: Capture, name: str, command: str) -> None:
    if name == "countersignatures.json":
        (run / name).write_text("[]", encoding="utf-8")
    with counted(Refusing(name)):
        assert execute(command.split()) == 4
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{name}: Permission denied" in err
    assert not Path("new").exists()


@pytest.mark.parametrize("command", ["show", "verify", "export", "run --resume"])
@pytest.mark.parametrize("named", ["--last", "id", "path"])
def test_a_run_s_folder_that_may_not_be_looked_into(
    run: Path, capsys: Capture, command: str, named: str
) -> None:
    reference = {"id": run.name, "path": str(run)}.get(named, named)
    with counted(Refusing(run.name)):
        assert execute([*command.split(), reference]) == 4
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{run.name}/" in err
    assert "Permission denied" in err


def test_weights_to_start_from_that_may_not_be_opened(run: Path, capsys: Capture) -> None:
    shutil.copy(run / "model.safetensors", "points/start.safetensors")
    settings = Path("points/sheaf.toml").read_text("utf-8")
    settings = settings.replace("[model]", '[model]\ninitial = "start.safetensors"')
    Path("points/sheaf.toml").write_text(settings, encoding="utf-8")
    with counted(Refusing("start.safetensors")):
        assert execute(["run", "points"]) == 4
    assert "start.safetensors: Permission denied" in capsys.readouterr().err


def test_a_policy_that_may_not_be_opened(run: Path, capsys: Capture) -> None:
    Path("points/policy.md").write_bytes(b"abc")
    settings = Path("points/sheaf.toml").read_text("utf-8")
    settings = settings.replace("[data]", '[data]\npolicy = "policy.md"')
    Path("points/sheaf.toml").write_text(settings, encoding="utf-8")
    with counted(Refusing("policy.md")):
        assert execute(["run", "points"]) == 4
    assert capsys.readouterr().err == "points/policy.md: Permission denied\n"


def test_a_model_file_that_is_not_there(
    points: sheaf.RunResult, run: Path, capsys: Capture
) -> None:
    (run / "model.safetensors").unlink()
    assert execute(["verify", "--last"]) == 5
    root = points.model_root
    found = f"model: found no model.safetensors, accepted: the model of root {root}\n"
    assert capsys.readouterr().err == found
    assert execute(["export", "--last", "--out", "new"]) == 3
    found = f"{run.name}: model.path: found no model.safetensors, accepted: a file of the run\n"
    assert capsys.readouterr().err == found
