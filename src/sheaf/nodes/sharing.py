"""The rounds of a replay shared out among processes, by round and by columns.

Each process combines columns that it is handed (`columns.py`); here they are put together, and the
results come in the order of the rounds. What did not go well elsewhere is done again here, by the
one way in which it is done without other processes, which tells what is wrong.

A process that dies costs the columns that it was at, which the next one gets. When this one dies
the others see the end of their requests, and end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from sheaf.nodes.aggregation import Given, Result, aggregate
from sheaf.nodes.columns import Columns, answered, request, shares, together
from sheaf.nodes.processes import Processes
from sheaf.store.described import Description, description
from sheaf.store.interface import Store

COLUMNS = "sheaf.nodes.columns"

LEAST_BYTES = 128 * 2**20
"""Of what is to be read for each process: for less, starting one takes longer than it saves."""


class Watcher:
    """Told of rounds, by their place, as soon as something is known of one: not in order."""

    def done(self, place: int, columns: int) -> None:
        """So many columns of a round were combined."""

    def made(self, place: int, result: Result) -> None:
        """A round gave this."""


NOBODY = Watcher()


def results(
    rounds: Sequence[Given], store: Store, jobs: int, watcher: Watcher = NOBODY
) -> Generator[Result]:
    """What each of the rounds gives, in order, made by as many processes as there are `jobs` and
    use for them. Raises, in the place of a result, as `aggregate` does."""
    shared = [
        (place, columns) for place, each in enumerate(rounds) for columns in shares(each, store)
    ]
    jobs = min(jobs, len(shared), _size_bytes(rounds, store) // LEAST_BYTES)
    if jobs <= 1 or description(store) is None:
        for place, given in enumerate(rounds):
            yield alone(given, store, place, watcher)
        return
    with (
        Processes(COLUMNS, rounds[0].task.encode().hex()) as processes,
        ThreadPoolExecutor(jobs) as pool,
    ):
        try:
            yield from _Sharing(rounds, store, deque(shared), processes, pool, jobs, watcher).run()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()


def alone(given: Given, store: Store, place: int, watcher: Watcher) -> Result:
    """What a round gives, made here. Raises as `aggregate` does."""
    inputs, told = (given.base, given.counted, given.state), partial(watcher.done, place)
    result = aggregate(given.task, store, *inputs, told=told)
    watcher.made(place, result)
    return result


def _size_bytes(rounds: Sequence[Given], store: Store) -> int:
    return sum(each.size_bytes for given in rounds for each in given.reading(store).wanted)


@dataclass
class _Round:
    """What is known of a round of which some shares are out: `columns` came back, and `under` is
    how the store was described to those who read it."""

    missing: int = 0
    columns: int = 0
    found: dict[int, Columns | None] = field(default_factory=dict)
    under: list[Description | None] = field(default_factory=list)


@dataclass
class _Sharing:
    """Who has what."""

    rounds: Sequence[Given]
    store: Store
    left: deque[tuple[int, slice]]
    processes: Processes
    pool: ThreadPoolExecutor
    jobs: int
    watcher: Watcher
    out: dict[Future[Columns | None], tuple[int, slice]] = field(default_factory=dict)
    known: dict[int, _Round] = field(default_factory=dict)
    made: dict[int, Result | None] = field(default_factory=dict)

    def run(self) -> Iterator[Result]:
        """The results, in order."""
        for place, _ in self.left:
            self.known.setdefault(place, _Round()).missing += 1
        for place, given in enumerate(self.rounds):
            self._hand_out()
            while place not in self.made:
                self._gather()
                self._hand_out()
            result, now = self.made.pop(place), description(self.store)
            if any(each != now for each in self.known.pop(place).under):
                result = None  # others would be asked for the bytes by now
            if result is None:
                result = alone(given, self.store, place, self.watcher)
            yield result

    def _hand_out(self) -> None:
        """As much as keeps everybody busy."""
        while self.left and len(self.out) < 2 * self.jobs:
            place, columns = self.left.popleft()
            described = description(self.store)
            self.known[place].under.append(described)
            assert described is not None
            asked = request(self.rounds[place], described, columns)
            self.out[self.pool.submit(self.processes.ask, asked, answered)] = (place, columns)

    def _gather(self) -> None:
        """Wait for some, and put together what is complete."""
        for future in wait(self.out, return_when=FIRST_COMPLETED).done:
            place, columns = self.out.pop(future)
            round = self.known[place]
            round.found[columns.start] = future.result()
            round.missing -= 1
            round.columns += columns.stop - columns.start
            self.watcher.done(place, round.columns)
            if not round.missing:
                self.made[place] = self._whole(place, round)

    def _whole(self, place: int, round: _Round) -> Result | None:
        parts = [part for _, part in sorted(round.found.items()) if part is not None]
        complete, round.found = len(parts) == len(round.found), {}
        result = together(self.rounds[place], self.store, parts) if complete else None
        if result is not None:
            self.watcher.made(place, result)
        return result
