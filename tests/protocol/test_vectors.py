"""Every named vector on the executable specification, and that together they cover it."""

from __future__ import annotations

import pytest

from sheaf.protocol.actions import Action
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import EVENTS, AttemptFailed, Cause, RoundAborted, Slashed, TaskEnded
from sheaf.protocol.machine import HANDLERS
from sheaf.protocol.state import Task
from tests.vectors import VECTORS, Vector
from tests.worlds import START, SpecWorld

TOO_MANY = {Reason.DOCKET_FULL}
"""What takes tens of thousands of disputes to reach; `test_docket.py` does."""

# (phase before, phase after) of an action that ran; NONE before a publication.
TRANSITIONS = {
    "NONE REGISTER",
    "REGISTER OPEN",
    "OPEN COMMIT",
    "OPEN ENDED",
    "COMMIT REVEAL",
    "COMMIT ABORTED",
    "REVEAL HOLD",
    "HOLD VERDICT_COMMIT",
    "HOLD HOLD",
    "HOLD ABORTED",
    "VERDICT_COMMIT VERDICT_REVEAL",
    "VERDICT_REVEAL CHALLENGE",
    "VERDICT_REVEAL HOLD",
    "VERDICT_REVEAL ABORTED",
    "CHALLENGE COMMIT",
    "CHALLENGE DONE",
    "CHALLENGE HOLD",
    "CHALLENGE ABORTED",
    "ABORTED COMMIT",
    "ABORTED DONE",
    "ABORTED ENDED",
}


class Recorder(SpecWorld):
    """Remembers what the vectors reached."""

    def __init__(self, stake_tax_bps: int) -> None:
        super().__init__(stake_tax_bps)
        self.reasons: set[Reason] = set()
        self.causes: set[int] = set()
        self.happened: set[str] = set()
        self.taken: set[type[object]] = set()
        self.transitions: set[str] = set()

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        before = {id: _place(task) for id, task in self.federation.tasks.items()}
        try:
            events = super().act(sender, action, now)
        except Rejected as rejected:
            self.reasons.add(rejected.reason)
            raise
        self.taken.add(type(action))
        for event in events:
            self.happened.add(type(event).__name__)
            if isinstance(event, Slashed | AttemptFailed | RoundAborted | TaskEnded):
                self.causes.add(event.cause)
        for id, task in self.federation.tasks.items():
            phase, *attempt = before.get(id, ("NONE", 0, 0))
            if _place(task) != (phase, *attempt):
                self.transitions.add(f"{phase} {task.phase.name}")
        return events


def _place(task: Task) -> tuple[str, int, int]:
    return task.phase.name, task.round, task.attempt


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_vector(vector: Vector) -> None:
    world = SpecWorld(vector.stake_tax_bps)
    vector.script(world)
    assert world.now > START


def test_the_vectors_reach_everything() -> None:
    reached = Recorder(0)
    for vector in VECTORS.values():
        world = Recorder(vector.stake_tax_bps)
        vector.script(world)
        for name in ("reasons", "causes", "happened", "taken", "transitions"):
            getattr(reached, name).update(getattr(world, name))
    assert reached.reasons == set(Reason) - TOO_MANY
    assert reached.causes - {0} == set(Cause)
    assert reached.happened == set(EVENTS)
    assert reached.taken == set(HANDLERS)
    assert reached.transitions == TRANSITIONS
