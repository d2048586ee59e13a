"""Server optimisers over vectors: equal to exact rationals and to their column form, in NumPy and
torch, and near floats; statistics go round them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sheaf.learning import arrays
from sheaf.learning.algorithms import (
    ALGORITHMS,
    Algorithm,
    fedadagrad,
    fedadam,
    fedavgm,
    fedyogi,
    moments,
)
from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.errors import InvalidConfiguration, InvalidModel
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind
from tests.optimiser_reference import exact_step, vectors

ONE = 2**24
NAMES = {
    OptimiserKind.MOMENTUM: "fedavgm",
    OptimiserKind.ADAGRAD: "fedadagrad",
    OptimiserKind.ADAM: "fedadam",
    OptimiserKind.YOGI: "fedyogi",
}

Vector = NDArray[np.int32]


@dataclass(frozen=True)
class Member:
    """An optimiser in both forms."""

    optimiser: Optimiser

    @property
    def name(self) -> str:
        return NAMES[OptimiserKind(self.optimiser.kind)]

    @property
    def algorithm(self) -> Algorithm:
        """The array form; constants that it has no use for are zero."""
        given = {key: value for key, value in vars(self.optimiser.constants).items() if value}
        return ALGORITHMS[self.name](self.optimiser.fraction_bits, **given)


def usual(kind: OptimiserKind, rate: int, bits: int = 16, floor: int = 2**14) -> Member:
    """The decays 0.9 and, where there is one, 0.99."""
    squares = 100 if kind >= OptimiserKind.ADAM else 0
    constants = Constants(10, squares, rate, floor if kind >= OptimiserKind.ADAGRAD else 0)
    return Member(Optimiser(kind, bits, constants))


each_kind = pytest.mark.parametrize("kind", NAMES, ids=NAMES.get)


def random_vector(generator: np.random.Generator, width: int, reach: int = 2**16) -> Vector:
    return generator.integers(-reach, reach, width).astype(np.int32)


def as_tensors(*given: NDArray[Any]) -> list[Any]:
    return [torch.from_numpy(array.copy()) for array in given]


def test_vectors_equal_exact_rationals_at_every_extreme() -> None:
    for group in vectors(400, 50, seed=3):
        c = group[0]
        constants = Constants(c.mean_divisor, c.square_divisor, c.rate, c.floor)
        member = Member(Optimiser(c.kind, c.fraction_bits, constants))
        places = np.array([[c.value, c.aggregate] for c in group], dtype=np.int32).T
        model, aggregate = places
        rows = len(member.algorithm.start(1))
        state = np.array([[c.mean, c.square][:rows] for c in group], dtype=np.int64).T
        expected = [list(exact_step(c))[: 1 + rows] for c in group]
        kept = (places.copy(), state.copy())
        found = member.algorithm.step(model, aggregate, state)
        assert np.vstack(found).T.tolist() == expected, c
        assert found[0].dtype == np.int32
        assert np.array_equal(kept[0], places)
        assert np.array_equal(kept[1], state)
        tensors = member.algorithm.step(*as_tensors(model, aggregate, state))
        assert tensors[0].dtype == torch.int32
        assert np.vstack(tensors).T.tolist() == expected, c


@pytest.mark.parametrize("highest", [2**26 - 1, 2**27, 2**29, 2**31 - 1, 2_629_000_000])
def test_roots_are_floors_on_both_sides_of_every_square(highest: int) -> None:
    """Below 2^52, where float64 needs no correction, and above, where it does."""
    generator = np.random.default_rng(highest)
    roots = np.r_[1:1000, highest - 999 : highest, generator.integers(1, highest, 5000)]
    squares = roots**2
    v = np.r_[squares - 1, squares, squares + 2 * roots]
    expected = np.r_[roots - 1, roots, roots]
    for values in (v, torch.from_numpy(v)):
        root, spare, floats = (arrays.empty((len(v),), kind, values) for kind in KINDS)
        moments.isqrt(values, root, spare, floats)
        assert np.array_equal(root, expected)


KINDS: tuple[arrays.Dtype, ...] = ("int64", "int64", "float64")


@each_kind
@pytest.mark.parametrize("width", [1, arrays.COLUMNS, 2 * arrays.COLUMNS + 7])
def test_chunks_meet_without_a_seam(kind: OptimiserKind, width: int) -> None:
    member, generator = usual(kind, rate=2**18), np.random.default_rng(width)
    model, state = random_vector(generator, width), member.algorithm.start(width)
    edges = sorted({0, width // 2, width - 1, *range(arrays.COLUMNS - 1, min(width, 16_400))})
    places = [(int(model[i]), member.optimiser.start) for i in edges]
    for _ in range(3):
        aggregate = random_vector(generator, width)
        model, state = member.algorithm.step(model, aggregate, state)
        places = [
            member.optimiser.step(value, int(aggregate[i]), moments)
            for i, (value, moments) in zip(edges, places, strict=True)
        ]
    assert model[edges].tolist() == [value for value, _ in places]
    assert state.T[edges].tolist() == [list(moments[: len(state)]) for _, moments in places]


@each_kind
def test_the_start(kind: OptimiserKind) -> None:
    state = usual(kind, rate=1).algorithm.start(3)
    assert state.dtype == np.int64
    # The square of the floor, which is 2^14.
    assert state.tolist() == [[0, 0, 0], [2**28] * 3][: 1 if kind == OptimiserKind.MOMENTUM else 2]


# Statistics


@each_kind
def test_a_variance_is_only_ever_added_to(kind: OptimiserKind) -> None:
    """A running variance of 100 falls to 1 in three rounds and stays there. An optimiser would
    carry it on below zero; the aggregate, added as it is, leaves it where participants have it."""
    member = usual(kind, rate=10 * ONE if kind == OptimiserKind.MOMENTUM else ONE // 4)
    model, state = np.array([0, 100], dtype=np.int32), member.algorithm.start(1)
    through, lowest = (100, member.optimiser.start), 100
    for change in (-33, -33, -33, 0, 0, 0):
        aggregate = np.array([5, change], dtype=np.int32)
        model, state = member.algorithm.step(model, aggregate, state)
        through = member.optimiser.step(through[0], change, through[1])
        lowest = min(lowest, through[0])
    assert lowest < 0
    assert model[1] == 1
    assert state.shape[1] == 1


@each_kind
def test_statistics_saturate_and_read_as_any_coordinate_does(kind: OptimiserKind) -> None:
    algorithm = usual(kind, rate=ONE).algorithm
    model = np.array([0, LIMIT, -LIMIT, -(2**31), 7], dtype=np.int32)
    aggregate = np.array([0, 1, -1, 0, -(2**31)], dtype=np.int32)
    state = algorithm.start(1)
    after, _ = algorithm.step(model, aggregate, state)
    assert after.tolist()[1:] == [LIMIT, -LIMIT, -LIMIT, 7 - LIMIT]
    tensors, _ = algorithm.step(*as_tensors(model, aggregate, state))
    assert tensors.tolist() == after.tolist()


# Near floats


def float_step(
    optimiser: Optimiser, x: Vector, aggregate: Vector, state: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The papers' step in float64 from the same state, in lattice steps, and how far half a unit
    of M and one of the root can lead from it (numbers.md)."""
    kind, c, unit, scale = (
        optimiser.kind,
        optimiser.constants,
        2.0**-24,
        2.0**optimiser.fraction_bits,
    )
    reach = LIMIT >> 24 - optimiser.fraction_bits
    D = np.clip(aggregate.astype(np.float64), -reach, reach) / scale
    M, V, rate, floor = state[0] * unit, state[-1] * unit**2, c.rate * unit, c.floor * unit
    M = M + (D - M) / c.mean_divisor
    if kind == OptimiserKind.MOMENTUM:
        return x + rate * M * scale, np.full(len(x), rate * unit * scale / 2)
    if kind == OptimiserKind.ADAGRAD:
        V = np.minimum(V + D**2, 2.0**14)
    elif kind == OptimiserKind.ADAM:
        V = V + (D**2 - V) / c.square_divisor
    else:
        V = V + np.sign(D**2 - V) * D**2 / c.square_divisor
    divisor = np.sqrt(V) + floor
    slack = rate / divisor * (0.5 + abs(M) / divisor) * unit * scale
    return x + rate * M / divisor * scale, slack


