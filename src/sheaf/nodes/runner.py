"""The runner: the only part of the nodes that does I/O.

It folds new ledger events into every node, asks each what it wants, journals and performs that,
sends all transactions of a turn as one block, and moves ledger time, to the next deadline, only
when nobody wants anything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.learning.rules.statistics import RoundStatistics
from sheaf.nodes import auditor
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import read_vector
from sheaf.nodes.cast import Cast, Node, assemble
from sheaf.nodes.journal import Journal
from sheaf.nodes.observer import Observer
from sheaf.nodes.plan import Plan
from sheaf.nodes.summary import (
    MODEL_FILE,
    Accounting,
    Place,
    book_plain,
    final_root,
    model_file,
    recomputed,
    round_row,
    write_atomically,
    write_json,
)
from sheaf.nodes.trail import Trail
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import InvalidConfiguration, InvalidData, SheafError
from sheaf.protocol.events import Phase, RoundSettled

PART_OF = {
    e.Train: "train",
    e.Evaluate: "train",
    e.Inspect: "train",
    e.PublishUpdate: "proof",
    e.Collect: "proof",
    e.Aggregate: "proof",
    e.PublishModel: "proof",
}
"""Which part of a round's seconds an effect belongs to; sending belongs to the ledger."""

FINE_BITS = 20
"""Fraction bits that are enough for most models; where they stall, too, the updates are small."""


class Stuck(SheafError):
    """Nobody wants anything and no deadline lies ahead, but the task has not ended."""

    code = "stuck"


def run(plan: Plan, directory: Path, observer: Observer) -> dict[str, Any]:
    """Run a whole task on a fresh embedded ledger in `directory`; returns its summary."""
    directory.mkdir(parents=True, exist_ok=True)
    cast = assemble(plan, directory)
    return Runner(cast, directory, observer).run()


