"""`sheaf export --to onnx`: the graph, its metadata, and how far it is from torch."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import sheaf
from sheaf.apps.cli.outcome import execute

Capture = pytest.CaptureFixture[str]
ID = "20260304T120000Z-points"
HEADER = """
import torch
from torch import nn
import numpy as np

class Model(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))

{forward}

def model():
    return Model()

def held_out():
    return np.ones(({rows}, 2), np.float32), np.zeros({rows}, np.int64)
"""
UNSTEADY = """
    def forward(self, X):
        return super().forward(X) + torch.rand(())
"""
BRANCHING = """
    def forward(self, X):
        return super().forward(X) if X.sum() > 0 else X
"""
PAIR = """
    def forward(self, X):
        return X, super().forward(X)
"""


def export(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = execute(["export", ID, "--to", "onnx", *arguments])
    return code, *capsys.readouterr()


def project(folder: Path, forward: str = "", rows: int = 5) -> Path:
    """A project whose module has the run's layout, and does something of its own."""
    (folder / "task.py").write_text(HEADER.format(forward=forward, rows=rows), encoding="utf-8")
    return folder


def test_the_graph_is_the_model(
    points: sheaf.RunResult, beside: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "new" / "model.onnx"
    code, out, err = export(capsys, "--out", str(file), "--format", "json")
    assert (code, err) == (0, "")
    written = json.loads(out)
    difference = written.pop("difference")
    assert 0 <= difference < 1e-5
    told = {"file": str(file), "kind": "onnx", "samples": 256, "inputs": "held-out"}
    assert written == told
    onnx.checker.check_model(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    X = np.random.default_rng(5).normal(size=(7, 2)).astype(np.float32)
    (scores,) = session.run(["scores"], {"features": X})
    weights = {name: tensor.double().numpy() for name, tensor in points.model().items()}
    hidden = np.maximum(X @ weights["0.weight"].T + weights["0.bias"], 0)
    expected = hidden @ weights["2.weight"].T + weights["2.bias"]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map == {
        "sheaf.task": points.task,
        "sheaf.task_id": points.summary["task_id"],
        "sheaf.round": "2",
        "sheaf.model_root": points.model_root,
    }
    # Torch notes where each operation came from, with the folders of this machine.
    assert str(Path(sys.prefix)).encode() not in file.read_bytes()
    assert str(beside).encode() not in file.read_bytes()


def test_the_difference_is_printed(beside: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "model.onnx"
    code, out, err = export(capsys, "--out", str(file), "--project", str(project(tmp_path, rows=1)))
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == str(file)
    words = r"maximal absolute difference to torch [0-9.e-]+ over 2 held-out samples"
    assert re.fullmatch(words, second)
    code, out, err = export(capsys, "--out", str(file))
    assert (code, out) == (2, "")
    assert err.startswith(f"{file}: found a file there already")


@pytest.mark.parametrize(
    ("forward", "line"),
    [
        (UNSTEADY, "found scores of the ONNX graph that differ by "),
        (BRANCHING, "found a module that torch cannot export to ONNX ("),
        (PAIR, "found a module that returns a tuple, accepted: one tensor"),
    ],
    ids=["unsteady", "branching", "pair"],
)
def test_a_module_that_is_no_graph_leaves_no_file(
    beside: Path, tmp_path: Path, capsys: Capture, forward: str, line: str
) -> None:
    file = tmp_path / "model.onnx"
    where = str(project(tmp_path, forward))
    code, out, err = export(capsys, "--out", str(file), "--project", where)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith(line)
    assert not file.exists()


def without_evaluation(points: sheaf.RunResult, folder: Path, features: str) -> None:
    """A run like the one there is, in `folder`, of a task whose sponsor evaluates nothing."""
    made = folder / "points"
    shutil.copytree(points.folder.parents[2] / "points", made)
    settings = (made / "sheaf.toml").read_text("utf-8").partition("[evaluation]")[0]
    wanted = settings.replace("[data]", f"[data]\nfeatures = {features}")
    (made / "sheaf.toml").write_text(wanted, encoding="utf-8")
    kept = folder / ".sheaf" / "runs" / ID
    sheaf.run(made, rounds=1, directory=kept, progress=False)


def test_without_held_out_data_features_are_made_up(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = '[{name="X", dtype="float32", shape=[2]}, {name="y", dtype="int64", shape=[]}]'
    without_evaluation(points, tmp_path, kinds)
    code, out, _ = export(capsys, "--format", "json")
    assert (code, json.loads(out)["file"]) == (0, f"{ID}.onnx")
    assert (json.loads(out)["inputs"], json.loads(out)["samples"]) == ("made-up", 256)


def test_without_anything_to_compare_on_it_is_refused(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    without_evaluation(points, tmp_path, "[]")
    code, out, err = export(capsys)
    assert (code, out) == (2, "")
    assert err.startswith("found a task without evaluation.entry and data.features, accepted: ")


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_one_line(
    beside: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert export(capsys) == (
        3,
        "",
        f"found no package {package}, accepted: an installation that has it "
        "(pip install 'sheaf[onnx]')\n",
    )
    assert not (beside / f"{ID}.onnx").exists()
