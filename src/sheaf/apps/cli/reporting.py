"""The audit report of a run, for `sheaf audit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sheaf.apps.runs import Run


def write_report(
    found: Run,
    directory: Path | None = None,
    *,
    metrics: bool = False,
    head: str | None = None,
    keys: Path | None = None,
    project: Path | None = None,
    place: tuple[str | None, int] = (None, 0),
) -> list[Path]:
    """Verify a run and write its report into `directory`, the folder `ID-audit` beside where one is
    unless another is named. Returns the paths of what was written; `place` is the url and first
    block of a run on a chain, the rest as for `sheaf verify`.

    Raises as `sheaf verify` does, since nothing is reported of a run that differs, and
    `StoreUnavailable` where nothing can be written.
    """
    from sheaf.apps.anchors import anchor
    from sheaf.apps.chains import source_of
    from sheaf.apps.extras import require
    from sheaf.audit.writing import write
    from sheaf.nodes.verification import examine

    further = []
    if metrics:
        require("torch", "torch")
        from sheaf.nodes.metrics import check_metrics

        further.append(partial(check_metrics, project=project))
    with source_of(found.folder, *place) as source:
        evidence, report = examine(found.folder, *further, anchor=anchor(head, keys), source=source)
    return write(evidence, report, directory or Path(f"{found.id}-audit"))
