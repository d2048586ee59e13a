"""`sheaf lab`: the run with a liar, as people and as programs read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.apps.cli.progress import Progress


def test_a_lying_committee_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["lab", "dispute", "--rounds", "1", "--round", "1", "--format", "json"]
    assert execute(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert [move["action"] for move in found["moves"]] == ["Challenge", "Decide", "Settle"]
    assert found["gas"] == sum(move["gas"] for move in found["moves"][:2])
    assert (found["overturned"], found["status"]) == (1, "settled")
    assert found["model_root_final"] == found["model_root_honest"]
    # Three seats lose five tokens each, and half of that is the challenger's.
    assert [*found["slashed"].values()] == [5 * 10**18] * 3
    assert [*found["earned"].values()] == [75 * 10**17]
    # What the command says to do next works.
    assert execute(["verify", found["run"], "--explain"]) == 0
    told = capsys.readouterr().out
    assert "Trusted all the same" in told
    assert "one honest challenger" in told


def test_an_interrupted_lab_says_that_it_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(progress: Progress, round: int, phase: str) -> None:
        """A person presses Ctrl-C as the first phase begins."""
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Progress, "phase", interrupted)
    assert execute(["lab", "dispute", "--rounds", "1", "--round", "1"]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        "interrupted; a run of the lab cannot go on (the same command begins a new one)"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--liar", "sponsor"],
            "--liar: found 'sponsor', accepted: committee, participant, challenger, server",
        ),
        (
            ["--liar", "participant", "--withhold"],
            "--withhold: found it with --liar participant, which withholds anyway",
        ),
        (["--round", "4"], "--round: found 4, accepted: at most --rounds, 3"),
    ],
)
def test_what_cannot_be_played_is_refused(
    arguments: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["lab", "dispute", *arguments]) == 2
    assert capsys.readouterr().err.strip() == line
    assert list(tmp_path.iterdir()) == []