@dataclass
class Runner:
    """One run. Build it on an assembled cast to run with faulty actors."""

    cast: Cast
    directory: Path
    observer: Observer
    accounting: Accounting = field(default_factory=Accounting)
    _block: int = -1
    _told: int = 0
    _phase: tuple[int, int, Phase] = (0, 0, Phase.NONE)

    def run(self) -> dict[str, Any]:
        """Until the task has ended and nobody wants anything more."""
        self._journal = Journal(self.directory / "journal.jsonl")
        try:
            while self._turn():
                pass
            trail = self.trail
            if not trail.over:
                raise Stuck(f"the task stands still in {trail.phase.name} of round {trail.round}")
            summary = self._summary()
            self._write_outputs(summary)
            return summary
        finally:
            self._journal.close()
            self.cast.ledger.close()

    @property
    def trail(self) -> Trail:
        """What the ledger says, as the sponsor sees it."""
        trail: Trail = self.cast.nodes[0].state.trail
        return trail

    def _summary(self) -> dict[str, Any]:
        """The summary of the finished run: what can be recomputed, and what the run reports."""
        cast, trail = self.cast, self.trail
        client, book = cast.federation.client, cast.federation.book
        head = client.head()
        place = Place.of(book, head.number, head.hash, client.call)
        content = recomputed(cast.task, trail, self.accounting, place)
        content["rounds"] = [round_row(trail, n, self.accounting) for n in sorted(trail.rounds)]
        return {
            "run": self.directory.name,
            **content,
            "accounts": {to_checksum_address(k): name for k, name in cast.names().items()},
            "project": str(cast.plan.folder),
        }

    def _write_outputs(self, summary: dict[str, Any]) -> None:
        """The model file, the address book and the summary, the summary last."""
        cast, trail = self.cast, self.trail
        vector = read_vector(cast.task, cast.store, final_root(trail, cast.task))
        write_atomically(self.directory / MODEL_FILE, model_file(cast.task, vector))
        write_json(self.directory / "ledger.json", book_plain(cast.federation.book, trail.task))
        write_json(self.directory / "summary.json", summary)

    def _turn(self) -> bool:
        """Fold, decide, perform, send. False when there is nothing left to do or wait for."""
        self._fold()
        wanted = [(n, w) for n in self.cast.nodes for w in n.decide(self.cast.clock.now + 1)]
        if not wanted:
            return self._wait()
        orders: list[tuple[Node, Action]] = []
        for node, effect in wanted:
            self._journal.effect(node.name, self._block, effect)
            if isinstance(effect, e.Send):
                orders.append((node, effect.action))
            else:
                self._perform(node, effect)
        if orders:
            self._send(orders)
        return True

    def _fold(self) -> None:
        started = time.perf_counter()
        head = self.cast.federation.client.head().number
        events = self.cast.federation.events(self._block + 1, head) if head > self._block else []
        self._block = head
        self.accounting.took("ledger", self.trail.round, time.perf_counter() - started)
        for event in events:
            for node in self.cast.nodes:
                node.fold(event)
            self._tell()
        self._tell_rounds()

    def _perform(self, node: Node, effect: e.Effect) -> None:
        started = time.perf_counter()
        evaluates = isinstance(effect, e.Evaluate)
        answer = self._evaluated(node, effect) if evaluates else node.perform(effect)
        seconds = time.perf_counter() - started
        number = getattr(effect, "round", self.trail.round)
        self.accounting.took(PART_OF[type(effect)], number, seconds)
        self._answer(node, answer)
        if isinstance(answer, e.TrainingFailed):
            self.observer.participant_failed(answer.round, node.name, answer.error)
        elif isinstance(answer, e.Inspected) and answer.objection:
            self.observer.warned(f"{node.name} declines: {answer.objection}")
        elif node.role is auditor:
            self._heed(node.state, answer)

    def _evaluated(self, node: Node, effect: e.Effect) -> e.LocalEvent:
        """The sponsor's metrics; what is wrong with its data or metrics names the key they have."""
        try:
            return node.perform(effect)
        except (InvalidConfiguration, InvalidData) as error:
            entry = self.cast.task.evaluation.entry
            told = error.message.removeprefix(f"{entry}: ")
            message = f"evaluation.entry {entry}: {told}"
            raise type(error)(message, error.hint) from error

    def _send(self, orders: list[tuple[Node, Action]]) -> None:
        started = time.perf_counter()
        sent = [(node.account.address, action) for node, action in orders]
        outcomes = self.cast.federation.send(sent)
        self.accounting.took("ledger", self.trail.round, time.perf_counter() - started)
        for (node, action), outcome in zip(orders, outcomes, strict=True):
            self.accounting.spent(action, self.trail.round, outcome.gas)
            if outcome.failure is None:
                self._answer(node, e.Sent(action))
            else:
                reason = str(outcome.failure)
                self._answer(node, e.Refused(action, reason))
                name = type(action).__name__
                self.observer.warned(f"{node.name}: the ledger rejected {name}: {reason}")

    def _answer(self, node: Node, answer: e.LocalEvent) -> None:
        self._journal.answer(node.name, self._block, answer)
        node.fold(answer)

    def _wait(self) -> bool:
        """Move ledger time to the next deadline, so that the block after is at or past it."""
        trail, clock = self.trail, self.cast.clock
        if trail.over or trail.deadline <= clock.now + 1:
            return False
        clock.now = trail.deadline - 1
        return True

    def _tell(self) -> None:
        """A new phase, for whoever watches."""
        trail = self.trail
        here = (trail.round, trail.attempt, trail.phase)
        if here != self._phase:
            if self._phase[-1] == Phase.NONE:
                self.observer.started(self._start())
            self._phase = here
            self.observer.phase(trail.round, trail.phase.name)

    def _start(self) -> dict[str, Any]:
        plan, committee = self.cast.plan, self.cast.task.committee
        return {
            "run": self.directory.name,
            "task": str(self.cast.task.cid),
            "participants": plan.participants,
            "aggregators": plan.aggregators,
            "capture_ppb": committee.capture_ppb,
            "adversary": list(committee.adversary),
        }

    def _tell_rounds(self) -> None:
        """Each round once, when it has ended and, where metrics are reported, has them."""
        trail, evaluates = self.trail, bool(self.cast.task.evaluation.entry)
        while (number := self._told + 1) in trail.rounds:
            outcome = trail.rounds[number].outcome
            awaited = evaluates and isinstance(outcome, RoundSettled)
            ended = number < trail.round or trail.over
            if not ended or (awaited and number not in trail.metrics):
                return
            self._told = number
            self.observer.round_finished(round_row(trail, number, self.accounting))

    def _heed(self, auditing: auditor.State, answer: e.LocalEvent) -> None:
        """What the auditor's replay of a claim found: a wrong one, saturation, stalling."""
        if not isinstance(answer, e.Aggregated | e.ChunkMissing):
            return
        for finding in auditing.findings:
            if (finding.round, finding.attempt) == (answer.round, answer.attempt):
                self.observer.warned(f"auditor: {finding}")
        if isinstance(answer, e.ChunkMissing):
            return
        coordinates = self.cast.task.model.coordinates
        self.accounting.replayed[answer.round] = (answer.saturated, answer.stalled)
        if RoundStatistics(coordinates, answer.saturated, answer.stalled).too_coarse:
            self.observer.warned(
                f"round {answer.round}: {answer.stalled} of {coordinates} coordinates stand still "
                f"though some update moves them; {_finer(self.cast.task.model.fraction_bits)}"
            )


def _finer(bits: int) -> str:
    """What to do where a lattice of so many fraction bits rounds the updates away."""
    if bits < FINE_BITS:
        return f"fraction_bits = {bits} is coarse, try {FINE_BITS}"
    return f"fraction_bits = {bits} is fine: try a larger learning rate or more epochs a round"
