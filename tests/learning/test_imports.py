"""What verifies runs without torch."""

import subprocess
import sys

TORCH_FREE = [
    "arrays",
    "algorithms",
    "evaluation",
    "hyperparameters",
    "lattice",
    "layout",
    "rules",
    "seeds",
]


def test_learning_imports_and_aggregates_without_torch() -> None:
    script = f"""
import sys
sys.modules["torch"] = None
import importlib
for name in {TORCH_FREE!r}:
    importlib.import_module("sheaf.learning." + name)
import numpy as np
from sheaf.learning.rules import RULES
updates = [np.array([1, 2], dtype=np.int32), np.array([3, 5], dtype=np.int32)]
print(RULES["weighted_mean"]().aggregate(updates, [1, 1]).tolist())
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("[2, 4]\n", "")
