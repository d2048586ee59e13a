"""The second example as a person runs it: from the command to the summary, and what it learned."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, Row

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
LIMIT_S = 60
LEAST_ACCURACY = 0.94


def measure(quick: bool) -> Measured:
    """Seconds with the start of the process and the loading of torch; the accuracy on held-out
    images as the sponsor reports it. A quick one has two rounds, which teach less."""
    started = time.perf_counter()
    summary = _run("--rounds", "2") if quick else _run()
    taken = time.perf_counter() - started
    if summary["status"] != "settled":
        raise RuntimeError(f"examples/digits ended early: {summary['cause']}")
    return Measured(
        [
            Row("examples/digits, whole", taken, "s", at_most=LIMIT_S),
            Row(
                "examples/digits, held-out accuracy",
                summary["metrics"]["accuracy"],
                at_least=None if quick else LEAST_ACCURACY,
            ),
        ]
    )


def _run(*more: str) -> dict[str, Any]:
    """The summary that the command prints; what it says where it fails ends the program."""
    command = [str(Path(sys.executable).with_name("sheaf")), "run", str(DIGITS), *more]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *command, "--format", "json"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary
