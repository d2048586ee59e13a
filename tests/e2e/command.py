"""Commands on a small project that can be held still: in this process, or in one of their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from sheaf.apps.cli.outcome import execute

SHEAF = (sys.executable, "-c", "from sheaf.apps.cli import main; main()")

TASK = """
from pathlib import Path

import numpy as np
from torch import nn

CALLS = []
GATE = Path(__file__).with_name("gate")


def model():
    return nn.Linear(2, 2)


def data(index, count):
    CALLS.append(index)
    if len(CALLS) == 4 and GATE.exists():  # two inspections, and the first of round 1 to train
        with GATE.open("wb") as gate:
            gate.write(bytes(2**20))  # more than a pipe takes that nobody reads
    X = np.random.default_rng(index).normal(size=(20, 2)).astype(np.float32)
    return X, (X.sum(axis=1) > 0).astype(np.int64)
"""
SETTINGS = """
task.name = "flowers"
model.entry = "task:model"
data.entry = "task:data"
algorithm.loss = "CrossEntropyLoss"
algorithm.options = { lr = 0.1 }
round.participants = 2
round.committee = 1
round.aggregators = 1
schedule.rounds = 2
"""
TOLD = ("flowers: ", "capture odds ", "task ", "round ", "resuming ")
"""How the lines begin on stderr that tell how a run goes."""


def project(folder: Path) -> Path:
    """A project whose second participant never returns from round 1 while there is a gate, a named
    pipe, beside it."""
    folder.mkdir()
    (folder / "task.py").write_text(TASK, encoding="utf-8")
    (folder / "sheaf.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def interrupted(here: Path, task: Path, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Run a project in the folder `here`, and send the process a signal when it is at the gate."""
    gate = task / "gate"
    os.mkfifo(gate)
    reader = os.open(gate, os.O_RDONLY | os.O_NONBLOCK)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [*SHEAF, "run", str(task)]
    with subprocess.Popen(command, cwd=here, env=environment(here), **pipes) as process:
        assert process.stdout is not None
        # Until it is at the gate, or has ended.
        select.select([reader, process.stdout.fileno()], [], [])
        process.send_signal(number)
        out, err = process.communicate()
    os.close(reader)
    gate.unlink()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def environment(here: Path) -> dict[str, str]:
    """No settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHEAF_")}
    return {**kept, "XDG_CONFIG_HOME": str(here / "config"), "COLUMNS": "200"}


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, what it printed, and its error if there was one: what
    stands on stderr that does not tell how things go."""

    code: int
    out: str = ""
    error: str = ""


def carried_out(here: Path, *arguments: str) -> Said:
    """Carry out a command in the folder `here`, in this process."""
    out, err = StringIO(), StringIO()
    with _environment_of(here), chdir(here), redirect_stdout(out), redirect_stderr(err):
        code = execute(arguments)
    told = [line for line in err.getvalue().splitlines() if not line.startswith(TOLD)]
    return Said(code, out.getvalue(), "\n".join(told))


@contextmanager
def _environment_of(here: Path) -> Iterator[None]:
    kept = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environment(here))
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
