"""Random walks through a task: mostly what the specification allows, sometimes what it does not.

`pick(n)` is the only source of choice, a number below n, where 0 is the plainest choice; so a walk
shrinks to an honest one. Times are the next second, or a second around the running deadline.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from itertools import permutations

from sheaf.protocol.actions import (
    Action,
    Advance,
    Claim,
    Commit,
    CommitVerdict,
    Decide,
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
from tests.litigation import Choice, Litigation, Move, Pick
from tests.play import ADAM, MOMENTUM, TERMS, altered, changed, digest
from tests.trial import Trial
from tests.worlds import REWARD, STAKE, World, account

LATE_STEPS = 6
"""Steps of a walk after its task is over."""

SIZES = ((3, 6), (1, 2), (3, 5), (4, 8))
"""Committee and pool of a walk's task."""

KINDS: tuple[dict[str, int], ...] = (
    {},
    {"rule": 1},
    ADAM | {"rate": 2**24},
    {"rule": 2, "trim_numerator": 1, "trim_denominator": 3},
    MOMENTUM | {"rate": 2**24, "trainable": 7},
)
"""Rule and optimiser of a walk's task."""


class Walk:
    """One task walked through in a world."""

    def __init__(self, world: World, pick: Pick, watched: bool = True) -> None:
        committee, pool = SIZES[pick(len(SIZES))]
        terms = changed(TERMS, committee=committee, minimum=1 + pick(2), rounds=1 + pick(3))
        terms = changed(terms, **KINDS[pick(len(KINDS))])
        self.world, self.pick, self.watched = world, pick, watched
        self.play = Trial(world, terms, participants=3 + pick(3), aggregators=pool)
        self.own = {i: list(update) for i, update in self.play.given.items()}
        self.court = Litigation(self.play, self._pick)
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
            closing = self._closing()
            self.world.act(play.sponsor, closing, self._late(closing))
        for seat in (*play.participants, *play.aggregators, play.sponsor):
            for action in (Claim(play.id), Withdraw(STAKE), Withdraw(REWARD)):
                try:
                    self.world.act(seat, action, self.world.now + 1)
                except Rejected:
                    self.rejected += 1

    def _pick(self, below: int) -> int:
        """The choice of the running step, whoever asks."""
        return self.pick(below)

    def _well(self) -> Move:
        """An enabled move, or the phase's closing."""
        choices = list(self._enabled())
        late = self.world.now >= self.play.task.deadline and not self.over
        if not choices or self.pick(36) == 5 or (late and self.pick(4) != 3):
            return account("auditor"), self._closing()
        return choices[self.pick(len(choices))]()

    def _enabled(self) -> Iterator[Choice]:
        play, task = self.play, self.play.task
        if self._twins() and not self.over:
            yield self._duplicate
        yield from self.court.moves()
        if task.phase in (Phase.COMMIT, Phase.REVEAL):
            yield from self._participants_moves()
        elif Phase.HOLD <= task.phase <= Phase.VERDICT_REVEAL:
            for slot in range(task.terms.cohort.committee):
                if self._waits(slot):
                    yield partial(self._member_move, slot)
        elif self.court.pending():
            return
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
            waits = committed and not task.current.revealed >> position & 1
            # An ill move may have committed to what nobody can open.
            if not committing and waits and position in self.play.updates:
                yield partial(self._reveal, position)

    def _commit(self, position: int) -> Move:
        """A commitment, one in three to an update that others may share."""
        shares = self.pick(3) == 2
        self.play.given[position] = [self.play.task.round] * 10 if shares else self.own[position]
        update = self.play.update(position, samples=1 + self.pick(1000))
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
            mask = (-1, -1, -1, 0b011, 0b110, 0, -1, -1, -1, -1)[self.pick(10)]
            return member, Hold(task.id, task.current.revealed & mask)
        if task.phase == Phase.VERDICT_COMMIT:
            play.ballots[slot] = play.ballot(slot, self.court.vote())
            return member, play.sealed(member, play.ballots[slot])
        return member, play.ballots[slot]

    def _report(self) -> Move:
        """Some bytes about a round that has begun."""
        task = self.play.task
        return self.play.sponsor, Report(task.id, self.pick(task.round + 1), bytes(self.pick(9)))

    def _twins(self) -> list[tuple[int, int]]:
        """Pairs of owed updates of equal root, in both orders, of which none is named yet."""
        task, updates = self.play.task, self.play.updates
        waiting = task.current.owed & ~task.current.duplicates
        owed = [i for i in range(task.cohort) if waiting >> i & 1]
        return [(i, j) for i, j in permutations(owed, 2) if updates[i].root == updates[j].root]

    def _duplicate(self) -> Move:
        twins = self._twins()
        return self.play.sponsor, Duplicate(self.play.id, *twins[self.pick(len(twins))])

    def _take_out(self, owner: bytes) -> Move:
        ways = (Claim(self.play.id), Withdraw(STAKE), Withdraw(REWARD))
        return owner, ways[self.pick(len(ways))]

    def _closing(self) -> Action:
        """What ends the running phase, or the first dispute that it waits for."""
        task = self.play.task
        if task.phase == Phase.ABORTED:
            return self.play.settlement(None, steps=1 + self.pick(9))
        waiting = self.court.pending()
        if waiting and task.phase in (Phase.VERDICT_REVEAL, Phase.CHALLENGE):
            return Decide(task.id, waiting[0])
        if task.phase == Phase.CHALLENGE and not task.current.void:
            page = self.play.settlement(self.court.claimed())
            return altered(page, steps=1 + self.pick(9))
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
            play.settlement("initial", steps=self.pick(3)),
            Report(task, self.pick(4), bytes(self.pick(2) * 1025)),
            Claim(task),
            Withdraw((STAKE, REWARD, account("no token"))[self.pick(3)]),
            play.publication(deposit=play.terms.escrow - self.pick(2)),
            *self.court.anything(small),
        )
        return self._anybody(), choices[self.pick(len(choices))]

    def _anybody(self) -> bytes:
        play = self.play
        crowd = (*play.participants, *play.aggregators, play.sponsor, account("auditor"))
        return crowd[self.pick(len(crowd))]

    def _deadline(self, action: Action) -> int:
        """When an action can first, or no more, be taken."""
        disputes = self.play.task.current.disputes
        if isinstance(action, Decide) and 1 <= action.number <= len(disputes):
            return disputes[action.number - 1].deadline
        return self.play.task.deadline

    def _late(self, action: Action) -> int:
        return max(self._deadline(action), self.world.now + 1)

    def _when(self, action: Action) -> int:
        """The next second; for a closing mostly, for others rarely, around the deadline."""
        closing = isinstance(action, Advance | Settle | Decide)
        around = self.pick(8) != 5 if closing else self.pick(40) == 13
        if not around:
            return self.world.now + 1
        return max(self.world.now + 1, self._deadline(action) + (0, 0, 1, -1)[self.pick(4)])
