"""What federating costs: the same model trained on all hospitals' data in one place.

    python examples/hospitals/pooled.py

Nobody may do this with real patients; here it is the yardstick. The recipe is the task's own, with
as many passes over the data as the federated run makes in all its rounds. Prints the held-out AUC
of both, the federated one as the last run of this task reported it; exits 1 if that is below 0.98,
if they are more than 0.01 apart, or if there is no run of this task. Both are reported, not proven:
`sheaf verify --last --metrics` recomputes the run's.
"""

from __future__ import annotations

import sys
from pathlib import Path

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

LEAST_AUC = 0.98
TOLERANCE = 0.01


def pooled_auc(plan: Plan) -> float:
    """Train on the union of all hospitals' data, measure on the sponsor's."""
    code = Bundle.load(plan.folder)
    hospitals = [code.call(plan.data_entry, i, plan.participants) for i in range(plan.participants)]
    together = tuple(np.concatenate(arrays) for arrays in zip(*hospitals, strict=True))
    a, module = plan.algorithm, code.call(plan.model_entry)
    epochs = a.epochs * plan.schedule.rounds
    recipe = Recipe(a.loss, a.optimizer, options(a.options), a.batch_size, epochs=epochs)
    train(module, together, recipe, algorithm=fedavg(), seed=a.seed, threads=a.threads)
    scores, labels = scores_of(module, code.call(plan.evaluation.entry))
    counts = evaluate(["auc"], scores, labels)
    return float(metric_named("auc").value(counts["auc"]))


def last_run(name: str) -> tuple[str, float] | None:
    """Id and reported AUC of the last run of the task called `name` that has one."""
    home = runs.home(Path.cwd())
    found = [(run.id, run.summary() or {}) for run in runs.listed(home)]
    ours = [
        (id, float(summary["metrics"]["auc"]))
        for id, summary in found
        if summary.get("name") == name and "auc" in summary.get("metrics", {})
    ]
    return ours[-1] if ours else None


def main() -> int:
    """Compare with the last run of this task."""
    plan = load(Path(__file__).parent)
    found = last_run(plan.name)
    if found is None:
        print(f"found no run of {plan.name}: sheaf run {plan.folder}", file=sys.stderr)
        return 1
    run, federated = found
    pooled = pooled_auc(plan)
    print(f"held-out AUC, pooled training     {pooled:.4f}  (reported)")
    print(f"held-out AUC, federated training  {federated:.4f}  (reported, run {run})")
    print(f"difference                        {abs(pooled - federated):.4f}")
    if federated < LEAST_AUC:
        print(f"found AUC {federated:.4f}, accepted: at least {LEAST_AUC}", file=sys.stderr)
    if abs(pooled - federated) > TOLERANCE:
        print(f"the two are more than {TOLERANCE} apart", file=sys.stderr)
    return int(federated < LEAST_AUC or abs(pooled - federated) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
