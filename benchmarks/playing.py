"""A run of the synthetic task as large as asked for, in which nobody trains: updates are drawn.

All else is a run's own: the ledger, commitments and receipts, the committee and its aggregations.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sheaf.apps.cli.progress import Progress
from sheaf.apps.config import load
from sheaf.learning import lattice
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.cast import assemble
from sheaf.nodes.local import LocalWorkshop
from sheaf.nodes.runner import Runner
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Workshop, published_task
from sheaf.proofs.commitment import commit
from sheaf.protocol.merkle import Kind

PROJECT = Path(__file__).parent / "project"
REACH, SAMPLES = 2**20, 64


def play(folder: Path, participants: int, coordinates: int, rounds: int = 1) -> str:
    """Play the run in `folder`; the task's id, as `sheaf verify` takes it.

    `coordinates` are a power of ten from 1,000 to 10,000,000.
    """
    settings: dict[str, object] = {
        "model.entry": f"task:model_{coordinates}",
        "round.participants": participants,
        "schedule.rounds": rounds,
    }
    plan = load(PROJECT, settings, {})
    folder.mkdir(parents=True)
    cast = assemble(plan, folder)
    for node in cast.nodes:
        node.equip({e.Train: draw})
    with Progress(plan, folder, quiet=True) as progress:
        Runner(cast, folder, progress).run()
    task = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))["task"]
    return f"0x{task}"


def draw(shop: Workshop, effect: e.Train, trail: Trail) -> e.LocalEvent:
    """In place of training: an update of numbers that nobody learned."""
    assert isinstance(shop, LocalWorkshop)
    task = published_task(shop.shared, trail)
    generator = np.random.default_rng([shop.index, effect.round])
    update = generator.integers(-REACH, REACH, task.model.coordinates, dtype=np.int32)
    root = commit(update, Kind.UPDATE, task.model.chunk_bytes).tree_root
    shop.own.put(lattice.to_bytes(update), vector_id(task, root))
    return e.Trained(effect.round, root, SAMPLES)
