"""The report's files: the page, the object and the compliance map.

The object's schema is not written beside it, but is part of this package: the `$id` of
`schema.json` ends with the `version` that an object names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from sheaf.audit.compliance import markdown
from sheaf.audit.dossier import Dossier, dossier, text
from sheaf.audit.page import page
from sheaf.audit.statements import NOTHING, Statements
from sheaf.nodes.evidence import Evidence, Report
from sheaf.protocol.errors import InvalidUsage
from sheaf.store.files import reachable, write_together

PAGE, OBJECT, MAP = "audit.html", "audit.json", "compliance.md"


def schema() -> str:
    """The JSON schema (draft 2020-12) of `audit.json`."""
    return files("sheaf.audit").joinpath("schema.json").read_text(encoding="utf-8")


def rendered(evidence: Evidence, report: Report, stated: Statements = NOTHING) -> Mapping[str, str]:
    """The report's files by name."""
    return _files(dossier(evidence, report, stated))


def write(
    evidence: Evidence,
    report: Report,
    directory: Path,
    stated: Statements = NOTHING,
    *,
    force: bool = False,
) -> list[Path]:
    """Write the report's files into `directory`, which is made if it is not there, all of them or
    none. Returns their paths.

    An earlier report of the same task is written over as long as it is as it was written; anything
    else that lies under one of their names is left, with `InvalidUsage`, unless it is to be lost by
    `force`. Raises `StoreUnavailable`.
    """
    contents = {directory / name: text for name, text in rendered(evidence, report, stated).items()}
    with reachable(directory):
        if directory.exists() and not directory.is_dir():
            raise InvalidUsage(f"--out: found a file, {directory}, accepted: a folder")
        if not force:
            _require_report(directory, evidence.trail.task)
        directory.mkdir(parents=True, exist_ok=True)
    write_together({path: text.encode() for path, text in contents.items()})
    return list(contents)


def _require_report(directory: Path, task: bytes) -> None:
    """Refuse a folder in which something else lies under the name of a report's file."""
    own = _earlier(directory, task)
    for name in (PAGE, OBJECT, MAP):
        path = directory / name
        if path.exists() and (own is None or own[name] != path.read_bytes()):
            raise InvalidUsage(
                f"{path}: found a file that is not as a report of this task was written, accepted: "
                "a folder without it",
                hint="--out FOLDER; or --force, and it is lost",
            )


def _earlier(directory: Path, task: bytes) -> Mapping[str, bytes] | None:
    """What the files of an earlier report of this task must be; None where there is none. Page and
    map are made of the object, and people write into both."""
    try:
        content = (directory / OBJECT).read_bytes()
        made = json.loads(content)
        known = made["task"]["id"] == task.hex()
        own = {name: content.encode() for name, content in _files(made).items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return None
    except RecursionError:  # no report is nested so deep
        return None
    return own if known else None


def _files(made: Dossier) -> Mapping[str, str]:
    return {PAGE: page(made), OBJECT: text(made), MAP: markdown(made)}
