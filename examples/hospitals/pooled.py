"""What federating costs: the same model trained on all hospitals' data in one place.

    python examples/hospitals/pooled.py

Nobody may do this with real patients; here it is the yardstick. The recipe is the task's own, with
as many passes over the data as the federated run makes in all its rounds. Prints the held-out AUC
of both, the federated one as the last run of this task reported it; exits 1 if they are more than
0.01 apart. Both are reported, not proven: `sheaf verify --last --metrics` recomputes the run's.
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


def main() -> int:
    """Compare with the last run of this task."""
    plan = load(Path(__file__).parent)
    found = [run for run in runs.listed(runs.home(Path.cwd())) if run.summary()]
    ours = [run for run in found if run.finished().get("name") == plan.name]
    pooled = pooled_auc(plan)
    print(f"held-out AUC, pooled training     {pooled:.4f}  (reported)")
    if not ours:
        print("no run to compare with: sheaf run examples/hospitals", file=sys.stderr)
        return 0
    federated = float(ours[-1].finished()["metrics"]["auc"])
    print(f"held-out AUC, federated training  {federated:.4f}  (reported, run {ours[-1].id})")
    print(f"difference                        {abs(pooled - federated):.4f}")
    return int(abs(pooled - federated) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
