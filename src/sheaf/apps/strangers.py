"""A stranger's means: the task's id, ledgers and stores as they are named on a command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sheaf.apps import chains
from sheaf.ledger.endpoint import expanded, shown
from sheaf.ledger.rpc import Connection
from sheaf.nodes import inventory
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.checkpoints import Checkpoints
from sheaf.nodes.evidence import Evidence, Manner, Report, Told
from sheaf.nodes.ledgers import Ledger, LedgerInFile, ProvedLedger, proved_file
from sheaf.nodes.rereading import Source
from sheaf.nodes.stranger import Asked, examine_task
from sheaf.nodes.verification import NOTHING, PLAINLY, Further
from sheaf.protocol.errors import InvalidUsage
from sheaf.store import DiskStore, Store
from sheaf.store.http import HttpStore
from sheaf.store.several import SeveralStores

_TASK = re.compile(r"0x([0-9a-fA-F]{64})")
_WEB = ("http://", "https://")


def task_of(text: str | None) -> bytes | None:
    """The 32 bytes of a task's id, 0x and 64 hex digits; None for any other text."""
    matched = _TASK.fullmatch(text or "")
    return bytes.fromhex(matched[1]) if matched else None


def manner_of(state: Path | None, jobs: int, folder: Path | None, told: Told) -> Manner:
    """How to replay: with so many `jobs`, and the notes in the file `state`, which must not lie in
    the run's own `folder`.

    Raises `InvalidUsage`, and what `Checkpoints.open` raises.
    """
    if state is not None and folder is not None and state.resolve().is_relative_to(folder):
        raise InvalidUsage("--state: found a file in the run's folder, accepted: one of your own")
    return Manner(jobs, Checkpoints.open(state), told)


@contextmanager
def examined(
    asked: Asked,
    ledgers: Sequence[str],
    stores: Sequence[str],
    *further: Further,
    first: int = 0,
    anchor: Anchor = NOTHING,
    manner: Manner = PLAINLY,
) -> Iterator[tuple[Evidence, Report]]:
    """Verify a task from these ledgers (endpoints, files) and stores (addresses, directories);
    endpoints are read from block `first` on. Stores can be read until the end.

    Raises `InvalidUsage` where there are none or they are none, and what `examine_task` raises.
    """
    if not ledgers or not stores:
        raise InvalidUsage(
            f"found a task with {len(ledgers)} ledgers and {len(stores)} stores, accepted: at "
            "least one --ledger and one --store"
        )
    if anchor.keys:
        raise InvalidUsage(
            "--keys: found it for a task, accepted: for a run, whose folder has them"
        )
    with ExitStack() as stack:
        found = _named(ledgers)
        opened = [
            stack.enter_context(_ledger(name, text, first, light=asked.light))
            for name, text in found
        ]
        several = SeveralStores([stack.enter_context(_store(*each)) for each in _named(stores)])
        evidence, report = examine_task(
            asked, opened, several, *further, anchor=anchor, manner=manner
        )
        report.outside += several.troubles
        yield evidence, report


def _named(texts: Sequence[str]) -> list[tuple[str, str]]:
    """What may be told of each, with the whole of it: no name twice."""
    found: list[tuple[str, str]] = []
    for number, text in enumerate(texts, start=1):
        name = shown(expanded(text, os.environ)) if text.startswith(_WEB) else text
        if any(name == known for known, _ in found):
            name = f"{name} (number {number})"
        found.append((name, text))
    return found


@contextmanager
def _ledger(name: str, text: str, first: int, *, light: bool) -> Iterator[Ledger]:
    if text.startswith(_WEB):
        with chains.opened(Connection(expanded(text, os.environ))) as chain:
            yield ProvedLedger(name, Source(chain.client, first))
        return
    path = Path(text)
    path = path / inventory.LEDGER if path.is_dir() else path
    if not path.is_file():
        raise InvalidUsage(
            f"--ledger: found {text!r:.200}, accepted: an http or https address, or a ledger's file"
        )
    if light:
        with proved_file(name, path) as ledger:
            yield ledger
    else:
        yield LedgerInFile(name, path)


@contextmanager
def _store(name: str, text: str) -> Iterator[tuple[str, Store]]:
    if text.startswith(_WEB):
        store = HttpStore(expanded(text, os.environ))
        try:
            yield name, store
        finally:
            store.close()
        return
    path = Path(text)
    path = path / inventory.STORE if (path / inventory.STORE).is_dir() else path
    if not path.is_dir():
        raise InvalidUsage(
            f"--store: found {text!r:.200}, accepted: an http or https address, or a directory"
        )
    yield name, DiskStore(path)
