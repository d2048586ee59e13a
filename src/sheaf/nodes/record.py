"""The record of a run: what was wanted, written before anything else happens.

With it a run can go on however early it was stopped. Verification never looks at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sheaf
from sheaf.nodes.codec import plain, typed
from sheaf.nodes.plan import Plan
from sheaf.nodes.summary import write_json
from sheaf.protocol.errors import InvalidDocument, RunNotFound
from sheaf.store.files import is_file, reachable

RECORD = "run.json"
VERSION = 2
"""Of run directories: what lies in them and how; one of another version is not gone on with."""


@dataclass(frozen=True)
class Record:
    """What a run directory begins with: its version, the Sheaf that made it, the plan."""

    version: int
    sheaf: str
    plan: Plan


def write(directory: Path, plan: Plan) -> None:
    """Record `plan` in a run directory. Raises `StoreUnavailable`."""
    record = Record(VERSION, sheaf.__version__, _from_anywhere(plan))
    write_json(directory / RECORD, plain(record))


def _from_anywhere(plan: Plan) -> Plan:
    """The plan with whole paths: a run may go on from another folder than it began in."""
    ledger = replace(plan.ledger, contracts=_whole(plan.ledger.contracts))
    return replace(plan, folder=plan.folder.resolve(), initial=_whole(plan.initial), ledger=ledger)


def _whole(path: Path | None) -> Path | None:
    return None if path is None else path.resolve()


def read(directory: Path) -> Plan:
    """The recorded plan.

    Raises `RunNotFound` where nothing is recorded, `InvalidDocument` for another version or for
    something else.
    """
    path = directory / RECORD
    if not is_file(path):
        raise RunNotFound(f"{directory}: found no {RECORD}, accepted: a run that can go on")
    with reachable(path):
        content = path.read_bytes()
    try:
        found: Any = json.loads(content)
        version = found.get("version") if isinstance(found, dict) else None
        if version == VERSION:
            record: Record = typed(found, Record)
            return record.plan
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"{path}: found no record of a run: {error}") from error
    raise InvalidDocument(
        f"{path}: found a run directory of version {version!r:.40}, accepted: {VERSION}"
    )
