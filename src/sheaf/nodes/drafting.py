"""From a plan to a task document: the model's layout and initial weights are made here (torch)."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from sheaf.learning import lattice, modules
from sheaf.learning.seeds import derived
from sheaf.learning.training import repeatable
from sheaf.nodes.aggregation import Vector
from sheaf.nodes.bundle import Bundle
from sheaf.nodes.plan import Plan
from sheaf.proofs.commitment import commit
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.merkle import Kind
from sheaf.protocol.task import SCHEMA, ModelDefinition, Task


def draft(plan: Plan, bundle: Bundle, reward_token: bytes) -> tuple[Task, Vector]:
    """The checked task document and the initial model (int32, shape (coordinates,)).

    The initial weights are the factory's own, under a seed derived from the plan's.
    Raises `InvalidDocument`, `InvalidModel` or `InvalidConfiguration`.
    """
    with repeatable(derived(plan.algorithm.seed, "initial"), plan.algorithm.threads):
        module = bundle.call(plan.model_entry)
    if not isinstance(module, nn.Module):
        found = type(module).__name__
        raise InvalidModel(f"{plan.model_entry}: found a {found}; accepted: a torch.nn.Module")
    layout = modules.layout_of(module, plan.fraction_bits)
    vector = lattice.encode_model(modules.vector_of(module, layout), layout.bits)
    task = Task(
        schema=SCHEMA,
        name=plan.name,
        model=ModelDefinition(
            entry=plan.model_entry,
            bundle=bundle.digest,
            layout=layout.entries,
            fraction_bits=plan.fraction_bits,
            chunk_bytes=plan.chunk_bytes,
            initial=commit(vector, Kind.MODEL, plan.chunk_bytes).tree_root,
        ),
        algorithm=plan.algorithm,
        data=plan.data,
        resources=plan.resources,
        evaluation=plan.evaluation,
        schedule=plan.schedule,
        cohort=plan.cohort,
        committee=plan.committee,
        rule=plan.rule,
        economics=replace(plan.economics, reward_token=reward_token),
        visibility=plan.visibility,
        license=plan.license,
    )
    task.check()
    return task, vector
