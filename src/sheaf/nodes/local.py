"""What takes torch: a participant's inspection and training, the sponsor's evaluation.

The hooks are the operator's own code on the operator's own data; nothing of either leaves here but
an update, a count of samples, and integer counts of metrics.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import dag_cbor
import torch
from torch import nn

from sheaf.learning import lattice, modules
from sheaf.learning.evaluation import evaluate
from sheaf.learning.hyperparameters import options
from sheaf.learning.layout import Layout
from sheaf.learning.samples import samples_of
from sheaf.learning.scores import scores_of
from sheaf.learning.seeds import derived
from sheaf.learning.training import Recipe, check_fit, train
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import Vector, algorithm_of, read_vector, vector_id
from sheaf.nodes.bundle import RAISED, Bundle, described
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import PERFORMERS, Performer, Workshop, objection, published_task
from sheaf.proofs.commitment import commit
from sheaf.protocol.errors import InvalidModel, SheafError, StoreUnavailable
from sheaf.protocol.merkle import Kind
from sheaf.protocol.task import Task

UNKNOWN_RAM_MIB = 2**31
"""What counts as this machine's memory where the system does not tell it."""


@dataclass(frozen=True)
class Machine:
    """What a node's machine offers. Bandwidth is what its operator declares."""

    cpu_cores: int
    gpus: int
    ram_mib: int
    bandwidth_kbps: int

    @classmethod
    def here(cls, bandwidth_kbps: int) -> Machine:
        """This machine."""
        ram = UNKNOWN_RAM_MIB
        if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
            ram = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
        return cls(os.cpu_count() or 1, torch.cuda.device_count(), ram, bandwidth_kbps)

    def lacks(self, task: Task) -> str:
        """What the task asks for and this machine does not have; "" if it has all."""
        for name in ("cpu_cores", "gpus", "ram_mib", "bandwidth_kbps"):
            found, asked = getattr(self, name), getattr(task.resources, name)
            if found < asked:
                return f"{name}: the task asks for {asked}; this machine has {found}"
        return ""


def inspect(shop: LocalWorkshop, effect: e.Inspect, trail: Trail) -> e.Inspected:
    """Check document, code bundle, machine, model and data."""
    check = partial(_own_objection, shop, trail)
    return e.Inspected(objection_of(lambda: objection(shop.shared, trail) or check()))


def objection_of(check: Callable[[], str]) -> str:
    """What `check` objects to; whatever it or the operator's hooks raise is an objection, too, but
    for a store that cannot be used."""
    try:
        return check()
    except StoreUnavailable:
        raise
    except SheafError as error:
        return _line(error)
    except RAISED as error:
        return f"the installed code {described(error)}"


def _line(error: SheafError) -> str:
    """An error on one line: torch's messages, which some errors quote, have several."""
    return " ".join(error.message.split())


def _own_objection(shop: LocalWorkshop, trail: Trail) -> str:
    task = published_task(shop.shared, trail)
    if shop.bundle.digest != task.model.bundle:
        found, wanted = shop.bundle.digest.hex()[:16], task.model.bundle.hex()[:16]
        return f"the installed code bundle is {found}..., the task wants {wanted}..."
    module = loaded(task, shop.bundle, read_vector(task, shop.shared, task.model.initial))
    return shop.machine.lacks(task) or unfit(task, module, shop.data())


def unfit(task: Task, module: nn.Module, data: object) -> str:
    """Why `module` cannot be trained on `data` as the task asks; "" if it can.

    Raises `InvalidData` for data that nothing can be trained on, or not this module.
    """
    wrong = _data_objection(task, data)
    if not wrong:
        a = task.algorithm
        check_fit(module, data, a.loss, batch_size=a.batch_size, threads=a.threads)
    return wrong


def made(bundle: Bundle, entry: str) -> nn.Module:
    """What a model factory makes. Raises `InvalidModel` for anything but a module."""
    module = bundle.call(entry)
    if not isinstance(module, nn.Module):
        found = type(module).__name__
        raise InvalidModel(f"{entry}: found a {found}; accepted: a torch.nn.Module")
    return module


