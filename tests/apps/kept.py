"""A finished run as it lies on disk, small and made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

FIRST, SECOND = "0x" + "1" * 40, "0x" + "2" * 40
WEIGHTS = {"weight": np.array([[0.5, -1.5]], np.float32), "bias": np.array([2.0], np.float32)}


def summary(run: str, **changes: Any) -> dict[str, Any]:
    """A summary of two rounds, the second one aborted."""
    gas = {"commit": 1, "reveal": 2, "hold": 3, "verdict": 4, "settle": 5}
    seconds = {"train": 0.25, "ledger": 0.5, "proof": 0.25, "total": 1.0}
    settled = {
        "round": 1,
        "attempt": 2,
        "outcome": "settled",
        "model_root": "aa",
        "cohort": 3,
        "counted": 2,
        "metrics": {"auc": 0.98765},
        "gas": {**gas, "total": 1_234_567},
        "seconds": seconds,
    }
    aborted = settled | {"round": 2, "attempt": 1, "outcome": "aborted: no_quorum", "metrics": {}}
    return {
        "run": run,
        "name": "flowers",
        "task": "bafy",
        "status": "settled",
        "cause": None,
        "rounds": [settled, aborted],
        "model": {"root": "bb" * 32, "path": "model.safetensors"},
        "metrics": {"auc": 0.98765},
        "payouts": {FIRST: 12_500_000},
        "slashed": {SECOND: 2 * 10**18},
        "head": "cc" * 32,
        "capture_ppb": 400_000_000,
        "adversary": [1, 3],
        "seats": 3,
        "pool": 6,
        "goal": 5,
        "tokens": {
            "reward": {"symbol": "REWARD", "decimals": 6},
            "stake": {"symbol": "STAKE", "decimals": 18},
        },
        "accounts": {SECOND: "participant-1", FIRST: "participant-2"},
    } | changes


def keep(folder: Path, id: str, **changes: Any) -> Path:
    """Put a finished run under `folder`, which is where commands are run from."""
    run = folder / ".sheaf" / "runs" / id
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps(summary(id, **changes)), encoding="utf-8")
    save_file(WEIGHTS, run / "model.safetensors")
    return run
