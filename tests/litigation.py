"""What a walk claims and does in court, well and ill: honest and lying challengers, who is served
and who is not.

Each attempt has three results that a member may stand for: the true one, one that is wrong in one
integer, and a root that nobody has a preimage of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from sheaf.protocol.actions import Action, Decide, Refute, Supply
from sheaf.protocol.events import Phase
from sheaf.protocol.opening import Opening
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.state import DISPUTED, Dispute, Matter, Standing
from tests.trial import Trial
from tests.worlds import account

Pick = Callable[[int], int]
Move = tuple[bytes, Action]
Choice = Callable[[], Move]

MOST, EARLY = 5, 1
"""Disputes that a walk opens in one attempt, and before its window: the rest of its steps are for
moves in them."""


class Litigation:
    """The court side of a walk through one task."""

    def __init__(self, play: Trial, pick: Pick) -> None:
        self.play, self.pick = play, pick
        self.wrong: dict[str, tuple[int, int]] = {}
        self.crooked: dict[str, bool] = {}

    @property
    def place(self) -> str:
        """Names the running attempt."""
        return f"{self.play.task.round}.{self.play.task.attempt}"

    def results(self) -> tuple[str, str, str]:
        """The names of what can be claimed in this attempt: true, wrong, hollow."""
        play = self.play
        true, wrong, hollow = (f"{kind} {self.place}" for kind in ("true", "wrong", "hollow"))
        if true not in play.models:
            play.compute(true)
            model, states = list(play.models[true]), list(play.states[true])
            matter = Matter.MODEL
            if play.terms.model.optimiser and self.pick(2):
                matter = Matter.STATE
            at = self.pick(len(states) if matter == Matter.STATE else len(model))
            if matter == Matter.MODEL:
                model[at] += 1 if model[at] < 0 else -1
            else:
                states[at] = (states[at][0] - 1, states[at][1])
            play.models[wrong], play.states[wrong] = model, states
            self.wrong[wrong] = (matter, at)
            self.crooked[self.place] = self.pick(3) == 2
        return true, wrong, hollow

    def vote(self) -> str | tuple[int, int]:
        """What a member stands for: in a crooked committee mostly what is wrong."""
        true, wrong, hollow = self.results()
        missing = self.pick(3), self.pick(2)
        if self.crooked[self.place]:
            return (wrong, wrong, wrong, hollow, wrong, true, wrong, wrong)[self.pick(8)]
        return (true, true, true, missing, wrong, true, true, true, true)[self.pick(9)]

    def claimed(self) -> str | None:
        """The name of the running claim."""
        play, task = self.play, self.play.task
        if task.phase != Phase.CHALLENGE:
            return None
        for name in self.results():
            page = play.settlement(name)
            roots = (page.weights_root, page.model_root, page.state_root)
            where = (task.id, task.round, task.attempt, task.current.counted)
            if play.here.claim(*where, roots) == task.current.claim:
                return name
        return None

    def moves(self) -> Iterator[Choice]:
        """What can be done in court now."""
        task = self.play.task
        if task.phase not in DISPUTED:
            return
        for number in self.pending():
            yield partial(self._answer, number)
            yield partial(self._answer, number)
        opened = len(task.current.disputes) - task.current.attempts[-1].first
        if opened < (MOST if task.phase == Phase.CHALLENGE else EARLY):
            yield self._demand
        if opened < MOST and self.claimed():
            yield from [self._accuse] * 4

    def pending(self) -> list[int]:
        """Numbers of disputes that wait for a move."""
        task = self.play.task
        if not task.open_disputes:
            return []
        first, last = task.current.attempts[-1].first, len(task.current.disputes)
        return [n for n in range(first + 1, last + 1) if self.play.dispute(n).pending]

    def anything(self, number: int) -> tuple[Action, ...]:
        """Moves in any dispute with arguments from anywhere."""
        play, task = self.play, self.play.task
        word, nothing = play.model_root("initial"), Opening(bytes(16), ())
        name = self.claimed() or "initial"
        found: list[Action] = [
            Decide(play.id, number),
            Refute(play.id, number, self.pick(4), b"", nothing),
            Supply(play.id, number, nothing),
            play.demanding(self.pick(5), self.pick(4), bond=self.pick(20)),
        ]
        if task.phase == Phase.CHALLENGE and name in play.models:
            found.append(play.challenge(name, self.pick(9), number=number, bond=self.pick(9)))
            found.append(play.descent(name, matter=self.pick(3)))
            swapped = play.challenge(name, 0).openings[::-1]
            found.append(replace(play.challenge(name, 0), openings=swapped))
        if 1 <= number <= len(task.current.disputes):
            dispute = play.dispute(number)
            if dispute.standing == Standing.UNFOLDED:
                found.append(play.picking(number, self.pick(12)))
            if not dispute.is_demand:
                found.append(replace(play.unfolding(number, "initial"), hashes=(word,)))
        return tuple(found)

    def _accuse(self) -> Move:
        """A challenge, true where it can be, or a descent."""
        play, name = self.play, self.claimed()
        assert name is not None
        who = self._anybody()
        if name not in play.models or self.pick(4) == 3:
            states = play.terms.model.optimiser and self.pick(2)
            return who, play.descent(name, Matter.STATE if states else Matter.MODEL)
        if name in self.wrong and self.pick(4) != 3:
            matter, at = self.wrong[name]
            return who, play.challenge(name, at, matter)
        at = self.pick(play.terms.model.trainable)
        matter = Matter.STATE if play.terms.model.optimiser and self.pick(2) else Matter.MODEL
        return who, play.challenge(name, at, matter, lies=self._lie())

    def _lie(self) -> dict[int, int]:
        return {self.pick(3): -(10**6) * self.pick(9)}

    def _demand(self) -> Move:
        task = self.play.task
        position, chunk = self.pick(3), self.pick(task.terms.model.leaves)
        bonds = len(task.current.attempts[-1].demands.get(position, ())) + 1
        return self._anybody(), self.play.demanding(position, chunk, bond=5 * bonds + self.pick(2))

    def _answer(self, number: int) -> Move:
        """What the dispute waits for, by whoever can give it, or the end of waiting."""
        play, dispute = self.play, self.play.dispute(number)
        anybody, decide = account("auditor"), (account("auditor"), Decide(play.id, number))
        if self.pick(7) == 6:
            return decide
        name = self.claimed() or ""
        if dispute.standing == Standing.FILED:
            return self._refute(number, dispute) or decide
        if dispute.standing == Standing.ASKED and (dispute.is_demand or name in play.models):
            asked = play.unfolding if dispute.level else play.supplying
            return anybody, asked(number, name)
        if dispute.standing == Standing.UNFOLDED:
            return dispute.opener, play.picking(number, self._child(name, dispute))
        if dispute.standing == Standing.SERVED and name in play.models:
            per_chunk = (1 << play.terms.model.chunk_log2) // self._width(dispute)
            at, matter = dispute.at * per_chunk, dispute.matter
            aim = self.wrong.get(name, (0, 0))
            if aim[0] == matter and aim[1] // per_chunk == dispute.at:
                return dispute.opener, play.challenge(name, aim[1], matter, number=number, bond=0)
            lied = play.challenge(name, at, matter, self._lie(), number=number, bond=0)
            return dispute.opener, lied
        return decide

    def _refute(self, number: int, dispute: Dispute) -> Move | None:
        """A refutation, if the column lies."""
        filed = self.play.refutation(number, 0).column
        counted = self.play.task.current.counted
        positions = [i for i in range(self.play.task.cohort) if counted >> i & 1]
        for rank, position in enumerate(positions):
            said = int.from_bytes(filed[4 * rank : 4 * rank + 4], "little", signed=True)
            if said != self.play.given[position][dispute.at]:
                return account("auditor"), self.play.refutation(number, position)
        return None

    def _child(self, name: str, dispute: Dispute) -> int:
        """A child towards the wrong entry, or any."""
        matter, at = self.wrong.get(name, (0, 0))
        width = min(6, dispute.level)
        if matter != dispute.matter:
            return self.pick(2)
        chunk = at * self._width(dispute) >> self.play.terms.model.chunk_log2
        return (chunk >> dispute.level - width) - (dispute.at << width)

    def _width(self, dispute: Dispute) -> int:
        both = 16 if self.play.terms.model.optimiser > OptimiserKind.MOMENTUM else 8
        return both if dispute.matter == Matter.STATE else 4

    def _anybody(self) -> bytes:
        play = self.play
        crowd = (account("auditor"), play.sponsor, *play.aggregators[:3], *play.participants[:2])
        return crowd[self.pick(len(crowd))]