def loaded(task: Task, bundle: Bundle, vector: Vector) -> nn.Module:
    """The task's module with `vector` in it. Raises `InvalidModel` for a module that does not fit
    the task's layout."""
    module = made(bundle, task.model.entry)
    modules.load(module, Layout(task.model.layout), vector)
    return module


def _data_objection(task: Task, data: object) -> str:
    samples = samples_of(data)
    least = task.data.minimum_samples
    if samples.count < least:
        return f"the data hook returned {samples.count} samples; the task asks for {least}"
    row = samples.batch([0]) if task.data.features else ()
    for feature, tensor in zip(task.data.features, row, strict=True):
        found = (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape[1:]))
        if found != (feature.dtype, feature.shape):
            wanted = f"{feature.dtype} of shape {feature.shape}"
            return f"{feature.name}: found {found[0]} of shape {found[1]}; the task asks {wanted}"
    return ""


def run_training(shop: LocalWorkshop, effect: e.Train, trail: Trail) -> e.LocalEvent:
    """Train; whatever the operator's hooks raise is reported, and the round is missed. A store that
    cannot be used ends the run instead: it can go on, and nobody is slashed."""
    try:
        return _update(shop, effect, trail)
    except StoreUnavailable:
        raise
    except SheafError as error:
        return e.TrainingFailed(effect.round, _line(error))
    except RAISED as error:
        return e.TrainingFailed(effect.round, f"the installed code {described(error)}")


def _update(shop: LocalWorkshop, effect: e.Train, trail: Trail) -> e.Trained:
    task = published_task(shop.shared, trail)
    a, layout = task.algorithm, Layout(task.model.layout)
    base = read_vector(task, shop.shared, effect.base)
    result = train(
        loaded(task, shop.bundle, base),
        shop.data(),
        Recipe(a.loss, a.optimizer, options(a.options), a.batch_size, epochs=a.epochs),
        algorithm=algorithm_of(task),
        seed=derived(a.seed, "participant", shop.index, effect.round),
        threads=a.threads,
    )
    update = lattice.encode_update(layout.flatten(result.parameters), base, layout.bits)
    root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
    shop.own.put(lattice.to_bytes(update), vector_id(task, root))
    return e.Trained(effect.round, root, min(result.samples, task.cohort.weight_cap))


def run_evaluation(shop: LocalWorkshop, effect: e.Evaluate, trail: Trail) -> e.Evaluated:
    """Measure a model on the sponsor's held-out data."""
    task = published_task(shop.shared, trail)
    vector = read_vector(task, shop.shared, effect.model)
    with shop.bundle.running():
        counts = measure(task, shop.bundle, vector, shop.bundle.call(task.evaluation.entry))
    return e.Evaluated(effect.round, dag_cbor.encode({n: [*row] for n, row in counts.items()}))


def measure(task: Task, bundle: Bundle, vector: Vector, data: object) -> dict[str, list[int]]:
    """Counts (counted, tied, total) of the task's metrics for a model vector on `data`."""
    scores, labels = scores_of(loaded(task, bundle, vector), data, threads=task.algorithm.threads)
    found = evaluate(task.evaluation.metrics, scores, labels)
    return {name: [c.counted, c.tied, c.total] for name, c in found.items()}


LOCAL_PERFORMERS: Mapping[type[object], Performer] = MappingProxyType(
    {
        **PERFORMERS,
        e.Inspect: inspect,
        e.Train: run_training,
        e.Evaluate: run_evaluation,
    }
)


@dataclass(frozen=True, kw_only=True)
class LocalWorkshop(Workshop):
    """The means of a node that trains or evaluates: code, machine, data, and its own number."""

    bundle: Bundle
    machine: Machine
    data: Callable[[], object]
    index: int
    performers: Mapping[type[object], Performer] = field(default_factory=lambda: LOCAL_PERFORMERS)

    def perform(self, effect: e.Effect, trail: Trail) -> e.LocalEvent:
        """Do what `effect` says, while the code's files can import each other."""
        with self.bundle.importable():
            return super().perform(effect, trail)
