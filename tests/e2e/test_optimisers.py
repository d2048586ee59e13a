"""Server optimisers through the whole stack: models and states are recomputed from the store with
exact rationals, and what is wrong with a state is found."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from sheaf.nodes import effects as e
from sheaf.nodes.cast import Cast
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.plan import Plan
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.optimisers import Constants
from tests.e2e.tampering import vector_place
from tests.nodes import faults
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import Played, evidence_of, play
from tests.optimiser_reference import Column, exact_step, nearest_quotient

ADAM = Constants(10, 100, 2**20, 2**14)
MOMENTUM = Constants(4, 0, 2**24, 0)


def moving(name: str, constants: Constants, **changes: object) -> Plan:
    """The tiny project with a server optimiser and, in its model, a BatchNorm."""
    usual = plan(model_entry="task:normalised", **changes)
    return replace(usual, algorithm=replace(usual.algorithm, name=name, server=constants))


@pytest.fixture(scope="module")
def adam(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(tmp_path_factory.mktemp("adam") / "run", moving("fedadam", ADAM))


@pytest.fixture(scope="module")
def momentum(tmp_path_factory: pytest.TempPathFactory) -> Played:
    usual = moving("fedavgm", MOMENTUM)
    return play(tmp_path_factory.mktemp("momentum") / "run", usual)


def vector(evidence: Evidence, root: bytes) -> list[int]:
    """The int32 under a root, from the store's file."""
    data = vector_place(evidence.directory, evidence.task, root).read_bytes()
    return list(struct.unpack(f"<{len(data) // 4}i", data))


def state(evidence: Evidence, root: bytes, width: int) -> list[tuple[int, ...]]:
    """The moments of each coordinate under a root, from the store's file."""
    data = vector_place(evidence.directory, evidence.task, root).read_bytes()
    return list(struct.iter_unpack(f"<{width}q", data))


def check_rounds(played: Played, kind: int, constants: Constants) -> None:
    """Both rounds, coordinate by coordinate."""
    evidence = evidence_of(played.directory)
    trail, task = evidence.trail, evidence.task
    width = 1 if kind == 1 else 2
    c = constants
    shape = (c.mean_divisor, c.square_divisor, c.rate, c.floor)
    before = vector(evidence, task.model.initial)
    kept = [(0, constants.floor**2)] * task.model.trainable
    for number in (1, 2):
        counted = trail.rounds[number].counted_updates(1)
        weights = [samples for _, _, samples in counted]
        updates = [vector(evidence, root) for _, root, _ in counted]
        means = [weighted(column, weights) for column in zip(*updates, strict=True)]
        steps = [
            exact_step(Column(kind, 16, *shape, x, M, V, mean))
            for x, (M, V), mean in zip(before, kept, means, strict=False)
        ]
        statistics = [x + mean for x, mean in zip(before, means, strict=True)][len(steps) :]
        assert len(statistics) == 6
        after = vector(evidence, trail.model_after(number, b""))
        assert after == [value for value, *_ in steps] + statistics
        kept = [(mean, square) for _, mean, square in steps]
        found = state(evidence, trail.state_after(number), width)
        assert found == [pair[:width] for pair in kept]
        before = after


def weighted(column: tuple[int, ...], weights: list[int]) -> int:
    return nearest_quotient(sum(q * w for q, w in zip(column, weights, strict=True)), sum(weights))


def test_fedadam_is_recomputed_from_the_store(adam: Played) -> None:
    verify(adam.directory)
    check_rounds(adam, 3, ADAM)


def test_fedavgm_is_recomputed_from_the_store(momentum: Played) -> None:
    verify(momentum.directory)
    check_rounds(momentum, 1, MOMENTUM)


# What is wrong with a state is found


@pytest.fixture(scope="module")
def lied(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The whole committee lies about the state, and the challenger cannot pay a bond."""

    def alter(cast: Cast) -> None:
        faults.penniless(cast, "challenger")
        faults.equip(cast, "aggregator", {e.Aggregate: faults.off_by_one_in_state})

    usual = moving("fedadam", ADAM, schedule=schedule(1))
    return play(tmp_path_factory.mktemp("lied") / "run", usual, alter)


def failure(directory: Path) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(directory)
    return caught.value.message


def test_a_wrong_state_is_found_and_who_voted_for_it_is_named(lied: Played) -> None:
    message = failure(lied.directory)
    trail = lied.cast.nodes[0].state.trail
    claimed = trail.rounds[1].outcome.state_root.hex()
    assert message.startswith(f"aggregation: round 1: state root {claimed} was settled, ")
    for number in (1, 2, 3):
        assert f"(aggregator-{number})" in message


def test_the_challenger_says_so_while_the_run_goes_on(lied: Played) -> None:
    (warned,) = [line for line in lied.watcher.warnings if line.startswith("challenger: round")]
    (found,) = lied.cast.node("challenger").state.findings
    assert warned.startswith(
        "challenger: round 1, attempt 1: the committee claims optimiser state "
    )
    assert found.claimed.hex() in warned
    assert found.recomputed.hex() in warned


def test_a_missing_state_names_who_voted_for_it(adam: Played, tmp_path: Path) -> None:
    run = adam.copy(tmp_path / "copy")
    evidence = evidence_of(adam.directory)
    vector_place(run, evidence.task, evidence.trail.state_after(1)).unlink()
    message = failure(run)
    assert message.startswith("store: round 1: the new state, voted for by aggregator 0x")


def test_a_task_that_starts_from_another_state_is_declined(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        sponsor = cast.node("sponsor")
        other = replace(sponsor.state.publication, state_root=b"\x07" * 32)
        sponsor.state = replace(sponsor.state, publication=other)

    played = play(tmp_path / "run", moving("fedadam", ADAM), alter)
    assert played.summary["cause"] == "too_few_seats"
    objection = "the published state root is not that of a server optimiser's start"
    assert f"aggregator-1 declines: {objection}" in played.watcher.warnings
    assert f"participant-1 declines: {objection}" in played.watcher.warnings
    assert failure(played.directory).startswith("document: the published state root is not the ")
