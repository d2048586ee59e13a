"""`sheaf run --resume`: how a run is stopped, how it goes on, and what it can not go on with."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.nodes.verification import verify
from tests.e2e.command import interrupted, project
from tests.e2e.courses import Left

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2


@dataclass(frozen=True)
class Sheaf:
    """The command line, from a folder."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, here: Path, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command."""
        self.patch.chdir(here)
        code = execute(arguments)
        out, err = self.capture.readouterr()
        return code, out, err


@pytest.fixture
def sheaf(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Sheaf:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SHEAF_DEBUG", raising=False)
    return Sheaf(capsys, monkeypatch)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("task") / "flowers")


@pytest.fixture
def finished(tmp_path: Path, task: Path, sheaf: Sheaf) -> tuple[Path, str]:
    """Where the project was run to its end, and what was printed."""
    here = tmp_path / "finished"
    here.mkdir()
    code, out, err = sheaf(here, "run", str(task))
    assert code == 0, err
    return here, out


@pytest.fixture
def alone(finished: tuple[Path, str]) -> Left:
    """What the run leaves when nobody stops it."""
    return Left.by(the_run(finished[0]))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, task: Path) -> Path:
    """Where a run was interrupted in its first round."""
    here = tmp_path_factory.mktemp("stopped")
    check_interrupted(here, task, signal.SIGINT)
    return here


@pytest.fixture
def here(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stopped, tmp_path / "here"))


def the_run(here: Path) -> Path:
    (found,) = (here / ".sheaf" / "runs").iterdir()
    return found


def check_interrupted(here: Path, task: Path, number: signal.Signals) -> None:
    done = interrupted(here, task, number)
    assert (done.returncode, done.stdout) == (130, "")
    *_, last = done.stderr.splitlines()
    how = f"`sheaf run --resume {the_run(here).name}` goes on with it"
    assert last == f"interrupted; {how}"


def test_a_run_that_is_asked_to_end_says_how_it_goes_on_too(tmp_path: Path, task: Path) -> None:
    check_interrupted(tmp_path, task, signal.SIGTERM)


def test_an_interrupted_run_goes_on(here: Path, sheaf: Sheaf, alone: Left) -> None:
    run = the_run(here)
    code, out, err = sheaf(here, "run", "--resume", run.name[:12], "--format", "json")
    assert code == 0, err
    assert f"resuming {run.name}; what happened so far is told again" in err.splitlines()
    assert json.loads(out)["status"] == "settled"
    assert Left.by(run) == alone
    log = [json.loads(line)["event"] for line in (run / "log").read_text().splitlines()]
    assert log.count("resumed") == 1 == log.count("stopped")
    verify(run)


