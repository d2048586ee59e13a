"""One suite for every algorithm: an exact integer server half, a client half that is a gradient."""

import numpy as np
import pytest
import torch

from sheaf.learning import arrays
from sheaf.learning.algorithms import (
    ALGORITHMS,
    Algorithm,
    fedadagrad,
    fedadam,
    fedavg,
    fedavgm,
    fedprox,
    fedyogi,
)
from sheaf.protocol import bounds
from sheaf.protocol.arithmetic import LIMIT, sat
from sheaf.protocol.errors import InvalidConfiguration, InvalidModel
from sheaf.protocol.optimisers import OptimiserKind

PLAIN = [fedavg(), fedprox(mu=[1, 100])]
MOVING = [
    fedavgm(16, 10, 2**20),
    fedadagrad(16, 1, 2**17, 2**14),
    fedadam(16, 10, 100, 2**17, 2**14),
    fedyogi(16, 10, 100, 2**17, 2**14),
]
MEMBERS = [*PLAIN, *MOVING]
each_algorithm = pytest.mark.parametrize("algorithm", MEMBERS, ids=lambda member: member.name)
each_plain = pytest.mark.parametrize("algorithm", PLAIN, ids=lambda member: member.name)


def test_every_row_of_the_table_is_tested() -> None:
    assert {algorithm.name for algorithm in MEMBERS} == set(ALGORITHMS)
    assert ALGORITHMS["fedprox"](mu=[1, 2]).name == "fedprox"


def test_a_task_can_name_every_row_and_no_other() -> None:
    assert set(bounds.ALGORITHMS) == set(ALGORITHMS)
    assert set(bounds.ALGORITHMS.values()) == set(OptimiserKind)


@each_plain
def test_step_adds_and_saturates(algorithm: Algorithm) -> None:
    model = [0, 5, LIMIT, LIMIT, -LIMIT, -(2**31), 7, -7]
    aggregate = [0, -7, 1, -1, -1, 1, LIMIT, -LIMIT]
    by_hand = [0, -2, LIMIT, LIMIT - 1, -LIMIT, 1 - LIMIT, LIMIT, -LIMIT]
    vectors = np.array([model, aggregate], dtype=np.int32)
    stepped, state = algorithm.step(vectors[0], vectors[1], None)
    assert stepped.dtype == np.int32
    assert stepped.tolist() == by_hand
    assert state is None
    assert vectors.tolist() == [model, aggregate]


@each_plain
def test_step_is_the_same_in_torch_and_over_chunks(algorithm: Algorithm) -> None:
    generator = np.random.default_rng(3)
    shape = (2, arrays.COLUMNS + 5)
    model, aggregate = generator.integers(-LIMIT, LIMIT + 1, shape).astype(np.int32)
    expected = [sat(x + a) for x, a in zip(model.tolist(), aggregate.tolist(), strict=True)]
    stepped, _ = algorithm.step(model, aggregate, None)
    tensors, _ = algorithm.step(torch.from_numpy(model), torch.from_numpy(aggregate), None)
    assert stepped.tolist() == expected
    assert tensors.tolist() == expected


@each_plain
def test_plain_averaging_starts_from_nothing(algorithm: Algorithm) -> None:
    assert algorithm.start(3) is None


@each_algorithm
def test_step_refuses_what_does_not_fit(algorithm: Algorithm) -> None:
    state = algorithm.start(3)
    with pytest.raises(InvalidModel, match="vector 1: found shape"):
        algorithm.step(np.zeros(3, dtype=np.int32), np.zeros(2, dtype=np.int32), state)
    with pytest.raises(InvalidModel, match="vector 0: found float64"):
        algorithm.step(np.zeros(3), np.zeros(3, dtype=np.int32), state)


@each_algorithm
def test_where_it_started_the_gradient_is_the_clients_own(algorithm: Algorithm) -> None:
    gradient, start = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    assert algorithm.correct(gradient, start, start).tolist() == [1.0, -2.0]
    assert gradient.tolist() == [1.0, -2.0]


def test_fedavg_leaves_the_gradient() -> None:
    gradient = np.array([1.0, -2.0])
    assert fedavg().correct(gradient, np.array([9.0, 9.0]), np.zeros(2)).tolist() == [1.0, -2.0]


def test_fedprox_pulls_back_to_the_start() -> None:
    correct = fedprox(mu=[1, 4]).correct
    gradient, local, start = [1.0, -2.0], [5.0, 1.0], [3.0, 3.0]
    by_hand = [1.5, -2.5]
    assert correct(*map(np.array, (gradient, local, start))).tolist() == by_hand
    assert correct(*map(torch.tensor, (gradient, local, start))).tolist() == by_hand


def test_fedprox_is_the_gradient_of_its_objective() -> None:
    local = torch.tensor([0.3, -1.2], dtype=torch.float64, requires_grad=True)
    start = torch.tensor([0.5, 0.5], dtype=torch.float64)
    objective = torch.cos(local).sum() + 0.1 / 2 * ((local - start) ** 2).sum()
    (expected,) = torch.autograd.grad(objective, local)
    own = -torch.sin(local.detach())
    corrected = fedprox(mu=[1, 10]).correct(own, local.detach(), start)
    assert torch.allclose(corrected, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("mu", [[-1, 10], [1, 0], [1, -2], [1], [0.5, 1], 3, [True, 1]])
def test_fedprox_refuses_what_is_no_ratio(mu: object) -> None:
    with pytest.raises(InvalidConfiguration, match="accepted"):
        ALGORITHMS["fedprox"](mu=mu)
