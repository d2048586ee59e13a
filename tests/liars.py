"""Games of liars against one watcher, in any world.

The liars make every move that the court has, true or forged, so often as they like, and may have
the only copy of a chunk. The watcher does what somebody can do who has the other bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from sheaf.protocol.actions import Action, Advance, Duplicate
from sheaf.protocol.dispute import shape_of
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.state import Dispute, Matter, Standing
from tests.games import RULES, SERVERS
from tests.play import TERMS, changed, digest
from tests.trial import LIAR, WATCHER, Trial
from tests.worlds import World

PER_CHUNK = 4
"""Coordinates of a model's or an update's chunk."""
STRIDES = (1, 1, 50, 200)
"""Seconds that a liar may let pass before a move."""
TURN_S = 1000
"""Seconds that a turn takes at most: three moves and the answers to them."""


class Game:
    """Liars do what they like in court; one watcher, who has the bytes, answers at once."""

    def __init__(self, world: World, seed: int, wrong: bool) -> None:
        self.dice = Random(seed)
        server = self.dice.choice(SERVERS)
        terms = changed(TERMS, **server, **self.dice.choice(RULES)[0])
        repeated = {i: [6 + j for j in range(10)] for i in (0, 1)}
        self.play = play = Trial(world, terms, updates=self.dice.choice((repeated, {})))
        play.start()
        play.commits(0, 1, 2)
        play.reveals(0, 1, 2)
        play.holds(0b111, 0b111, 0b111)
        play.compute("said")
        self.wrong = self.dice.choice(self.matters) if wrong else None
        self.hidden = self.dice.choice((None, 0, 1, 2)) if wrong else None
        """Whose entries at the wrong coordinate nobody but the liars has, until they post them."""
        self.mute = self.dice.choice((False, True))
        """Whether they never do."""
        if self.wrong == (Matter.MODEL, self.at):
            play.models["said"][self.at] += 1
        elif self.wrong:
            M, V = play.states["said"][self.at]
            play.states["said"][self.at] = (M + 1, V)
        play.votes("said", "said", "said")
        play.opens(0, 1, 2)
        self.attempt = play.task.current.attempts[0]
        """The first, whose claim the game is about."""
        self.accused = self.demanded = False
        self.told: list[str] = []
        self.lied: Counter[str] = Counter()
        """How many of the liars' moves were accepted, by their kinds."""

    @property
    def matters(self) -> list[tuple[Matter, int]]:
        """Everything that can be challenged."""
        states = range(10 if self.play.terms.model.optimiser else 0)
        return [(Matter.MODEL, j) for j in range(10)] + [(Matter.STATE, j) for j in states]

    @property
    def at(self) -> int:
        """The coordinate that is wrong."""
        return self.wrong[1] if self.wrong else 0

    @property
    def on(self) -> bool:
        """Whether that claim is in its window still, or in what became of it."""
        task = self.play.task
        return (task.round, task.attempt, task.phase) == (1, 1, Phase.CHALLENGE)

    @property
    def last(self) -> int:
        """The last second in which anybody can open a dispute."""
        return (self.attempt.window or self.play.task.deadline) - 1

    # The liars.

    def lie(self) -> None:
        """Up to three moves of the liars, accepted or not."""
        for _ in range(self.dice.choice((1, 2, 3))):
            if self.on:
                self._lie_once()

    def _lie_once(self) -> None:
        play, dice = self.play, self.dice
        liars = [play.member(slot) for slot in range(3)] + [LIAR, play.participant(0)]
        matter, at = dice.choice(self.matters)
        lies = {dice.randrange(3): dice.randrange(-(10**6), 10**6)}
        moves: list[Action] = [
            play.challenge("said", at, matter, lies=lies),
            play.descent("said", matter),
            replace(play.demanding(dice.randrange(3), dice.randrange(3)), bond=100),
            play.settlement("said", steps=dice.randrange(1, 9)),
            Advance(play.id),
            Duplicate(play.id, 0, dice.randrange(3)),
        ]
        answers: list[Action] = []
        for number in range(1, len(play.task.current.disputes) + 1):
            moves.append(play.decision(number))
            answers += self._moves_in(number, lies)
        self._lies(dice.choice(liars), dice.choice(dice.choice((moves, answers or moves))))

    def _moves_in(self, number: int, lies: dict[int, int]) -> list[Action]:
        """What a dispute waits for, and forgeries of it."""
        play, dice = self.play, self.dice
        dispute, forged = play.dispute(number), digest("forged")
        if dispute.standing == Standing.FILED:
            return [play.refutation(number, dice.randrange(3))]
        if dispute.standing == Standing.UNFOLDED:
            return [play.picking(number, dice.randrange(3))]
        if dispute.standing == Standing.SERVED:
            inside = dispute.at * shape_of(play.task, dispute.matter).per_chunk
            return [play.challenge("said", inside, dispute.matter, lies, number=number)]
        if dispute.standing == Standing.ASKED and dispute.level:
            unfolding = play.unfolding(number, "said")
            return [unfolding, replace(unfolding, hashes=(forged, *unfolding.hashes[1:]))]
        if dispute.standing == Standing.ASKED and (self._can_serve(dispute) or not self.mute):
            supplying = play.supplying(number, "said")
            chunk = bytes(len(supplying.opening.chunk))
            return [supplying, replace(supplying, opening=replace(supplying.opening, chunk=chunk))]
        return []

    def _lies(self, sender: bytes, action: Action, at: int | None = None) -> bool:
        stride = self.dice.choice(STRIDES)
        accepted = self.tried(sender, action, at or self.play.world.now + stride)
        self.lied[type(action).__name__] += accepted
        return accepted

    def tried(self, sender: bytes, action: Action, at: int | None = None) -> bool:
        """Whether a move is accepted."""
        try:
            told = self.play.do(sender, action, at)
        except Rejected:
            return False
        self.told += told
        return True

    # The watcher.

    def watch(self) -> None:
        """The watcher refutes what is a lie and serves what is asked for, so far as it can."""
        play = self.play
        for number in range(1, len(play.task.current.disputes) + 1):
            dispute = play.dispute(number)
            if not self.on or number <= self.attempt.first:
                return
            if dispute.standing == Standing.FILED:
                for position in range(3):
                    known = self._has(position, dispute.at // PER_CHUNK)
                    if known and self.tried(WATCHER, play.refutation(number, position)):
                        break
            elif dispute.standing == Standing.ASKED and dispute.level:
                self.tried(WATCHER, play.unfolding(number, "said"))
            elif dispute.standing == Standing.ASKED and self._can_serve(dispute):
                self.tried(WATCHER, play.supplying(number, "said"))

    def press(self) -> None:
        """Challenge what is wrong as late as can be, or demand what it takes to see that."""
        if self.wrong is None or self.accused or not self.on:
            return
        play, (matter, coordinate), soon = self.play, self.wrong, self.play.world.now + 1
        if self.hidden is None or self._has(self.hidden, coordinate // PER_CHUNK):
            self.accused = True
            accusation = play.challenge("said", coordinate, matter)
            play.do(WATCHER, accusation, max(soon, play.task.deadline - 1))
        elif not self.demanded:
            self.demanded = True
            demand = play.demanding(self.hidden, coordinate // PER_CHUNK, bond=100)
            # A liar may have demanded it before.
            self.tried(WATCHER, demand, max(soon, self.last))

    def _can_serve(self, dispute: Dispute) -> bool:
        return not dispute.is_demand or self._has(dispute.position, dispute.at)

    def _has(self, position: int, chunk: int) -> bool:
        """Whether the watcher has a chunk of an update."""
        if (position, chunk) != (self.hidden, self.at // PER_CHUNK):
            return True
        docket = self.play.task.current.disputes
        answered = (d for d in docket if d.is_demand and d.standing == Standing.DISMISSED)
        return (position, chunk) in {(d.position, d.at) for d in answered}

    # The end.

    def end(self) -> None:
        """Let every dispute run out, then the window. What is asked for may be posted in the last
        second: what the liars alone had the watcher then judges in a last second of its own."""
        play = self.play
        while self.on:
            self.press()
            running = enumerate(play.task.current.disputes, start=1)
            waiting = [number for number, dispute in running if dispute.pending]
            if not waiting:
                break
            dispute = play.dispute(waiting[0])
            late = max(dispute.deadline - 1, play.world.now + 1)
            answers = self._moves_in(waiting[0], {})[: self.dice.randrange(2)]
            asked = dispute.standing in (Standing.FILED, Standing.ASKED)
            sender = LIAR if asked else dispute.opener
            if any(self._lies(sender, answer, late) for answer in answers):
                self.watch()
            else:
                self.told += play.decide(waiting[0])
        over = max(play.task.deadline, play.world.now + 1)
        while self.on:
            self._lies(LIAR, play.settlement("said", self.dice.randrange(1, 9)), over)
            self._lies(LIAR, Advance(play.id), over + 1)
            over += 2


def liars_cannot_overturn_a_right_claim_while_one_watcher_lives(
    world: World, seed: int, turns: int = 25
) -> Game:
    """A claim that is right stands, and is settled by whoever comes first."""
    game = Game(world, seed, wrong=False)
    for _ in range(turns):
        game.lie()
        if not game.on:
            break
        game.watch()
    game.end()
    assert not game.attempt.overturned
    assert not game.on
    assert "settled 1" in game.told
    return game


def liars_cannot_shield_a_wrong_claim_from_one_watcher(
    world: World, seed: int, turns: int = 25
) -> Game:
    """A claim that is wrong falls, even to a challenge in the last second: overturned or, while a
    chunk that it takes to tell is withheld, void."""
    game = Game(world, seed, wrong=True)
    moment = game.dice.randrange(turns * 3 // 5)
    for turn in range(turns):
        if turn >= moment or game.play.world.now + TURN_S > game.last:
            game.press()
        game.lie()
        if not game.on:
            break
        game.watch()
    game.end()
    assert not game.on
    assert "settled 1" not in game.told
    withheld = game.hidden is not None and "attempt 1 failed WITHHELD" in game.told
    assert game.attempt.overturned or withheld
    return game
