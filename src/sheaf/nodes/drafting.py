"""From a plan to a task document: the model's layout and initial weights are made here (torch)."""

from __future__ import annotations

from sheaf.learning import lattice, modules
from sheaf.learning.layout import Layout
from sheaf.learning.seeds import derived
from sheaf.learning.training import repeatable
from sheaf.nodes.aggregation import Vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.local import made
from sheaf.nodes.plan import Plan
from sheaf.nodes.warm_start import weights_from
from sheaf.proofs.commitment import commit
from sheaf.protocol.merkle import Kind
from sheaf.protocol.task import Task


def initial_model(plan: Plan, bundle: Bundle) -> tuple[Layout, Vector]:
    """The planned model's layout, and its initial weights (int32, shape (coordinates,)).

    The weights are the factory's own, under a seed derived from the plan's, or those of the plan's
    `initial`. Raises `InvalidModel`, `InvalidConfiguration`, or what `weights_from` raises.
    """
    with repeatable(derived(plan.algorithm.seed, "initial"), plan.algorithm.threads):
        module = made(bundle, plan.model_entry)
    layout = modules.layout_of(module, plan.fraction_bits)
    if plan.initial is not None:
        return layout, weights_from(plan.initial, layout)
    return layout, lattice.encode_model(modules.vector_of(module, layout), layout.bits)


def draft(plan: Plan, bundle: Bundle, model: tuple[Layout, Vector], reward_token: bytes) -> Task:
    """The task document, checked. Raises `InvalidDocument`."""
    layout, vector = model
    root = commit(vector, Kind.MODEL, plan.chunk_bytes).tree_root
    task = plan.task(layout.entries, bundle.digest, root, reward_token)
    task.check()
    return task
