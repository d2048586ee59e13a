"""`sheaf run` as a process of its own, on a small project that can be held still."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

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
