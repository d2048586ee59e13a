"""What the court computes of a column where the server has an optimiser, of model and state.

Models have 16 fraction bits and moments 24, so a column that comes to D moves M towards 256 D, by a
tenth of the way: k is 10. At a rate of one the model moves by M / 256, and over the root of V and
the floor, 2^14, by 65,536 M / (root + 16,384). A column of three equal entries comes to that entry.
"""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Matter
from sheaf.protocol.terms import Terms
from tests.optimiser_reference import Column, exact_step, vectors
from tests.play import ADAGRAD, ADAM, MOMENTUM, TERMS, YOGI, changed, digest
from tests.trial import LIAR, WATCHER, Trial, trial_at_hold
from tests.vectors.columns import BEYOND, END, Row, assert_judged, tried
from tests.vectors.table import vector
from tests.worlds import World

ONE = {"rate": 2**24}
FLAT = 2**28
"""V before the first round: the floor's square."""


def row(old: int, entry: int, new: int, before: tuple[int, int], after: tuple[int, int]) -> Row:
    """A coordinate at which everybody says the same."""
    return Row(old, (entry,) * 3, new, before, after)


@vector()
def a_challenge_of_momentum(world: World) -> None:
    rows = (
        # 1,000 is 256,000 in moments, a tenth of it 25,600, and over 256 that is 100.
        row(1000, 1000, 1100, (0, 0), (25_600, 0)),
        row(1000, -1000, 900, (0, 0), (-25_600, 0)),
        # 128 / 256 is a half: away from zero.
        row(0, 5, 1, (0, 0), (128, 0)),
        row(0, -5, -1, (0, 0), (-128, 0)),
        # 1,280 - 128 = 1,152, and 4.5; -1,285 + 128.5 = -1,156, and -4.52.
        row(0, 0, 5, (1280, 0), (1152, 0)),
        row(0, 0, -5, (-1285, 0), (-1156, 0)),
        # A change is cut to (2^31 - 1) / 256 = 8,388,607, which is 2,147,483,392 in moments.
        row(0, END, 838_861, (0, 0), (214_748_339, 0)),
        row(END, END, END, (0, 0), (214_748_339, 0)),
        # A moment beyond its range reads as its end: nine tenths of 2^31 - 1 are 1,932,735,282.
        row(7, 0, 7_549_754, (2**40, 0), (1_932_735_282, 0)),
        row(7, 0, -7_549_740, (-(2**63), 0), (-1_932_735_282, 0)),
        row(BEYOND, BEYOND, -END, (25_600, 0), (-214_725_299, 0)),
    )
    assert_judged(world, changed(TERMS, **MOMENTUM | ONE), rows)


@vector()
def a_moved_claim_is_compared_to_the_bit(world: World) -> None:
    # Right is -(2^31 - 1), which -2^31 would read as.
    rows = (row(BEYOND, BEYOND, BEYOND, (25_600, 0), (-214_725_299, 0)),)
    play = tried(world, changed(TERMS, **MOMENTUM | ONE), rows, "bits")
    play.attempt("right", "right", "right")
    assert "files 1" in play.do(WATCHER, play.challenge("right", 0))[0]


@vector()
def a_challenge_of_adagrad(world: World) -> None:
    rows = (
        # V = 2^28 + 256,000^2 = 65,804,435,456, its root 256,523: 65,536 * 25,600 / 272,907 = 6148.
        row(1000, 1000, 7148, (0, FLAT), (25_600, 65_804_435_456)),
        row(1000, -1000, -5148, (0, FLAT), (-25_600, 65_804_435_456)),
        # 65,536 * 1,152 / (2^15 + 2^14) = 1,536, exactly.
        row(0, 0, 1536, (1280, 2**30), (1152, 2**30)),
        # V stops at 2^62, where it can go on from V or is cut to it.
        row(0, 4, 0, (0, 2**62 - 1), (102, 2**62)),
        row(7, 0, 58_989, (2**40, 2**63 - 1), (1_932_735_282, 2**62)),
        # A negative V reads as 0.
        row(7, 0, -END, (-(2**63), -5), (-1_932_735_282, 0)),
    )
    assert_judged(world, changed(TERMS, **ADAGRAD | ONE), rows)


@vector()
def a_challenge_of_adam(world: World) -> None:
    rows = (
        # V += (65,536,000,000 - 2^28) / 100 = 652,675,645(.44): 921,111,101, its root 30,349.
        row(1000, 1000, 36_900, (0, FLAT), (25_600, 921_111_101)),
        row(1000, -1000, -34_900, (0, FLAT), (-25_600, 921_111_101)),
        # V -= 2^30 / 100 = 10,737,418(.24).
        row(0, 0, 1541, (1280, 2**30), (1152, 1_063_004_406)),
        # V at the square of the change stays.
        row(0, 1, 1166, (300, 65_536), (296, 65_536)),
        row(0, 1, 1166, (300, 65_636), (296, 65_635)),
        row(7, 0, -END, (-(2**63), -5), (-1_932_735_282, 0)),
    )
    assert_judged(world, changed(TERMS, **ADAM | ONE), rows)


