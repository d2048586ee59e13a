"""Processes that do a share of a verification's work, and are asked and answer in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, TypeVar

import sheaf

T = TypeVar("T")

TRIES = 3
"""How often something is asked, if the process that was asked died."""


class Processes:
    """Processes that run `module` and answer lines of JSON with others, after a first line that
    says what all is about; each is started when it is needed."""

    def __init__(self, module: str, about: str) -> None:
        self._module, self._about = module, about
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._lock, self._ended = Lock(), False

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def pids(self) -> list[int]:
        """Those that were started."""
        return [process.pid for process in self._all]

    def ask(self, asked: Any, answered: Callable[[Any], T | None]) -> T | None:
        """What a process answers, as `answered` reads it; None where none does."""
        line = json.dumps(asked).encode() + b"\n"
        for _ in range(TRIES):
            with suppress(OSError, EOFError):
                process = self._process()
                try:
                    found = answered(json.loads(_asked(process, line)))
                except (ValueError, KeyError, TypeError):
                    process.kill()
                    continue
                with self._lock:
                    self._idle.append(process)
                return found
        return None

    def end(self) -> None:
        """End all of them."""
        with self._lock:
            self._ended = True
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not written any more
                    _pipe(pipe).close()

    def _process(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise EOFError
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
            process = _started(self._module)
            self._all.append(process)
        _pipe(process.stdin).write(self._about.encode() + b"\n")
        return process


def _started(module: str) -> subprocess.Popen[bytes]:
    # Not from the working directory (-P), which may be anybody's; and one thread each.
    below = str(Path(sheaf.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [below, os.environ.get("PYTHONPATH", "")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | threads | {"PYTHONPATH": paths},
    )


def _asked(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """A line of a process's; raises `EOFError` where it ended."""
    requests = _pipe(process.stdin)
    requests.write(line)
    requests.flush()
    found = _pipe(process.stdout).readline()
    if not found.endswith(b"\n"):
        raise EOFError
    return found


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
