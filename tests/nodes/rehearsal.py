"""Nodes on the executable specification alone: no chain, no arrays, no torch, milliseconds a task.

What an effect gives is scripted; what the ledger does is what `protocol.machine` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from sheaf.nodes import aggregator, challenger, court, participant, sponsor
from sheaf.nodes import effects as e
from sheaf.nodes.seat import SeatState
from sheaf.nodes.trail import Trail
from sheaf.protocol import machine
from sheaf.protocol.actions import Action, Publish
from sheaf.protocol.errors import Rejected
from sheaf.protocol.hashing import Deployment
from sheaf.protocol.state import Env, Federation, Matter
from sheaf.protocol.terms import Cohort, Economics, Model, Schedule, Terms

STAKE, REWARD = b"\x01" * 20, b"\x02" * 20
TERMS = Terms(
    Model(5, 5, 16, 12, 0, 0, 0, 0, 0, 0, 0, 0),
    Schedule(2, 600, 600, 600, 600, 600, 600, 600, 600),
    Cohort(minimum=2, goal=4, committee=3, weight_cap=1000, visibility=0),
    Economics(REWARD, 1000, 90, 8, 12, 1, 1, 2, 3, 4, 5, 6),
)
SAMPLES = 10
INITIAL = hashlib.sha256(b"the initial model").digest()

Script = Callable[[Any], e.LocalEvent]
Scripts = Mapping[str, Mapping[Any, Script]]


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


@dataclass
class Actor:
    """A node's pure functions with its state, its script, and all it has folded."""

    name: str
    role: ModuleType
    state: Any
    script: Script
    absent: bool = False
    folded: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.state
        self.secrets = e.Secrets(digest("secret", self.name))

    def fold(self, event: object) -> None:
        self.folded.append(event)
        self.state = self.role.fold(self.state, event)

    def decide(self, now: int) -> list[e.Effect]:
        found: list[e.Effect] = (
            [] if self.absent else self.role.decide(self.state, now, self.secrets)
        )
        return found


@dataclass(frozen=True)
class Sent:
    """An action sent, at what time, from which phase with which deadline, and its rejection."""

    name: str
    action: Any
    now: int
    deadline: int
    rejected: str


class Rehearsal:
    """One task: `scripts` say how an actor does an effect; the rest does it honestly."""

    def __init__(
        self,
        terms: Terms = TERMS,
        participants: int = 4,
        aggregators: int = 3,
        scripts: Scripts | None = None,
        document: bytes | None = None,
        initial: bytes = INITIAL,
    ) -> None:
        self.federation = Federation(Deployment(5, b"\x03" * 20), STAKE)
        self.now = 1000
        self.refusing: frozenset[bytes] = frozenset()
        self.sent: list[Sent] = []
        self.effects: list[tuple[str, e.Effect]] = []
        document = document or digest("document", terms)
        named = [f"participant-{i + 1}" for i in range(participants)]
        named += [f"aggregator-{i + 1}" for i in range(aggregators)]
        address = {name: digest("account", name)[:20] for name in ("sponsor", "challenger", *named)}
        deployment = self.federation.deployment
        trail = Trail(deployment, deployment.task_id(address["sponsor"], document))
        state = terms.model.initial_state
        publication = Publish(terms, document, initial, state, terms.escrow)
        self.actors: dict[str, Actor] = {}
        for name, account in address.items():
            common = vars(SeatState(account, STAKE, initial, trail))
            kind = name.partition("-")[0]
            role, state = ROLES[kind], ROLES[kind].State(**common)
            if kind == "sponsor":
                state = replace(state, publication=publication, evaluates=True)
            own = (scripts or {}).get(name, {})
            script = Scripted(name, own)
            self.actors[name] = Actor(name, role, state, script)

    @property
    def trail(self) -> Trail:
        trail: Trail = self.actors["sponsor"].state.trail
        return trail

    def run(self, until: Callable[[Trail], bool] = lambda trail: False) -> Trail:
        """Turn by turn until `until` holds or nobody wants anything and no deadline lies ahead."""
        while not until(self.trail) and self.turn():
            pass
        return self.trail

    def turn(self) -> bool:
        """Everybody decides once; what is sent makes one block a second later."""
        wanted = [(a, w) for a in self.actors.values() for w in a.decide(self.now + 1)]
        self.effects += [(actor.name, effect) for actor, effect in wanted]
        if not wanted:
            moments = (self.trail.deadline, *court.moments(self.trail))
            ahead = [moment for moment in moments if moment > self.now + 1]
            if self.trail.over or not ahead:
                return False
            self.now = min(ahead) - 1
            return True
        orders = [(a, w.action) for a, w in wanted if isinstance(w, e.Send)]
        for actor, effect in wanted:
            if not isinstance(effect, e.Send):
                actor.fold(actor.script(effect))
        self.now += 1 if orders else 0
        happened: list[object] = []
        for actor, action in orders:
            happened += self._send(actor, action)
        for event in happened:
            for actor in self.actors.values():
                actor.fold(event)
        return True

    def _send(self, actor: Actor, action: Action) -> list[object]:
        env = Env(actor.state.account, self.now, refusing=self.refusing)
        rejected, events = "", []
        try:
            events = machine.apply(self.federation, env, action)
        except Rejected as error:
            rejected = str(error)
        self.sent.append(Sent(actor.name, action, self.now, self.trail.deadline, rejected))
        actor.fold(e.Refused(action, rejected) if rejected else e.Sent(action))
        return events


@dataclass(frozen=True)
class Scripted:
    """Answers effects: by `own` where it has a script for them, else honestly. There are no bytes,
    so in court nothing is to be had."""

    name: str
    own: Mapping[Any, Script]

    def __call__(self, effect: e.Effect) -> e.LocalEvent:
        if type(effect) in self.own:
            return self.own[type(effect)](effect)
        match effect:
            case e.Inspect():
                return e.Inspected("")
            case e.Train(number, base):
                return e.Trained(number, digest("update", self.name, number, base), SAMPLES)
            case e.Attest(step):
                return e.Attested(step.round, step.attempt, digest("receipt", step))
            case e.ShowReceipt(_, receipt):
                return e.ReceiptShown(receipt)
            case e.PublishUpdate(_, root) | e.PublishModel(_, root):
                return e.Published(root)
            case e.Collect(number, attempt, wanted):
                return e.Collected(number, attempt, sum(1 << p for p, _ in wanted))
            case e.Aggregate(number, attempt, base, counted):
                return e.Aggregated(number, attempt, aggregated(base, counted), 0, 0)
            case e.Evaluate(number, model):
                return e.Evaluated(number, b"metrics of " + model[:4])
            case e.Accuse(number, attempt):
                return e.ClaimMissing(number, attempt, Matter.MODEL)
            case e.Produce(number, dispute, level, at):
                return e.Produced(number, dispute, level, at, (), None)
        raise AssertionError(f"no script for {effect}")


def aggregated(base: bytes, counted: tuple[tuple[int, bytes, int], ...]) -> bytes:
    """What every honest node makes of the same counted updates."""
    return digest("model", base, counted)


ROLES: dict[str, Any] = {
    "sponsor": sponsor,
    "challenger": challenger,
    "participant": participant,
    "aggregator": aggregator,
}