@vector()
def a_challenge_of_yogi(world: World) -> None:
    rows = (
        # V += 65,536,000,000 / 100: 923,795,456, its root 30,394.
        row(1000, 1000, 36_866, (0, FLAT), (25_600, 923_795_456)),
        row(1000, -1000, -34_866, (0, FLAT), (-25_600, 923_795_456)),
        # Towards a smaller square by a hundredth of that square, at it by nothing.
        row(0, 5, 256, (0, FLAT), (128, 268_419_072)),
        row(0, 0, 1536, (1280, 2**30), (1152, 2**30)),
        row(0, 1, 1166, (300, 65_536), (296, 65_536)),
        row(0, 1, 1166, (300, 65_636), (296, 64_981)),
        # V beyond 3 * 2^61 reads as that.
        row(7, 0, 48_166, (2**40, 2**63 - 1), (1_932_735_282, 3 * 2**61)),
    )
    assert_judged(world, changed(TERMS, **YOGI | ONE), rows)


@vector()
def challenges_of_extreme_constants(world: World) -> None:
    # Expected by exact fractions, which share nothing with the specification.
    for alike in vectors(4, 10, seed=9):
        rows = []
        for c in alike:
            new, M, V = exact_step(c)
            rows.append(row(c.value, c.aggregate, new, (c.mean, c.square), (M, V)))
        assert_judged(world, changed(TERMS, **_constants(alike[0])), rows)


def _constants(c: Column) -> dict[str, int]:
    names = ("fraction_bits", "mean_divisor", "square_divisor", "rate", "floor")
    return {"optimiser": c.kind, **{name: getattr(c, name) for name in names}}


def half_trained(world: World, claim: str, document: str) -> Trial:
    """Three coordinates that Adam moves, two of statistics; the claim is the right one, or wrong at
    both statistics."""
    terms = changed(TERMS, coordinates=5, trainable=3, **ADAM | ONE)
    updates = {i: [1000] * 3 + [2 * i, -2 * i] for i in range(3)}
    play = Trial(world, terms, [1000] * 5, updates, document=document)
    # 600 and 1,200 of 600 samples at 0, 2, 4: the mean is 2.67.
    play.models["right"] = [36_900] * 3 + [1003, 997]
    play.models["wrong"] = [36_900] * 3 + [1002, 996]
    play.states["right"] = play.states["wrong"] = [(25_600, 921_111_101)] * 3
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt(claim, claim, claim)
    return play


@vector()
def statistics_are_added_whatever_the_optimiser(world: World) -> None:
    play = half_trained(world, "right", "right")
    for coordinate in range(5):
        assert play.no(WATCHER, play.challenge("right", coordinate)) == "NothingWrong"
    for coordinate in range(3):
        state = play.challenge("right", coordinate, Matter.STATE)
        assert play.no(WATCHER, state) == "NothingWrong"
    # There is no state beside statistics.
    beyond = replace(play.challenge("right", 2, Matter.STATE), coordinate=3)
    assert play.no(WATCHER, beyond) == "CoordinateOutOfRange"
    play = half_trained(world, "wrong", "wrong")
    for coordinate in range(3):
        assert play.no(WATCHER, play.challenge("wrong", coordinate)) == "NothingWrong"
    for number, coordinate in enumerate((3, 4), start=1):
        play.do(WATCHER, play.challenge("wrong", coordinate))
        for position in range(3):
            assert play.no(LIAR, play.refutation(number, position)) == "NothingWrong"
    # A statistic is challenged without a state, a trained coordinate only with one.
    plain, kept = play.challenge("wrong", 3), play.entry(Matter.STATE, "initial", 2)
    more = replace(plain, openings=(*plain.openings, kept))
    assert play.no(WATCHER, more) == "WrongOpening"
    trained = play.challenge("wrong", 2)
    less = replace(trained, openings=trained.openings[:2])
    assert play.no(WATCHER, less) == "WrongOpening"


def adam(world: World, claim: str, document: str = "adam") -> Trial:
    """A claim of Adam's after three equal updates; "off" is wrong in the state of coordinate 9."""
    play = Trial(world, changed(TERMS, **ADAM | ONE), [1000] * 10, _alike(), document=document)
    play.models["right"] = play.models["off"] = [36_900] * 10
    play.states["right"] = [(25_600, 921_111_101)] * 10
    play.states["off"] = [*play.states["right"][:9], (25_600, 921_111_100)]
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt(claim, claim, claim)
    return play


