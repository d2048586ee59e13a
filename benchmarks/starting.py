"""How long a person waits before anything happens: the import, and the command's help."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measuring import Measured, Row, fastest

TURNS = 7
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import sheaf": ["-c", "import sheaf"],
    "import sheaf.apps.api": ["-c", "import sheaf.apps.api"],
    "sheaf --help": [str(Path(sys.executable).with_name("sheaf")), "--help"],
}
LIMITS = {"import sheaf": 0.3, "sheaf --help": 0.5}


def measure(quick: bool) -> Measured:
    works = {name: partial(_run, command) for name, command in COMMANDS.items()}
    found = fastest(works, 2 if quick else TURNS)
    bare = found.pop("python -c pass")
    rows = [Row("python -c pass", bare, "s")]
    for name, taken in found.items():
        rows.append(Row(name, taken, "s", at_most=LIMITS.get(name)))
        rows.append(Row(f"{name}, by python -c pass", taken / bare, "times"))
    return Measured(rows)


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
