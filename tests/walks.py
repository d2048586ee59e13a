"""Random walks through a task: mostly what the specification allows, sometimes what it does not.

`pick(n)` is the only source of choice, a number below n, where 0 is the plainest choice; so a walk
shrinks to an honest one. Times are the next second, or a second around the running deadline.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations

from sheaf.protocol.actions import (
    Action,
    Advance,
    Claim,
    Commit,
    CommitVerdict,
    Duplicate,
    Hold,
    Open,
    Report,
    Reveal,
    RevealMissing,
    RevealVerdict,
    Settle,
    Withdraw,
)
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.hashing import ZERO
from tests.play import TERMS, Play, altered, changed, digest
from tests.worlds import REWARD, STAKE, World, account

Pick = Callable[[int], int]
Move = tuple[bytes, Action]
Choice = Callable[[], Move]

LATE_STEPS = 6
"""Steps of a walk after its task is over."""

SIZES = ((3, 6), (1, 2), (3, 5), (4, 8))
"""Committee and pool of a walk's task."""


class Walk:
    """One task walked through in a world."""

    def __init__(self, world: World, pick: Pick, watched: bool = True) -> None:
        committee, pool = SIZES[pick(len(SIZES))]
        terms = changed(TERMS, committee=committee, minimum=1 + pick(2), rounds=1 + pick(3))
        self.world, self.pick, self.watched = world, pick, watched
        self.play = Play(world, terms, participants=3 + pick(3), aggregators=pool)
        absent = [a for a in self.play.participants if pick(8) == 5]
        surplus = pick(2)
        if absent or surplus:
            self.play.publish(deposit=terms.escrow + surplus)
            self.play.register()
            self.play.open(absent)
        else:
            self.play.start()
        self.accepted = self.rejected = self.late = 0

    @property
    def over(self) -> bool:
        """Whether only claims and withdrawals are left to do."""
        return self.play.task.phase in (Phase.DONE, Phase.ENDED)

    def step(self) -> None:
        """Make one move, well or ill; a few more after the end."""
        self.late += self.over
        if self.late > LATE_STEPS:
            return
        sender, action = self._ill() if self.pick(8) == 5 else self._well()
        before = copy.deepcopy(self.world.federation) if self.watched else None
        try:
            self.world.act(sender, action, self._when(action))
            self.accepted += 1
        except Rejected:
            self.rejected += 1
            assert before is None or self.world.federation == before, action

    def finish(self) -> None:
        """Let time pass until the task is over, then take everything out."""
        play = self.play
        while not self.over:
            self.world.act(play.sponsor, self._closing(), self._late())
        for seat in (*play.participants, *play.aggregators, play.sponsor):
            for action in (Claim(play.id), Withdraw(STAKE), Withdraw(REWARD)):
                try:
                    self.world.act(seat, action, self.world.now + 1)
                except Rejected:
                    self.rejected += 1

    def _well(self) -> Move:
        """An enabled move, or the phase's closing."""
        choices = list(self._enabled())
        if not choices or self.pick(9) == 5:
            return account("auditor"), self._closing()
        return choices[self.pick(len(choices))]()

    def _enabled(self) -> Iterator[Choice]:
        play, task = self.play, self.play.task
        if self._twins() and not self.over:
            yield self._duplicate
        if task.phase in (Phase.COMMIT, Phase.REVEAL):
            yield from self._participants_moves()
        elif Phase.HOLD <= task.phase <= Phase.VERDICT_REVEAL:
            for slot in range(task.terms.cohort.committee):
                if self._waits(slot):
                    yield partial(self._member_move, slot)
        elif not self.over:
            yield lambda: (play.sponsor, self._closing())
            yield self._report
        else:
            for owner in (*play.participants, *play.aggregators):
                yield partial(self._take_out, owner)

    def _participants_moves(self) -> Iterator[Choice]:
        task = self.play.task
        committing = task.phase == Phase.COMMIT
        for position in range(task.cohort):
            committed = task.seats[self.play.participant(position)].committed_round == task.round
            if committing and not committed:
                yield partial(self._commit, position)
            elif not committing and committed and not task.current.revealed >> position & 1:
                yield partial(self._reveal, position)

    def _commit(self, position: int) -> Move:
        """A commitment, one in three to a root that others may share."""
        root = digest("shared", self.play.task.round)
        changes = {"root": root} if self.pick(3) == 2 else {}
        update = self.play.update(position, samples=1 + self.pick(1000), **changes)
        self.play.updates[position] = update
        return self.play.participant(position), self.play.commitment(position, update)

    def _reveal(self, position: int) -> Move:
        return self.play.participant(position), self.play.updates[position]

    def _waits(self, slot: int) -> bool:
        """Whether the phase still waits for this member."""
        task = self.play.task
        attempt = task.current.attempts[-1]
        if task.phase == Phase.HOLD:
            waiting = ~attempt.held
        elif task.phase == Phase.VERDICT_COMMIT:
            waiting = attempt.held & ~attempt.committed
        else:
            waiting = attempt.committed & ~attempt.opened
        return bool(waiting >> slot & 1)

    def _member_move(self, slot: int) -> Move:
        play, task = self.play, self.play.task
        member = play.member(slot)
        if task.phase == Phase.HOLD:
            mask = (-1, -1, -1, 0b011, 0b110, 0, -1)[self.pick(7)]
            return member, Hold(task.id, task.current.revealed & mask)
        if task.phase == Phase.VERDICT_COMMIT:
            missing = self.pick(3), 0
            votes: tuple[str | tuple[int, int], ...] = ("m", "m", "m", missing, "a", "m", "m")
            play.ballots[slot] = play.ballot(slot, votes[self.pick(len(votes))])
            return member, play.sealed(member, play.ballots[slot])
        return member, play.ballots[slot]

    def _report(self) -> Move:
        """Some bytes about a round that has begun."""
        task = self.play.task
        return self.play.sponsor, Report(task.id, self.pick(task.round + 1), bytes(self.pick(9)))

    def _twins(self) -> list[tuple[int, int]]:
        """Pairs of owed updates of equal root, in both orders."""
        task, updates = self.play.task, self.play.updates
        owed = [i for i in range(task.cohort) if task.current.owed >> i & 1]
        return [(i, j) for i, j in permutations(owed, 2) if updates[i].root == updates[j].root]

    def _duplicate(self) -> Move:
        twins = self._twins()
        return self.play.sponsor, Duplicate(self.play.id, *twins[self.pick(len(twins))])

    def _take_out(self, owner: bytes) -> Move:
        ways = (Claim(self.play.id), Withdraw(STAKE), Withdraw(REWARD))
        return owner, ways[self.pick(len(ways))]

    def _closing(self) -> Action:
        """What ends the running phase."""
        task = self.play.task
        if task.phase == Phase.ABORTED:
            return self.play.settlement(None, steps=1 + self.pick(9))
        if task.phase == Phase.CHALLENGE:
            claims = {"a": self.play.settlement("a"), "m": self.play.settlement("m")}
            where, counted = (task.id, task.round, task.attempt), task.current.counted
            for action in claims.values():
                roots = (action.weights_root, action.model_root, action.state_root)
                if self.play.here.claim(*where, counted, roots) == task.current.claim:
                    return altered(action, steps=1 + self.pick(9))
        return Advance(task.id)

    def _ill(self) -> Move:
        """Any action from anybody, with arguments from anywhere."""
        play, word = self.play, (ZERO, digest("word"), digest("update", 1, ZERO))[self.pick(3)]
        task = (play.id, play.id, play.id, digest("no task"))[self.pick(4)]
        small = (0, 1, 2, 3, 255)[self.pick(5)]
        choices: tuple[Action, ...] = (
            Advance(task),
            play.registration(play.participants[0], role=self.pick(4), stake=self.pick(200)),
            Open(task, word),
            Commit(task, word),
            play.updates.get(small % 4, Reveal(task, word, small, ZERO, word)),
            Hold(task, (0, 1, 7, 8, 1 << 255)[self.pick(5)]),
            CommitVerdict(task, word),
            play.ballots.get(small % 4, RevealVerdict(task, word, word, ZERO, ZERO, word)),
            RevealMissing(task, small, self.pick(4), ZERO, word),
            Duplicate(task, small, self.pick(5)),
            play.settlement("m", steps=self.pick(3)),
            Report(task, self.pick(4), bytes(self.pick(2) * 1025)),
            Claim(task),
            Withdraw((STAKE, REWARD, account("no token"))[self.pick(3)]),
            play.publication(deposit=play.terms.escrow - self.pick(2)),
        )
        return self._anybody(), choices[self.pick(len(choices))]

    def _anybody(self) -> bytes:
        play = self.play
        crowd = (*play.participants, *play.aggregators, play.sponsor, account("auditor"))
        return crowd[self.pick(len(crowd))]

    def _late(self) -> int:
        return max(self.play.task.deadline, self.world.now + 1)

    def _when(self, action: Action) -> int:
        """The next second; for a closing mostly, for others rarely, around the deadline."""
        closing = isinstance(action, Advance | Settle)
        around = self.pick(8) != 5 if closing else self.pick(20) == 13
        if not around:
            return self.world.now + 1
        return max(self.world.now + 1, self.play.task.deadline + (0, 0, 1, -1)[self.pick(4)])
