"""`python -m sheaf.ledger.leash PROGRAM ...`: run a program that must not outlive its owner.

The owner holds the other end of this process's standard input. When it lets go, by closing it or by
dying in whatever way, the program is stopped. No system has a call for this that the others have.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

GRACE_S = 5.0

_STANDARD_INPUT = 0
"""Read below Python's buffers: they are locked while a thread waits in them, even at exit."""


def hold(command: list[str]) -> int:
    """Run `command` until it ends or standard input does; its exit code."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        threading.Thread(target=_watch, args=[process], daemon=True).start()
        return process.wait()


def _watch(process: subprocess.Popen[bytes]) -> None:
    while os.read(_STANDARD_INPUT, 1):
        pass
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
        return
    process.kill()


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
