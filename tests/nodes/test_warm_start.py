"""Starting from another run's model, or from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sheaf.learning import lattice
from sheaf.learning.layout import Layout
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.verification import verify
from sheaf.nodes.warm_start import weights_from
from sheaf.proofs.commitment import commit
from sheaf.protocol.errors import BlobMissing, InvalidDocument, InvalidModel, NotFinite
from sheaf.protocol.layout import Tensor
from sheaf.protocol.merkle import Kind, header
from sheaf.store import DiskStore
from tests.example_task import TASK
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import Played, play

LAYOUT = Layout(TASK.model.layout)  # six weights and a bias of 16 bits, three means of 20
VECTOR = np.array([2**30 + 1, -(2**31 - 1), 3, 4, 5, 6, 7, -8, 9, 2**24 + 1], np.int32)
NO_SUMMARY = r"^model\.initial: run: found no summary"
TENSORS = {"weight": torch.zeros(2, 3), "bias": torch.zeros(()), "mean": torch.zeros(3)}


def finer(trainable: int, statistic: int) -> Layout:
    """The layout with other fraction bits."""
    bits = {"trainable": trainable, "statistic": statistic}
    return Layout(tuple(replace(e, frac_bits=bits[e.kind]) for e in LAYOUT.entries))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run's folder as far as a warm start looks: store and summary, made by hand."""
    store = DiskStore(tmp_path / "run" / "store")
    store.put(TASK.encode(), TASK.cid)
    roots = []
    for vector in (VECTOR - 1, VECTOR):  # two models; the summary names the second
        root = commit(vector, Kind.MODEL, TASK.model.chunk_bytes).tree_root
        store.put(lattice.to_bytes(vector), vector_id(TASK, root))
        roots.append(root)
    summarise(tmp_path / "run", header(Kind.MODEL, 4, 10, 1, roots[1]))
    return tmp_path / "run"


def summarise(run: Path, root: bytes) -> None:
    plain = {"task": str(TASK.cid), "model": {"root": root.hex()}}
    (run / "summary.json").write_text(json.dumps(plain), encoding="utf-8")


def test_a_second_task_starts_where_the_first_one_ended(honest: Played, tmp_path: Path) -> None:
    second = play(tmp_path / "second", plan(initial=honest.directory, schedule=schedule(1)))
    trail = second.cast.nodes[0].state.trail
    assert trail.published.model_root.hex() == honest.summary["model"]["root"]
    assert second.summary["initial_metrics"] == honest.summary["metrics"]
    assert second.summary["initial_metrics"] != honest.summary["initial_metrics"]
    assert second.summary["model"]["root"] != honest.summary["model"]["root"]
    assert verify(second.directory).head == second.summary["head"]


def test_the_model_file_gives_the_same_start(honest: Played) -> None:
    layout = Layout(honest.cast.task.model.layout)
    vector = weights_from(honest.directory / "model.safetensors", layout)
    assert vector.tolist() == weights_from(honest.directory, layout).tolist()


def test_a_run_s_weights_are_exact_where_floats_are_not(run: Path) -> None:
    # 2^30 + 1 and 2^24 + 1 take more than the 24 bits of a float32.
    assert weights_from(run, LAYOUT).tolist() == VECTOR.tolist()
    view = lattice.encode_model(lattice.float_view(VECTOR, LAYOUT.bits), LAYOUT.bits)
    assert view.tolist() != VECTOR.tolist()


def test_other_fraction_bits_are_another_scale(run: Path) -> None:
    quarters = [2**28, -(2**29), 1, 1, 1, 2, 2, -2, 2, 2**22]  # each to the nearest
    assert weights_from(run, finer(14, 18)).tolist() == quarters
    small = replace_run(run, [1, -2, 3, 4, 5, 6, 7, -8, 9, 10])
    assert weights_from(small, finer(18, 21)).tolist() == [4, -8, 12, 16, 20, 24, 28, -16, 18, 20]


