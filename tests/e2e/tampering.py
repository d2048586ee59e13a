"""What somebody could do to the files of a finished run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.summary import json_text
from sheaf.protocol.content import ContentId
from sheaf.protocol.task import Task


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file of a run's, in the form that a run writes."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json_text(content), encoding="utf-8")


def flip(data: bytes, place: int = -1) -> bytes:
    """One bit of one byte, another."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def sql(run: Path, statement: str, *values: object) -> list[Any]:
    """Run a statement on the ledger's file."""
    with closing(sqlite3.connect(run / "ledger.sqlite")) as connection, connection:
        return connection.execute(statement, values).fetchall()


def place_of(run: Path, content_id: ContentId) -> Path:
    """The file a store keeps a blob in."""
    return run / "store" / str(content_id)[-2:] / str(content_id)


def vector_place(run: Path, task: Task, root: bytes) -> Path:
    """The file of a model or update."""
    return place_of(run, vector_id(task, root))
