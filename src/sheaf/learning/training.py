"""Local training: a module, a participant's data, and one seed in; floats out.

What it promises (docs/protocol/numbers.md): the same seed, data and thread count on the same
machine give the same bytes. Nothing more: another thread count adds in another order. So the order
of samples has a generator of its own, the layers' randomness (dropout) has torch's, seeded and put
back, and operations without a deterministic form are refused by torch.
"""

import copy
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from sheaf.learning.algorithms import Algorithm
from sheaf.learning.modules import arrays_of
from sheaf.learning.samples import Samples, samples_of
from sheaf.learning.seeds import derived
from sheaf.protocol.errors import InvalidConfiguration, InvalidData, InvalidModel, NotFinite

_CLASS_LOSSES = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)
_DETERMINISTIC_OR_ERROR = 2
DIVERGED = "the data are finite, so training diverged; try a smaller learning rate"


@dataclass(frozen=True)
class Recipe:
    """How a participant trains, as the task says it.

    ``loss`` and ``optimizer`` are class names of ``torch.nn`` and ``torch.optim``, short or dotted
    (``"BCEWithLogitsLoss"``, ``"torch.optim.SGD"``); ``optimizer_options`` are keyword arguments,
    which ``hyperparameters.options`` makes of a task document's. Exactly one of ``epochs`` (passes
    over the data) and ``steps`` (batches) is given.

    Raises ``InvalidConfiguration`` for an amount below 1, or both or none of epochs and steps.
    """

    loss: str
    optimizer: str
    optimizer_options: Mapping[str, Any]
    batch_size: int
    epochs: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Refuse amounts that say nothing, or two things."""
        if (self.epochs is None) == (self.steps is None):
            raise InvalidConfiguration(
                f"found epochs = {self.epochs} and steps = {self.steps}, "
                "accepted: exactly one of them"
            )
        _check_positive(batch_size=self.batch_size, epochs=self.epochs, steps=self.steps)


@dataclass(frozen=True)
class TrainingResult:
    """What local training made.

    ``parameters``: the model's tensors by name (``modules.arrays_of``). ``samples``: how many it
    was trained on. ``loss``: the mean over the samples of the last pass, while training; reported
    only.
    """

    parameters: dict[str, NDArray[Any]]
    samples: int
    loss: float


def train(
    module: nn.Module,
    data: object,
    recipe: Recipe,
    *,
    algorithm: Algorithm,
    seed: int,
    threads: int,
) -> TrainingResult:
    """Train ``module`` in place from where it stands, and return what became of it.

    ``data`` is what ``samples.samples_of`` accepts. A last batch of a single sample joins the one
    before it, since a BatchNorm cannot train on one.

    Raises ``InvalidConfiguration`` for a name or option that torch does not have, ``InvalidData``
    for data that is malformed or that the module does not take, ``InvalidModel`` for a module of
    which nothing is trained, and ``NotFinite`` for NaN or infinity in the data or in the loss.
    """
    _check_positive(threads=threads)
    samples = samples_of(data)
    criterion = loss_named(recipe.loss)
    optimizer = optimizer_named(recipe.optimizer, module, recipe.optimizer_options)
    start = {name: tensor.detach().clone() for name, tensor in module.named_parameters()}
    total, seen, last_pass = 0.0, 0, 0
    with repeatable(derived(seed, "layers"), threads), _training_mode(module):
        for number, indices in _schedule(samples.count, recipe, derived(seed, "order")):
            if number != last_pass:
                total, seen, last_pass = 0.0, 0, number
            optimizer.zero_grad()
            loss = _batch_loss(module, criterion, samples, indices)
            _backward(loss, DIVERGED)
            _correct(module, start, algorithm)
            optimizer.step()
            total += float(loss.detach()) * len(indices)
            seen += len(indices)
    return TrainingResult(arrays_of(module), samples.count, total / seen)


def check_fit(module: nn.Module, data: object, loss: str, *, batch_size: int, threads: int) -> None:
    """Raise ``InvalidData`` unless ``module`` can be trained on all of ``data`` by ``loss``.

    One pass over batches as training makes them, without a step: what it would stumble over is
    found before anything is staked on it. ``module`` itself is left as it is.
    Raises ``InvalidModel`` for a module of which nothing is trained.
    """
    samples, criterion = samples_of(data), loss_named(loss)
    trial = copy.deepcopy(module)
    with repeatable(0, threads), _training_mode(trial):
        for indices in _batches(range(samples.count), batch_size):
            _backward(_batch_loss(trial, criterion, samples, indices))


def loss_named(name: str) -> nn.Module:
    """Return the loss of ``torch.nn`` called ``name``, with its defaults.

    Raises ``InvalidConfiguration`` unless it is a loss of an output and a target.
    """
    found = getattr(nn, name.removeprefix("torch.nn."), None)
    takes = ["self", "input", "target"]
    if (
        inspect.isclass(found)
        and issubclass(found, nn.Module)
        and list(inspect.signature(found.forward).parameters) == takes
    ):
        with suppress(TypeError):  # some want arguments of their own
            return found()
    raise InvalidConfiguration(
        f"found loss {name!r}, accepted: a loss class of torch.nn that takes an output and a "
        "target, such as CrossEntropyLoss, BCEWithLogitsLoss, MSELoss"
    )


def optimizer_named(
    name: str, module: nn.Module, options: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Return the optimiser of ``torch.optim`` called ``name`` over the parameters of ``module``.

    Raises ``InvalidConfiguration`` for another name, or options that it does not take.
    """
    found = getattr(torch.optim, name.removeprefix("torch.optim."), None)
    if (
        not inspect.isclass(found)
        or not issubclass(found, torch.optim.Optimizer)
        or found in (torch.optim.Optimizer, torch.optim.LBFGS)
    ):
        raise InvalidConfiguration(
            f"found optimizer {name!r}, accepted: an optimiser class of torch.optim that steps "
            "without a closure, such as SGD, Adam, AdamW"
        )
    try:
        return found(module.parameters(), **options)
    except (TypeError, ValueError) as error:
        texts = [name for name, value in options.items() if isinstance(value, str)]
        why = f"{texts[0]} is text" if texts else error  # torch compares, and names its types
        raise InvalidConfiguration(
            f"found optimizer options {dict(options)}, accepted: those of torch.optim."
            f"{found.__name__} ({why})"
        ) from error


