"""Who moved the model: rounds made by hand, and every rule against the specification's columns."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import pytest

from sheaf.audit.influence import blame, model_without
from sheaf.nodes.aggregation import aggregate, read_vector
from sheaf.protocol import columns, task
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.optimisers import Constants
from sheaf.store.memory import MemoryStore
from tests.audit.scene import evidence_of, played, trained
from tests.nodes.courtroom import Courtroom
from tests.nodes.plans import plan

UNIT = 2.0**-16
ROUND: dict[str, Any] = {"coordinates": 4, "initial": np.zeros(4, np.int32)}
SMALL = 16
"""Bytes of one column of a handful of updates: each pass holds one column."""


def name(evidence: Any, account: bytes) -> str:
    return str(evidence.who(account).partition("(")[2].rstrip(")"))


def test_leaving_one_out_of_a_mean_of_four_by_hand() -> None:
    """Means of (1, 2, 3, 10) thousands: 4; without the last 2, without the first 5, and so on."""
    room = played(
        {
            f"participant-{i}": trained(*[v] * 4)
            for i, v in enumerate((1000, 2000, 3000, 10_000), 1)
        },
        **ROUND,
    )
    evidence = evidence_of(room)
    found = blame(evidence, 1)
    told = [(name(evidence, each.account), each.moved_most / UNIT) for each in found.ranking]
    # |4000 - 2000|, |4000 - 5000|, |4000 - 14000/3| = 666.67 and |4000 - 13000/3| = 333.33, with
    # the means rounded to integers: 4667 and 4333.
    assert told == [
        ("participant-4", 2000),
        ("participant-1", 1000),
        ("participant-2", 667),
        ("participant-3", 333),
    ]
    last = found.ranking[0]
    assert last.moved == pytest.approx(2 * 2000 * UNIT)  # four equal coordinates: twice the one
    assert last.norm == pytest.approx(2 * 10_000 * UNIT)
    assert last.cosine == pytest.approx(1)
    assert found.step == pytest.approx(2 * 4000 * UNIT)
    assert (found.rule, found.round, found.attempt) == ("weighted_mean", 1, 1)


def test_weights_count_and_directions_are_told() -> None:
    """(40, 0) with weight 3 and (0, 40) with weight 1: the mean is (30, 10). Its cosine with the
    first is 30/sqrt(1000), with the second 10/sqrt(1000)."""
    heavy, light = trained(40, 0, 0, 0, samples=3), trained(0, 40, 0, 0, samples=1)
    gone = {"participant-3": trained(40, 0, 0, 0, samples=3), "participant-4": light}
    room = played({"participant-1": heavy, "participant-2": light, **gone}, **ROUND)
    evidence = evidence_of(room)
    found = blame(evidence, 1)
    by_name = {name(evidence, each.account): each for each in found.ranking}
    assert by_name["participant-1"].cosine == pytest.approx(30 / sqrt(1000))
    assert by_name["participant-2"].cosine == pytest.approx(10 / sqrt(1000))
    # Without a heavy one (120, 80)/5 = (24, 16): 6 and 6 away. Without a light one (240, 40)/7 =
    # (34.29, 5.71), rounded (34, 6): 4 and 4 away.
    assert by_name["participant-1"].moved == pytest.approx(sqrt(72) * UNIT)
    assert by_name["participant-2"].moved == pytest.approx(sqrt(32) * UNIT)
    assert [each.samples for each in found.ranking] == [3, 3, 1, 1]


def test_a_layer_s_own_share_and_its_own_units() -> None:
    """A statistic follows three weights; only the weights of one update stand out."""
    values = {"participant-1": (900, 0, 0, 0), "participant-2": (0, 0, 0, 80)}
    quiet = {f"participant-{i}": trained(0, 0, 0, 0) for i in (3, 4)}
    room = played({**{n: trained(*v) for n, v in values.items()}, **quiet}, statistics=1, **ROUND)
    evidence = evidence_of(room)
    first, second = blame(evidence, 1).ranking[:2]
    # 900/4 = 225 against 0 without it, and 80/4 = 20 against 27 without the first, rounded up.
    assert [(layer.name, layer.moved / UNIT) for layer in first.layers] == [
        ("weight", 225),
        ("mean", 7),
    ]
    assert [(layer.name, layer.norm / UNIT) for layer in second.layers] == [
        ("weight", 0),
        ("mean", 80),
    ]


def test_an_update_that_pushes_is_ranked_first() -> None:
    """The others' updates begin with their number; the third one's are far away."""
    room = played({"participant-3": trained(*[-5000] * 10, samples=30)}, coordinates=10)
    evidence = evidence_of(room)
    found = blame(evidence, 1)
    # With weights 10, 20, 30, 40 the aggregate is near -1500; near 0 without the third one, and
    # near -5000 * 30 / 60 = -2500 without the fourth, which weighs most.
    first, second = found.ranking[:2]
    assert [name(evidence, each.account) for each in (first, second)] == [
        "participant-3",
        "participant-4",
    ]
    assert first.moved == pytest.approx(sqrt(10) * 1500 * UNIT, rel=0.01)
    assert second.moved == pytest.approx(sqrt(10) * 1000 * UNIT, rel=0.01)


def rule(name: str) -> task.RuleChoice:
    return task.RuleChoice(name, (1, 4) if name == "trimmed_mean" else (0, 1))


@pytest.mark.parametrize("rule_name", ["weighted_mean", "coordinate_median", "trimmed_mean"])
def test_without_one_every_rule_is_its_own_columns(rule_name: str) -> None:
    """The specification's column form, one coordinate after the other, on three of the four."""
    room = Courtroom(coordinates=10, rule=rule(rule_name))
    room.run()
    evidence = evidence_of(room)
    counted = evidence.trail.rounds[1].counted_updates(1)
    base = room.model(evidence.task.model.initial)
    for position, _, _ in counted:
        rest = [(root, weight) for place, root, weight in counted if place != position]
        vectors = [room.model(root) for root, _ in rest]
        weights = [weight for _, weight in rest]
        expected = [
            start + column(rule_name, [v[at] for v in vectors], weights)
            for at, start in enumerate(base)
        ]
        assert model_without(evidence, 1, position).tolist() == expected


