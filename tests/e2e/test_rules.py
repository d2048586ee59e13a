"""Rules, algorithms and sizes through the whole stack; new models are recomputed from the store
with Python's own integers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheaf.nodes.evidence import Evidence
from sheaf.nodes.verification import verify
from sheaf.protocol.task import Algorithm, CohortSize, Committee, RuleChoice
from tests.e2e.tampering import vector_place
from tests.nodes.plans import TOKEN, committee, plan, schedule
from tests.nodes.stage import Played, evidence_of, play

BITS = 16


def columns(evidence: Evidence, number: int) -> tuple[list[int], list[list[int]], list[int]]:
    """A round's model before, its counted updates and the model after, from the store's files."""
    trail, initial = evidence.trail, evidence.task.model.initial
    found = trail.rounds[number]

    def vector(root: bytes) -> list[int]:
        path = vector_place(evidence.directory, evidence.task, root)
        return [int(value) for value in np.frombuffer(path.read_bytes(), "<i4")]

    updates = [vector(root) for _, root, _ in found.counted_updates(1)]
    before, after = trail.model_after(number - 1, initial), trail.model_after(number, initial)
    return vector(before), updates, vector(after)


def nearest(total: int, count: int) -> int:
    """Nearest, halves away from zero."""
    quotient = (2 * abs(total) + count) // (2 * count)
    return quotient if total >= 0 else -quotient


@pytest.fixture(scope="module")
def median(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """FedProx on a model with BatchNorm, the coordinate median of three of five participants, one
    aggregator of two, samples capped at 50."""
    usual = plan()
    changes: dict[str, Any] = {
        "model_entry": "task:normalised",
        # With this seed the two cohorts differ, and participant 1 is in one.
        "algorithm": replace(usual.algorithm, name="fedprox", proximal=(1, 100), seed=9),
        "rule": RuleChoice("coordinate_median", (0, 1)),
        "cohort": CohortSize(minimum=2, goal=3, weight_cap=50),
        "committee": committee(1, 2),
        "participants": 5,
    }
    return play(tmp_path_factory.mktemp("median") / "run", replace(usual, **changes))


def test_the_median_of_an_odd_cohort(median: Played) -> None:
    verify(median.directory)
    evidence = evidence_of(median.directory)
    for number in (1, 2):
        before, updates, after = columns(evidence, number)
        assert len(updates) == 3
        middle = [sorted(column)[1] for column in zip(*updates, strict=True)]
        assert after == [b + m for b, m in zip(before, middle, strict=True)]


def test_batchnorm_statistics_are_learned_with_the_rest(median: Played) -> None:
    model = median.cast.task.model
    # 4x3 + 3, BatchNorm's 3 + 3, 3 + 1; then the running mean and variance, 3 each.
    assert (model.trainable, model.coordinates) == (25, 31)
    kinds = [(tensor.name, tensor.kind) for tensor in model.layout]
    assert kinds[-2:] == [("1.running_mean", "statistic"), ("1.running_var", "statistic")]
    before, _, after = columns(evidence_of(median.directory), 1)
    assert before[25:] == [0] * 3 + [2**BITS] * 3
    assert all(a != b for a, b in zip(after[25:], before[25:], strict=True))


def test_a_cohort_is_drawn_from_the_participants_and_only_it_is_paid(median: Played) -> None:
    trail = median.cast.nodes[0].state.trail
    drawn = [set(found.cohort) for found in trail.rounds.values()]
    assert [len(cohort) for cohort in drawn] == [3, 3]
    assert drawn[0] != drawn[1]
    names = median.cast.names()
    seated = {names[account] for cohort in drawn for account in cohort}
    assert {name for name in median.paid if name.startswith("participant")} == seated


def test_samples_above_the_cap_earn_nothing_more(median: Played) -> None:
    trail, names = median.cast.nodes[0].state.trail, median.cast.names()
    for found in trail.rounds.values():
        samples = {names[e.account]: e.samples for e in found.reveals.values()}
        # 80 samples are reported as 50, 40 as they are.
        assert samples == {n: 50 if n == "participant-1" else 40 for n in samples}
        paid = [p for p in trail.payments if p.round == found.number and hasattr(p, "reward")]
        whole = sum(samples.values())
        for payment in paid:
            assert payment.reward == 100 * TOKEN * samples[names[payment.account]] // whole
    assert any("participant-1" in names[a] for found in trail.rounds.values() for a in found.cohort)


def test_a_committee_of_one_takes_the_whole_fee(median: Played) -> None:
    fees = {name: amount for name, amount in median.paid.items() if name.startswith("aggregator")}
    assert sum(fees.values()) == 2 * 10 * TOKEN
    trail = median.cast.nodes[0].state.trail
    assert [len(found.verdicts) for found in trail.rounds.values()] == [1, 1]


def test_the_trimmed_mean_drops_the_ends_of_every_coordinate(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"rule": RuleChoice("trimmed_mean", (1, 4)), "schedule": schedule(1)}
    played = play(tmp_path / "run", plan(**changes))
    verify(played.directory)
    before, updates, after = columns(evidence_of(played.directory), 1)
    assert len(updates) == 4
    for coordinate, column in enumerate(zip(*updates, strict=True)):
        kept = sorted(column)[1:-1]
        assert after[coordinate] == before[coordinate] + nearest(sum(kept), 2)


def test_fedprox_stays_nearer_to_the_model_it_started_from(tmp_path: Path) -> None:
    """Four epochs with a strong pull move less than four without any."""

    def moved(name: str, proximal: tuple[int, int]) -> int:
        usual = plan()
        algorithm: Algorithm = replace(usual.algorithm, name=name, proximal=proximal, epochs=4)
        short: dict[str, Any] = {"algorithm": algorithm, "schedule": schedule(1)}
        short |= {"participants": 2, "committee": Committee(1, 1, (0, 1), 0)}
        played = play(tmp_path / name, replace(usual, **short))
        before, _, after = columns(evidence_of(played.directory), 1)
        return sum(abs(a - b) for a, b in zip(after, before, strict=True))

    assert 0 < moved("fedprox", (5, 1)) < moved("fedavg", (0, 1))
