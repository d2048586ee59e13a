"""Checks that somebody asks for beyond those of every verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sheaf.apps.extras import require
from sheaf.apps.subjects import Case, Subject, TaskSubject
from sheaf.nodes.project import HINT
from sheaf.nodes.receipts import check_receipts
from sheaf.nodes.verification import Further
from sheaf.protocol.errors import InvalidUsage


@dataclass(frozen=True)
class Wanted:
    """What is asked for: `metrics` recomputed by the hook of a `project`, or of the one that a run
    was made from; `receipts` held against the ledger."""

    metrics: bool
    receipts: bool
    project: Path | None

    @classmethod
    def of(
        cls,
        subject: Subject,
        *,
        metrics: bool = False,
        receipts: bool = False,
        project: Path | None = None,
    ) -> Wanted:
        """What is asked for, where it can be had. Raises `InvalidUsage` for a project that nothing
        is done with, and for metrics of a task, which says of no project that it came from it, or
        of one round alone; `InvalidConfiguration` where torch is not there."""
        if project is not None and not metrics:
            raise InvalidUsage("--project: found it without --metrics, accepted: both or none")
        if metrics:
            if isinstance(subject, TaskSubject) and subject.asked.light:
                raise InvalidUsage("--metrics: found it with --light, accepted: one of the two")
            if project is None and subject.folder is None:
                told = "--metrics: found a task without --project, accepted: both or none"
                raise InvalidUsage(told, HINT)
            require("torch", "torch")
        return cls(metrics, receipts, project)

    def checks(self, case: Case) -> Iterator[Further]:
        """The checks. The case's report says how to ask for them again."""
        case.report.asked = self._options()
        if self.receipts:
            yield partial(check_receipts, round=case.round)
        if self.metrics:
            from sheaf.nodes.metrics import check_metrics

            yield partial(check_metrics, project=self.project)

    def _options(self) -> tuple[str, ...]:
        words = ["--receipts"] * self.receipts + ["--metrics"] * self.metrics
        return (*words, *(("--project", str(self.project)) if self.project is not None else ()))
