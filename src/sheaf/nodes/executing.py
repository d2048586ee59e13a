"""A ledger's file executed again: by several processes at once, and kept beside a path.

Others execute stretches of blocks ahead (`sheaf.ledger.stretches`); whoever verifies takes what
they wrote, in order, and executes by itself what they could not, so that findings and their order
are those of one process.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.engine import Block
from sheaf.ledger.reexecute import Ahead, Others, Reexecution, reexecute
from sheaf.ledger.remade import RemadeLedger, Written
from sheaf.ledger.stretches import answered, request, stretches
from sheaf.nodes.processes import Processes

STRETCHES = "sheaf.ledger.stretches"

LEAST_TRANSACTIONS = 1000
"""For each process: fewer are executed before another one has loaded the engine."""

LONGEST_S = 600.0
"""For a stretch, which takes about a second: a process that is stopped is not waited for."""


@dataclass(frozen=True)
class Execution:
    """How a ledger's file is executed: kept in a file `beside` a path, if there is one, and by as
    many processes as there are `jobs` and use for them. Such a file is held until `close`."""

    beside: Path | None = None
    jobs: int = 1
    held: list[RemadeLedger] = field(default_factory=list, compare=False)

    def of(
        self,
        path: Path,
        observe: Callable[[Block], None],
        started: Callable[[RemadeLedger, int], None],
    ) -> Reexecution:
        """Execute the ledger in `path`; see `reexecute`."""
        with _ahead(path, self.jobs) if self.jobs > 1 else nullcontext() as ahead:
            found = reexecute(path, observe, started, self.beside, ahead)
        if self.beside is not None:
            self.held.append(found.remade)
        return found

    def close(self) -> None:
        """Release what is held: nothing more can be asked of it."""
        while self.held:
            self.held.pop().close()


ALONE = Execution()
"""By one process, in memory."""


@contextmanager
def _ahead(path: Path, most: int) -> Iterator[Ahead]:
    about = json.dumps(str(path.resolve()))
    with Processes(STRETCHES, about) as processes, ExitStack() as ending:

        def ahead(file: LedgerFile, after: int) -> Others:
            """See `Ahead`; by nobody where there is too little for two."""
            transactions = sum(count for _, count in file.counts(after))
            jobs = min(most, transactions // LEAST_TRANSACTIONS)
            if jobs <= 1:
                return lambda number: None
            pool = ThreadPoolExecutor(jobs)
            ending.callback(pool.shutdown, wait=False, cancel_futures=True)
            return _Others(deque(stretches(file, after)), processes, pool, 2 * jobs)

        yield ahead


class _Others:
    """Who has which stretch: as many as keep everybody busy, and `most` that wait in memory."""

    def __init__(
        self, left: deque[range], processes: Processes, pool: ThreadPoolExecutor, most: int
    ) -> None:
        self._left, self._processes, self._pool, self._most = left, processes, pool, most
        self._out: dict[int, tuple[range, Future[Written | None]]] = {}

    def __call__(self, number: int) -> tuple[range, Written] | None:
        """See `Others`."""
        self._hand_out()
        if number not in self._out:
            return None
        blocks, future = self._out.pop(number)
        self._hand_out()
        try:
            written = future.result(LONGEST_S)
        except TimeoutError:
            return None
        return None if written is None else (blocks, written)

    def _hand_out(self) -> None:
        while self._left and len(self._out) < self._most:
            blocks = self._left.popleft()
            asked = self._pool.submit(self._processes.ask, request(blocks), answered)
            self._out[blocks.start] = blocks, asked