def replace_run(run: Path, numbers: list[int]) -> Path:
    """The run with another last model."""
    vector = np.array(numbers, np.int32)
    root = commit(vector, Kind.MODEL, TASK.model.chunk_bytes).tree_root
    DiskStore(run / "store").put(lattice.to_bytes(vector), vector_id(TASK, root))
    summarise(run, header(Kind.MODEL, 4, 10, 1, root))
    return run


def test_weights_that_other_fraction_bits_cannot_hold_are_refused(run: Path) -> None:
    line = (
        r"model.initial: run: weight\[0, 0\]: found 16384, accepted: at most 128, which is all "
        "that its fraction bits leave room for"
    )
    with pytest.raises(InvalidModel, match=line):
        weights_from(run, finer(24, 20))


def test_a_run_without_its_model_or_summary_is_no_start(run: Path) -> None:
    summarise(run, bytes(32))
    with pytest.raises(BlobMissing, match=f"model.initial: run: found no model {'00' * 32}"):
        weights_from(run, LAYOUT)
    for text in ("", "{}", "[]", '{"task": 1, "model": {"root": ""}}'):
        (run / "summary.json").write_text(text, encoding="utf-8")
        with pytest.raises(InvalidDocument, match=NO_SUMMARY):
            weights_from(run, LAYOUT)
    (run / "summary.json").unlink()
    with pytest.raises(InvalidDocument, match=NO_SUMMARY):
        weights_from(run, LAYOUT)


def write(folder: Path, changes: Mapping[str, Any]) -> Path:
    tensors = {**TENSORS, **changes}
    file = folder / "start.safetensors"
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, file)
    return file


def test_a_file_may_hold_floats_of_any_width_and_counters(tmp_path: Path) -> None:
    changes = {
        "weight": torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.bfloat16),
        "bias": torch.tensor(-0.5, dtype=torch.float64),
        "mean": torch.tensor([0, 1, 2], dtype=torch.float16),
        "num_batches_tracked": torch.tensor(7),
    }
    found = weights_from(write(tmp_path, changes), LAYOUT)
    weights = [n << 16 for n in (1, 2, 3, 4, 5, 6)]
    assert found.tolist() == [*weights, -(1 << 15), 0, 1 << 20, 2 << 20]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"bias": None}, "bias: found no such tensor, accepted: weight, bias, mean"),
        ({"other": torch.zeros(1)}, "other: found a tensor the layout does not have"),
        ({"weight": torch.zeros(3, 2)}, r"weight: found shape \(3, 2\), accepted: \(2, 3\)"),
        ({"mean": torch.zeros(3).long()}, "mean: found dtype int64, accepted: floats"),
        ({"mean": torch.full((3,), 2048.0)}, r"mean\[0\]: found 2048, accepted: at most 2048"),
    ],
    ids=["missing", "unexpected", "shape", "dtype", "large"],
)
def test_a_file_of_another_model_is_one_line(
    tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(InvalidModel, match=f"^model.initial: start.safetensors: {line}") as caught:
        weights_from(write(tmp_path, changes), LAYOUT)
    assert "\n" not in caught.value.message


def test_a_file_that_holds_no_numbers_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, {"bias": torch.tensor(torch.nan)})
    with pytest.raises(NotFinite, match=r"^model.initial: start.safetensors: bias: found nan"):
        weights_from(file, LAYOUT)
    file.write_bytes(b"no tensors")
    with pytest.raises(InvalidModel, match=r"accepted: a safetensors file$"):
        weights_from(file, LAYOUT)
    file.unlink()
    with pytest.raises(InvalidModel, match=r"accepted: a safetensors file$"):
        weights_from(file, LAYOUT)


def test_a_task_of_another_layout_does_not_begin(honest: Played, tmp_path: Path) -> None:
    wide = plan(initial=honest.directory, model_entry="task:three")
    with pytest.raises(InvalidModel, match=r"weight: found shape \(1, 4\), accepted: \(3, 4\)$"):
        play(tmp_path / "run", wide)
    assert Tensor("weight", (1, 4), "trainable", 16) in honest.cast.task.model.layout
