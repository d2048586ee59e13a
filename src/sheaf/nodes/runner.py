"""The runner: the only part of the nodes that does I/O.

It folds new ledger events into every node, asks each what it wants, journals and performs that,
sends all transactions of a turn as one block, and moves ledger time, to the next deadline, only
when nobody wants anything.

A run that was stopped, however, goes on by `resume`: the journal is gone through again, turn by
turn, with the answers it holds and what the ledger says became of what was sent. The last turn may
lack answers; only those are made again. So both ways are one, and a fresh run has an empty journal.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from eth_utils.address import to_checksum_address

from sheaf.learning.rules.statistics import RoundStatistics
from sheaf.ledger.federation import Outcome
from sheaf.nodes import challenger, chronicle, court, journal, record
from sheaf.nodes import effects as e
from sheaf.nodes.anchoring import Statement, countersign
from sheaf.nodes.cast import Cast, Node, assemble, reassemble
from sheaf.nodes.hold import held
from sheaf.nodes.journal import JOURNAL, Answer, Journal, Recorded, Turn
from sheaf.nodes.model_file import write_model
from sheaf.nodes.observer import Observer
from sheaf.nodes.plan import Plan
from sheaf.nodes.summary import (
    MODEL_FILE,
    Accounting,
    Place,
    final_root,
    recomputed,
    round_row,
    write_json,
)
from sheaf.nodes.summary_file import SUMMARY_FILE
from sheaf.nodes.trail import Trail
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import InvalidConfiguration, InvalidData, LedgerCorrupt, SheafError
from sheaf.protocol.events import Phase, RoundSettled
from sheaf.store.files import reachable

PART_OF = {
    e.Train: "train",
    e.Evaluate: "train",
    e.Inspect: "train",
    e.Attest: "proof",
    e.ShowReceipt: "proof",
    e.PublishUpdate: "proof",
    e.Collect: "proof",
    e.Aggregate: "proof",
    e.PublishModel: "proof",
    e.Accuse: "proof",
    e.Choose: "proof",
    e.Compare: "proof",
    e.Produce: "proof",
}
"""Which part of a round's seconds an effect belongs to; sending belongs to the ledger."""

FINE_BITS = 20
"""Fraction bits that are enough for most models; where they stall, too, the updates are small."""


Order = tuple[Node, Action]
Signed = tuple[bytes, Action]
"""An action and the address of who sends it."""


class Stuck(SheafError):
    """Nobody wants anything and no deadline lies ahead, but the task has not ended."""

    code = "stuck"


