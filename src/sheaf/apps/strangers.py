"""A stranger's means: the task's id, ledgers and stores as they are named on a command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from sheaf.ledger.endpoint import expanded, shown
from sheaf.nodes import inventory
from sheaf.nodes.checkpoints import Checkpoints
from sheaf.nodes.evidence import Manner, Told
from sheaf.nodes.executing import ALONE, Execution
from sheaf.nodes.ledgers import Ledger, LedgerInFile, behind, proved_file
from sheaf.protocol.errors import InvalidUsage
from sheaf.store import DiskStore, Store
from sheaf.store.files import is_file, is_folder, reachable
from sheaf.store.http import HttpStore
from sheaf.store.several import SeveralStores
from sheaf.transport.address import Address, quoted

_TASK = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_WEB = ("http://", "https://")
_VARIABLE = re.compile(r"(?:\$\{\w+\})+", re.ASCII)


def task_of(text: str | None) -> bytes | None:
    """The 32 bytes of a task's id, 64 hex digits, with 0x before them or not; None for any other
    text."""
    matched = _TASK.fullmatch(text or "")
    return bytes.fromhex(matched[1]) if matched else None


def manner_of(
    state: Path | None, jobs: int, folder: Path | None, told: Told, *, steps: bool
) -> Manner:
    """How to replay: with so many `jobs`, and the notes in the file `state`, which must not lie in
    the run's own `folder`, and what was executed of a ledger beside it; keeping the history's
    `steps` or not.

    Raises `InvalidUsage`, and what `Checkpoints.open` raises.
    """
    if state is not None and folder is not None and state.resolve().is_relative_to(folder):
        raise InvalidUsage("--state: found a file in the run's folder, accepted: one of your own")
    if state is not None and not is_folder(state.absolute().parent):
        raise InvalidUsage(f"--state: found no folder {state.parent}, accepted: a file in one")
    return Manner(jobs, Checkpoints.open(state), told, steps, Execution(state, jobs))


def _is_web(text: str) -> bool:
    return text.lower().startswith(_WEB)


def told(text: str, option: str) -> str:
    """An address, which an option named, as it may be told and, where it has nothing to hide, be
    used again: without the parts of path and query that are written out, which may be a key;
    `${NAME}` hides itself. Any other text is a path, and told as it is. Raises
    InvalidConfiguration for what is no address."""
    if not _is_web(text):
        return text
    expanded(text, os.environ, option)
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    who = ":".join(map(_hidden, user.split(":")))
    path = "/".join(["", *map(_hidden, parts.path.strip("/").split("/"))]).rstrip("/")
    query = f"?{_hidden(parts.query)}" if parts.query else ""
    return f"{parts.scheme}://{who}{at}{host}{path}{query}"


def _hidden(part: str) -> str:
    return part if not part or _VARIABLE.fullmatch(part) else "..."


@contextmanager
def several(stores: Sequence[str]) -> Iterator[SeveralStores]:
    """Stores as they are named on a command line, read as one. Raises as `store` does."""
    with ExitStack() as stack:
        yield SeveralStores(
            [stack.enter_context(store(*each)) for each in named(stores, "--store")]
        )


def named(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    """What may be told of each text of an option, with the whole of it: no name twice."""
    found: list[tuple[str, str]] = []
    for number, text in enumerate(texts, start=1):
        name = shown(expanded(text, os.environ, option)) if _is_web(text) else text
        if any(name == known for known, _ in found):
            name = f"{name} (number {number})"
        found.append((name, text))
    return found


def require_different(ledgers: Sequence[str]) -> None:
    """Raise `InvalidUsage` where one ledger is named twice, whose word would count for two: one
    file, whatever the path, or one address, once its variables are put in."""
    known: dict[object, str] = {}
    for name, text in named(ledgers, "--ledger"):
        first = known.setdefault(_place(text), name)
        if first != name:
            raise InvalidUsage(
                f"--ledger: found {first} again as {name}, accepted: each ledger once"
            )


def _place(text: str) -> object:
    """What two names of one ledger have in common."""
    if _is_web(text):
        address = Address.parse(expanded(text, os.environ, "--ledger"))
        return replace(address, name="", target=address.target.rstrip("/"))
    path = ledger_file(text)
    with reachable(path):
        found = path.stat()
    return found.st_dev, found.st_ino


@contextmanager
def ledger(
    name: str, text: str, first: int, *, proved: bool, execution: Execution = ALONE
) -> Iterator[Ledger]:
    """The ledger at an endpoint, read from block `first` on, or in a file: executed again or, to be
    read as an endpoint is, `proved`. Raises `InvalidUsage` for what is neither."""
    if _is_web(text):
        with behind(name, expanded(text, os.environ, "--ledger"), first) as reached:
            yield reached
        return
    path = ledger_file(text)
    if proved:
        with proved_file(name, path) as found:
            yield found
    else:
        yield LedgerInFile(name, path, execution=execution)


def ledger_file(text: str) -> Path:
    """The file that is named, or lies in the run's folder that is. Raises `InvalidUsage`."""
    path = Path(text)
    path = path / inventory.LEDGER if is_folder(path) else path
    if not is_file(path):
        raise InvalidUsage(
            f"--ledger: found {quoted(text)}, "
            "accepted: an http or https address, or a ledger's file"
        )
    return path


@contextmanager
def store(name: str, text: str) -> Iterator[tuple[str, Store]]:
    """A store under the name it is told by: behind an address, or in a directory. Raises
    `InvalidUsage` for what is neither."""
    if _is_web(text):
        found = HttpStore(expanded(text, os.environ, "--store"))
        try:
            yield name, found
        finally:
            found.close()
        return
    path = Path(text)
    path = path / inventory.STORE if is_folder(path / inventory.STORE) else path
    if not is_folder(path):
        raise InvalidUsage(
            f"--store: found {quoted(text)}, accepted: an http or https address, or a directory"
        )
    yield name, DiskStore(path)
