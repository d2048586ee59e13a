"""What the court computes of a column, by hand: each row is right, and wrong by one.

A row is a coordinate: what was there, the participants' entries, what must be there now. Of tasks
with an optimiser it has the state before and after, (M, V).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sheaf.protocol.optimisers import Moments, OptimiserKind
from sheaf.protocol.state import Matter
from sheaf.protocol.terms import Terms
from tests.play import TERMS, changed
from tests.trial import WATCHER, Trial
from tests.vectors.table import vector
from tests.worlds import World

END = 2**31 - 1
BEYOND = -(2**31)
"""An int32 that is no lattice integer; it reads as -END."""


@dataclass(frozen=True)
class Row:
    """One coordinate."""

    old: int
    entries: tuple[int, ...]
    new: int
    before: Moments = (0, 0)
    after: Moments = (0, 0)


def tried(world: World, terms: Terms, rows: Sequence[Row], name: str, **samples: int) -> Trial:
    """A claim of the rows' new values, or of others, in court."""
    updates = {i: [row.entries[i] for row in rows] for i in range(len(rows[0].entries))}
    count = len(updates)
    trainable = min(terms.model.trainable, len(rows))
    own = changed(terms, coordinates=len(rows), trainable=trainable, goal=count)
    old, document = [row.old for row in rows], f"{name} {terms.model} {rows}"
    play = Trial(world, own, old, updates, participants=count, document=document)
    if own.model.optimiser:
        play.states["initial"] = [row.before for row in rows[: own.model.trainable]]
    play.claim("right")
    play.models["right"] = [row.new for row in rows]
    play.models["wrong"] = [row.new - 1 if row.new == END else row.new + 1 for row in rows]
    play.states["right"] = [row.after for row in rows[:trainable]]
    play.states["wrong"] = [_beside(own, j, row.after) for j, row in enumerate(rows[:trainable])]
    play.start()
    for position in range(count):
        play.commit(position, **samples)
    play.close()
    play.reveals(*range(count))
    return play


def _beside(terms: Terms, coordinate: int, state: Moments) -> Moments:
    """A state that is wrong by one, in either direction, of M or of V where one is kept."""
    M, V = state
    if terms.model.optimiser < OptimiserKind.ADAGRAD or coordinate % 4 < 2:
        return M + (-1) ** coordinate, V
    return M, V + (-1) ** coordinate


def assert_judged(world: World, terms: Terms, rows: Sequence[Row], **samples: int) -> None:
    """Of a right claim no coordinate can be challenged, of a wrong one every one; so its state."""
    play = tried(world, terms, rows, "right", **samples)
    everybody, trainable = (1 << len(rows[0].entries)) - 1, play.terms.model.trainable
    kept = range(trainable if terms.model.optimiser else 0)
    play.attempt("right", "right", "right", held=everybody)
    for j, row in enumerate(rows):
        assert play.no(WATCHER, play.challenge("right", j)) == "NothingWrong", row
    for j in kept:
        lost = play.no(WATCHER, play.challenge("right", j, Matter.STATE))
        assert lost == "NothingWrong", rows[j]
    play = tried(world, terms, rows, "wrong", **samples)
    play.attempt("wrong", "wrong", "wrong", held=everybody)
    for j, row in enumerate(rows):
        assert "files" in play.do(WATCHER, play.challenge("wrong", j))[0], row
    for j in kept:
        told = play.do(WATCHER, play.challenge("wrong", j, Matter.STATE))
        assert f"STATE {j} " in told[0], rows[j]


@vector()
def weighted_means(world: World) -> None:
    # Weights 100 : 200 : 300. A half is rounded away from zero, on either side of it.
    rows = (
        Row(100, (6, 12, 18), 114),
        Row(0, (1, 1, 0), 1),  # 300 / 600
        Row(0, (-1, -1, 0), -1),  # -300 / 600
        Row(0, (0, 0, 1), 1),
        Row(0, (0, 0, -1), -1),
        Row(0, (1, 0, 0), 0),  # 100 / 600
        Row(0, (-1, 0, 0), 0),
        Row(0, (0, -1, 0), 0),  # -200 / 600
        Row(7, (0, 1, -1), 7),  # -100 / 600
        Row(-7, (-5, 1, 1), -7),  # 0
        Row(0, (3, 3, -4), -1),  # -300 / 600
    )
    assert_judged(world, TERMS, rows)