@each_kind
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_a_step_is_near_the_same_step_in_float64(kind: OptimiserKind, bits: int) -> None:
    member = usual(kind, rate=ONE, bits=bits, floor=2**10)
    generator, width = np.random.default_rng(bits), 2000
    # What numbers.md states for the decays 0.9 and 0.99: a rate of 1, a floor of 2^-14.
    stated = (0.5 if kind == OptimiserKind.MOMENTUM else 3 * 2**14) / 2 ** (24 - bits)
    model, state = random_vector(generator, width, 2**20), member.algorithm.start(width)
    size = 2.0 ** generator.uniform(0, bits + 3, width)
    for _ in range(40):
        leaps = np.where(generator.random(width) < 0.1, 2.0 ** generator.uniform(0, 6, width), 1)
        drawn = np.clip(generator.normal(size=width) * size * leaps, -LIMIT, LIMIT)
        aggregate = drawn.astype(np.int32)
        exact, slack = float_step(member.optimiser, model, aggregate, state)
        model, state = member.algorithm.step(model, aggregate, state)
        error = abs(model - np.clip(exact, -LIMIT, LIMIT))
        assert (error <= 0.5 + 1.001 * slack + 1e-6).all()
        assert error.max() <= 0.5 + stated + 1e-6


# Refusals


@each_kind
def test_a_state_that_does_not_fit_is_refused(kind: OptimiserKind) -> None:
    algorithm = usual(kind, rate=ONE).algorithm
    state, vector = algorithm.start(3), np.zeros(3, dtype=np.int32)
    cases: list[tuple[Any, str]] = [
        (None, "state: found no state, accepted: int64 of numpy"),
        (state.astype(np.int32), "state: found int32 of numpy"),
        (torch.from_numpy(state), "state: found torch.int64 of torch"),
        (algorithm.start(4), "accepted: [12] rows of 1 to 3 coordinates"),
        (state[:, :0], r"state: found shape \([12], 0\)"),
        (np.zeros((3, 3), dtype=np.int64), r"state: found shape \(3, 3\)"),
        (state[0], r"state: found shape \(3,\)"),
    ]
    for wrong, line in cases:
        with pytest.raises(InvalidModel, match=line):
            algorithm.step(vector, vector, wrong)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: fedavgm(16, 0, 1), "fedavgm: mean_divisor: found 0"),
        (lambda: fedadagrad(16, 1, 0, 2**14), "fedadagrad: rate: found 0"),
        (lambda: fedadam(16, 1, 1, 1, 2**14), "fedadam: square_divisor: found 1"),
        (lambda: fedyogi(16, 1, 2, 1, 2**31), "fedyogi: floor: found 2147483648"),
    ],
)
def test_constants_out_of_bounds_are_refused(make: Any, line: str) -> None:
    with pytest.raises(InvalidConfiguration, match=line):
        make()
