"""Plans of the tiny project, to vary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sheaf.nodes.plan import LedgerPlan, Plan, TokenPlan
from sheaf.protocol import task
from sheaf.protocol.documents import Amount, Options

PROJECT = Path(__file__).parent / "project"
TOKEN = 10**6
STAKE = 10**18


def plan(**changes: Any) -> Plan:
    """Four participants, three aggregators in one committee of three, two rounds."""
    made = Plan(
        folder=PROJECT,
        name="tiny",
        model_entry="task:model",
        fraction_bits=16,
        chunk_bytes=4096,
        data_entry="task:data",
        algorithm=task.Algorithm(
            name="fedavg",
            proximal=(0, 1),
            loss="BCEWithLogitsLoss",
            optimizer="SGD",
            options=Options({"lr": [1, 10]}),
            epochs=2,
            batch_size=16,
            seed=7,
            threads=1,
        ),
        data=task.DataRequirements(features=(), minimum_samples=10),
        resources=task.Resources(cpu_cores=1, gpus=0, ram_mib=64, bandwidth_kbps=1),
        evaluation=task.Evaluation("task:holdout", ("accuracy", "auc", "loss")),
        schedule=schedule(2),
        cohort=task.CohortSize(minimum=2, goal=4, weight_cap=1000),
        committee=committee(3, 3),
        rule=task.RuleChoice("weighted_mean", (0, 1)),
        economics=economics(rounds=2),
        visibility="public",
        license="Apache-2.0",
        participants=4,
        ledger=LedgerPlan(
            chain_id=1337,
            genesis_time=1_767_225_600,
            stake_token=TokenPlan("Sheaf", "SHEAF", 18),
            reward_token=TokenPlan("Stable", "USDX", 6),
        ),
    )
    return replace(made, **changes)


def schedule(rounds: int, challenge_s: int = 600) -> task.Schedule:
    """Ten minutes a phase."""
    return task.Schedule(rounds, 600, 600, 600, 600, 600, 600, 600, challenge_s, 0)


def committee(seats: int, pool: int, capture_ppb: int = 0) -> task.Committee:
    """A committee with a fifth of everybody adverse; nobody is, in a pool of three."""
    return task.Committee(seats, pool, (1, 5), capture_ppb)


def economics(rounds: int) -> task.Economics:
    """A hundred reward tokens a round, ten for the committee; stakes that cover every round."""
    slashes = task.Slashes(*(Amount(n * STAKE) for n in (1, 2, 3, 4, 5, 6)))
    return task.Economics(
        reward_token=bytes(20),
        round_reward=Amount(100 * TOKEN),
        committee_fee=Amount(10 * TOKEN),
        participant_stake=Amount(4 * rounds * STAKE),
        aggregator_stake=Amount(6 * rounds * STAKE),
        court_bond=Amount(1 * STAKE),
        slashes=slashes,
    )
