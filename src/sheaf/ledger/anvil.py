"""anvil, Foundry's development chain: found, started on the loopback interface, and ended.

The native program is looked for where npm puts it and then on the path. npm's `anvil` is a script
that starts it, so that ending the script would leave the chain running.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from sheaf.protocol.errors import LedgerUnavailable

PACKAGE = "@foundry-rs/anvil"
ADVICE = f"npm install {PACKAGE}, or install Foundry"
LOOPBACK = "127.0.0.1"
DEVELOPMENT_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Of the first account that every anvil funds: published, and worth nothing anywhere else."""

GAS_LIMIT = 1_000_000_000
"""As wide as an embedded block, so that one batch is one block there, too."""

_FOLDERS = ("", "contracts")
_LISTENING = "Listening on "


def find(start: Path, path: str | None = None) -> Path | None:
    """anvil in the `node_modules` of `start`, of a folder above it or of `contracts` in one, or on
    the path (`os.environ`'s unless another is given)."""
    for folder in (start, *start.parents):
        for inner in _FOLDERS:
            packages = folder / inner / "node_modules" / "@foundry-rs"
            for program in sorted(packages.glob("anvil-*/bin/anvil*")):
                if os.access(program, os.X_OK):
                    return program
    found = shutil.which("anvil", path=path)
    return Path(found) if found else None


def require(start: Path, path: str | None = None) -> Path:
    """As `find`; LedgerUnavailable, saying what to install, where there is none."""
    program = find(start, path)
    if program is None:
        raise LedgerUnavailable(f"found no anvil, accepted: one in {start} or on the path", ADVICE)
    return program


def options(
    *,
    chain_id: int,
    port: int = 0,
    timestamp: int | None = None,
    block_time_s: float | None = None,
) -> list[str]:
    """Arguments for a chain like the embedded one: the same rules, blocks as wide, and what was
    sent first comes first. Port 0 takes a free one; `timestamp` None is the machine's time. With a
    `block_time_s` it makes a block so often by itself, as chains do that several parties use."""
    chosen = ["--host", LOOPBACK, "--port", str(port), "--chain-id", str(chain_id)]
    chosen += ["--hardfork", "cancun", "--order", "fifo", "--gas-limit", str(GAS_LIMIT)]
    chosen += [] if block_time_s is None else ["--block-time", f"{block_time_s:g}"]
    return chosen if timestamp is None else [*chosen, "--timestamp", str(timestamp)]


class Anvil:
    """A running anvil, which ends with this object and with this process, however that dies."""

    def __init__(self, program: Path, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "sheaf.ledger.leash", str(program), *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # An interrupt of the terminal is for this process, which then ends the chain in order.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        said, self.url = _started(self._process.stdout)
        # What it goes on to say must be read, or it would wait for that.
        self._reader = Thread(target=deque, args=[self._process.stdout, 0], daemon=True)
        self._reader.start()
        if not self.url:
            self.close()
            raise LedgerUnavailable(f"anvil did not start: {said or 'it said nothing'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def wait(self) -> None:
        """Until it ends by itself."""
        self._process.wait()

    def close(self) -> None:
        """End it, and wait until it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def _started(lines: Iterable[str]) -> tuple[str, str]:
    """What it said before it listened, on one line, and where; no address where it ended."""
    said: list[str] = []
    for line in lines:
        if line.startswith(_LISTENING):
            return "", "http://" + line.removeprefix(_LISTENING).strip()
        said += line.split()
    return " ".join(said), ""