def _alike() -> dict[int, list[int]]:
    return {i: [1000] * 10 for i in range(3)}


@vector()
def a_wrong_state_is_overturned(world: World) -> None:
    play = adam(world, "off")
    for coordinate in range(10):
        assert play.no(WATCHER, play.challenge("off", coordinate)) == "NothingWrong"
    filed = play.do(WATCHER, play.challenge("off", 9, Matter.STATE))
    assert filed == ["auditor files 1: STATE 9 in 1700"]
    assert play.no(LIAR, play.refutation(1, 2)) == "NothingWrong"
    assert play.decide(1)[:2] == ["decided 1 UPHELD", "attempt 1 failed OVERTURNED"]
    play.attempt("right", "right", "right")
    assert "settled 1" in play.settle("right")
    assert play.task.state_root == play.task.header(Kind.OPTIMISER_STATE, play.state_root("right"))


@vector()
def a_lie_about_a_state_is_refuted(world: World) -> None:
    play = adam(world, "right")
    play.do(LIAR, play.challenge("right", 9, Matter.STATE, lies={2: 0}))
    assert play.do(WATCHER, play.refutation(1, 2)) == ["auditor refutes 1 at P2"]
    assert "settled 1" in play.settle("right")


@vector()
def what_a_challenge_of_a_state_must_open(world: World) -> None:
    play = adam(world, "off")
    right, other = play.challenge("off", 9, Matter.STATE), digest("other")
    old, new = right.openings
    for changes, told in (
        ({"matter": Matter.MODEL}, "WrongOpening"),
        ({"matter": Matter.UPDATE}, "UnknownMatter"),
        ({"matter": Matter.MISSING}, "UnknownMatter"),
        ({"coordinate": 10}, "CoordinateOutOfRange"),
        ({"coordinate": 8}, "WrongOpening"),
        ({"roots": replace(right.roots, state=other)}, "WrongClaim"),
        ({"roots": replace(right.roots, state=ZERO)}, "WrongClaim"),
        ({"roots": replace(right.roots, old_state=other)}, "WrongRoots"),
        ({"roots": replace(right.roots, old_state=ZERO)}, "WrongRoots"),
        ({"openings": (new, old)}, "WrongOpening"),
        ({"openings": (old,)}, "WrongOpening"),
        ({"openings": (old, new, old)}, "WrongOpening"),
        ({"openings": (old, Opening(new.chunk[:8], new.path))}, "WrongOpening"),
        ({"column": right.column[4:]}, "WrongColumn"),
    ):
        assert play.no(WATCHER, replace(right, **changes)) == told, changes


@vector()
def a_challenge_of_the_second_round_opens_what_the_first_one_settled(world: World) -> None:
    # The state after round 1 is round 2's old one: M = 25,600 moves on to 48,640.
    play = adam(world, "right")
    play.settle("right")
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    # V += (65,536,000,000 - 921,111,101) / 100 = 646,148,889: 1,567,259,990, its root 39,588.
    # 65,536 * 48,640 / (39,588 + 16,384) = 56,951(.4).
    play.models["next"] = play.models["stale"] = [36_900 + 56_951] * 10
    play.states["next"] = [(48_640, 1_567_259_990)] * 10
    play.states["stale"] = [*play.states["next"][:9], play.states["right"][9]]
    play.attempt("stale", "stale", "stale")
    for coordinate in range(10):
        assert play.no(WATCHER, play.challenge("stale", coordinate)) == "NothingWrong"
    for coordinate in range(9):
        state = play.challenge("stale", coordinate, Matter.STATE)
        assert play.no(WATCHER, state) == "NothingWrong"
    right = play.challenge("stale", 9, Matter.STATE)
    first = replace(right.roots, old_model=play.model_root("initial"))
    assert play.no(WATCHER, replace(right, roots=first)) == "WrongRoots"
    first = replace(right.roots, old_state=play.state_root("initial"))
    assert play.no(WATCHER, replace(right, roots=first)) == "WrongRoots"
    assert play.do(WATCHER, right) == ["auditor files 1: STATE 9 in 1700"]


@vector()
def a_claim_over_rules_that_select_and_an_optimiser(world: World) -> None:
    # The median of 1, 1,000 and 2,000 moves Adam as the mean of equal entries does.
    terms: Terms = changed(TERMS, rule=1, **ADAM | ONE)
    rows = (Row(1000, (1, 1000, 2000), 36_900, (0, FLAT), (25_600, 921_111_101)),)
    assert_judged(world, terms, rows)
    trimmed = changed(terms, rule=2, trim_numerator=1, trim_denominator=3)
    assert_judged(world, trimmed, rows)
    assert trial_at_hold(world, "plain").task.state_root == ZERO