def run(plan: Plan, directory: Path, observer: Observer) -> dict[str, Any]:
    """Run a whole task on a fresh embedded ledger in `directory`; returns its summary.

    Raises `RunHeld` where another process is at work there.
    """
    with reachable(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with held(directory):
        record.write(directory, plan)
        return Runner(assemble(plan, directory), directory, observer).run()


def resume(directory: Path, observer: Observer) -> dict[str, Any]:
    """Go on with the run in `directory`, wherever it was stopped; returns its summary.

    The observer is told all of it again. Raises what `record.read`, `reassemble` and `run` raise.
    """
    plan = record.read(directory)
    with held(directory):
        return Runner(reassemble(plan, directory), directory, observer).run()


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
        path = self.directory / JOURNAL
        self._nodes = {node.name: node for node in self.cast.nodes}
        self._names = self.cast.names()
        try:
            recorded = journal.read(path)
            self._journal = Journal(path)
            try:
                return self._run(recorded)
            finally:
                self._journal.close()
        finally:
            self.cast.host.close()

    def _run(self, recorded: Sequence[Recorded]) -> dict[str, Any]:
        self._recall(recorded)
        while self._turn():
            pass
        trail = self.trail
        if not trail.over:
            raise Stuck(f"the task stands still in {trail.phase.name} of round {trail.round}")
        summary = self._summary()
        self._write_outputs(summary)
        return summary

    def _recall(self, recorded: Sequence[Recorded]) -> None:
        """Go through the journalled turns again, and finish the last one."""
        head = self.cast.host.client.head().number
        blocks = [past.turn.block for past in recorded]
        if not self.cast.host.whole:
            # What was on the chain before the first turn is others'.
            self._block = blocks[0] if blocks else head
        if blocks and blocks[-1] > head:
            where = "" if self.cast.host.whole else "; was the chain begun anew?"
            self._contradicted(
                f"the journal goes on after block {blocks[-1]}, the ledger ends in {head}{where}"
            )
        self._happened(blocks[0] if blocks else head, ())
        for past, until in zip(recorded, [*blocks[1:], head], strict=False):
            self._fold(past.turn.block)
            self.cast.host.pass_to(past.turn.time)
            self._act(past.turn, past.answers, until)

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
        place = Place.of(book, head.number, head.hash, client.call, client.host)
        content = recomputed(cast.task, trail, self.accounting, place)
        content["rounds"] = [round_row(trail, n, self.accounting) for n in sorted(trail.rounds)]
        return {
            "run": self.directory.name,
            **content,
            "accounts": {to_checksum_address(k): name for k, name in cast.names().items()},
            "project": str(cast.plan.folder),
            "journal": self._journal.head,
        }

    def _write_outputs(self, summary: dict[str, Any]) -> None:
        """The model file, everybody's countersignature, and the summary, which comes last: with it
        a run is finished."""
        cast, trail = self.cast, self.trail
        root = final_root(trail, cast.task)
        write_model(cast.task, cast.store, root, self.directory / MODEL_FILE)
        book, head = cast.federation.book, cast.host.client.head()
        end = Statement(book.chain_id, book.federation, trail.task, head.number, head.hash)
        countersign(self.directory, end, [node.account.key for node in cast.nodes])
        write_json(self.directory / SUMMARY_FILE, summary)

    def _turn(self) -> bool:
        """Fold, decide, perform, send. False when there is nothing left to do or wait for."""
        self._fold(self.cast.host.client.head().number)
        now = self.cast.host.now
        wanted = [(n.name, w) for n in self.cast.nodes for w in n.decide(now + 1)]
        if not wanted:
            return self._wait()
        wanted.sort(key=lambda each: isinstance(each[1], e.Send))
        turn = Turn(self._block, now, tuple(wanted))
        self._journal.turn(turn)
        self._act(turn, (), self._block)
        return True

    def _fold(self, head: int) -> None:
        """Take in the events of the blocks up to `head`."""
        started = time.perf_counter()
        events = self.cast.federation.events(self._block + 1, head) if head > self._block else []
        self._block = head
        self.accounting.took("ledger", self.trail.round, time.perf_counter() - started)
        for event in events:
            for node in self.cast.nodes:
                node.fold(event)
            self._tell()
            line = chronicle.line(event, self.trail, self._names)
            if line:
                self.observer.disputed(self.trail.round, line)
        self._tell_rounds()

    def _act(self, turn: Turn, answers: Sequence[Answer], until: int) -> None:
        """Do a turn: what is answered is not done again, and what stands in the blocks up to
        `until` is not sent again."""
        given, orders = iter(answers), []
        for name, effect in turn.effects:
            node = self._nodes.get(name)
            if node is None:
                self._contradicted(f"the journal names {name}, who takes no part")
            if isinstance(effect, e.Send):
                orders.append((node, effect.action))
            else:
                self._heed(node, effect, next(given, None) or self._perform(node, effect))
        if orders:
            self._send(orders, tuple(given), until)
        else:
            self._happened(until, ())

    def _perform(self, node: Node, effect: e.Effect) -> Answer:
        started = time.perf_counter()
        evaluates = isinstance(effect, e.Evaluate)
        content = self._evaluated(node, effect) if evaluates else node.perform(effect)
        answer = Answer(node.name, content, time.perf_counter() - started)
        self._journal.answer(answer)
        return answer

    def _heed(self, node: Node, effect: e.Effect, answer: Answer) -> None:
        """Fold an answer, and tell what a person should know of it."""
        content, number = answer.content, getattr(effect, "round", self.trail.round)
        self.accounting.took(PART_OF[type(effect)], number, answer.seconds)
        node.fold(content)
        if isinstance(content, e.TrainingFailed):
            self.observer.participant_failed(content.round, node.name, content.error)
        elif isinstance(content, e.Inspected) and content.objection:
            self.observer.warned(f"{node.name} declines: {content.objection}")
        elif node.role is challenger:
            self._heed_replay(node.state, content)

    def _evaluated(self, node: Node, effect: e.Effect) -> e.LocalEvent:
        """The sponsor's metrics; what is wrong with its data or metrics names the key they have."""
        try:
            return node.perform(effect)
        except (InvalidConfiguration, InvalidData) as error:
            entry = self.cast.task.evaluation.entry
            told = error.message.removeprefix(f"{entry}: ")
            message = f"evaluation.entry {entry}: {told}"
            raise type(error)(message, error.hint) from error

    def _send(self, orders: Sequence[Order], answers: Sequence[Answer], until: int) -> None:
        """Send what does not stand in a block yet; journal what has no answer yet."""
        started = time.perf_counter()
        sent = [(node.account.address, action) for node, action in orders]
        outcomes = self._happened(until, sent)
        missing = [each for each in sent if each not in outcomes]
        if missing:
            outcomes |= zip(missing, self._sent(orders, missing), strict=True)
        seconds = (time.perf_counter() - started) / len(orders)
        for place, (node, action) in enumerate(orders):
            outcome = outcomes[sent[place]]
            if place < len(answers):
                answer = answers[place]
            else:
                answer = Answer(node.name, _answer_to(action, outcome), seconds)
                self._journal.answer(answer)
            self.accounting.spent(action, self.trail.round, outcome.gas)
            self.accounting.took("ledger", self.trail.round, answer.seconds)
            node.fold(answer.content)
            if isinstance(answer.content, e.Refused):
                name, reason = type(action).__name__, answer.content.reason
                self.observer.warned(f"{node.name}: the ledger rejected {name}: {reason}")

    def _sent(self, orders: Sequence[Order], missing: Sequence[Signed]) -> Sequence[Outcome]:
        """Send what is `missing` of `orders`, each act with the receipt that its node signed."""
        nodes = {(node.account.address, action): node for node, action in orders}
        notes = [nodes[each].vouch(each[1]) for each in missing]
        self._journal.sync()
        return self.cast.federation.send(missing, notes)

    def _happened(self, until: int, sent: Sequence[Signed]) -> dict[Signed, Outcome]:
        """What became of `sent` in the blocks up to `until` that are not folded yet, where nothing
        else of the cast's may stand."""
        names, wanted, found = self._names, set(sent), {}
        for number in range(self._block + 1, until + 1):
            for who, outcome in self.cast.federation.actions(number):
                if who in names and (who, outcome.action) not in wanted:
                    told = f"{type(outcome.action).__name__} of {names[who]} in block {number}"
                    self._contradicted(f"the journal knows of no {told}")
                found[who, outcome.action] = outcome
        return found

    def _contradicted(self, how: str) -> NoReturn:
        raise LedgerCorrupt(f"{self.directory}: ledger and journal contradict each other: {how}")

    def _wait(self) -> bool:
        """Let time pass to the next deadline, of the phase or of a move in court, or to where a
        node's turn to answer there begins; so that the block after is at or past it. Where others
        write, too, look again at every block: who goes to court there has no seat in this run."""
        trail, host = self.trail, self.cast.host
        moments = (trail.deadline, *court.moments(trail))
        ahead = [moment for moment in moments if moment > host.now + 1]
        if trail.over or not ahead:
            return False
        host.wait(min(ahead) - 1)
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
            "task_id": f"0x{self.cast.task_id.hex()}",
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

    def _heed_replay(self, watching: challenger.State, answer: e.LocalEvent) -> None:
        """What the challenger's replay of a claim found: a wrong one, saturation, stalling."""
        if not isinstance(answer, e.Aggregated | e.ChunkMissing):
            return
        for finding in watching.findings:
            if (finding.round, finding.attempt) == (answer.round, answer.attempt):
                self.observer.warned(f"challenger: {finding}")
        if isinstance(answer, e.ChunkMissing):
            return
        coordinates = self.cast.task.model.coordinates
        self.accounting.replayed[answer.round] = (answer.saturated, answer.stalled)
        if RoundStatistics(coordinates, answer.saturated, answer.stalled).too_coarse:
            self.observer.warned(
                f"round {answer.round}: {answer.stalled} of {coordinates} coordinates stand still "
                f"though some update moves them; {_finer(self.cast.task.model.fraction_bits)}"
            )


def _answer_to(action: Action, outcome: Outcome) -> e.Sent | e.Refused:
    """What a node is told of an action that is in a block."""
    return e.Refused(action, str(outcome.failure)) if outcome.failure else e.Sent(action)


def _finer(bits: int) -> str:
    """What to do where a lattice of so many fraction bits rounds the updates away."""
    if bits < FINE_BITS:
        return f"fraction_bits = {bits} is coarse, try {FINE_BITS}"
    return f"fraction_bits = {bits} is fine: try a larger learning rate or more epochs a round"
