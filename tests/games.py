"""What the court promises, for any inputs, and games of liars against one watcher; in any world.

The honest result is what nodes compute of vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sheaf.learning.algorithms import ALGORITHMS
from sheaf.learning.rules import coordinate_median, trimmed_mean, weighted_mean
from sheaf.protocol.actions import Action
from sheaf.protocol.bounds import ALGORITHMS as KINDS
from sheaf.protocol.errors import Rejected
from sheaf.protocol.events import Phase
from sheaf.protocol.state import Attempt, Matter, Standing
from tests.play import ADAGRAD, ADAM, MOMENTUM, TERMS, YOGI, changed
from tests.trial import LIAR, WATCHER, Trial
from tests.worlds import World

INT32 = (
    st.integers(-(2**31), 2**31 - 1) | st.integers(-9, 9) | st.sampled_from((-(2**31), 2**31 - 1))
)
INT64 = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**32)
RULES: tuple[tuple[dict[str, int], Any], ...] = (
    ({}, weighted_mean()),
    ({"rule": 1}, coordinate_median()),
    ({"rule": 2, "trim_numerator": 1, "trim_denominator": 4}, trimmed_mean(1, 4)),
)
SERVERS: tuple[dict[str, int], ...] = ({}, MOMENTUM, ADAGRAD, ADAM, YOGI)
SIZE, TRAINABLE, COHORT = 6, 4, 4
"""Four entries a chunk: two chunks, of which the second is short and has the statistics."""


@dataclass(frozen=True)
class Round:
    """Random inputs of a round, and what nodes make of them."""

    play: Trial
    model: list[int]
    states: list[tuple[int, int]]


@st.composite
def rounds(draw: st.DrawFn, world: Callable[[], World]) -> Round:
    """A round whose counted set is fixed, of any rule and server, in a fresh world."""
    terms, rule = draw(st.sampled_from(RULES))
    server = draw(st.sampled_from(SERVERS))
    own = changed(TERMS, coordinates=SIZE, trainable=TRAINABLE, goal=COHORT, **terms, **server)
    vectors = st.lists(INT32, min_size=SIZE, max_size=SIZE)
    initial, updates = draw(vectors), [draw(vectors) for _ in range(COHORT)]
    play = Trial(world(), own, initial, dict(enumerate(updates)), participants=COHORT)
    if server:
        kept = INT64 if own.model.optimiser > 1 else st.just(0)
        play.states["initial"] = [(draw(INT64), draw(kept)) for _ in range(TRAINABLE)]
    play.start()
    play.commits(*range(COHORT))
    play.reveals(*range(COHORT))
    held = draw(st.integers(1, 2**COHORT - 1).filter(lambda mask: mask.bit_count() >= 2))
    play.holds(held, held, held)
    counted = [i for i in range(COHORT) if held >> i & 1]
    arrays = [np.array(updates[i], dtype=np.int32) for i in counted]
    aggregate = rule.aggregate(arrays, [100 * (i + 1) for i in counted])
    model, states = _stepped(play, aggregate)
    return Round(play, model, states)


def _stepped(play: Trial, aggregate: Any) -> tuple[list[int], list[tuple[int, int]]]:
    """The next model and state, by the vector form of the server's step."""
    m = play.terms.model
    name = next(name for name, kind in KINDS.items() if kind == m.optimiser)
    given = {"mean_divisor": m.mean_divisor, "rate": m.rate}
    given |= {"floor": m.floor} if m.optimiser > 1 else {}
    given |= {"square_divisor": m.square_divisor} if m.optimiser > 2 else {}
    algorithm = ALGORITHMS[name](**({"fraction_bits": 16, **given} if m.optimiser else {}))
    state = None
    if m.optimiser:
        rows = 1 if m.optimiser == 1 else 2
        old = np.array(play.states["initial"], dtype=np.int64)
        state = np.ascontiguousarray(old.T[:rows])
    initial = np.array(play.models["initial"], dtype=np.int32)
    model, after = algorithm.step(initial, aggregate, state)
    if after is None:
        return model.tolist(), []
    columns = [*after.tolist(), [0] * TRAINABLE][:2]
    return model.tolist(), list(zip(*columns, strict=True))


def claimed(found: Round, model: Sequence[int], states: Sequence[tuple[int, int]]) -> Trial:
    """A claim of this model and state in court."""
    play = found.play
    play.models["said"], play.states["said"] = list(model), list(states)
    play.votes("said", "said", "said")
    assert play.opens(0, 1, 2)[0] == "claimed in 1"
    return play


def matters(play: Trial) -> list[tuple[Matter, int]]:
    """Everything that can be challenged."""
    found = [(Matter.MODEL, j) for j in range(SIZE)]
    return found + [(Matter.STATE, j) for j in range(TRAINABLE) if play.terms.model.optimiser]


def one_wrong_integer_anywhere_falls(found: Round, data: Any) -> list[str]:
    """An honest challenger wins, at that coordinate and nowhere else; what the decision causes."""
    model, states = list(found.model), list(found.states)
    matter, at = data.draw(st.sampled_from(matters(found.play)))
    if matter == Matter.MODEL:
        model[at] = data.draw(INT32.filter(lambda value: value != found.model[at]))
    else:
        both = found.play.terms.model.optimiser > 1
        other = st.tuples(INT64, INT64 if both else st.just(0))
        states[at] = data.draw(other.filter(lambda state: state != found.states[at]))
    play = claimed(found, model, states)
    for right in matters(play):
        if right != (matter, at):
            lost = play.no(WATCHER, play.challenge("said", right[1], right[0]))
            assert lost == "NothingWrong", right
    play.do(WATCHER, play.challenge("said", at, matter))
    for position in range(COHORT):
        # Nobody has anything to say against a true column.
        told = "NothingWrong" if play.task.current.counted >> position & 1 else "NotCounted"
        assert play.no(LIAR, play.refutation(1, position)) == told
    return play.decide(1)


