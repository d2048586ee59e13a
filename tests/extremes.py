"""Scripts of what is as full, as wide and as deep as it gets: for any world."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.docket import MAX_DISPUTES
from sheaf.protocol.state import Matter
from tests.play import TERMS, changed
from tests.trial import LIAR, WATCHER, Trial, in_court, trial_at_hold
from tests.worlds import World


def a_docket_has_room_for_so_many_disputes(world: World) -> Trial:
    play = in_court(world, "true")
    play.do(LIAR, play.challenge("true", 7, lies={0: 0}))
    play.do(WATCHER, play.refutation(1, 0))
    world.set_disputes(play.id, MAX_DISPUTES - 3)
    moves = (
        play.challenge("true", 7, lies={0: 0}),
        play.descent("true"),
        play.demanding(0, 0),
    )
    for move in moves:
        play.do(LIAR, move)
    more = replace(play.demanding(0, 0), bond=10)
    for full in (moves[0], moves[1], more):
        assert play.no(LIAR, full) == "DocketFull"
    # What is on it goes on.
    assert play.do(WATCHER, play.refutation(MAX_DISPUTES - 2, 0))
    assert play.do(WATCHER, play.unfolding(MAX_DISPUTES - 1, "true"))
    assert play.do(WATCHER, play.supplying(MAX_DISPUTES))
    assert play.decide(MAX_DISPUTES - 1) == [f"decided {MAX_DISPUTES - 1} DISMISSED"]
    return play


def a_member_that_misses_finds_no_room_either(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes((0, 0), (0, 1), "true")
    play.do(LIAR, play.demanding(0, 0))
    play.serve()
    world.set_disputes(play.id, MAX_DISPUTES - 1)
    assert play.do(play.member(0), play.ballots[0])[1].startswith(f"A1.0 demands {MAX_DISPUTES}: ")
    assert play.no(play.member(1), play.ballots[1]) == "DocketFull"


def a_cohort_of_256_with_the_longest_columns(world: World) -> None:
    # A column of 1 KiB, chunks of 4 KiB, and a lie of the last of all.
    size = 1025
    terms = changed(
        TERMS, goal=256, coordinates=size, trainable=size, chunk_log2=12, weight_cap=25_600, rule=1
    )
    updates = {i: [i - 128 + j for j in range(size)] for i in range(256)}
    play = Trial(world, terms, updates=updates, participants=256)
    # The middle two of -128 to 127 are -1 and 0: their mean, -0.5, is -1; j - 0.5 beyond is j.
    play.models["true"] = [-1, *(101 * j for j in range(1, size))]
    play.claim("wrong", c1024=101 * 1024 + 1)
    play.start()
    for position in range(256):
        play.updates[position] = play.update(position)
        move = play.commitment(position, play.updates[position])
        world.act(play.participant(position), move, world.now + 1)
    play.close()
    for position in range(256):
        world.act(play.participant(position), play.updates[position], world.now + 1)
    play.close()
    play.attempt("wrong", "wrong", "wrong", held=2**256 - 1)
    assert play.no(WATCHER, play.challenge("wrong", 1023)) == "NothingWrong"
    # From above to below the others: -2 and -1 are the middle two.
    lie = play.challenge("wrong", 0, lies={255: -129})
    assert len(lie.column) == 1024
    play.do(LIAR, lie)
    assert play.no(WATCHER, play.refutation(1, 254)) == "NothingWrong"
    assert play.do(WATCHER, play.refutation(1, 255)) == ["auditor refutes 1 at P255"]
    play.do(WATCHER, play.challenge("wrong", 1024))
    assert play.no(LIAR, play.refutation(2, 0)) == "NothingWrong"
    assert play.decide(2)[1] == "attempt 1 failed OVERTURNED"


def the_deepest_path(world: World) -> None:
    # 2^14 chunks of 16 bytes, as high as a model of ten million: three steps down.
    size = 4 * 2**14
    terms = changed(TERMS, coordinates=size, trainable=size)
    play = Trial(world, terms)
    play.models["true"] = [14 + 101 * j for j in range(size)]
    play.claim("wrong", **{f"c{size - 1}": 0})
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("wrong", "wrong", "wrong")
    move = play.challenge("wrong", size - 1)
    assert [len(opening.path) for opening in move.openings] == [14, 14]
    play.do(WATCHER, move)
    play.do(WATCHER, play.descent("wrong", Matter.MODEL))
    for width, level in ((64, 8), (64, 2), (4, 0)):
        told = play.do(LIAR, play.unfolding(2, "wrong"))
        assert told == [f"sponsor unfolds 2 into {width} in 1700"]
        told = play.do(WATCHER, play.picking(2, width - 1))
        assert told == [f"auditor asks 2: MODEL {level}/{(2**14 >> level) - 1} in 1700"]
    play.do(LIAR, play.supplying(2, "wrong"))
    play.do(WATCHER, play.challenge("wrong", size - 1, number=2))
    assert play.decide(1)[1] == "attempt 1 failed OVERTURNED"


SCRIPTS = (
    a_docket_has_room_for_so_many_disputes,
    a_member_that_misses_finds_no_room_either,
    a_cohort_of_256_with_the_longest_columns,
    the_deepest_path,
)
