"""The audit report, for `sheaf audit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sheaf.nodes.evidence import Evidence, Report


def write_report(
    evidence: Evidence, report: Report, name: str, directory: Path | None = None
) -> tuple[Callable[[], str], Any]:
    """Write the report of a verification into `directory`, the folder `NAME-audit` beside where one
    is unless another is named; what was written, as text and for JSON.

    Raises `StoreUnavailable` where nothing can be written.
    """
    from sheaf.audit.writing import write

    written = write(evidence, report, directory or Path(f"{name}-audit"))
    plain = {
        "subject": name,
        "conclusion": report.conclusion,
        "head": report.head,
        "files": [str(path) for path in written],
    }
    lines = [f"{name}: {report.conclusion}", *(f"wrote {path}" for path in written)]
    return lambda: "\n".join(lines), plain