def output_of(module: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Return what ``module`` makes of a batch. Raises ``InvalidModel`` for more than a tensor."""
    output = module(features)
    if not isinstance(output, torch.Tensor):
        found = type(output).__name__
        raise InvalidModel(f"found a module that returns a {found}, accepted: one tensor")
    return output


@contextmanager
def repeatable(seed: int, threads: int) -> Iterator[None]:
    """Seed torch's CPU generator, fix the threads, refuse nondeterminism; then put all back."""
    threads_before = torch.get_num_threads()
    mode_before = torch.get_deterministic_debug_mode()
    with torch.random.fork_rng(devices=[]):
        # Only this generator: torch.manual_seed would reseed the accelerators and not put it back.
        torch.default_generator.manual_seed(seed)
        torch.set_num_threads(threads)
        # The public switch that does not import the compiler, two seconds of it.
        torch.set_deterministic_debug_mode(_DETERMINISTIC_OR_ERROR)
        try:
            yield
        finally:
            torch.set_deterministic_debug_mode(mode_before)
            torch.set_num_threads(threads_before)


@contextmanager
def _training_mode(module: nn.Module) -> Iterator[None]:
    before = module.training
    module.train()
    try:
        yield
    finally:
        module.train(before)


def _check_positive(**amounts: int | None) -> None:
    for name, amount in amounts.items():
        if amount is not None and amount < 1:
            raise InvalidConfiguration(f"{name}: found {amount}, accepted: at least 1")


def _schedule(count: int, recipe: Recipe, seed: int) -> Iterator[tuple[int, list[int]]]:
    """Yield (pass, sample indices) for each batch, every pass in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    number = taken = 0
    while recipe.epochs is None or number < recipe.epochs:
        number += 1
        order = torch.randperm(count, generator=generator).tolist()
        for batch in _batches(order, recipe.batch_size):
            if taken == recipe.steps:
                return
            taken += 1
            yield number, batch


def _batches(order: Sequence[int], size: int) -> Iterator[list[int]]:
    cuts = list(range(0, len(order), size))
    if size > 1 and len(cuts) > 1 and len(order) - cuts[-1] == 1:
        cuts.pop()
    for start, stop in zip(cuts, [*cuts[1:], len(order)], strict=True):
        yield list(order[start:stop])


def _batch_loss(
    module: nn.Module, criterion: nn.Module, samples: Samples, indices: Sequence[int]
) -> torch.Tensor:
    features, labels = samples.batch(indices)
    dtype = next(module.parameters()).dtype
    if features.is_floating_point():
        features = features.to(dtype)
    try:
        output = output_of(module, features)
        value: torch.Tensor = criterion(output, _target(criterion, output, labels))
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise InvalidData(
            f"found a batch X of shape {tuple(features.shape)} and {features.dtype}, "
            f"y of shape {tuple(labels.shape)} and {labels.dtype}, "
            f"accepted: what the module and {type(criterion).__name__} take ({error})"
        ) from error
    return value


def _backward(loss: torch.Tensor, hint: str = "") -> None:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise NotFinite(f"found a training loss of {value}, accepted: finite numbers", hint)
    if not loss.requires_grad:
        raise InvalidModel(
            "found a loss that no trainable parameter has a part in, accepted: at least one that "
            "requires a gradient"
        )
    loss.backward()  # type: ignore[no-untyped-call]


def _target(criterion: nn.Module, output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return ``labels`` as the loss wants them: class numbers, or floats in the output's shape."""
    if isinstance(criterion, _CLASS_LOSSES) and labels.shape != output.shape:
        classes = labels.to(torch.int64)
        if not torch.equal(classes.to(labels.dtype), labels):
            raise InvalidData("found labels with a fraction, accepted: class numbers")
        return classes.reshape(-1) if classes.shape == (len(output), 1) else classes
    if labels.shape != output.shape and labels.squeeze().shape != output.squeeze().shape:
        # Torch would broadcast (n, 1) against (n,) to n * n differences and train on nonsense.
        raise InvalidData(
            f"found labels of shape {tuple(labels.shape)}, "
            f"accepted: {tuple(output.shape)}, the shape of the output"
        )
    return labels.reshape(output.shape).to(output.dtype)


def _correct(module: nn.Module, start: Mapping[str, torch.Tensor], algorithm: Algorithm) -> None:
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            parameter.grad = algorithm.correct(parameter.grad, parameter.detach(), start[name])