@vector()
def values_at_the_ends_of_the_range_and_weights_at_the_cap(world: World) -> None:
    terms = changed(TERMS, weight_cap=65_535)
    rows = (
        Row(0, (END, END, END), END),
        Row(0, (-END, -END, -END), -END),
        Row(END, (END, END, END), END),  # the step saturates
        Row(-END, (-END, -END, -END), -END),
        Row(-END, (END, END, END), 0),
        Row(END, (-END, -END, -END), 0),
        Row(1, (END, END, END), END),
        Row(0, (END, -END, END), 715_827_882),  # END / 3 = 715,827,882.33
        Row(0, (-END, END, -END), -715_827_882),
        Row(0, (END, END, END - 1), END),  # END - 1/3
        Row(0, (END - 1, END, END - 1), END - 1),
        Row(5, (BEYOND, END, 0), 5),
        Row(0, (BEYOND, BEYOND, BEYOND), -END),
        Row(BEYOND, (0, 0, 0), -END),
        Row(BEYOND, (END, END, END), 0),
    )
    assert_judged(world, terms, rows, samples=65_535)


@vector()
def a_claim_is_compared_to_the_bit(world: World) -> None:
    # -2^31 in an update or in the old model reads as -(2^31 - 1), in a claim it is always wrong.
    rows = (Row(BEYOND, (BEYOND, BEYOND, BEYOND), BEYOND), Row(0, (-END, -END, -END), BEYOND))
    play = tried(world, TERMS, rows, "bits")
    play.attempt("right", "right", "right")
    for coordinate in (0, 1):
        assert "files" in play.do(WATCHER, play.challenge("right", coordinate))[0]
    # Both readings of an entry are the same entry: nobody is refuted for either.
    same = play.challenge("right", 0, lies={0: -END})
    assert play.do(WATCHER, same) == ["auditor files 3: MODEL 0 in 1700"]
    for number in (1, 3):
        for position in (0, 1, 2):
            assert play.no(WATCHER, play.refutation(number, position)) == "NothingWrong"
    other = play.challenge("right", 1, lies={1: BEYOND})
    play.do(WATCHER, other)
    assert play.no(WATCHER, play.refutation(4, 1)) == "NothingWrong"
    play.do(WATCHER, play.challenge("right", 1, lies={1: -END + 1}))
    assert play.do(WATCHER, play.refutation(5, 1)) == ["auditor refutes 5 at P1"]


@vector()
def medians(world: World) -> None:
    terms = changed(TERMS, rule=1)
    odd = (
        Row(10, (3, 1, 2), 12),
        Row(0, (5, 5, -5), 5),
        Row(0, (-1, -1, -1), -1),
        Row(END, (END, 0, -END), END),
        Row(0, (BEYOND, -END, 4), -END),
        Row(-3, (7, BEYOND, 0), -3),
    )
    assert_judged(world, terms, odd)
    # Of an even number the mean of the middle two: halves away from zero.
    even = (
        Row(0, (1, 2, 100, -100), 2),  # 3 / 2
        Row(0, (-1, -2, 100, -100), -2),  # -3 / 2
        Row(0, (0, -1, 9, -9), -1),  # -1 / 2
        Row(0, (END, END, END, -END), END),
        Row(5, (-END, -END, BEYOND, END), -END + 5),
        Row(0, (4, 4, 4, 4), 4),
        Row(0, (END, -END, END, BEYOND), 0),
        Row(1, (3, 3, 8, 8), 7),  # 5.5
    )
    assert_judged(world, terms, even)
    one = (Row(2, (END,), END), Row(3, (BEYOND,), -END + 3), Row(0, (-4,), -4))
    assert_judged(world, changed(terms, minimum=1), one)


