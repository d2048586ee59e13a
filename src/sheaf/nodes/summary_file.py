"""The file of a run's summary, for all who read it: nothing is imported here that starts slowly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sheaf.protocol.errors import InvalidDocument
from sheaf.store.files import is_file, reachable

SUMMARY_FILE = "summary.json"


def read_summary(directory: Path) -> dict[str, Any]:
    """What the run in `directory` says of itself; which fields it has is not looked at.

    Raises `InvalidDocument` where that is no JSON object or no file, `StoreUnavailable` where it
    cannot be read.
    """
    path = directory / SUMMARY_FILE
    if not is_file(path):
        raise InvalidDocument(f"{path}: found no file, accepted: a summary")
    with reachable(path):
        content = path.read_bytes()
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"{path}: found no JSON ({error}), accepted: a summary") from error
    if not isinstance(found, dict):
        raise InvalidDocument(f"{path}: found {type(found).__name__}, accepted: a JSON object")
    return found
