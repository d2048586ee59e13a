"""The report's files: the page, the object, the compliance map and the schema."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from sheaf.audit.compliance import markdown
from sheaf.audit.dossier import dossier, text
from sheaf.audit.page import page
from sheaf.nodes.evidence import Evidence, Report
from sheaf.store.files import reachable, write_atomically

PAGE, OBJECT, MAP = "audit.html", "audit.json", "compliance.md"


def schema() -> str:
    """The JSON schema (draft 2020-12) of `audit.json`."""
    return files("sheaf.audit").joinpath("schema.json").read_text(encoding="utf-8")


def rendered(evidence: Evidence, report: Report) -> Mapping[str, str]:
    """The report's files by name."""
    made = dossier(evidence, report)
    return {PAGE: page(made), OBJECT: text(made), MAP: markdown(made)}


def write(evidence: Evidence, report: Report, directory: Path) -> list[Path]:
    """Write the report's files into `directory`, which is made if it is not there. Returns their
    paths. Raises `StoreUnavailable`."""
    with reachable(directory):
        directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in rendered(evidence, report).items():
        written.append(directory / name)
        write_atomically(written[-1], content.encode())
    return written