@vector()
def trimmed_means(world: World) -> None:
    # A quarter of four is one at each end; of five it is one, too, since 1.25 is cut.
    terms = changed(TERMS, rule=2, trim_numerator=1, trim_denominator=4)
    four = (
        Row(0, (100, 1, 2, -100), 2),  # 3 / 2
        Row(0, (-100, -1, -2, 100), -2),
        Row(7, (END, END, -END, -END), 7),
        Row(0, (BEYOND, -END, -END, 5), -END),
        Row(1, (6, 6, 6, 6), 7),
    )
    assert_judged(world, terms, four)
    five = (
        Row(0, (9, 1, 2, 4, -9), 2),  # 7 / 3
        Row(0, (9, -1, -2, -5, -9), -3),  # -8 / 3
        Row(0, (1, 1, 2, 2, 2), 2),  # 5 / 3
        Row(0, (3, 0, 9, 3, 10), 5),  # 3 + 3 + 9: of equal lows both are left
        Row(0, (-3, 0, -9, -3, -10), -5),
        Row(END, (1, 1, 1, 1, 1), END),
    )
    assert_judged(world, terms, five)
    # Of three nothing is dropped by a quarter, one at each end by a third.
    assert_judged(world, terms, (Row(0, (1, 2, 6), 3), Row(0, (-1, 0, 0), 0)))
    third = changed(terms, trim_denominator=3)
    assert_judged(world, third, (Row(0, (1, 2, 6), 2), Row(0, (-1, 0, 0), 0)))
    none = changed(terms, trim_numerator=0, trim_denominator=1)
    assert_judged(world, none, (Row(0, (1, 2, 6), 3), Row(0, (1, 1, 0), 1), Row(0, (0, 0, -1), 0)))


@vector()
def columns_of_some_of_the_cohort(world: World) -> None:
    # P1 is not counted: weights 100 : 300, a median of two.
    for rule, new in ((0, 15), (1, 12)):
        terms = changed(TERMS, rule=rule, coordinates=1, trainable=1)
        for claim, told in ((new, "NothingWrong"), (new + 1, "")):
            play = Trial(world, terms, [0], {0: [6], 1: [77], 2: [18]}, document=f"{rule} {claim}")
            play.models["said"] = [claim]
            play.start()
            play.commits(0, 1, 2)
            play.reveals(0, 1, 2)
            play.attempt("said", "said", "said", held=0b101)
            move = play.challenge("said", 0)
            assert len(move.column) == 8
            if told:
                assert play.no(WATCHER, move) == told
                continue
            play.do(WATCHER, move)
            assert play.no(WATCHER, play.refutation(1, 1)) == "NotCounted"
            assert play.no(WATCHER, play.refutation(1, 2)) == "NothingWrong"


@vector()
def a_lie_of_the_last_of_some(world: World) -> None:
    # The rank of P2 in the column is 1, since P1 is not counted.
    play = Trial(world, TERMS)
    play.models["said"] = [100 * j + 15 + j for j in range(10)]
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("said", "said", "said", held=0b101)
    assert play.no(WATCHER, play.challenge("said", 9)) == "NothingWrong"
    play.do(WATCHER, play.challenge("said", 9, lies={2: 0}))
    assert play.no(WATCHER, play.refutation(1, 0)) == "NothingWrong"
    assert play.do(WATCHER, play.refutation(1, 2)) == ["auditor refutes 1 at P2"]


@vector()
def chunk_edges(world: World) -> None:
    # 1,024 int32 a chunk: a coordinate on either side of each edge, and the last one.
    sizes = {1: 1, 1023: 1, 1024: 1, 1025: 2, 2049: 3, 3073: 4}
    for count, leaves in sizes.items():
        terms = changed(TERMS, coordinates=count, trainable=count, chunk_log2=12)
        play = Trial(world, terms, document=f"{count} coordinates")
        assert terms.model.leaves == leaves
        play.models["true"] = [14 + 101 * j for j in range(count)]
        edges = {0, count - 1, *(j for k in (1024, 2048, 3072) for j in (k - 1, k) if j < count)}
        play.claim("wrong", **{f"c{j}": 0 for j in edges})
        play.start()
        play.commits(0, 1, 2)
        play.reveals(0, 1, 2)
        play.attempt("wrong", "wrong", "wrong")
        for number, j in enumerate(sorted(edges), start=1):
            play.do(WATCHER, play.challenge("wrong", j))
            assert play.no(WATCHER, play.refutation(number, 2)) == "NothingWrong"
        right = set(range(0, count, 500)) - edges
        for j in right:
            assert play.no(WATCHER, play.challenge("wrong", j)) == "NothingWrong"
        wrong = play.challenge("wrong", 0)
        for beyond in (count, count + 1023, 1024 * leaves):
            lost = replace(wrong, coordinate=beyond)
            assert play.no(WATCHER, lost) == "CoordinateOutOfRange"