def a_right_claim_stands_against_any_column(found: Round, data: Any) -> list[str]:
    """Whatever is filed against it is refused or refuted; what settling causes."""
    play = claimed(found, found.model, found.states)
    for matter, at in matters(play):
        assert play.no(WATCHER, play.challenge("said", at, matter)) == "NothingWrong"
        lies = data.draw(st.dictionaries(st.integers(0, COHORT - 1), INT32, min_size=1))
        told = outcome(play, LIAR, play.challenge("said", at, matter, lies=lies))
        assert told in ("", "NothingWrong"), lies
        if told == "":
            number = len(play.task.current.disputes)
            answers = (play.refutation(number, position) for position in lies)
            assert "" in (outcome(play, WATCHER, answer) for answer in answers), lies
            assert play.dispute(number).standing == Standing.DISMISSED
    return play.settle("said")


def outcome(play: Trial, sender: bytes, action: Action) -> str:
    """Why an action is rejected; nothing where it is not."""
    try:
        play.do(sender, action)
    except Rejected as rejected:
        return rejected.reason
    return ""


class Game:
    """Liars do what they like in court; one watcher, who has the bytes, answers at once."""

    def __init__(self, world: World, seed: int, wrong: bool) -> None:
        self.dice = Random(seed)
        server = self.dice.choice(SERVERS)
        terms = changed(TERMS, **server, **self.dice.choice(RULES)[0])
        self.play = play = Trial(world, terms)
        play.start()
        play.commits(0, 1, 2)
        play.reveals(0, 1, 2)
        play.holds(0b111, 0b111, 0b111)
        play.compute("said")
        self.wrong = self.dice.choice(self.matters) if wrong else None
        if self.wrong == (Matter.MODEL, self.at):
            play.models["said"][self.at] += 1
        elif self.wrong:
            M, V = play.states["said"][self.at]
            play.states["said"][self.at] = (M + 1, V)
        play.votes("said", "said", "said")
        play.opens(0, 1, 2)

    @property
    def matters(self) -> list[tuple[Matter, int]]:
        """Everything that can be challenged."""
        states = range(10 if self.play.terms.model.optimiser else 0)
        return [(Matter.MODEL, j) for j in range(10)] + [(Matter.STATE, j) for j in states]

    @property
    def at(self) -> int:
        """The coordinate that is wrong."""
        return self.wrong[1] if self.wrong else 0

    def lie(self) -> None:
        """One move of one of the liars, accepted or not."""
        play, dice = self.play, self.dice
        liars = [play.member(slot) for slot in range(3)] + [LIAR, play.participant(0)]
        matter, at = dice.choice(self.matters)
        lies = {dice.randrange(3): dice.randrange(-(10**6), 10**6)}
        moves: list[Action] = [
            play.challenge("said", at, matter, lies=lies),
            play.descent("said", matter),
            replace(play.demanding(dice.randrange(3), dice.randrange(3)), bond=100),
        ]
        for number in range(1, len(play.task.current.disputes) + 1):
            moves.append(play.decision(number))
            dispute = play.dispute(number)
            if dispute.standing == Standing.UNFOLDED:
                moves.append(play.picking(number, dice.randrange(3)))
            if dispute.standing == Standing.SERVED:
                inside = dispute.at * (4 if dispute.matter == Matter.MODEL else 1)
                moves.append(play.challenge("said", inside, dispute.matter, lies, number=number))
        self.tried(dice.choice(liars), dice.choice(moves))

    def tried(self, sender: bytes, action: Action) -> bool:
        """Whether a move is accepted."""
        try:
            self.play.do(sender, action, self.play.world.now + self.dice.choice((1, 1, 50)))
        except Rejected:
            return False
        return True

    def watch(self) -> None:
        """The watcher refutes what is a lie and serves what is asked for."""
        play = self.play
        for number in range(1, len(play.task.current.disputes) + 1):
            dispute = play.dispute(number)
            if dispute.standing == Standing.FILED:
                for position in range(3):
                    if self.tried(WATCHER, play.refutation(number, position)):
                        break
            elif dispute.standing == Standing.ASKED:
                asked = play.unfolding if dispute.level else play.supplying
                self.tried(WATCHER, asked(number, "said"))

    def end(self) -> None:
        """Let every dispute run out, then the window."""
        play = self.play
        while play.task.phase == Phase.CHALLENGE:
            running = play.task.current.disputes
            waiting = [n for n, dispute in enumerate(running, start=1) if dispute.pending]
            if not waiting:
                break
            play.decide(waiting[0])


def liars_cannot_overturn_a_right_claim_while_one_watcher_lives(
    world: World, seed: int
) -> list[str]:
    """A claim that is right stands; what settling causes."""
    game = Game(world, seed, wrong=False)
    for _ in range(25):
        game.lie()
        game.watch()
    game.end()
    assert game.play.task.phase == Phase.CHALLENGE
    assert not game.play.task.current.void
    return game.play.settle("said")


def liars_cannot_shield_a_wrong_claim_from_one_watcher(world: World, seed: int) -> Attempt:
    """A claim that is wrong falls, even to a challenge in the last second; its attempt."""
    game = Game(world, seed, wrong=True)
    play = game.play
    moment = game.dice.randrange(15)
    for turn in range(25):
        if turn == moment:
            assert game.wrong is not None
            matter, at = game.wrong
            play.do(WATCHER, play.challenge("said", at, matter), play.task.deadline - 1)
        game.lie()
        game.watch()
    game.end()
    return play.task.current.attempts[0]
