"""What a participant looks at before it stakes, where the task declares no features."""

from __future__ import annotations

from pathlib import Path

from sheaf.nodes.cast import Cast
from tests.nodes import faults
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import play


def test_data_of_another_width_declines_before_anything_is_staked(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        faults.with_data(cast.node("participant-2"), "task:narrow")

    played = play(tmp_path / "run", plan(schedule=schedule(1)), alter)
    (line,) = [w for w in played.watcher.warnings if w.startswith("participant-2 ")]
    assert line.startswith(
        "participant-2 declines: found a batch X of shape (16, 3) and torch.float32, "
    )
    assert "accepted: what the module and BCEWithLogitsLoss take" in line
    assert played.summary["rounds"][0]["cohort"] == 3
    assert played.summary["slashed"] == {}
