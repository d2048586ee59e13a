"""The audit report, for `sheaf audit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sheaf.nodes.evidence import Evidence, Report


def write_report(
    evidence: Evidence,
    report: Report,
    name: str,
    directory: Path | None = None,
    statements: Path | None = None,
    *,
    force: bool = False,
) -> tuple[Callable[[], str], Any]:
    """Write the report of a verification into `directory`, the folder `NAME-audit` beside where one
    is unless another is named, with the sponsor's statements of a file; what was written, as text
    and for JSON.

    Raises `InvalidUsage` where something else lies there, unless it is to be lost by `force`,
    `StoreUnavailable` where nothing can be written, and what `stated` raises.
    """
    from sheaf.apps.statements import stated
    from sheaf.audit.writing import write

    folder = directory or Path(f"{name}-audit")
    written = write(evidence, report, folder, stated(statements), force=force)
    stating = ("--statements", str(statements)) if statements else ()
    again = report.again("audit", *report.asked, *stating)
    plain = {
        "subject": name,
        "conclusion": report.conclusion,
        "head": report.head,
        "files": [str(path) for path in written],
        "repeat": again,
    }
    lines = [f"{name}: {report.conclusion}", *(f"wrote {path}" for path in written)]
    lines.append(f"again: {again}")
    return lambda: "\n".join(lines), plain
