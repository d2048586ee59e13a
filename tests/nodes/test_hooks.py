"""What a look at the hooks finds before a task is published, and that it is what a node finds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sheaf.learning.survey import Column
from sheaf.nodes.hooks import HookReport, check_hooks
from sheaf.protocol import task
from sheaf.protocol.errors import InvalidModel
from tests.nodes.plans import PROJECT, plan, schedule
from tests.nodes.stage import play

FEATURES = (task.Feature("X", "float32", (4,)), task.Feature("y", "float32", ()))
OBJECTIONS = {
    "short": "the data hook returned 3 samples; the task asks for 10",
    "empty": "found no samples, accepted: at least one",
    "narrow": "found a batch X of shape (16, 3) and torch.float32, ",
    "holed": "X, sample 5: found NaN or infinity, accepted: finite numbers",
    "unsigned": "task:unsigned: found the signature () -> 'Arrays'; accepted: 2 positional ",
    "broken": "task:broken: raised OSError: the disk is gone",
}


def reports(participant: int | None = None, **changes: Any) -> list[HookReport]:
    return list(check_hooks(plan(**changes), participant))


def test_hooks_that_fit_are_described() -> None:
    found = reports(data=task.DataRequirements(FEATURES, 10))
    names = [f"participant-{n}" for n in (1, 2, 3, 4)]
    assert [report.who for report in found] == [*names, "sponsor"]
    assert [report.entry for report in found] == ["task:data"] * 4 + ["task:holdout"]
    assert {report.objection for report in found} == {""}
    surveys = [report.survey for report in found if report.survey]
    assert [survey.samples for survey in surveys] == [80, 40, 40, 40, 200]
    for survey in surveys:
        assert (survey.features.dtype, survey.features.shape) == ("float32", (4,))
        assert survey.labels == Column("float32", (), 0.0, 1.0, 0)
        assert survey.classes is not None
        assert (*survey.classes, sum(survey.classes.values())) == (0, 1, survey.samples)


def test_one_participant_s_hook_alone() -> None:
    (found,) = reports(participant=3)
    assert (found.who, found.objection) == ("participant-3", "")


@pytest.mark.parametrize("hook", OBJECTIONS)
def test_hooks_that_do_not_fit_say_why(hook: str) -> None:
    (found,) = reports(participant=2, data_entry=f"task:{hook}")
    assert found.objection.startswith(OBJECTIONS[hook])
    assert "\n" not in found.objection
    read = hook in ("short", "narrow", "holed")
    assert (found.survey is not None) == read


def test_what_is_not_finite_is_counted_though_it_is_refused() -> None:
    (found,) = reports(participant=2, data_entry="task:holed")
    assert found.survey is not None
    assert (found.survey.features.not_finite, found.survey.labels.not_finite) == (1, 0)


def test_features_of_another_shape_are_named() -> None:
    asked = (replace(FEATURES[0], shape=(5,)), FEATURES[1])
    (found,) = reports(participant=1, data=task.DataRequirements(asked, 10))
    assert found.objection == "X: found float32 of shape (4,); the task asks float32 of shape (5,)"


def test_an_evaluation_that_cannot_be_made_is_the_sponsor_s() -> None:
    found = reports(model_entry="task:three", data_entry="task:unsigned")
    assert found[-1].who == "sponsor"
    assert found[-1].survey is not None
    assert found[-1].objection == "found 3 classes, accepted: 2, for a metric over pairs"


def test_a_participant_s_inspection_says_the_same(tmp_path: Path) -> None:
    watcher = play(tmp_path / "run", plan(schedule=schedule(1), data_entry="task:holed")).watcher
    found = reports(data_entry="task:holed")[:-1]
    told = [f"{report.who} declines: {report.objection}" for report in found]
    assert told == watcher.warnings[: len(told)]


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    # Another digest than the project's own, which this process may have imported already.
    text = (PROJECT / "task.py").read_text("utf-8") + "\nimport sheaf_test_beside\n"
    (tmp_path / "task.py").write_text(text, encoding="utf-8")
    (tmp_path / "sheaf_test_beside.py").write_text("", encoding="utf-8")
    assert len(reports(folder=tmp_path)) == 5
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["sheaf_test_beside.py", "task.py"]
    assert not sys.dont_write_bytecode
    del sys.modules["sheaf_test_beside"]


def test_without_a_model_there_is_nothing_to_meet() -> None:
    with pytest.raises(InvalidModel, match=r"task:nothing: found a str; accepted: a torch\.nn"):
        reports(model_entry="task:nothing")
