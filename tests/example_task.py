"""A small valid task document, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import dag_cbor
import pytest

from sheaf.protocol import task as t
from sheaf.protocol.documents import Amount, Options
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.layout import Tensor

TASK = t.Task(
    schema=1,
    name="digits",
    model=t.ModelDefinition(
        entry="digits.model:build",
        bundle=b"\x01" * 32,
        layout=(
            Tensor("weight", (2, 3), "trainable", 16),
            Tensor("bias", (), "trainable", 16),
            Tensor("mean", (3,), "statistic", 20),
        ),
        fraction_bits=16,
        chunk_bytes=4096,
        initial=b"\x02" * 32,
    ),
    algorithm=t.Algorithm(
        name="fedavg",
        proximal=(0, 1),
        loss="torch.nn.CrossEntropyLoss",
        optimizer="torch.optim.SGD",
        options=Options({"lr": [1, 10], "nesterov": False}),
        epochs=1,
        batch_size=32,
        seed=7,
        threads=1,
    ),
    data=t.DataRequirements((t.Feature("x", "float32", (2,)), t.Feature("y", "int64", ())), 10),
    resources=t.Resources(1, 0, 512, 1000),
    evaluation=t.Evaluation("digits.data:held_out", ("accuracy",)),
    schedule=t.Schedule(10, 60, 60, 120, 60, 60, 60, 60, 36, 12),
    cohort=t.CohortSize(3, 5, 1000),
    committee=t.Committee(3, 6, (1, 3), 400_000_000),
    rule=t.RuleChoice("weighted_mean", (0, 1)),
    economics=t.Economics(
        reward_token=b"\x03" * 20,
        round_reward=Amount(10**6),
        committee_fee=Amount(10**5),
        participant_stake=Amount(1000),
        aggregator_stake=Amount(1000),
        court_bond=Amount(50),
        slashes=t.Slashes(*map(Amount, (10, 20, 30, 40, 50, 60))),
    ),
    visibility="public",
    license="CC-BY-4.0",
)


def changed(path: str, value: object, of: Any = TASK) -> Any:
    """The task with one field, written `part.field`, replaced."""
    name, _, rest = path.partition(".")
    return replace(of, **{name: changed(rest, value, getattr(of, name)) if rest else value})


def plain() -> dict[str, Any]:
    """The document as plain dag-cbor values."""
    return cast(dict[str, Any], dag_cbor.decode(TASK.encode()))


def edited(part: str, field: str, value: object) -> bytes:
    """The document's bytes with one plain value replaced (or added)."""
    document = plain()
    document[part][field] = value
    return dag_cbor.encode(document)


def refusal(data: bytes) -> str:
    """The one line the bytes are refused with."""
    with pytest.raises(InvalidDocument) as error:
        t.Task.decode(data)
    assert "\n" not in error.value.message
    return error.value.message
