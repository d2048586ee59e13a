"""The report's files: the page, the object, the compliance map and the schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from sheaf.audit.compliance import markdown
from sheaf.audit.dossier import dossier, text
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
    made = dossier(evidence, report, stated)
    return {PAGE: page(made), OBJECT: text(made), MAP: markdown(made)}


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
        if path.exists() and not (own is not None and own[name](path.read_bytes())):
            raise InvalidUsage(
                f"{path}: found a file that is not as a report of this task was written, accepted: "
                "a folder without it",
                hint="--out FOLDER; or --force, and it is lost",
            )


def _earlier(directory: Path, task: bytes) -> Mapping[str, Callable[[bytes], bool]] | None:
    """What the files of an earlier report of this task must be; None where there is none. Its page
    names the digest of its object; its map is made of it, and people write into that."""
    try:
        content = (directory / OBJECT).read_bytes()
        made = json.loads(content)
        known = made["task"]["id"] == task.hex()
        digest, map_of = hashlib.sha256(content).hexdigest().encode(), markdown(made).encode()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if not known:
        return None
    return {
        OBJECT: lambda found: found == content,
        PAGE: lambda found: digest in found,
        MAP: lambda found: found == map_of,
    }
