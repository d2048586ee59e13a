"""Runs and verifications as typed values that show themselves as tables, in a notebook or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheaf.apps.cli import presentation
from sheaf.apps.cli.tables import printable
from sheaf.apps.models import require_trained
from sheaf.apps.runs import FEW, Run
from sheaf.protocol.errors import InvalidDocument

if TYPE_CHECKING:
    import torch

    from sheaf.apps.subjects import Subject
    from sheaf.nodes.evidence import Check, Report


@dataclass(frozen=True)
class RoundResult:
    """A round. `model_root` is None unless it settled; `gas` and `seconds` are by part, with their
    `total`; metrics and seconds are reported, the rest can be recomputed."""

    number: int
    attempt: int
    outcome: str
    model_root: str | None
    cohort: int
    committed: int
    revealed: int
    counted: int
    metrics: Mapping[str, float]
    gas: Mapping[str, int]
    seconds: Mapping[str, float]
    saturated: int
    stalled: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> RoundResult:
        """A round's object in a summary."""
        names = (name for name in cls.__dataclass_fields__ if name != "number")
        return cls(number=row["round"], **{name: row[name] for name in names})


@dataclass(frozen=True, repr=False)
class RunResult:
    """A finished run. `status` is `settled`, or `ended` with a `cause`; amounts are by address, in
    the tokens' own units; `summary` is all that `sheaf show --format json` prints. `troubles` are
    what was told while `sheaf.run` ran it, such as what a participant's code raised, a line each;
    a run that was loaded has them in its `log` alone."""

    id: str
    folder: Path
    name: str
    task: str
    status: str
    cause: str | None
    rounds: tuple[RoundResult, ...]
    metrics: Mapping[str, float]
    initial_metrics: Mapping[str, float]
    payouts: Mapping[str, int]
    slashed: Mapping[str, int]
    model_root: str
    head: str
    summary: Mapping[str, Any]
    troubles: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(
        cls, folder: Path, summary: Mapping[str, Any], troubles: Sequence[str] = ()
    ) -> RunResult:
        """The result in a run's folder. Raises `InvalidDocument` for no summary of this version."""
        names = ("name", "task", "status", "cause", "metrics", "initial_metrics")
        amounts = ("payouts", "slashed", "head")
        try:
            return cls(
                id=folder.name,
                folder=folder,
                rounds=tuple(map(RoundResult.of, summary["rounds"])),
                model_root=summary["model"]["root"],
                summary=summary,
                troubles=tuple(troubles),
                **{name: summary[name] for name in (*names, *amounts)},
            )
        except (KeyError, TypeError) as error:
            raise InvalidDocument(f"{folder.name}: found a summary without {error}") from error

    @property
    def settled(self) -> bool:
        """Whether the task ran to its end and settled a round."""
        return self.status == "settled"

    def model(self) -> dict[str, torch.Tensor]:
        """The final model as float32 tensors by name: a state dict but for integer buffers.

        Raises `TaskEnded` where no round settled, for that is the model that the task began with.
        """
        from sheaf.apps import modules

        return modules.tensors(self._trained())

    def load(self, module: torch.nn.Module) -> None:
        """Set the tensors of `module` to the final model.

        Raises, before anything is changed, `InvalidModel` for a module of another layout, and
        `TaskEnded` where no round settled.
        """
        from sheaf.apps import modules

        modules.load(self._trained(), module)

    def _trained(self) -> Run:
        run = Run(self.folder)
        require_trained(run, self.summary, self.troubles)
        return run

    def __repr__(self) -> str:
        text = presentation.summary_text(self.summary, self.folder)
        return "\n".join([text, *(["", "told on the way", *self._told()] if self.troubles else [])])

    def _told(self) -> list[str]:
        """The first troubles, and how many more there are."""
        more = len(self.troubles) - FEW
        told = [printable(line) for line in self.troubles[:FEW]]
        return told + ([f"and {more} more, which are in {self.folder / 'log'}"] if more > 0 else [])

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for row in self.rounds for name in row.metrics))
        head = ["round", "outcome", "counted", *(f"{name}*" for name in names), "gas", "seconds*"]
        rows = [
            [
                str(row.number),
                row.outcome,
                f"{row.counted} of {row.cohort}",
                *(presentation.number(row.metrics.get(name)) for name in names),
                f"{row.gas['total']:,}",
                presentation.number(row.seconds["total"], 1),
            ]
            for row in self.rounds
        ]
        status = f"{self.status} ({self.cause})" if self.cause else self.status
        caption = f"{self.name}, run {self.id}: {status}"
        table = f"{_html_table(caption, head, rows)}<p>{escape(presentation.REPORTED)}</p>"
        return table + (
            f"<p>Told on the way</p>{_html_list(self._told())}" if self.troubles else ""
        )


@dataclass(frozen=True, repr=False)
class VerificationResult:
    """What was recomputed of a run or a task (`kind`), without a difference: a difference raises.
    `name` is a run's id, or a task's; a task has no `run`. `conclusion` says whether the history is
    anchored; `limits` are what no replay shows."""

    kind: str
    name: str
    run: Run | None
    head: str
    conclusion: str
    checks: tuple[Check, ...]
    limits: tuple[str, ...]
    anchored: bool
    finished: bool
    report: Report

    @classmethod
    def of(cls, subject: Subject, report: Report) -> VerificationResult:
        """The result for the report about a run or a task."""
        return cls(
            kind=subject.kind,
            name=subject.name,
            run=None if subject.folder is None else Run(subject.folder),
            head=report.head,
            conclusion=report.conclusion,
            checks=tuple(report.checks),
            limits=tuple(report.limits),
            anchored=bool(report.anchors),
            finished=not report.unfinished,
            report=report,
        )

    def __repr__(self) -> str:
        return presentation.report_text(f"{self.kind} {self.name}", self.report)

    def _repr_html_(self) -> str:
        rows = [[check.name, f"{check.count:,}", check.detail] for check in self.checks]
        table = _html_table(f"{self.kind} {self.name}: {self.conclusion}", [], rows)
        return f"{table}<p>A replay does not show</p>{_html_list(self.limits)}"


def _html_list(lines: Iterable[str]) -> str:
    """Escaped, as the table is."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Everything in it is escaped: names in a run are others' words."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    lines = [line("th", head)] if head else []
    lines += [line("td", row) for row in rows]
    return f"<table><caption>{escape(caption)}</caption>{''.join(lines)}</table>"
