"""What the court promises, for any inputs; in any world.

The honest result is what nodes compute of vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sheaf.learning.algorithms import ALGORITHMS
from sheaf.learning.rules import coordinate_median, trimmed_mean, weighted_mean
from sheaf.protocol.actions import Action
from sheaf.protocol.bounds import ALGORITHMS as KINDS
from sheaf.protocol.errors import Rejected
from sheaf.protocol.state import Matter, Standing
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