def test_a_stopped_run_is_verified_as_far_as_it_went_and_not_shown(
    here: Path, sheaf: Sheaf
) -> None:
    run = the_run(here)
    code, out, err = sheaf(here, "verify", run.name)
    assert (code, err) == (0, "")
    assert "unfinished" in out
    code, out, err = sheaf(here, "show", run.name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith(f"(it was stopped; `sheaf run --resume {run.name}` goes on with it)\n")


def test_a_finished_run_is_shown_and_not_gone_on_with(
    finished: tuple[Path, str], sheaf: Sheaf
) -> None:
    here, shown = finished
    run = the_run(here)
    before = contents(run)
    code, out, err = sheaf(here, "run", "--resume", "--last")
    assert (code, out, err) == (0, shown, f"{run.name} is finished\n")
    assert contents(run) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("arguments", [("--seed", "3"), ("--rounds", "9"), ("elsewhere",)])
def test_a_run_has_its_settings_already(
    tmp_path: Path, sheaf: Sheaf, arguments: tuple[str, ...]
) -> None:
    line = "--resume: found a project or settings, accepted: a run alone\n"
    assert sheaf(tmp_path, "run", "--resume", "x", *arguments) == (2, "", line)


@pytest.mark.parametrize("command", [("verify",), ("show",), ("run", "--resume")])
def test_a_run_that_does_not_exist(tmp_path: Path, sheaf: Sheaf, command: tuple[str, ...]) -> None:
    code, out, err = sheaf(tmp_path, *command, "20260101")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("20260101: found no such run, accepted: a run's id")
    (tmp_path / ".sheaf" / "runs" / "20260101-empty").mkdir(parents=True)
    code, out, err = sheaf(tmp_path, *command, "20260101")
    assert (code, out, err.count("\n")) == (2, "", 1)


# Two processes


HOLDER = """
import sys
from pathlib import Path
from sheaf.nodes.hold import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_is_at_work_and_a_killed_one_does_not_block(
    here: Path, sheaf: Sheaf, alone: Left
) -> None:
    run, command = the_run(here), [sys.executable, "-c", HOLDER]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, str(run)], **pipes) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        before = contents(run)
        refused = sheaf(here, "run", "--resume", "--last")
        assert contents(run) == before
        first.kill()
    told = f"{run.name}: found process {first.pid} at work on it, accepted: one at a time"
    assert refused == (4, "", f"{told} (wait for it, or end it first)\n")
    assert (run / "lock.pid").read_text() == f"{first.pid}\n"
    assert sheaf(here, "run", "--resume", "--last")[0] == 0
    assert Left.by(run) == alone
    assert not (run / "lock.pid").exists()


# Run directories that are not as they should be


RECORDS = {
    '"version": 2': ('"version": 3', "run directory of version 3, accepted: 2"),
    '"type": "Record"': ('"type": "Cake"', "no record of a run: Record: found {'type': 'Cake'"),
    '"participants": 2': ('"participants": "2"', "Record.plan.Plan.participants: found '2', acc"),
    '"license":': ('"licence":', "Record.plan.Plan: found another set of fields: licence, license"),
    "{": ("", "no record of a run: Extra data"),
}


@pytest.mark.parametrize("old", RECORDS)
def test_a_record_of_another_version_or_kind(here: Path, sheaf: Sheaf, old: str) -> None:
    path = the_run(here) / "run.json"
    new, told = RECORDS[old]
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    code, out, err = sheaf(here, "run", "--resume", "--last")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert re.search(rf"run\.json: found .*{re.escape(told)}", err)


def test_a_run_that_got_no_further_than_its_record_starts_over(
    here: Path, sheaf: Sheaf, alone: Left
) -> None:
    run = the_run(here)
    for path in run.iterdir():
        if path.name != "run.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert sheaf(here, "run", "--resume", "--last")[0] == 0
    assert Left.by(run) == alone


def test_half_an_assembly_is_thrown_away(here: Path, sheaf: Sheaf, alone: Left) -> None:
    run = the_run(here)
    for name in ("ledger.json", "journal.jsonl"):
        (run / name).unlink()
    (run / "ledger.sqlite-journal").write_bytes(b"left by a writer that was killed" * 100)
    assert sheaf(here, "run", "--resume", "--last")[0] == 0
    assert Left.by(run) == alone
    verify(run)


def test_a_run_that_is_killed_as_it_begins_can_be_gone_on_with_or_is_none(task: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.beginnings", str(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # Before there is a run: its folder's two parents, its own, its record's bytes and their name.
    assert told["none"] >= 5
    assert told["begun"] == 4


def test_a_run_without_a_record_is_not_gone_on_with(here: Path, sheaf: Sheaf) -> None:
    (the_run(here) / "run.json").unlink()
    code, out, err = sheaf(here, "run", "--resume", "--last")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "found no run.json, accepted: a run that can go on" in err


CUT = "no ledger at|is corrupt: |cannot be used: |is a database, but not a Sheaf ledger"


def test_a_ledger_cut_off_anywhere_says_what_is_wrong(here: Path, sheaf: Sheaf) -> None:
    """Its first bytes, both sides of a page's edge, and sixteen places between."""
    ledger = the_run(here) / "ledger.sqlite"
    whole = ledger.read_bytes()
    sizes = {0, 1, 15, 16, 99, 100, 512, 4095, 4096, 4097, len(whole) - 4097, len(whole) - 1}
    for size in sorted(sizes | {len(whole) * part // 17 for part in range(1, 17)}):
        ledger.write_bytes(whole[:size])
        for command in (("run", "--resume"), ("verify",)):
            code, out, err = sheaf(here, *command, the_run(here).name)
            last = err.splitlines()[-1]
            assert (code in (4, 5), out) == (True, ""), (size, command, err)
            assert re.search(CUT, last), (size, last)
    ledger.write_bytes(whole)
    verify(the_run(here))


# File systems that are full, or read only


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow over `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_system_that_is_full(tmp_path: Path, task: Path, sheaf: Sheaf, alone: Left) -> None:
    here = tmp_path / "full"
    here.mkdir()
    with largest_file(300_000):  # the ledger's becomes larger
        code, out, err = sheaf(here, "run", str(task))
    run = the_run(here)
    assert (code, out) == (4, "")
    told = err.splitlines()[-1]
    assert told.startswith(f"{run}/ledger.sqlite cannot be used: ")
    assert told.endswith(f" (`sheaf run --resume {run.name}` goes on with it)")
    assert sheaf(here, "run", "--resume", "--last")[0] == 0
    assert Left.by(run) == alone


@pytest.fixture
def small_disk(finished: tuple[Path, str], tmp_path: Path) -> Iterator[Path]:
    """A file system in memory, with room for six tenths of a run."""
    disk = tmp_path / "disk"
    disk.mkdir()
    blocks = sum(path.stat().st_blocks for path in finished[0].rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={blocks * 512 * 6 // 10}", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine does not let tests mount a file system")
    try:
        yield disk
    finally:
        os.chdir(tmp_path)
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full(small_disk: Path, task: Path, sheaf: Sheaf, alone: Left) -> None:
    code, out, err = sheaf(small_disk, "run", str(task))
    run = the_run(small_disk)
    assert (code, out) == (4, "")
    assert err.splitlines()[-1].endswith(f" (`sheaf run --resume {run.name}` goes on with it)")
    assert sheaf(small_disk, "run", "--resume", "--last")[0] == 4
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert sheaf(small_disk, "run", "--resume", "--last")[0] == 0
    assert Left.by(run) == alone


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """As everybody is; root gives up what exempts it (capabilities(7)) for a while."""
    if os.geteuid():
        yield
        return
    libc, header = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(0x20080522, 0)
    kept = (ctypes.c_uint32 * 6)()  # twice effective, permitted, inheritable: low words, high words
    assert libc.capget(header, kept) == 0
    bound = type(kept)(*kept)
    bound[0] &= ~(CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH)
    assert libc.capset(header, bound) == 0
    try:
        yield
    finally:
        assert libc.capset(header, kept) == 0


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write below `folder`."""
    permit(folder, 0o555, 0o444)
    try:
        with bound_by_permissions():
            yield
    finally:
        permit(folder, 0o755, 0o644)


def permit(folder: Path, folders: int, files: int) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


def test_a_read_only_run_is_verified_and_not_gone_on_with(here: Path, sheaf: Sheaf) -> None:
    run = the_run(here)
    shutil.rmtree(run / "store" / "partial")  # as in a copy by what leaves empty folders out
    with read_only(run):
        verified = sheaf(here, "verify", run.name)
        refused = sheaf(here, "run", "--resume", run.name)
    assert (verified[0], verified[2]) == (0, "")
    how = f"`sheaf run --resume {run.name}` goes on with it"
    assert refused == (4, "", f"{run}: Permission denied ({how})\n")


def test_a_store_that_cannot_be_written(
    here: Path, tmp_path: Path, sheaf: Sheaf, alone: Left
) -> None:
    run = the_run(here)
    with read_only(run / "store"):
        code, out, err = sheaf(tmp_path, "run", "--resume", str(run))
    assert (code, out) == (4, "")
    how = f"`sheaf run --resume {run}` goes on with it"  # the path, from where the id says nothing
    assert re.fullmatch(rf"{run}/store.*: Permission denied \({how}\)", err.splitlines()[-1])
    assert sheaf(tmp_path, "run", "--resume", str(run))[0] == 0
    assert Left.by(run) == alone
