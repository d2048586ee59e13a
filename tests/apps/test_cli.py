"""The command line: what goes to which stream, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sheaf import __version__
from sheaf.apps.cli.application import app
from sheaf.apps.cli.options import Format, FormatOption
from sheaf.apps.cli.outcome import execute
from tests.apps.kept import FIRST, SECOND, keep
from tests.apps.projects import write

COMMANDS = (
    "new",
    "run",
    "verify",
    "audit",
    "countersign",
    "list",
    "show",
    "doctor",
    "export",
    "evaluate",
)
HEAVY = ("torch", "web3", "eth", "eth_abi", "numpy", "rich")
ID = "20260304T120000Z-flowers"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run commands from, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SHEAF_DEBUG", raising=False)
    return tmp_path


Capture = pytest.CaptureFixture[str]


def sheaf(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    code = execute(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_version_and_help(capsys: Capture) -> None:
    assert sheaf(capsys, "--version") == (0, f"sheaf {__version__}\n", "")
    code, out, err = sheaf(capsys)
    assert (code, err) == (0, "")
    assert all(f"  {command} " in out for command in COMMANDS)
    assert sheaf(capsys, "--help")[1] == out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_an_example(capsys: Capture, command: str) -> None:
    code, out, _ = sheaf(capsys, command, "--help")
    assert code == 0
    assert f"Example: sheaf {command}" in out
    assert "--format" in out


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "--last"], ["new", "a"]])
def test_light_commands_import_nothing_heavy(here: Path, arguments: list[str]) -> None:
    keep(here, ID)
    program = (
        "import sys; from sheaf.apps.cli.outcome import execute; "
        f"code = execute({arguments!r}); "
        f"print(code, [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "0 []"


def test_verify_is_had_without_torch() -> None:
    program = "import sys, sheaf.nodes.verification; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_new_says_what_comes_next(capsys: Capture) -> None:
    code, out, err = sheaf(capsys, "new", "mine")
    assert (code, err) == (0, "")
    assert out == "made mine with sheaf.toml and task.py; next:\n  sheaf run mine\n"
    code, out, err = sheaf(capsys, "new", "mine")
    assert (code, out) == (2, "")
    assert err == (
        "mine: found something there already, accepted: a new name (nothing was changed)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fly"], "usage", "No such command 'fly'."),
        (["run", "--roudns", "3"], "usage", "No such option: --roudns"),
        (["run", "--seed", "x"], "usage", "Invalid value for '--seed'"),
        (["export", "--to", "pickle"], "usage", "Invalid value for '--to'"),
        (["new", "a", "--template", "b"], "usage", "--template: found 'b', accepted: points"),
        (["show", "--last"], "run_not_found", "found no run in"),
        (["show"], "run_not_found", "found no RUN, accepted: a run's id"),
        (["verify", "x"], "run_not_found", "x: found no such run"),
    ],
)
def test_usage_errors_are_exit_2(
    capsys: Capture, arguments: list[str], code: str, message: str
) -> None:
    exit_code, out, err = sheaf(capsys, *arguments)
    assert (exit_code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)
    exit_code, out, err = sheaf(capsys, *arguments, "--format", "json")
    assert (exit_code, out, err.count("\n")) == (2, "", 1)
    error = json.loads(err)
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code
    assert error["message"].startswith(message)


def test_configuration_errors_are_exit_3(here: Path, capsys: Capture) -> None:
    write(here, {"round.gaol": "3"})
    code, out, err = sheaf(capsys, "run")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("sheaf.toml: round.gaol: found an unknown key, accepted: adversary")
    assert err.endswith("(did you mean round.goal?)\n")
    code, out, err = sheaf(capsys, "run", "--format=json")
    assert (code, out) == (3, "")
    assert json.loads(err)["code"] == "configuration"
    assert json.loads(err)["hint"] == "did you mean round.goal?"
    assert not (here / ".sheaf").exists()


def test_flags_are_checked_like_the_file(here: Path, capsys: Capture) -> None:
    write(here, {})
    code, _, err = sheaf(capsys, "run", "--rounds", "0")
    assert (code, err) == (3, "--rounds: schedule.rounds: found 0, accepted: 1 to 65535\n")
    code, _, err = sheaf(capsys, "run", "--seed", "-1")
    assert (code, err) == (3, "--seed: algorithm.seed: found -1, accepted: 0 to 2^63 - 1\n")


def test_a_run_that_never_began_leaves_nothing(here: Path, capsys: Capture) -> None:
    write(here, {})
    (here / "task.py").write_text("def data(index, count): ...\n", encoding="utf-8")
    code, out, err = sheaf(capsys, "run")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith("task:model: found no function 'model' in task.py")
    assert list((here / ".sheaf" / "runs").iterdir()) == []


@pytest.fixture
def burst() -> Iterator[None]:
    """A command with a defect."""

    @app.command("burst")
    def command(format: FormatOption = Format.TEXT) -> None:
        raise ArithmeticError("a defect\nof two lines")

    yield
    app.registered_commands.pop()


@pytest.mark.usefixtures("burst")
def test_an_internal_error_is_one_line_and_a_log(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = sheaf(capsys, "burst")
    log = here / ".sheaf" / "errors.log"
    hint = f"the traceback is in {log}; please report it"
    assert (code, out) == (1, "")
    assert err == f"internal error: ArithmeticError: a defect of two lines ({hint})\n"
    assert "Traceback" in log.read_text(encoding="utf-8")
    error = json.loads(sheaf(capsys, "burst", "--format=json")[2])
    message = "internal error: ArithmeticError: a defect of two lines"
    assert error == {"code": "internal", "message": message, "hint": hint}
    assert "Traceback" in sheaf(capsys, "--debug", "burst")[2]
    monkeypatch.setenv("SHEAF_DEBUG", "1")
    assert "Traceback" in sheaf(capsys, "burst")[2]


@pytest.mark.usefixtures("burst")
def test_an_internal_error_where_no_log_can_be_written(here: Path, capsys: Capture) -> None:
    (here / ".sheaf").write_text("", encoding="utf-8")
    code, out, err = sheaf(capsys, "burst")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.endswith("(SHEAF_DEBUG=1 shows the traceback; please report it)\n")


def test_an_internal_error_in_a_folder_that_is_gone(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    code, out, err = sheaf(capsys, "list")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("internal error: FileNotFoundError")


@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_went_away_is_no_error(here: Path, buffered: bool) -> None:
    keep(here, ID)
    program = "from sheaf.apps.cli.outcome import execute; raise SystemExit(execute(['list']))"
    environment = os.environ | {"PYTHONUNBUFFERED": "" if buffered else "1"}
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=gone,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_list_is_aligned_and_complete(here: Path, capsys: Capture) -> None:
    code, out, err = sheaf(capsys, "list")
    assert (code, out) == (0, "")
    assert "`sheaf run` makes one" in err
    assert sheaf(capsys, "list", "--format", "json")[1] == "[]\n"
    keep(here, ID)
    (here / ".sheaf" / "runs" / "20260305T120000Z-b").mkdir()
    code, out, err = sheaf(capsys, "list")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "run                       task     status      rounds  metrics (reported)",
        "20260304T120000Z-flowers  flowers  settled          2  auc 0.9877",
        "20260305T120000Z-b        -        unfinished       -  -",
    ]
    first, second = json.loads(sheaf(capsys, "list", "--format", "json")[1])
    assert first == {
        "run": ID,
        "started": "2026-03-04T12:00:00+00:00",
        "status": "settled",
        "name": "flowers",
        "metrics": {"auc": 0.98765},
        "rounds": 2,
    }
    assert second["status"] == "unfinished"


def test_a_run_that_cannot_be_read_is_listed_beside_the_others(here: Path, capsys: Capture) -> None:
    keep(here, ID)
    bad = ("{", "[]", "{}", "\xff", "7")
    for number, text in enumerate(bad):
        run = here / ".sheaf" / "runs" / f"20261399T00000{number}Z-x"  # which is no date either
        run.mkdir()
        (run / "summary.json").write_text(text, encoding="latin-1")
    keep(here, "wrong-metrics", metrics=[1])
    keep(here, "wrong-rounds", rounds=None)
    keep(here, "wrong-value", metrics={"auc": "high"})
    code, out, err = sheaf(capsys, "list", "--format", "json")
    assert (code, err) == (0, "")
    first, *rest = json.loads(out)
    assert (first["run"], first["status"]) == (ID, "settled")
    assert [row["status"] for row in rest] == ["unreadable"] * (len(bad) + 3)
    assert {row["started"] for row in rest} == {""}
    code, out, err = sheaf(capsys, "list")
    assert (code, err, out.count(" unreadable ")) == (0, "", len(bad) + 3)


@pytest.mark.parametrize(
    "change", [{"rounds": [{}]}, {"rounds": 7}, {"model": None}, {"payouts": {FIRST: "much"}}]
)
def test_a_summary_that_no_run_wrote_is_refused(
    here: Path, capsys: Capture, change: dict[str, Any]
) -> None:
    keep(here, ID, **change)
    code, out, err = sheaf(capsys, "show", "--last")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith(f"{ID}: found a summary that cannot be shown (")


def test_show_is_the_table_of_the_run(here: Path, capsys: Capture) -> None:
    keep(here, ID)
    code, out, err = sheaf(capsys, "show", "20260304")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"flowers  settled  run {ID}",
        "",
        "round  outcome              cohort  counted    auc*        gas  seconds*",
        "    1  settled (attempt 2)       3        2  0.9877  1,234,567       1.0",
        "    2  aborted: no_quorum        3        2       -  1,234,567       1.0",
        "* reported, not recomputed: metrics by the sponsor, the rest by the run",
        "",
        "account*       address                                     earned REWARD  slashed STAKE",
        f"participant-1  {SECOND}              -              2",
        f"participant-2  {FIRST}           12.5              -",
        "",
        "task          bafy",
        f"model root    {'bb' * 32}",
        f"model file    .sheaf/runs/{ID}/model.safetensors",
        f"head          {'cc' * 32}",
        "capture odds  at most 40 % a draw with 2 of 6 aggregators and 1 opening in one hand",
        f"check it      sheaf verify {ID} --url URL",  # there is no ledger beside it
    ]
    assert json.loads(sheaf(capsys, "show", ID, "--format", "json")[1])["run"] == ID


def test_others_words_do_not_move_the_cursor(here: Path, capsys: Capture) -> None:
    evil = "a\x1b[2J\x07"
    tokens = {
        "reward": {"symbol": evil, "decimals": 6},
        "stake": {"symbol": evil, "decimals": 18},
    }
    keep(here, "evil\x1b[2J", name=evil, status=evil, cause=evil, task=evil, head=evil)
    keep(here, ID, accounts={FIRST: evil}, tokens=tokens, model={"root": evil, "path": evil})
    for arguments in (["show", "evil"], ["show", ID], ["list"], ["show", "absent\x1b[2J"]):
        _, out, err = sheaf(capsys, *arguments)
        assert all(c.isprintable() or c == "\n" for c in out + err)
    (here / ".sheaf" / "runs" / "evil\x1b[2J" / "summary.json").write_text("{", encoding="utf-8")
    code, _, err = sheaf(capsys, "show", "evil")
    assert (code, err.count("\n")) == (3, 1)
    assert "evil?[2J" in err


def test_an_unfinished_run_is_not_shown(here: Path, capsys: Capture) -> None:
    (here / ".sheaf" / "runs" / "a").mkdir(parents=True)
    code, out, err = sheaf(capsys, "show", "a")
    assert (code, out) == (2, "")
    assert err.startswith("a: found a run without summary.json, accepted: a finished run")


def test_doctor_looks_at_what_a_run_needs(capsys: Capture) -> None:
    code, out, err = sheaf(capsys, "doctor", "--format", "json")
    assert (code, err) == (0, "")
    findings = {finding["name"]: finding for finding in json.loads(out)}
    wanted = {"python", "packages", "torch", "signatures", "folder", "cpu threads"}
    assert wanted | {"Federation", "Court", "Vault", "Token"} == set(findings)
    assert findings["signatures"]["found"] == "coincurve"
    assert findings["torch"]["found"] == torch.__version__
    assert all(finding["ok"] for finding in findings.values()), findings
    lines = sheaf(capsys, "doctor")[1].splitlines()
    assert len(lines) == len(findings)
    assert all(line.startswith("ok  ") for line in lines)


def test_export_copies_or_converts(here: Path, capsys: Capture) -> None:
    run = keep(here, ID)
    code, out, _ = sheaf(capsys, "export", ID)
    assert (code, out) == (0, f"{ID}.safetensors\n")
    made = here / f"{ID}.safetensors"
    assert made.read_bytes() == (run / "model.safetensors").read_bytes()
    code, out, err = sheaf(capsys, "export", ID)
    assert (code, out) == (2, "")
    assert "found a file there already" in err
    code, out, _ = sheaf(
        capsys, "export", "--last", "--to", "torch", "--out", "new/model.pt", "--format", "json"
    )
    assert (code, json.loads(out)) == (0, {"file": "new/model.pt", "kind": "torch"})
    module = torch.nn.Linear(2, 1)
    with torch.serialization.safe_globals([]):
        state = torch.load(here / "new" / "model.pt", weights_only=True)
    module.load_state_dict(state)
    assert module.weight.tolist() == [[0.5, -1.5]]
    assert module.bias.tolist() == [2.0]


@pytest.mark.parametrize("path", ["../elsewhere", "/etc/hostname", "absent", 7])
def test_a_model_outside_of_its_run_is_refused(here: Path, capsys: Capture, path: Any) -> None:
    keep(here, ID, model={"root": "", "path": path})
    (here / ".sheaf" / "runs" / "elsewhere").write_text("secret", encoding="utf-8")
    code, out, err = sheaf(capsys, "export", "--last")
    assert (code, out) == (3, "")
    assert "model.path" in err


def test_colour_is_never_in_the_data(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(here, ID)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in sheaf(capsys, "show", "--last")[1]
