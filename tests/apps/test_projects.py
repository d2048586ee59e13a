"""New projects and the templates they come from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sheaf.apps import projects
from sheaf.apps.config import load
from sheaf.learning.samples import samples_of
from sheaf.learning.scores import scores_of
from sheaf.nodes.bundle import Bundle
from sheaf.protocol.errors import InvalidUsage, StoreUnavailable

EXAMPLE = Path(__file__).parents[2] / "examples" / "hospitals"
TEMPLATE = Path(projects.__file__).parent / "templates" / "hospitals"


@pytest.mark.parametrize("template", projects.TEMPLATES)
def test_a_template_is_a_project(tmp_path: Path, template: str) -> None:
    made = projects.make(tmp_path / "mine", template)
    assert made.missing == ()
    assert {path.name for path in made.folder.iterdir()} == {"sheaf.toml", "task.py"}
    plan = load(made.folder, {}, {})
    assert plan.name == "mine"
    code = Bundle.load(made.folder)
    module, counts = code.call(plan.model_entry), set()
    for index in range(plan.participants):
        samples = samples_of(code.call(plan.data_entry, index, plan.participants))
        row = samples.batch([0])
        for feature, tensor in zip(plan.data.features, row, strict=False):
            assert feature.shape == tuple(tensor.shape[1:])
            assert f"torch.{feature.dtype}" == str(tensor.dtype)
        counts.add(samples.count)
    assert len(counts) == plan.participants  # unequal shares
    scores, labels = scores_of(module, code.call(plan.evaluation.entry))
    assert len(scores) == len(labels) > 100


def test_the_example_is_the_template() -> None:
    for file in projects.FILES:
        assert (EXAMPLE / file).read_bytes() == (TEMPLATE / file).read_bytes()


def test_hospitals_share_all_tumours_unequally() -> None:
    code = Bundle.load(EXAMPLE)
    hospitals = [code.call("task:data", index, 5) for index in range(5)]
    assert [len(y) for _, y in hospitals] == [153, 111, 77, 51, 35]
    malignant = sum(int(y.sum()) for _, y in hospitals) + int(code.call("task:held_out")[1].sum())
    assert malignant == 212  # of the 569, by the data set's own description
    for X, y in hospitals:
        assert np.allclose(X.mean(axis=0), 0, atol=1e-5)
        assert 0.1 < y.mean() < 0.9


def test_no_tumour_is_anywhere_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    # Measurements that are the bits of a tumour's number: whatever an instrument's gain and offset
    # are, and however a hospital standardises, ones stay above its mean and zeros below it.
    numbers, bits = np.arange(569), np.arange(30) % 10
    data = (numbers[:, None] >> bits & 1).astype(np.float64)
    code = Bundle.load(EXAMPLE)
    names = code.resolve("task:data").__globals__
    made_up = SimpleNamespace(data=data, target=(numbers % 3 > 0).astype(np.int64))
    monkeypatch.setitem(names, "load_breast_cancer", lambda: made_up)
    names["_tumours"].cache_clear()
    try:
        shares = [code.call("task:data", index, 5) for index in range(5)]
        shares.append(code.call("task:held_out"))
    finally:
        names["_tumours"].cache_clear()
    found = []
    for X, y in shares:
        own = ((X[:, :10] > 0) << bits[:10]).sum(axis=1)
        assert y.tolist() == (own % 3 == 0).tolist()  # scikit-learn's 0 is malignant, 1 here
        found += own.tolist()
    assert sorted(found) == numbers.tolist()


def test_a_hospital_knows_how_many_there_are() -> None:
    with pytest.raises(ValueError, match="found 3 participants"):
        Bundle.load(EXAMPLE).resolve("task:data")(0, 3)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidUsage, match="found something there already"):
        projects.make(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidUsage, match="found something there already"):
        projects.make(tmp_path / "file")


@pytest.mark.parametrize("name", ['a"b', "-a", "a b", "a" * 101])
def test_a_name_fits_into_the_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidUsage, match=r"^NAME: found"):
        projects.make(tmp_path / name)


def test_an_unknown_template(tmp_path: Path) -> None:
    with pytest.raises(InvalidUsage, match="accepted: points, hospitals"):
        projects.make(tmp_path / "mine", "cats")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        projects.make(tmp_path / "file" / "mine")
