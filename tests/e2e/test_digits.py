"""The second example, as a person runs it: twenty owners, ten a round, two machines that fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.nodes.bundle import Bundle

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = EXAMPLES / "digits"


def test_twenty_owners_learn_to_read_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert execute(["run", str(DIGITS), "--format", "json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["status"] == "settled"
    assert [(row["outcome"], row["cohort"]) for row in summary["rounds"]] == [("settled", 10)] * 20
    assert summary["metrics"]["accuracy"] >= 0.94
    missed = [row["cohort"] - row["committed"] for row in summary["rounds"]]
    assert 0 < sum(missed) <= 10
    assert captured.err.count("has no power") == sum(missed)
    names = {summary["accounts"][address] for address in summary["slashed"]}
    assert names == {"participant-4", "participant-12"}
    command = [sys.executable, str(EXAMPLES / "pooled.py"), str(DIGITS), "--least", "0.94"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "held-out accuracy, pooled training" in done.stdout
    # How long it took is printed, not judged: another machine takes another time.
    took = sum(row["seconds"]["total"] for row in summary["rounds"])
    assert re.search(rf"seconds of 20 rounds +{took:.1f}  \(reported, run ", done.stdout)
    assert (tmp_path / ".sheaf" / "runs" / summary["run"] / "rounds.svg").stat().st_size > 0
    assert execute(["verify", "--last"]) == 0


def test_the_owners_share_all_images_but_those_held_out_and_unequally() -> None:
    code = Bundle.load(DIGITS)
    owned = [code.call("task:owned", index) for index in range(20)]
    sponsors = code.call("task:held_out")
    everybodys = Counter(image.tobytes() for images, _ in [*owned, sponsors] for image in images)
    assert sum(everybodys.values()) == 1797
    # scikit-learn's 1,797 images are all different.
    assert len(everybodys) == 1797
    sizes = sorted(len(digits) for _, digits in owned)
    assert sum(sizes) == 1797 - 360
    assert sizes[-1] > 3 * sizes[0]
    # The most frequent digit of an owner makes up far more than the tenth it would by itself.
    shares = [max(Counter(digits.tolist()).values()) / len(digits) for _, digits in owned]
    assert sum(shares) / 20 > 0.3