def column(rule_name: str, entries: list[int], weights: list[int]) -> int:
    if rule_name == "weighted_mean":
        return columns.weighted_mean(entries, weights)
    if rule_name == "coordinate_median":
        return columns.median(entries)
    return columns.trimmed_mean(entries, 1, 4)


ADAM = replace(plan().algorithm, name="fedadam", server=Constants(10, 100, 2**20, 2**10))


@pytest.mark.parametrize("statistics", [0, 3])
@pytest.mark.parametrize("round", [1, 2])
def test_columns_a_pass_at_a_time_give_what_all_at_once_give(round: int, statistics: int) -> None:
    """With an optimiser that has moments, and statistics that it does not move."""
    room = Courtroom(coordinates=10, rounds=2, algorithm=ADAM, statistics=statistics)
    room.run()
    evidence = evidence_of(room)
    assert blame(evidence, round, SMALL) == blame(evidence, round)
    found, trail = evidence.trail.rounds[round], evidence.trail
    for each in blame(evidence, round).ranking:
        rest = [c for c in found.counted_updates(1) if c[0] != each.position]
        base = trail.model_after(round - 1, room.task.model.initial)
        state = trail.state_after(round - 1)
        kept = MemoryStore()
        root = aggregate(room.task, room.shared, base, rest, state, kept=kept).root
        expected = read_vector(room.task, kept, root)
        assert np.array_equal(model_without(evidence, round, each.position), expected)
        settled = read_vector(room.task, room.shared, trail.model_after(round, b""))
        apart = [Fraction(int(a) - int(b)) for a, b in zip(settled, expected, strict=True)]
        assert each.moved == pytest.approx(sqrt(sum(d * d for d in apart)) * UNIT)


def test_a_mean_of_the_largest_numbers_with_the_largest_weights_is_exact() -> None:
    """The largest that four participants can have, halves on both sides of zero, in Python."""
    most, least = 2**31 - 1, -(2**31 - 1)
    updates = [[most, least, 3, -3], [most, least, 0, 0], [most, least, 0, 0], [1, -1, 2, -2]]
    samples = [65_535, 65_535, 1, 1]
    cohort = task.CohortSize(minimum=2, goal=4, weight_cap=65_535)
    trainings = {
        f"participant-{i}": trained(*values, samples=weight)
        for i, (values, weight) in enumerate(zip(updates, samples, strict=True), 1)
    }
    room = played(trainings, cohort=cohort, **ROUND)
    evidence = evidence_of(room)
    for each in blame(evidence, 1).ranking:
        left = int(name(evidence, each.account)[-1]) - 1
        rest = [i for i in range(4) if i != left]
        expected = [
            columns.weighted_mean([updates[i][at] for i in rest], [samples[i] for i in rest])
            for at in range(4)
        ]
        assert model_without(evidence, 1, each.position).tolist() == expected


def test_the_only_update_left_out_leaves_the_model_as_it_was() -> None:
    cohort = task.CohortSize(minimum=1, goal=1, weight_cap=1000)
    room = Courtroom(coordinates=10, cohort=cohort)
    room.run()
    found = blame(evidence_of(room), 1)
    assert len(found.ranking) == 1
    assert found.ranking[0].moved == pytest.approx(found.step)


def test_a_round_that_made_no_model_is_refused() -> None:
    evidence = evidence_of(played({}))
    aborted = replace(evidence.trail.rounds[1], outcome=None)
    trail = replace(evidence.trail, rounds={1: aborted})
    with pytest.raises(InvalidUsage, match="found round 1, accepted: one that settled: none"):
        blame(replace(evidence, trail=trail), 1)
    with pytest.raises(InvalidUsage, match=r"found round 9, accepted: one that settled: 1$"):
        blame(evidence, 9)
