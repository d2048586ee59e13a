"""`sheaf challenge` as a process of its own, beside a run that it has no part in, on an anvil."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.endpoint import Endpoint
from sheaf.nodes.cast import STORE, Cast
from sheaf.simulation import liars
from tests.e2e.command import SHEAF, environment
from tests.nodes.outside import OUTSIDER, Scene, ask, clocked, embedded
from tests.nodes.plans import STAKE
from tests.nodes.stage import play

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
"""Of the test with a process: longer than any takes that is not broken."""


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scene]:
    """A chain whose blocks are the test's to make: its own would come an hour apart."""
    with Anvil(require(ROOT), options(chain_id=1337, block_time_s=3600)) as anvil:
        clock = clocked(monkeypatch, anvil.url, DEVELOPMENT_KEY)
        yield Scene(anvil.url, clock, tmp_path, DEVELOPMENT_KEY)


@dataclass
class Process:
    """`sheaf challenge` on another's machine, as far as a process goes: its own folder, and no
    more of the run than the chain's address and the store. With `mortal` it is killed whenever it
    has handed something in, and started again."""

    scene: Scene
    cast: Cast
    mortal: bool = False
    kills: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def __call__(self) -> None:
        """Wait until it has done all that it can before the next block."""
        if self.cast.nodes[0].state.trail.published is None or self.ended:
            return
        chain = Endpoint(self.scene.url)
        newest = int(ask(chain, "eth_blockNumber"), 16)
        chain.close()
        while not self.ended:
            line = self._line()
            if line["event"] == "block" and line["number"] >= newest:
                return
            if self.mortal and line["event"] == "move" and line["line"].startswith("sends"):
                self._kill()

    @property
    def ended(self) -> bool:
        """Whether it has come to its end by itself."""
        return bool(self.lines) and self.lines[-1]["event"] == "ended"

    def finish(self) -> dict[str, Any]:
        """Blocks, until it has ended; what it said last."""
        while not self.ended:
            self.scene.clock(0)
        assert self.process is not None
        assert self.process.wait(PATIENCE_S) == 0
        return self.lines[-1]

    def close(self) -> None:
        """End it, if it is not."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def _line(self) -> dict[str, Any]:
        if self.process is None:
            self.process = self._started()
        assert self.process.stdout is not None
        # Not by `select`: lines that were read together wait in the stream, not in the pipe.
        watchdog = Timer(PATIENCE_S, self.process.kill)
        watchdog.start()
        told = self.process.stdout.readline()
        watchdog.cancel()
        assert told, f"found no line, after {self.lines[-3:]}"
        self.lines.append(json.loads(told))
        return self.lines[-1]

    def _kill(self) -> None:
        self.close()
        self.process, self.kills = None, self.kills + 1

    def _started(self) -> subprocess.Popen[str]:
        here = self.scene.folder / "elsewhere"
        here.mkdir(exist_ok=True)
        key = here / "key"
        key.write_text(OUTSIDER.hex(), encoding="ascii")
        key.chmod(0o600)
        task, store = f"0x{self.cast.task_id.hex()}", str(self.scene.folder / "run" / STORE)
        command = [*SHEAF, "challenge", task, "--ledger", self.scene.url, "--store", store]
        command += ["--key", str(key), "--poll", "0.02", "--format", "json"]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "bufsize": 1, "text": True}
        return subprocess.Popen(command, cwd=here, env=environment(here), **pipes)


@pytest.mark.parametrize("mortal", [False, True], ids=["alive", "killed at every move"])
def test_a_committee_that_lies_loses_to_a_process_elsewhere(
    scene: Scene, tmp_path: Path, mortal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = scene.cast(partial(liars.lying_committee, round=1, withholds=False))
    outside = Process(scene, cast, mortal)
    scene.clock.watching.append(outside)
    try:
        played, end = scene.play(cast), outside.finish()
    finally:
        outside.close()
    honest = play(tmp_path / "honest", embedded())
    assert played.summary["model"]["root"] == honest.summary["model"]["root"]
    assert end["disputes"] == [
        {
            "round": 1,
            "dispute": 1,
            "about": "the claimed model at coordinate 4",
            "ruling": "upheld: claim overturned",
        }
    ]
    assert (end["earned"], end["lost"], end["locked"]) == (9 * STAKE, 0, 0)
    told = [line for line in outside.lines if line["event"] == "claim"]
    assert {(line["attempt"], line["line"]) for line in told} == {
        (1, "recomputed, wrong"),
        (2, "recomputed, right"),
    }
    # A life counts what it has recomputed itself; the last one here did no more than withdraw.
    assert (end["claims"], end["recomputed"]) == (2, 0 if mortal else 2)
    # An approval, a challenge, a decision, a withdrawal: each once, whatever was killed.
    assert end["transactions"] == 4
    assert outside.kills == (3 if mortal else 0)
    assert end["spent_wei"] > 0
    assert [line for line in outside.lines if "fails" in line.get("line", "")] == []

    # Nothing is left to watch, and that is one line.
    arguments = ["challenge", end["task"], "--ledger", scene.url, "--store", str(tmp_path / "run")]
    key, state = str(tmp_path / "elsewhere" / "key"), str(tmp_path / "late")
    assert execute([*arguments, "--key", key, "--state", state]) == 3
    assert "found it over (DONE), and nothing is owed" in capsys.readouterr().err
