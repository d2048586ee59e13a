"""What a project's hooks return, looked at before anything is staked. Needs torch.

Each participant's data go through the very checks that its inspection of the task will make, the
sponsor's through an evaluation of the initial model. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sheaf.learning.survey import Survey, survey_of
from sheaf.nodes.aggregation import Vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.drafting import draft, initial_model
from sheaf.nodes.local import loaded, measure, objection_of, unfit
from sheaf.nodes.plan import Plan
from sheaf.protocol.task import Task

SOME_TOKEN = b"\x01" * 20
"""Stands for the reward token, which no ledger has yet."""


@dataclass(frozen=True)
class HookReport:
    """What one call of a hook gave: `survey` is None where it cannot be read, and `objection` says
    why the task could not use it, "" if it can."""

    who: str
    entry: str
    survey: Survey | None
    objection: str


def check_hooks(plan: Plan, participant: int | None = None) -> Iterator[HookReport]:
    """Call the data hook for every participant, then the evaluation hook; or the data hook for one
    `participant` (from 1) alone.

    Raises `InvalidModel`, `InvalidConfiguration` or `InvalidDocument` where there is no task to
    meet: its model cannot be made, or a bound is violated.
    """
    bundle = Bundle.load(plan.folder)
    model = initial_model(plan, bundle)
    task = draft(plan, bundle, model, SOME_TOKEN)
    module = loaded(task, bundle, model[1])
    numbers = range(1, plan.participants + 1) if participant is None else [participant]
    for number in numbers:
        call = partial(bundle.call, plan.data_entry, number - 1, plan.participants)
        fits = partial(unfit, task, module)
        yield _report(bundle, f"participant-{number}", plan.data_entry, call, fits)
    if participant is None and task.evaluation.entry:
        call = partial(bundle.call, task.evaluation.entry)
        counts = partial(_unmeasured, task, bundle, model[1])
        yield _report(bundle, "sponsor", task.evaluation.entry, call, counts)


def _unmeasured(task: Task, bundle: Bundle, vector: Vector, data: object) -> str:
    """Nothing to object to, unless the evaluation itself raises."""
    measure(task, bundle, vector, data)
    return ""


def _report(
    bundle: Bundle,
    who: str,
    entry: str,
    call: Callable[[], object],
    check: Callable[[object], str],
) -> HookReport:
    found: list[Survey] = []

    def examine() -> str:
        with bundle.importable():
            data = call()
            found.append(survey_of(data))
            return check(data)

    objection = objection_of(examine)
    return HookReport(who, entry, found[0] if found else None, objection)
