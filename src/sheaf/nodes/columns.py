"""Some columns of a round, combined by themselves: what a replay shares out among processes.

A process that is handed columns reads them in the first copy of each array, and says what it found
and what came of it. Whether these were the right bytes shows when all columns are put together; if
they were not, or anything else went wrong, whoever shared them out does the whole round alone. So
nobody's findings depend on who did what.

Requests and answers are lines of JSON over a process's own pipes: `python -m sheaf.nodes.columns`.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

from sheaf.nodes.aggregation import Given, Outcome, Result
from sheaf.nodes.blocks import Part
from sheaf.protocol.errors import SheafError
from sheaf.protocol.task import Task
from sheaf.store.described import Description, opened
from sheaf.store.interface import Store
from sheaf.store.several import SeveralStores

SHARE_BYTES = 32 * 2**20
"""Of what is read for one share, about: some hundredths of a second."""


@dataclass(frozen=True)
class Columns:
    """What came of some columns of a round: what was read, and the outcome."""

    part: Part
    outcome: Outcome


def shares(given: Given, store: Store) -> list[slice]:
    """The columns of a round in shares, each of whole blocks."""
    reading = given.reading(store)
    width = sum(each.element_bytes for each in reading.wanted)
    step = reading.columns * max(1, SHARE_BYTES // (width * reading.columns))
    longest = reading.longest
    return [slice(at, min(longest, at + step)) for at in range(0, longest, step)]


def combined(given: Given, store: Store, columns: slice) -> Columns | None:
    """Combine some columns; None where that did not go as it should."""
    outcome = Outcome()
    try:
        part = given.reading(store).part(columns, given.arithmetic(), outcome.take)
    except SheafError:
        return None
    # A store that told of trouble would have been asked on by whoever does the whole round.
    if part is None or (isinstance(store, SeveralStores) and store.troubles):
        return None
    return Columns(part, outcome)


def together(given: Given, store: Store, found: Sequence[Columns]) -> Result | None:
    """The result of a round from all its columns, in order; None where the bytes were not those of
    the ids, or were changed meanwhile."""
    reading, first = given.reading(store), found[0].part
    if any(each.part.identities != first.identities for each in found):
        return None
    roots = [[root for each in found for root in each.part.roots[at]] for at in _places(first)]
    if reading.wrong(roots):
        return None
    whole = Outcome()
    for each in found:
        for known, more in zip(whole.roots, each.outcome.roots, strict=True):
            known.extend(more)
        whole.counts.update(each.outcome.counts)
    ids = [each.content_id for each in reading.wanted]
    return whole.kept(given.task, dict(zip(ids, first.identities, strict=True)))


def _places(part: Part) -> range:
    return range(len(part.roots))


def request(given: Given, store: Description, columns: slice) -> dict[str, Any]:
    """What another process is asked; the task is told to it once (`serve`)."""
    return {
        "base": given.base.hex(),
        "state": given.state.hex(),
        "counted": [[at, root.hex(), samples] for at, root, samples in given.counted],
        "columns": [columns.start, columns.stop],
        "store": store,
    }


def answer(columns: Columns | None) -> Any:
    """What it answers."""
    if columns is None:
        return None
    part, outcome = columns.part, columns.outcome
    return {
        "read": [_hex(roots) for roots in part.roots],
        "identities": [*part.identities],
        "made": [_hex(roots) for roots in outcome.roots],
        "counts": dict(outcome.counts),
    }


def answered(plain: Any) -> Columns | None:
    """What an answer says. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    if plain is None:
        return None
    part = Part([_bytes(roots) for roots in plain["read"]], [*plain["identities"]])
    model, state = map(_bytes, plain["made"])
    outcome = Outcome(roots=(model, state))
    outcome.counts.update({str(name): int(count) for name, count in plain["counts"].items()})
    return Columns(part, outcome)


def _hex(roots: Sequence[bytes]) -> list[str]:
    return [root.hex() for root in roots]


def _bytes(roots: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(root) for root in roots]


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are none any more: the first line is the task document, in
    hex."""
    whole = Given(Task.decode(bytes.fromhex(requests.readline().decode())), b"", b"", ())
    stores: dict[str, Store] = {}
    for line in requests:
        plain: Mapping[str, Any] = json.loads(line)
        # One at a time: a store that fell silent is described anew.
        name = json.dumps(plain["store"], sort_keys=True)
        if name not in stores:
            stores = {name: opened(plain["store"])}
        given = replace(
            whole,
            base=bytes.fromhex(plain["base"]),
            state=bytes.fromhex(plain["state"]),
            counted=[(at, bytes.fromhex(root), samples) for at, root, samples in plain["counted"]],
        )
        found = combined(given, stores[name], slice(*plain["columns"]))
        if found is None:
            stores = {}  # what it noted of trouble is of this round
        answers.write(json.dumps(answer(found)).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    # An interrupt is for whoever shares out; the end of its requests ends this process, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
