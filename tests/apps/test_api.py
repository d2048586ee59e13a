"""Sheaf from Python: what `import sheaf` offers, and what it loads for that."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import sheaf
from sheaf.apps import projects
from sheaf.apps.cli.outcome import execute
from sheaf.apps.modules import tensors
from sheaf.apps.runs import Run
from sheaf.apps.subjects import About
from sheaf.protocol.errors import (
    InvalidConfiguration,
    InvalidDocument,
    InvalidModel,
    InvalidUsage,
    RunNotFound,
    TaskEnded,
    VerificationFailed,
)
from tests.apps.kept import WEIGHTS, keep

ID = "20260304T120000Z-points"
Capture = pytest.CaptureFixture[str]


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))


def test_importing_it_loads_nothing_else() -> None:
    program = (
        "import sys, sheaf; print(sorted({m for m in sys.modules if 'sheaf' in m or m in %r}))"
    )
    heavy = ("torch", "numpy", "web3", "typer", "rich")
    done = subprocess.run(
        [sys.executable, "-c", program % (heavy,)], capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(done.stdout) == ["sheaf"]


def test_the_stub_names_what_there_is() -> None:
    stub = Path(str(sheaf.__file__)).with_suffix(".pyi").read_text("utf-8")
    named = set()
    for node in ast.walk(ast.parse(stub)):
        if isinstance(node, ast.alias):
            named.add(node.asname)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    assert sorted(named, key=str) == dir(sheaf)
    assert all(hasattr(sheaf, name) for name in dir(sheaf))
    with pytest.raises(AttributeError, match="module 'sheaf' has no attribute 'fly'"):
        getattr(sheaf, "fly")  # noqa: B009 - types know that it is not there


def test_a_result_is_what_the_summary_says(points: sheaf.RunResult) -> None:
    written = json.loads((points.folder / "summary.json").read_text("utf-8"))
    assert (points.id, points.folder.name, points.name) == (ID, ID, "points")
    assert (points.status, points.cause, points.settled) == ("settled", None, True)
    assert [row.number for row in points.rounds] == [1, 2]
    for row, plain in zip(points.rounds, written["rounds"], strict=True):
        assert dataclasses.asdict(row) == {"number": plain.pop("round"), **plain}
    assert points.model_root == points.rounds[-1].model_root == written["model"]["root"]
    assert points.metrics == points.rounds[-1].metrics == written["metrics"]
    assert points.initial_metrics == written["initial_metrics"]
    assert points.initial_metrics["loss"] > points.metrics["loss"]
    assert sum(points.payouts.values()) == sum(written["payouts"].values()) > 0
    assert (points.task, points.head) == (written["task"], written["head"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        points.status = "ended"  # type: ignore[misc]


def test_a_run_is_loaded_by_whatever_names_it(points: sheaf.RunResult, beside: Path) -> None:
    for name in (None, ID, ID[:8], points.folder, str(points.folder), points):
        assert sheaf.load(name) == points
    with pytest.raises(RunNotFound, match="absent: found no such run"):
        sheaf.load("absent")


def test_a_summary_of_another_kind_is_refused(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunNotFound, match="found no run in"):
        sheaf.load()
    run = tmp_path / ".sheaf" / "runs" / "other"
    run.mkdir(parents=True)
    for change in ({"rounds": [{"round": 1}]}, {"model": None}):
        text = json.dumps({**points.summary, **change})
        (run / "summary.json").write_text(text, encoding="utf-8")
        with pytest.raises(InvalidDocument, match=r"^other: found a summary without "):
            sheaf.load("other")


def test_the_model_is_a_state_dict(points: sheaf.RunResult) -> None:
    module = layers()
    module.load_state_dict(points.model())
    expected = load_file(points.folder / "model.safetensors")
    assert {name: tensor.tolist() for name, tensor in module.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in expected.items()
    }


def test_the_model_is_put_into_a_module_of_its_layout(points: sheaf.RunResult) -> None:
    module, expected = layers(), points.model()
    points.load(module)
    assert all(torch.equal(expected[name], t) for name, t in module.state_dict().items())
    other = nn.Linear(2, 16)
    before = other.weight.tolist()
    with pytest.raises(InvalidModel, match=r"found only in the"):
        points.load(other)
    assert other.weight.tolist() == before


def test_a_verification_says_what_was_recomputed(points: sheaf.RunResult, beside: Path) -> None:
    found = sheaf.verify(points)
    assert found.head == points.head
    assert (found.anchored, found.finished) == (False, True)
    counts = {check.name: check.count for check in found.checks}
    assert counts["aggregations"] == 2
    assert "metrics" not in counts
    assert any("metrics" in limit for limit in found.limits)
    measured = sheaf.verify(metrics=True, head=points.head)
    assert {check.name: check.count for check in measured.checks}["metrics"] == 6
    assert not any("metrics" in limit for limit in measured.limits)
    assert measured.anchored
    assert repr(measured).startswith(f"verified: {measured.conclusion}")


def test_a_wrong_anchor_fails(points: sheaf.RunResult, tmp_path: Path) -> None:
    with pytest.raises(VerificationFailed, match="head: found"):
        sheaf.verify(points, head="00" * 32)
    stranger = tmp_path / "keys"
    stranger.write_text("0x" + "ab" * 20, encoding="utf-8")
    with pytest.raises(VerificationFailed, match="has not countersigned the head"):
        sheaf.verify(points, keys=stranger)


def test_tables_for_people(points: sheaf.RunResult, beside: Path, capsys: Capture) -> None:
    assert execute(["show", ID]) == 0
    assert f"{points!r}\n" == capsys.readouterr().out
    html = points._repr_html_()
    assert html.count("<tr>") == 3
    assert f"<td>{points.rounds[1].gas['total']:,}</td>" in html
    verified = sheaf.verify(points)
    assert execute(["verify", ID]) == 0
    assert f"{verified!r}\n" == capsys.readouterr().out
    assert verified._repr_html_().count("<tr>") == len(verified.checks)
    assert verified._repr_html_().count("<li>") == len(verified.limits)


def test_others_words_are_no_markup(points: sheaf.RunResult) -> None:
    row = dataclasses.replace(points.rounds[0], outcome="<i>")
    evil = dataclasses.replace(points, name="<script>", cause="<b>", status="&", rounds=(row,))
    html = evil._repr_html_()
    assert "&lt;script&gt;" in html
    assert "&amp; (&lt;b&gt;)" in html
    assert "<td>&lt;i&gt;</td>" in html
    assert "<script>" not in html


def test_a_run_keeps_quiet_or_shows_its_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    projects.make(Path("points"))
    first = sheaf.run("points", rounds=1, seed=3)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("round 1/1  settled  loss ")
    second = sheaf.run("points", rounds=1, seed=3, directory="here", progress=False)
    assert capsys.readouterr() == ("", "")
    assert (second.id, second.folder) == ("here", tmp_path / "here")
    assert (second.model_root, second.head) == (first.model_root, first.head)
    assert first.folder.parent == tmp_path / ".sheaf" / "runs"
    other = sheaf.run("points", rounds=1, seed=4, progress=False)
    assert other.model_root != first.model_root
    with pytest.raises(InvalidUsage, match="here: found something in it, accepted: a new or empty"):
        sheaf.run("points", directory="here")


def test_what_cannot_run_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidConfiguration, match="found no such file"):
        sheaf.run(tmp_path)
    file = projects.make(tmp_path / "points").folder / "sheaf.toml"
    with pytest.raises(InvalidUsage, match=r"sheaf\.toml: found a file, accepted: a new or empty"):
        sheaf.run(tmp_path / "points", directory=file)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InvalidConfiguration, match="found no package torch"):
        sheaf.run(tmp_path / "points")


@pytest.mark.parametrize("wrong", [3, b"points", True, ["points"]])
def test_what_is_no_path_is_one_line(wrong: Any, points: sheaf.RunResult) -> None:
    kind = type(wrong).__name__
    told = f"found {kind}, accepted: a path, as str or Path"
    with pytest.raises(InvalidUsage, match=f"^project: {told}$"):
        sheaf.run(wrong)
    with pytest.raises(InvalidUsage, match=f"^directory: {told}$"):
        sheaf.run(directory=wrong)
    with pytest.raises(InvalidUsage, match=f"^run: {told}, or a RunResult$"):
        sheaf.load(wrong)
    with pytest.raises(InvalidUsage, match=f"^subject: {told}, or a RunResult$"):
        sheaf.verify(wrong)
    for name in ("keys", "signatures", "project", "state"):
        with pytest.raises(InvalidUsage, match=f"^{name}: {told}$"):
            sheaf.verify(points, **{name: wrong})


@pytest.mark.parametrize("name", ["ledger", "store"])
@pytest.mark.parametrize(("wrong", "found"), [(3, "int"), ([3], "int"), (b"x", "bytes")])
def test_what_are_no_places_is_one_line(name: str, wrong: Any, found: str) -> None:
    told = f"^{name}: found {found}, accepted: a path, as str or Path, or several$"
    with pytest.raises(InvalidUsage, match=told):
        sheaf.verify("0x" + "11" * 32, **{name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("head", b"x", "found bytes, accepted: str"),
        ("federation", 3, "found int, accepted: str"),
        ("url", 3, "found int, accepted: str"),
        ("enough", "1", "found str, accepted: int, at least 1"),
        ("enough", 0, "found 0, accepted: int, at least 1"),
        ("round", "1", "found str, accepted: int, at least 1"),
        ("round", True, "found bool, accepted: int, at least 1"),
        ("jobs", "2", "found str, accepted: int, at least 1"),
        ("jobs", 1.0, "found float, accepted: int, at least 1"),
        ("jobs", 0, "found 0, accepted: int, at least 1"),
        ("from_block", -1, "found -1, accepted: int, at least 0"),
        ("keys", "a\0b", "found a zero byte, accepted: a path, as str or Path"),
        ("state", Path("a\0b"), "found a zero byte, accepted: a path, as str or Path"),
        ("ledger", ["a\0b"], "found a zero byte, accepted: a path, as str or Path, or several"),
    ],
)
def test_a_value_of_another_kind_is_one_line(
    name: str, wrong: Any, told: str, points: sheaf.RunResult
) -> None:
    for subject in (points, "0x" + "11" * 32):
        with pytest.raises(InvalidUsage) as caught:
            sheaf.verify(subject, **{"ledger": "a", "store": "b"} | {name: wrong})
        assert caught.value.message == f"{name}: {told}"


def test_numbers_of_numpy_s_will_do(points: sheaf.RunResult) -> None:
    given: Any = np.int64(1)
    assert sheaf.verify(points, jobs=given, from_block=given).finished
    with pytest.raises(InvalidUsage, match="found an option of a task, accepted: those of a run"):
        About(str(points.folder), enough=0).subject()


def test_a_task_that_ended_early_is_a_result(tmp_path: Path) -> None:
    folder = projects.make(tmp_path / "points").folder
    settings = (folder / "sheaf.toml").read_text("utf-8")
    wanted = settings.replace("[data]", "[data]\nminimum_samples = 10000")
    (folder / "sheaf.toml").write_text(wanted, encoding="utf-8")
    found = sheaf.run(folder, directory=tmp_path / "run", progress=False)
    assert (found.settled, found.status, found.cause) == (False, "ended", "too_few_seats")
    assert found.rounds == ()
    assert "ended (too_few_seats)" in found._repr_html_()
    assert sheaf.verify(found).head == found.head


def test_a_task_that_learned_nothing_gives_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    folder = projects.make(tmp_path / "points").folder
    code = 'def data(index, count):\n    raise OSError("the <disk> is gone")\n'
    with (folder / "task.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{code}")
    found = sheaf.run(folder, rounds=1, directory=tmp_path / "run", progress=False)
    first = "participant-1 declines: task:data: raised OSError: the <disk> is gone"
    assert found.troubles[0] == first
    assert len(found.troubles) == 4
    assert repr(found).splitlines()[-5:] == ["told on the way", *found.troubles]
    assert found._repr_html_().count("OSError: the &lt;disk&gt; is gone</li>") == 4
    line = "run: found no trained model, for the task ended before round 1: too_few_seats"
    again = sheaf.load(found)
    assert (again, again.troubles) == (found, ())
    module = nn.Linear(2, 16)
    before = module.weight.tolist()
    for result, hint in ((found, first), (again, f"{found.folder / 'log'} has what was told")):
        for ask in (result.model, lambda result=result: result.load(module)):
            with pytest.raises(TaskEnded) as raised:
                ask()
            assert (raised.value.message, raised.value.hint) == (line, hint)
    assert module.weight.tolist() == before
    monkeypatch.chdir(tmp_path)
    assert execute(["export", "run", "--out", "model.safetensors"]) == 3
    assert capsys.readouterr().err.startswith(line)
    assert not (tmp_path / "model.safetensors").exists()


def test_of_many_troubles_a_few_are_shown(points: sheaf.RunResult) -> None:
    told = dataclasses.replace(points, troubles=tuple(f"trouble {n}\x1b" for n in range(7)))
    shown = [f"trouble {n}?" for n in range(5)]
    more = f"and 2 more, which are in {points.folder / 'log'}"
    assert repr(told).splitlines()[-7:] == ["told on the way", *shown, more]
    assert f"<li>{more}</li></ul>" in told._repr_html_()
    assert "Told on the way" not in points._repr_html_()
    assert told == points


def test_a_later_round_that_aborted_takes_no_model_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keep(tmp_path, ID, status="ended", cause="no_quorum")
    assert list(tensors(Run(tmp_path / ".sheaf" / "runs" / ID))) == [*sorted(WEIGHTS)]
