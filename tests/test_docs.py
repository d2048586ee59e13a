"""Code blocks in the README and the docs are run, links lead somewhere, commands exist."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.mutants.contracts import CONTRACTS
from tests.mutants.specification import SPECIFICATION

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted([README, *(ROOT / "docs").rglob("*.md")])
SCRIPTED = [page for page in PAGES if "```sh\n" in page.read_text("utf-8")]
RUN = {"sh": "bash -eu", "python": "python"}
"""What runs a block of a language."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
MAKE = re.compile(r"(?:^    |`)make ([a-z]+)", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The page's code blocks in a language."""
    return [body for kind, body in BLOCK.findall(page.read_text("utf-8")) if kind == language]


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with this environment's commands first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "HOME": str(folder)}
    command = ["bash", "-euc", script]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    missing = [
        to for to in LINK.findall(page.read_text("utf-8")) if not (page.parent / to).exists()
    ]
    assert missing == []


def test_the_readme_has_commands_to_run() -> None:
    assert README in SCRIPTED


@pytest.mark.parametrize("page", SCRIPTED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_code_blocks_run_in_their_order(page: Path, tmp_path: Path) -> None:
    found = BLOCK.findall(page.read_text("utf-8"))
    if page == README:  # the others are a task's files, see below
        found = [each for each in found if each[0] == "sh"]
    assert found
    try:
        for language, body in found:
            (tmp_path / "block").write_text(body, encoding="utf-8")
            done = shell(f"{RUN[language]} block", tmp_path)
            assert done.returncode == 0, f"{body}\n{done.stderr}"
    finally:  # what a block started a later one ends, which was not come to if this one failed
        for pid in tmp_path.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(pid.read_text("ascii")), signal.SIGTERM)


def test_pages_without_a_script_have_no_code_that_is_not_run() -> None:
    others = [page for page in PAGES if page not in SCRIPTED]
    assert {page: BLOCK.findall(page.read_text("utf-8")) for page in others} == {
        page: [] for page in others
    }


def test_the_readme_s_own_task_runs(tmp_path: Path) -> None:
    (code,), (settings,) = blocks(README, "python"), blocks(README, "toml")
    (tmp_path / "task.py").write_text(code, encoding="utf-8")
    (tmp_path / "sheaf.toml").write_text(settings, encoding="utf-8")
    done = shell("sheaf run . && sheaf verify --last", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "settled" in done.stdout


def told(text: str) -> list[str]:
    """Lines without what another machine, or another second, makes otherwise: roots (training
    depends on the machine), the gas of bytes that hang on them, the run's id, widths."""
    gas = re.sub(r"\b\d{2,3},\d{3}\b", "GAS", re.sub(r"[0-9a-f]{64}", "ROOT", text))
    return [" ".join(line.split()) for line in re.sub(r"\d{8}T\d{6}Z", "ID", gas).splitlines()]


def test_the_lab_prints_what_the_readme_says(tmp_path: Path) -> None:
    (body,) = blocks(README, "console")
    command, printed = body.split("\n", 1)
    done = shell(command.removeprefix("$ "), tmp_path)
    assert done.returncode == 0, done.stderr
    assert told(done.stdout) == told(printed)
    assert done.stdout.count(re.findall(r"[0-9a-f]{64}", done.stdout)[0]) == 2


def test_the_gas_told_to_challengers_is_the_snapshot_s() -> None:
    page = (ROOT / "docs" / "guides" / "challenger.md").read_text("utf-8")
    told = re.findall(r"^\| .* \| (\d[\d,]*) \|$", page, re.MULTILINE)
    snapshot = json.loads((ROOT / "benchmarks" / "gas.json").read_text("utf-8"))
    court = (
        "challenge, mean of 100",
        "refute, of 100",
        "challenge + refute, mean of 100",
        "challenge, mean, one participant more",
        "challenge, Adam, mean of 100",
        "challenge, median of 100",
        "challenge, median, one participant more",
    )
    assert told == [f"{snapshot[name]:,}" for name in court]


def test_every_make_command_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in MAKE.findall(page.read_text("utf-8"))}
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_mutant_changes_one_place_that_is_there() -> None:
    """Else it is found out only by the build that comes to try it."""
    tables = (("src/sheaf/protocol", SPECIFICATION), ("contracts/src", CONTRACTS))
    stale = [
        f"{mutant.file}: {mutant.name}"
        for folder, table in tables
        for mutant in table
        if (ROOT / folder / mutant.file).read_text("utf-8").count(mutant.old) != 1
    ]
    assert stale == []


def test_the_report_of_mutants_is_about_all_of_them() -> None:
    report = " ".join((ROOT / "docs" / "mutants.md").read_text("utf-8").split())
    counts = f"{len(CONTRACTS)} mutants of the contracts and {len(SPECIFICATION)} of the spec"
    assert counts in report
    argued = [mutant for mutant in (*CONTRACTS, *SPECIFICATION) if mutant.argued]
    for mutant in argued:
        assert f"*{mutant.name}* (`{mutant.file}`): {mutant.argued}" in report
    assert report.count("- *") == len(argued)


def test_the_reference_is_as_the_code_renders_it() -> None:
    done = shell("python docs/render.py --check", ROOT)
    assert (done.returncode, done.stderr) == (0, "")
