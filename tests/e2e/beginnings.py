"""Kills `sheaf run` at each of its first file calls, and looks at what is left: a run that can be
gone on with, or none.

A program of its own, so that it may fork; the argument is the project's folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from sheaf.apps import runs
from sheaf.apps.cli import running
from tests.e2e.courses import Left
from tests.e2e.filecalls import Calls, counted, die
from tests.e2e.kills import child

ENOUGH = 4
"""So many runs that were there when they were killed."""


def main() -> None:
    project = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        alone = Left.by(running.begin(project, {}, Path(folder) / "alone", quiet=True).run.folder)
        none, begun = 0, list[runs.Run]()
        while len(begun) < ENOUGH:
            at = none + len(begun) + 1
            here = Path(folder) / str(at)
            here.mkdir()
            status, _ = child(partial(_begin, project, here, at), 60)
            if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
                raise AssertionError(f"file call {at}: ended with {status}, expected a kill")
            found = runs.listed(runs.home(here))
            if begun and not found:
                raise AssertionError(f"file call {at}: found no run, though one was there earlier")
            begun += found
            none += not found
        for run in (begun[0], begun[-1]):
            left = Left.by(running.go_on(run).run.folder)
            if left != alone:
                told = f"found {left.summary}, expected {alone.summary}"
                raise AssertionError(f"{run.folder}: {told}")
    sys.stdout.write(json.dumps({"none": none, "begun": len(begun)}) + "\n")


def _begin(project: Path, here: Path, at: int) -> None:
    os.chdir(here)
    with counted(Calls(at, die)):
        running.begin(project, {}, quiet=True)


if __name__ == "__main__":
    main()
