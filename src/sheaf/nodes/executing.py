"""A ledger's file executed again: by several processes at once, and kept beside a path.

Others execute stretches of blocks ahead (`sheaf.ledger.stretches`); whoever verifies takes what
they wrote, in order, and executes by itself what they could not, so that findings and their order
are those of one process.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.engine import Block, Engine
from sheaf.ledger.reexecute import Others, Reexecution, reexecute
from sheaf.ledger.stretches import answered, request, stretches
from sheaf.nodes.processes import Processes

STRETCHES = "sheaf.ledger.stretches"

LEAST_TRANSACTIONS = 1000
"""For each process: fewer are executed before another one has loaded the engine."""

Written = dict[bytes, bytes]


@dataclass(frozen=True)
class Execution:
    """How a ledger's file is executed: kept in a file `beside` a path, if there is one, and by as
    many processes as there are `jobs` and use for them."""

    beside: Path | None = None
    jobs: int = 1

    def of(
        self,
        path: Path,
        observe: Callable[[Block], None],
        started: Callable[[Engine, int], None],
    ) -> Reexecution:
        """Execute the ledger in `path`; see `reexecute`."""
        if self.jobs <= 1:
            return reexecute(path, observe, started, self.beside)
        with _ahead(path, self.jobs) as ahead:
            return reexecute(path, observe, started, self.beside, ahead)


ALONE = Execution()


@contextmanager
def _ahead(path: Path, most: int) -> Iterator[Callable[[LedgerFile, int], Others]]:
    about = json.dumps(str(path.resolve()))
    with Processes(STRETCHES, about) as processes, ThreadPoolExecutor(most) as pool:

        def ahead(file: LedgerFile, after: int) -> Others:
            transactions = sum(count for _, count in file.counts(after))
            jobs = min(most, transactions // LEAST_TRANSACTIONS)
            left = deque(stretches(file, after) if jobs > 1 else ())
            return _Others(left, processes, pool, jobs)

        try:
            yield ahead
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()


class _Others:
    """Who has which stretch."""

    def __init__(
        self, left: deque[range], processes: Processes, pool: ThreadPoolExecutor, jobs: int
    ) -> None:
        self._left, self._processes, self._pool, self._jobs = left, processes, pool, jobs
        self._out: dict[int, tuple[range, Future[Written | None]]] = {}

    def __call__(self, number: int) -> tuple[range, Mapping[bytes, bytes]] | None:
        """See `Others`."""
        self._hand_out()
        if number not in self._out:
            return None
        blocks, future = self._out.pop(number)
        self._hand_out()
        written = future.result()
        return None if written is None else (blocks, written)

    def _hand_out(self) -> None:
        """As much as keeps everybody busy, and no more than that waits in memory."""
        while self._left and len(self._out) < 2 * self._jobs:
            blocks = self._left.popleft()
            asked = self._pool.submit(self._processes.ask, request(blocks), answered)
            self._out[blocks.start] = blocks, asked
