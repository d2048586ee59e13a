"""Local training: exact small steps, the same bytes again, and bad input in one line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from sheaf.learning.algorithms import fedavg, fedprox
from sheaf.learning.lattice import encode_model, encode_update, float_view
from sheaf.learning.modules import layout_of, load, vector_of
from sheaf.learning.scores import scores_of
from sheaf.learning.training import (
    Recipe,
    TrainingResult,
    check_fit,
    loss_named,
    optimizer_named,
    repeatable,
    train,
)
from sheaf.protocol.errors import (
    InvalidConfiguration,
    InvalidData,
    InvalidModel,
    NotFinite,
    SheafError,
)

X = np.array([[1.0], [2.0], [3.0]])
Y = np.array([2.0, 4.0, 6.0])
SQUARES = Recipe("MSELoss", "SGD", {"lr": 0.25}, batch_size=3, epochs=1)
CLASSES = replace(SQUARES, loss="CrossEntropyLoss", epochs=3, batch_size=8)


def line() -> nn.Linear:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    return module


def network() -> nn.Module:
    with repeatable(5, 1):
        return nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
        )


def classes(count: int = 33) -> tuple[Any, Any]:
    generator = np.random.default_rng(2)
    return generator.normal(size=(count, 4)), generator.integers(0, 3, count)


def trained(
    module: nn.Module, data: object, recipe: Recipe, *, seed: int = 1, threads: int = 1
) -> TrainingResult:
    return train(module, data, recipe, algorithm=fedavg(), seed=seed, threads=threads)


def bytes_of(result: TrainingResult) -> bytes:
    return b"".join(array.tobytes() for array in result.parameters.values())


def test_one_full_step_by_hand() -> None:
    # Loss at 0 is (4 + 16 + 36) / 3; the slope is -2 * (2 + 8 + 18) / 3 = -56 / 3.
    result = trained(line(), (X, Y), SQUARES)
    assert result.parameters["weight"].tolist() == [[pytest.approx(56 / 12, rel=1e-6)]]
    assert result.loss == pytest.approx(56 / 3, rel=1e-6)
    assert result.samples == 3


def test_fedprox_pulls_from_the_second_step_on() -> None:
    # w1 = 14/3; the slope there is 28/3 * (14/3 - 2) = 224/9, and mu adds 3 * 14/3 = 14.
    recipe = replace(SQUARES, epochs=2)
    result = train(line(), (X, Y), recipe, algorithm=fedprox(mu=[3, 1]), seed=1, threads=1)
    by_hand = 14 / 3 - (224 / 9 + 14) / 4
    assert result.parameters["weight"].tolist() == [[pytest.approx(by_hand, rel=1e-6)]]
    plain = trained(line(), (X, Y), recipe)
    assert plain.loss == pytest.approx(14 / 3 * (14 / 3 - 2) ** 2, rel=1e-6)  # of the last pass
    assert plain.parameters["weight"].tolist() == [[pytest.approx(14 / 3 - 56 / 9, rel=1e-5)]]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_and_threads_give_the_same_bytes(threads: int) -> None:
    first = trained(network(), classes(), CLASSES, threads=threads)
    torch.rand(3)  # what others draw in between must not matter
    again = trained(network(), classes(), CLASSES, threads=threads)
    other = trained(network(), classes(), CLASSES, threads=threads, seed=2)
    assert bytes_of(first) == bytes_of(again)
    assert first.loss == again.loss
    assert bytes_of(first) != bytes_of(other)


def test_the_seed_orders_the_samples() -> None:
    recipe = replace(SQUARES, batch_size=1, optimizer_options={"lr": 0.01})
    losses = {trained(line(), (X, Y), recipe, seed=seed).loss for seed in range(8)}
    assert 1 < len(losses) <= 6


def test_arrays_and_a_dataset_train_alike() -> None:
    features, labels = classes()
    dataset = TensorDataset(torch.from_numpy(features), torch.from_numpy(labels))
    pair = trained(network(), (features, labels), CLASSES)
    assert bytes_of(pair) == bytes_of(trained(network(), dataset, CLASSES))


def test_torch_is_left_as_it_was() -> None:
    torch.manual_seed(9)
    expected = torch.rand(2).tolist()
    torch.manual_seed(9)
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    module = network().eval()
    trained(module, classes(), CLASSES, threads=before[0] + 1)
    with pytest.raises(NotFinite):
        trained(module, classes(), replace(CLASSES, optimizer_options={"lr": 1e30}))
    assert torch.rand(2).tolist() == expected
    assert (torch.get_num_threads(), torch.get_deterministic_debug_mode()) == before
    assert not module.training


@pytest.mark.parametrize("threads", [1, 3])
def test_training_is_fixed_to_its_threads_and_to_determinism(threads: int) -> None:
    seen = set()

    class Watched(nn.Linear):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            seen.add((torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()))
            return super().forward(values)

    trained(Watched(4, 3), classes(), CLASSES, threads=threads)
    assert seen == {(threads, True)}


def test_the_order_of_samples_is_no_matter_of_the_layers() -> None:
    orders: list[list[float]] = []
    for draws in (False, True):
        seen: list[float] = []

        class Watched(nn.Linear):
            draws_too = draws
            seen_here = seen

            def forward(self, values: torch.Tensor) -> torch.Tensor:
                self.seen_here.extend(values[:, 0].tolist())
                kept = nn.functional.dropout(values, 0.5) if self.draws_too else values
                return super().forward(kept)

        trained(Watched(4, 3), classes(), CLASSES)
        orders.append(seen)
    assert orders[0] == orders[1]


def test_epochs_steps_and_the_last_batch() -> None:
    sizes: list[int] = []

    class Watched(nn.Linear):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            sizes.append(len(values))
            return super().forward(values)

    cases: list[tuple[int, dict[str, int | None], list[int]]] = [
        (10, {"batch_size": 4, "epochs": 2}, [4, 4, 2, 4, 4, 2]),
        (9, {"batch_size": 4, "epochs": 1}, [4, 5]),
        (3, {"batch_size": 1, "epochs": 1}, [1, 1, 1]),
        (1, {"batch_size": 4, "epochs": 2}, [1, 1]),
        (10, {"batch_size": 4, "epochs": None, "steps": 5}, [4, 4, 2, 4, 4]),
        (10, {"batch_size": 100, "epochs": None, "steps": 1}, [10]),
    ]
    for count, amounts, expected in cases:
        sizes.clear()
        fields: Any = amounts
        trained(Watched(4, 3), classes(count), replace(CLASSES, **fields))
        assert sizes == expected


def test_every_sample_is_seen_once_in_a_pass() -> None:
    seen: list[float] = []

    class Watched(nn.Linear):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            seen.extend(values[:, 0].tolist())
            return super().forward(values)

    features = np.arange(10.0)[:, None]
    recipe = replace(SQUARES, batch_size=3, epochs=2, optimizer_options={"lr": 1e-6})
    trained(Watched(1, 1), (features, features), recipe)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_frozen_parameters_stay_and_count() -> None:
    module = nn.Linear(1, 1)
    module.weight.requires_grad_(False)
    before = module.weight.item()
    result = trained(module, (X, Y), SQUARES)
    assert result.parameters["weight"].item() == before
    assert set(result.parameters) == {"weight", "bias"}


def test_a_participant_who_learns_nothing_sends_zeros() -> None:
    module = network()
    layout = layout_of(module)
    base = encode_model(vector_of(module, layout), layout.bits)
    load(module, layout, base)
    still = replace(CLASSES, optimizer_options={"lr": 0.0})
    result = trained(module, classes(), still)
    update = encode_update(layout.flatten(result.parameters), base, layout.bits)
    assert not update[: layout.trainable_count].any()
    assert update[layout.trainable_count :].any()  # the BatchNorm has seen data


@pytest.mark.parametrize(
    ("loss", "module", "labels"),
    [
        ("BCEWithLogitsLoss", nn.Linear(1, 1), np.array([0, 1, 1])),
        ("torch.nn.BCEWithLogitsLoss", nn.Linear(1, 1), np.array([[0.0], [1.0], [1.0]])),
        ("CrossEntropyLoss", nn.Linear(1, 2), np.array([0, 1, 1], dtype=np.uint8)),
        ("CrossEntropyLoss", nn.Linear(1, 2), np.array([[0.0], [1.0], [1.0]])),
        ("CrossEntropyLoss", nn.Linear(1, 2), np.array([[0.5, 0.5]] * 3)),
        ("HuberLoss", nn.Linear(1, 1), Y),
        ("MSELoss", nn.Linear(1, 1).double(), Y),
    ],
)
def test_labels_are_given_as_the_loss_wants_them(loss: str, module: nn.Module, labels: Any) -> None:
    result = trained(module, (X, labels), replace(SQUARES, loss=loss))
    assert np.isfinite(result.loss)


@pytest.mark.parametrize(
    ("module", "data", "recipe", "line_found"),
    [
        (line, (X[:, [0, 0]], Y), SQUARES, r"X of shape \(3, 2\) and torch.float32"),
        (line, (X.astype(np.int64), Y), SQUARES, "and torch.int64"),
        (line, (X, Y[:, None] * [1, 1]), SQUARES, r"labels of shape \(3, 2\), .*\(3, 1\)"),
        (network, (classes()[0], np.full(33, 3)), CLASSES, "found a batch X .*out of bounds"),
        (network, (classes()[0], np.full(33, 0.5)), CLASSES, "found labels with a fraction"),
        (line, (X[:0], Y[:0]), SQUARES, "found no samples"),
        (line, (X * np.nan, Y), SQUARES, "X, sample 0: found NaN or infinity"),
        (line, X, SQUARES, "found a ndarray, accepted: a torch Dataset"),
    ],
)
def test_bad_data_is_one_clear_line(
    module: Callable[[], nn.Module], data: object, recipe: Recipe, line_found: str
) -> None:
    with pytest.raises(InvalidData, match=line_found):
        trained(module(), data, recipe)


def test_divergence_is_named() -> None:
    recipe = replace(SQUARES, optimizer_options={"lr": 1e20}, epochs=50)
    with pytest.raises(NotFinite, match=r"found a training loss of (inf|nan)") as caught:
        trained(line(), (X, Y), recipe)
    assert "smaller learning rate" in caught.value.hint


@pytest.mark.parametrize(
    ("fields", "line_found"),
    [
        ({"epochs": None}, "found epochs = None and steps = None"),
        ({"steps": 3}, "found epochs = 1 and steps = 3"),
        ({"epochs": 0}, "epochs: found 0, accepted: at least 1"),
        ({"batch_size": 0}, "batch_size: found 0"),
    ],
)
def test_recipes_that_say_nothing_are_refused(fields: Any, line_found: str) -> None:
    with pytest.raises(InvalidConfiguration, match=line_found):
        replace(SQUARES, **fields)


def test_threads_below_one_are_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="threads: found 0"):
        trained(line(), (X, Y), SQUARES, threads=0)


@pytest.mark.parametrize(
    "name",
    ["", "Linear", "CTCLoss", "TripletMarginLoss", "LinearCrossEntropyLoss", "os.system", "Module"],
)
def test_only_losses_of_torch_are_resolved(name: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"accepted: a loss class of torch\.nn"):
        loss_named(name)


@pytest.mark.parametrize("name", ["", "Optimizer", "LBFGS", "lr_scheduler", "os.system", "sgd"])
def test_only_optimisers_of_torch_are_resolved(name: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"accepted: an optimiser class of torch\.optim"):
        optimizer_named(name, line(), {})


def test_optimiser_options_are_checked_by_torch() -> None:
    assert isinstance(optimizer_named("torch.optim.AdamW", line(), {}), torch.optim.AdamW)
    options: list[dict[str, Any]] = [{"lr": -1.0}, {"learning_rate": 0.1}]
    for found in options:
        with pytest.raises(InvalidConfiguration, match=r"accepted: those of torch\.optim\.SGD"):
            optimizer_named("SGD", line(), found)


def test_scores_are_float64_in_evaluation_mode() -> None:
    module = network()
    features, labels = classes()
    scores, same_labels = scores_of(module, (features, labels), batch_size=10)
    assert scores.dtype == np.float64
    assert scores.shape == (33, 3)
    assert same_labels.tolist() == labels.tolist()
    # Dropout and BatchNorm would make a sample's score depend on its batch.
    alone = np.concatenate(
        [scores_of(module, (features[i : i + 1], labels[:1]))[0] for i in (0, 7)]
    )
    np.testing.assert_allclose(alone, scores[[0, 7]], rtol=0, atol=2**-40)
    assert module.training
    assert next(module.parameters()).dtype == torch.float32


def test_scores_by_hand() -> None:
    module = line()
    layout = layout_of(module)
    load(module, layout, np.array([3 * 2**14], dtype=np.int32))
    assert float_view(np.array([3 * 2**14], dtype=np.int32), 16).tolist() == [0.75]
    scores, _ = scores_of(module, (X, Y), threads=2)
    assert scores.tolist() == [[0.75], [1.5], [2.25]]


def test_scores_refuse_what_the_module_does_not_take() -> None:
    with pytest.raises(InvalidData, match=r"X of shape \(3, 2\) and torch.float64"):
        scores_of(line(), (X[:, [0, 0]], Y))


def test_errors_are_the_houses() -> None:
    assert issubclass(InvalidData, SheafError)
    assert InvalidData.exit_code == InvalidConfiguration.exit_code == 3


def test_data_that_fits_is_no_objection_and_changes_nothing() -> None:
    module = network().eval()
    before = {name: tensor.tolist() for name, tensor in module.state_dict().items()}
    check_fit(module, classes(), "CrossEntropyLoss", batch_size=8, threads=1)
    assert {name: tensor.tolist() for name, tensor in module.state_dict().items()} == before
    assert not module.training
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize(("count", "batch_size"), [(1, 8), (3, 1)])
def test_a_batch_that_a_normalisation_cannot_train_on_is_found(count: int, batch_size: int) -> None:
    # In evaluation mode it would pass.
    with pytest.raises(InvalidData, match=r"X of shape \(1, 4\) .*Expected more than 1 value"):
        check_fit(
            network().eval(), classes(count), "CrossEntropyLoss", batch_size=batch_size, threads=1
        )
    recipe = replace(CLASSES, batch_size=batch_size)
    with pytest.raises(InvalidData, match="Expected more than 1 value"):
        trained(network(), classes(count), recipe)


def test_a_last_sample_that_joins_the_batch_before_is_no_objection() -> None:
    check_fit(network(), classes(9), "CrossEntropyLoss", batch_size=8, threads=1)


def test_a_module_of_which_nothing_is_trained_is_found() -> None:
    module = line().requires_grad_(False)
    with pytest.raises(InvalidModel, match="no trainable parameter has a part in"):
        check_fit(module, (X, Y), "MSELoss", batch_size=8, threads=1)
    with pytest.raises(InvalidModel, match="no trainable parameter has a part in"):
        trained(module, (X, Y), SQUARES)


def test_a_loss_that_is_infinite_at_the_start_is_no_divergence() -> None:
    with pytest.raises(NotFinite, match="found a training loss of inf") as caught:
        check_fit(line(), (X, Y * 1e38), "MSELoss", batch_size=8, threads=1)
    assert caught.value.hint == ""


class Twofold(nn.Linear):
    """Returns its output and its input, as no loss wants them."""

    def forward(self, values: torch.Tensor) -> Any:
        return super().forward(values), values


def test_a_module_returns_one_tensor() -> None:
    found = "found a module that returns a tuple, accepted: one tensor"
    with pytest.raises(InvalidModel, match=found):
        check_fit(Twofold(1, 1), (X, Y), "MSELoss", batch_size=8, threads=1)
    with pytest.raises(InvalidModel, match=found):
        scores_of(Twofold(1, 1), (X, Y))


@pytest.mark.parametrize("fault", ["width", "label"])
def test_data_that_does_not_fit_is_found_without_training(fault: str) -> None:
    features, labels = classes()
    if fault == "width":
        features = features[:, :3]
    else:
        labels[-1] = 3  # the last sample alone is of a class that the module does not know
    with pytest.raises(InvalidData, match="accepted: what the module and CrossEntropyLoss take"):
        check_fit(network(), (features, labels), "CrossEntropyLoss", batch_size=8, threads=1)
