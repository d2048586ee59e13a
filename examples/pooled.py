"""What federating costs: the same model trained on all participants' data in one place.

    python examples/pooled.py examples/hospitals --least 0.98 --within 0.01

Nobody may do this with private data; here it is the yardstick. The recipe is the task's own, with
as many passes over the data as the federated run makes in all its rounds. Prints the task's first
metric on held-out data for both, the federated one as the last run of this task reported it, and
how long that run's rounds took; exits 1 if the metric is below `--least`, if the two are more than
`--within` apart, or if there is no run of this task. All are reported, not proven:
`sheaf verify --last --metrics` recomputes the run's metric.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sheaf.apps import runs
from sheaf.apps.config import load
from sheaf.learning.algorithms import fedavg
from sheaf.learning.evaluation import evaluate, metric_named
from sheaf.learning.hyperparameters import options
from sheaf.learning.scores import scores_of
from sheaf.learning.training import Recipe, train
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.plan import Plan


def pooled(plan: Plan, metric: str) -> float:
    """Train on the union of all participants' data, measure on the sponsor's."""
    code = Bundle.load(plan.folder)
    owned = [code.call(plan.data_entry, i, plan.participants) for i in range(plan.participants)]
    together = tuple(np.concatenate(arrays) for arrays in zip(*owned, strict=True))
    a, module = plan.algorithm, code.call(plan.model_entry)
    # A round trains on the cohort's data alone: its share of all participants.
    passes = a.epochs * plan.schedule.rounds * plan.cohort.goal // plan.participants
    recipe = Recipe(a.loss, a.optimizer, options(a.options), a.batch_size, epochs=passes)
    train(module, together, recipe, algorithm=fedavg(), seed=a.seed, threads=a.threads)
    scores, labels = scores_of(module, code.call(plan.evaluation.entry))
    counts = evaluate([metric], scores, labels)
    return float(metric_named(metric).value(counts[metric]))


def last_run(name: str, metric: str) -> tuple[str, dict[str, Any]] | None:
    """Id and summary of the last run of the task called `name` that reports the metric."""
    home = runs.home(Path.cwd())
    found = [(run.id, run.summary() or {}) for run in runs.listed(home)]
    ours = [
        (id, summary)
        for id, summary in found
        if summary.get("name") == name and metric in summary.get("metrics", {})
    ]
    return ours[-1] if ours else None


def main() -> int:
    """Compare with the last run of this task."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("project", type=Path, help="folder of the project")
    parser.add_argument("--least", type=float, default=0.0, help="what federated must reach")
    parser.add_argument("--within", type=float, default=1.0, help="how far apart both may be")
    given = parser.parse_args()
    plan = load(given.project)
    metric = plan.evaluation.metrics[0]
    found = last_run(plan.name, metric)
    if found is None:
        print(f"found no run of {plan.name}: sheaf run {plan.folder}", file=sys.stderr)
        return 1
    (run, summary), yardstick = found, pooled(plan, metric)
    federated = float(summary["metrics"][metric])
    took = sum(row["seconds"]["total"] for row in summary["rounds"])
    print(f"held-out {metric}, pooled training     {yardstick:.4f}  (reported)")
    print(f"held-out {metric}, federated training  {federated:.4f}  (reported, run {run})")
    print(f"difference{' ' * len(metric)}                     {abs(yardstick - federated):.4f}")
    rounds = f"{len(summary['rounds'])} rounds"
    print(f"seconds of {rounds:<{len(metric) + 20}}{took:6.1f}  (reported, run {run})")
    wrong = []
    if federated < given.least:
        wrong.append(f"found {metric} {federated:.4f}, accepted: at least {given.least}")
    if abs(yardstick - federated) > given.within:
        wrong.append(f"found the two more than {given.within} apart, accepted: closer")
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
