"""One suite for every rule: equal to its column form, in NumPy and torch, with 1 and 2 threads."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sheaf.learning import arrays
from sheaf.learning.rules import (
    RULES,
    Rule,
    coordinate_median,
    round_statistics,
    trimmed_mean,
    weighted_mean,
)
from sheaf.learning.rules.networks import network
from sheaf.learning.rules.order_statistics import (
    NETWORK_COLUMNS,
    NETWORK_ROWS,
    SORTED_COLUMNS,
    middle_mean,
)
from sheaf.protocol import bounds
from sheaf.protocol.arithmetic import LIMIT, WEIGHT_LIMIT
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.terms import RuleKind

LOWEST = -(2**31)
MEMBERS = [
    weighted_mean(),
    coordinate_median(),
    trimmed_mean(0, 1),
    trimmed_mean(29, 100),
    trimmed_mean(49, 100),
]
each_rule = pytest.mark.parametrize("rule", MEMBERS, ids=lambda rule: rule.name)
COUNTS = [1, 2, 3, 4, 5, 8, 16, 17, 33, NETWORK_ROWS, NETWORK_ROWS + 1, 100, 101]

Round = tuple[list[NDArray[np.int32]], list[int]]


def random_round(count: int, width: int = 40) -> Round:
    generator = np.random.default_rng(count)
    matrix = generator.integers(LOWEST, LIMIT + 1, (count, width))
    return list(matrix.astype(np.int32)), generator.integers(1, WEIGHT_LIMIT + 1, count).tolist()


def small_round(count: int, width: int = 40) -> Round:
    """Few values, so that ties and halves of both signs are everywhere."""
    generator = np.random.default_rng(count + 1000)
    matrix = generator.integers(-2, 3, (count, width))
    return list(matrix.astype(np.int32)), generator.integers(1, 4, count).tolist()


def extreme_round(count: int, width: int = 40) -> Round:
    """All at either end, all at the int32 that reads as another, and mixed; full weights."""
    generator = np.random.default_rng(count + 2000)
    matrix = generator.choice([LOWEST, -LIMIT, LIMIT, LIMIT - 1, -1], (count, width))
    matrix[:, 0], matrix[:, 1], matrix[:, 2] = LIMIT, -LIMIT, LOWEST
    return list(matrix.astype(np.int32)), [WEIGHT_LIMIT] * count


def half_round(count: int, width: int = 40) -> Round:
    """Near the ends, full weights, and means half way where the count allows: a unit shows."""
    generator = np.random.default_rng(count + 3000)
    matrix = LIMIT - generator.integers(count, 2000, (count, width))
    matrix[0] -= (matrix.sum(axis=0) - count // 2) % count
    matrix[:, ::2] *= -1
    return list(matrix.astype(np.int32)), [WEIGHT_LIMIT] * count


ROUNDS: list[Callable[[int], Round]] = [random_round, small_round, extreme_round, half_round]
each_round = pytest.mark.parametrize("make_round", ROUNDS, ids=lambda make: make.__name__)


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def by_column(rule: Rule, updates: Sequence[NDArray[np.int32]], weights: list[int]) -> list[int]:
    columns = zip(*(update.tolist() for update in updates), strict=True)
    return [rule.column(column, weights) for column in columns]


def test_every_row_of_the_table_is_tested() -> None:
    assert {rule.name for rule in MEMBERS} == set(RULES)
    assert all(RULES[rule.name].__name__ == rule.name for rule in MEMBERS)


def test_a_task_can_name_every_row_and_no_other() -> None:
    assert set(bounds.RULES) == set(RULES)
    assert sorted(bounds.RULES.values()) == list(RuleKind)


@each_rule
@each_round
@pytest.mark.parametrize("count", COUNTS)
def test_vectors_equal_columns(rule: Rule, make_round: Callable[[int], Round], count: int) -> None:
    updates, weights = make_round(count)
    expected = by_column(rule, updates, weights)
    for thread_count in (1, 2):
        with threads(thread_count):
            found = rule.aggregate(updates, weights)
            tensors = rule.aggregate([torch.from_numpy(update) for update in updates], weights)
        assert found.dtype == np.int32
        assert found.tolist() == expected
        assert tensors.dtype == torch.int32
        assert tensors.tolist() == expected


@each_rule
@pytest.mark.parametrize("width", [1, NETWORK_COLUMNS, NETWORK_COLUMNS + 1, 70_000])
@pytest.mark.parametrize("count", [3, NETWORK_ROWS + 1])
def test_chunks_meet_without_a_seam(rule: Rule, width: int, count: int) -> None:
    updates, weights = random_round(count, width)
    found = rule.aggregate(updates, weights)
    seams = (SORTED_COLUMNS, arrays.COLUMNS, NETWORK_COLUMNS, 2 * NETWORK_COLUMNS)
    beside = {place for seam in seams for place in (seam - 1, seam, seam + 1) if place < width}
    edges = sorted({0, width // 2, width - 1, *beside})
    sample = [update[edges] for update in updates]
    assert len(found) == width
    assert found[edges].tolist() == by_column(rule, sample, weights)


@each_rule
@pytest.mark.parametrize("count", [NETWORK_ROWS + 1, 101])
def test_a_second_thread_changes_nothing(rule: Rule, count: int) -> None:
    # Narrow rounds never leave torch's first thread; blocks that are sorted are shared out.
    updates, weights = half_round(count, 2 * arrays.COLUMNS + 7)
    tensors = [torch.from_numpy(update) for update in updates]
    found = []
    for thread_count in (1, 2):
        with threads(thread_count):
            found += [rule.aggregate(updates, weights), rule.aggregate(tensors, weights).numpy()]
    assert all(np.array_equal(found[0], other) for other in found[1:])


@each_rule
def test_updates_are_not_written_to(rule: Rule) -> None:
    for count in (4, NETWORK_ROWS + 1):
        updates, weights = extreme_round(count)
        copies = [update.copy() for update in updates]
        for update in updates:
            update.flags.writeable = False
        rule.aggregate(updates, weights)
        assert all((update == copy).all() for update, copy in zip(updates, copies, strict=True))


@each_rule
def test_equal_updates_give_that_update(rule: Rule) -> None:
    update = np.array([0, 1, -1, LIMIT, -LIMIT, 12_345], dtype=np.int32)
    for count in (1, 2, 7, 40):
        assert rule.aggregate([update] * count, [3] * count).tolist() == update.tolist()


@each_rule
def test_what_does_not_fit_is_refused(rule: Rule) -> None:
    update = np.zeros(3, dtype=np.int32)
    cases: list[tuple[list[object], list[int], str]] = [
        ([], [], "found no vector"),
        ([update, update[:2]], [1, 1], r"vector 1: found shape \(2,\), accepted: \(3,\)"),
        ([update.reshape(1, 3)], [1], "vector 0: found shape"),
        ([update, update.astype(np.int64)], [1, 1], "vector 1: found int64"),
        ([update, torch.zeros(3, dtype=torch.int32)], [1, 1], "vector 1: found torch.int32"),
        ([[1, 2, 3]], [1], "found a list"),
        ([update], [1, 1], "found 2 weights, accepted: 1"),
        ([update], [0], "weight 0: found 0, accepted: 1 to 65535"),
        ([update, update], [1, 65_536], "weight 1: found 65536"),
        ([update] * 65_538, [65_535] * 65_538, r"accepted: below 2\*\*32"),
    ]
    for updates, weights, line in cases:
        with pytest.raises(InvalidModel, match=line):
            rule.aggregate(updates, weights)


@pytest.mark.parametrize(
    ("rule", "weights", "expected"),
    [
        (weighted_mean(), [2, 1, 1], [3, -3, 3]),  # 13/4, -13/4, 13/4
        (weighted_mean(), [1, 1, 2], [7, -7, 1]),  # 27/4, -27/4, 5/4
        (coordinate_median(), [2, 1, 1], [2, -2, 5]),
        (trimmed_mean(1, 3), [2, 1, 1], [2, -2, 5]),
        (trimmed_mean(1, 4), [2, 1, 1], [5, -5, 3]),  # 14/3, -14/3, 8/3
    ],
    ids=["mean", "mean, weighed otherwise", "median", "one dropped", "none dropped"],
)
def test_by_hand(rule: Rule, weights: list[int], expected: list[int]) -> None:
    columns = [(-1, 2, 13), (1, -2, -13), (5, 6, -3)]
    updates = [np.array(row, dtype=np.int32) for row in zip(*columns, strict=True)]
    assert rule.aggregate(updates, weights).tolist() == expected


def test_many_samples_are_weighed_exactly() -> None:
    # Half of the weight less a half: the mean of a and a + 1 lies just below a + 1/2. As floats,
    # a large a would hide by how little.
    weights = [65_535] * 16 + [1]
    for a in (LIMIT - 1, -LIMIT, 0):
        updates = [np.array([a + (index < 8)], dtype=np.int32) for index in range(17)]
        assert weighted_mean().aggregate(updates, weights).tolist() == [a]


def test_a_trim_of_half_is_refused_by_the_factory() -> None:
    with pytest.raises(ValueError, match="less than 1/2"):
        trimmed_mean(1, 2)


@pytest.mark.parametrize("count", range(1, 11))
def test_network_is_right_for_all_zeros_and_ones(count: int) -> None:
    # A comparator network that is right on every column of zeros and ones is right on all (Knuth).
    columns = np.array(list(itertools.product((0, 1), repeat=count)), dtype=np.int32)
    for dropped in range((count + 1) // 2):
        middle = np.sort(columns, axis=1)[:, dropped : count - dropped]
        left = count - 2 * dropped
        half_up = (2 * middle.sum(axis=1) + left) // (2 * left)
        assert middle_mean(list(columns.T.copy()), dropped).tolist() == half_up.tolist()


def test_network_leaves_out_what_is_not_wanted() -> None:
    assert network(9, 0).steps == ()
    assert network(9, 0).scratch == 0
    # The median of a, b, c is min(max(a, b), max(min(a, b), c)): four results, not six.
    assert [step.is_minimum for step in network(3, 1).steps] == [True, False, False, True]
    # Batcher's sort of nine has 26 comparators, 52 results; the median needs 36 of them.
    assert len(network(9, 4).steps) == 36


@pytest.mark.parametrize(("count", "dropped"), [(2, 0), (5, 2), (10, 1), (10, 4), (33, 16)])
def test_network_writes_to_scratch_rows_that_nobody_reads_later(count: int, dropped: int) -> None:
    made = network(count, dropped)
    rows = [frozenset([wire]) for wire in range(count)] + [frozenset[int]()] * made.scratch
    for step in made.steps:
        assert count <= step.target < count + made.scratch
        assert step.target not in (step.first, step.second)
        rows[step.target] = rows[step.first] | rows[step.second]
    # The middle depends on every entry, and no two of its rows are one.
    assert len(set(made.middle)) == count - 2 * dropped
    assert frozenset().union(*(rows[row] for row in made.middle)) == frozenset(range(count))


def test_a_sum_beyond_int32_is_exact_where_columns_are_sorted() -> None:
    # 66 entries of 2**25 sum to more than 2**31; of 2**24, they do not.
    count = 66
    assert count > NETWORK_ROWS
    for entry in (2**24, 2**25, LIMIT):
        updates = [np.array([entry, -entry, index], dtype=np.int32) for index in range(count)]
        means = trimmed_mean(0, 1).aggregate(updates, [1] * count).tolist()
        assert means == [entry, -entry, 33]  # 0 to 65 sum to 2145, which is 32.5 times 66


def test_round_statistics_by_hand() -> None:
    updates = [
        np.array([1, 0, LIMIT, LOWEST, -LIMIT, 1, -1, -8], dtype=np.int32),
        np.array([-1, 0, LIMIT, LOWEST, -LIMIT, 0, 0, 8], dtype=np.int32),
    ]
    mean = weighted_mean().aggregate(updates, [1, 3])
    assert mean.tolist() == [-1, 0, LIMIT, -LIMIT, -LIMIT, 0, 0, 4]
    statistics = round_statistics(updates, mean)
    assert (statistics.coordinates, statistics.saturated, statistics.stalled) == (8, 3, 2)
    assert not statistics.too_coarse
    tensors = [torch.from_numpy(update) for update in updates]
    assert round_statistics(tensors, torch.from_numpy(mean)) == statistics


@pytest.mark.parametrize(("stalled", "too_coarse"), [(2, False), (3, True)])
def test_more_than_half_stalled_is_too_coarse(stalled: int, too_coarse: bool) -> None:
    update = np.array([1] * stalled + [9] * (4 - stalled), dtype=np.int32)
    nothing = np.zeros(4, dtype=np.int32)
    mean = weighted_mean().aggregate([update, nothing, nothing], [1, 1, 1])
    statistics = round_statistics([update, nothing, nothing], mean)
    assert (statistics.stalled, statistics.too_coarse) == (stalled, too_coarse)
