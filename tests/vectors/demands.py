"""Demands of chunks of counted updates: by whom, when, for how much, and what silence does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheaf.protocol.actions import Advance, Demand, Supply, Unfold
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import inclusion_path, leaf_hash, root_of
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Matter
from tests.play import TERMS, digest
from tests.trial import LIAR, WATCHER, Trial, in_court, trial_at_hold
from tests.vectors.attempts import ON, PAID
from tests.vectors.table import vector
from tests.worlds import STAKE, World

ENDLESS = 2**256 - 1
WITHHELD = ["attempt 1 failed WITHHELD", "HOLD 1.2 in 1400"]


@vector()
def an_answered_demand(world: World) -> None:
    play = in_court(world, "true")
    told = ["auditor demands 1: UPDATE P1/2 for 1 in 1700"]
    assert play.do(WATCHER, play.demanding(1, 2)) == told
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5}
    told = ["P1 supplies 1", "window 1.1 in 1700"]
    assert play.do(play.participant(1), play.supplying(1)) == told
    assert play.no(LIAR, play.supplying(1)) == "DisputeClosed"
    assert play.no(LIAR, play.decision(1)) == "DisputeClosed"
    told = ["auditor -5 DISMISSED", "P1 back 0 earned 5 by 1"]
    fees = [f"A1.{slot} fee 33" for slot in range(3)]
    assert play.settle("true") == [*PAID, *told, *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1600, "withdrawable": 5}


@vector()
def an_unanswered_demand(world: World) -> None:
    play = in_court(world, "true")
    play.do(WATCHER, play.demanding(1, 2))
    deadline = play.dispute(1).deadline
    assert play.no(WATCHER, play.decision(1), deadline - 1) == "NotYet"
    assert play.no(LIAR, play.supplying(1), deadline) == "MoveClosed"
    assert play.no(LIAR, play.settlement("true")) == "DisputeOpen"
    assert play.do(LIAR, play.decision(1)) == ["decided 1 UPHELD"]
    # What nobody can compute again does not settle, though nobody showed that it is wrong.
    assert play.no(LIAR, play.settlement("true")) == "WrongPhase"
    assert play.close() == WITHHELD
    assert play.task.current.dropped == 0b010
    play.holds(0b111, 0b111, 0b111)
    assert play.task.current.counted == 0b101
    play.votes("m", "m", "m")
    assert play.opens(0, 1, 2)[0] == "claimed in 2"
    # No vote is slashed for it; the owner loses 17, of which 8 are earned and 9 burned.
    paid = ["P0 +250 bonus 0", "P2 +750 bonus 0"]
    court = ["P1 -17 WITHHELD", "auditor back 5 earned 8 by 1"]
    fees = [f"A2.{slot} fee 33" for slot in range(3)]
    assert play.settle() == [*paid, *court, *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1583, "burned": 9, "withdrawable": 13}


@vector()
def when_chunks_can_be_demanded(world: World) -> None:
    play = trial_at_hold(world)
    demand, *others = (play.demanding(0, chunk, bond=100) for chunk in range(3))
    assert play.no(WATCHER, demand) == "WrongPhase"
    play.holds(0b111, 0b111, 0b111)
    for slot in range(3):
        play.vote(slot, "true")
    # In each of three phases up to its last second, though nobody closed it.
    _until_the_last_second(play, demand)
    play.close()
    for slot in range(3):
        play.do(play.member(slot), play.ballots[slot])
    _until_the_last_second(play, others[0])
    play.close()
    _until_the_last_second(play, others[1])
    assert play.no(WATCHER, demand) == "WindowClosed"
    play.settle("true")
    assert play.no(WATCHER, demand) == "WrongPhase"


def _until_the_last_second(play: Trial, demand: Demand) -> None:
    end = play.task.deadline
    assert "demands" in play.do(WATCHER, demand, end - 1)[0]
    assert play.no(WATCHER, demand, end) == "WindowClosed"
    assert play.no(WATCHER, demand, end + 10) == "WindowClosed"
    play.serve()


@vector()
def chunks_that_cannot_be_demanded(world: World) -> None:
    play = trial_at_hold(world)
    play.attempt("m", "m", "m", held=0b011)
    for position, chunk, bond, told in (
        (2, 0, 5, "NotCounted"),
        (3, 0, 5, "NotCounted"),
        (255, 0, 5, "NotCounted"),
        (256, 0, 5, "NotCounted"),
        (ENDLESS, 0, 5, "NotCounted"),
        (0, 3, 5, "ChunkOutOfRange"),
        (0, ENDLESS, 5, "ChunkOutOfRange"),
        (0, 0, 4, "BondTooLow"),
        (0, 0, 0, "BondTooLow"),
    ):
        assert play.no(WATCHER, play.demanding(position, chunk, bond)) == told
    elsewhere = replace(play.demanding(0, 0), task=digest("other"))
    assert play.no(WATCHER, elsewhere) == "UnknownTask"
    play.do(WATCHER, play.demanding(0, 0))
    play.decide(1)
    # A dropped update is not demanded again; by now the window is over for all.
    assert play.no(WATCHER, play.demanding(0, 1, bond=10)) == "WindowClosed"


@vector()
def a_dropped_update_is_not_demanded(world: World) -> None:
    play = trial_at_hold(world, challenge_s=100)
    play.holds(0b111, 0b111, 0b111)
    play.do(WATCHER, play.demanding(0, 0))
    assert play.decide(1) == ["decided 1 UPHELD"]
    assert play.no(WATCHER, play.demanding(0, 1, bond=10)) == "NotCounted"
    assert play.do(WATCHER, play.demanding(1, 1)) == ["auditor demands 2: UPDATE P1/1 for 1 in 100"]
    # A member that says it misses a chunk of it is answered like anybody: without effect.
    play.votes("m", "m", (0, 2))
    play.do(play.member(2), play.ballots[2])
    assert play.decide(3) == ["decided 3 MOOT"]
    assert play.decide(2) == ["decided 2 UPHELD"]
    assert play.task.current.dropped == 0b011


@vector()
def bonds_of_demands_rise(world: World) -> None:
    play = in_court(world, "true")
    for number, bonds in ((1, 1), (2, 2)):
        low = play.demanding(0, number - 1, bond=5 * bonds - 1)
        assert play.no(WATCHER, low) == "BondTooLow"
        told = play.do(WATCHER, play.demanding(0, number - 1, bond=5 * bonds))
        assert told == [f"auditor demands {number}: UPDATE P0/{number - 1} for {bonds} in 1700"]
    # Of another update the first demand costs one bond; what is too much returns.
    told = play.do(LIAR, play.demanding(1, 0, bond=11))
    assert told == ["sponsor demands 3: UPDATE P1/0 for 1 in 1700"]
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 20, "withdrawable": 6}
    # An answer does not make the next one cheaper, since it may be the demander's own.
    play.do(LIAR, play.supplying(1))
    assert play.no(LIAR, play.demanding(0, 2, bond=14)) == "BondTooLow"
    assert "for 3" in play.do(LIAR, play.demanding(0, 2, bond=15))[0]
    play.serve()
    told = play.settle("true")
    assert [line for line in told if "earned" in line] == [
        "sponsor back 0 earned 5 by 1",
        "auditor back 0 earned 10 by 2",
        "auditor back 0 earned 5 by 3",
        "auditor back 0 earned 15 by 4",
    ]


@vector()
def an_owner_cannot_price_out_a_challenger_by_demanding_what_is_known(world: World) -> None:
    # Demanded and answered by its own hand a chunk costs nothing, and is published: once.
    play = in_court(world)
    play.do(LIAR, play.demanding(0, 0))
    for bond in (5, 10, 10**6):
        assert play.no(LIAR, play.demanding(0, 0, bond=bond)) == "AlreadyDemanded"
    play.do(LIAR, play.supplying(1))
    assert play.no(LIAR, play.demanding(0, 0, bond=10)) == "AlreadyDemanded"
    assert "for 2" in play.do(WATCHER, play.demanding(0, 1, bond=10))[0]
    assert play.no(LIAR, play.demanding(0, 1, bond=15)) == "AlreadyDemanded"
    # Of another update that chunk was not demanded yet, nor in another attempt.
    assert "for 1" in play.do(LIAR, play.demanding(1, 0))[0]
    play.do(WATCHER, play.challenge("wrong", 7))
    assert play.decide(4)[1] == "attempt 1 failed OVERTURNED"
    play.holds(0b111, 0b111, 0b111)
    assert "for 1" in play.do(LIAR, play.demanding(0, 0))[0]


@vector()
def demands_of_chunks_far_apart(world: World) -> None:
    # Chunks 0, 255, 256, 512 of an update of 513: a word of storage has a bit for 256 of them.
    size = 4 * 513
    play = trial_at_hold(world, coordinates=size, trainable=size)
    play.holds(0b111, 0b111, 0b111)
    for bonds, chunk in enumerate((0, 255, 256, 512), 1):
        told = play.do(WATCHER, play.demanding(2, chunk, bond=5 * bonds))
        assert told == [f"auditor demands {bonds}: UPDATE P2/{chunk} for {bonds} in 1700"]
    for chunk in (0, 255, 256, 512):
        assert play.no(LIAR, play.demanding(2, chunk, bond=100)) == "AlreadyDemanded"
    assert play.no(LIAR, play.demanding(2, 513, bond=100)) == "ChunkOutOfRange"


@vector()
def bonds_of_the_second_attempt_start_again(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    for bonds in (1, 2):
        play.do(WATCHER, play.demanding(0, bonds - 1, bond=5 * bonds))
    play.serve()
    play.votes("a", "b", (0, 1))
    for slot in range(3):
        play.do(play.member(slot), play.ballots[slot])
    # A `Missing` locks one bond whatever others demanded, and does not raise theirs.
    assert play.dispute(3).bonds == 1
    assert play.no(WATCHER, play.demanding(0, 2, bond=14)) == "BondTooLow"
    play.serve()
    play.close()
    play.holds(0b111, 0b111, 0b111)
    told = play.do(WATCHER, play.demanding(0, 0))
    assert told == ["auditor demands 4: UPDATE P0/0 for 1 in 1700"]


@vector()
def chunks_that_do_not_answer(world: World) -> None:
    play = in_court(world, "true")
    play.do(WATCHER, play.demanding(1, 1))
    right = play.supplying(1)
    chunk, path = right.opening.chunk, right.opening.path
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"task": digest("other")}, "UnknownTask"),
        ({"number": 0}, "UnknownDispute"),
        ({"number": 2}, "UnknownDispute"),
        ({"number": ENDLESS}, "UnknownDispute"),
        ({"opening": Opening(chunk, ())}, "WrongOpening"),
        ({"opening": Opening(chunk, (*path, ZERO))}, "WrongOpening"),
        ({"opening": Opening(chunk[:-1], path)}, "WrongOpening"),
        ({"opening": Opening(chunk + bytes(4), path)}, "WrongOpening"),
        ({"opening": play.chunk(Matter.UPDATE, 1, 0)}, "WrongOpening"),
        ({"opening": play.chunk(Matter.UPDATE, 0, 1)}, "WrongOpening"),
    )
    for changes, told in wrong:
        assert play.no(LIAR, replace(right, **changes)) == told, changes
    # What is asked of a descent, and a column, is no answer either.
    assert play.no(LIAR, Unfold(play.id, 1, path)) == "WrongTurn"
    assert play.do(LIAR, right)


@vector()
def an_update_of_another_shape(world: World) -> None:
    # A tree over a last chunk of twelve bytes where eight are left: what it holds answers nothing.
    play, answers = _of_another_shape(world, bytes(16), bytes(16), bytes(12))
    assert play.do(LIAR, answers[0])
    assert play.do(LIAR, answers[1])
    assert play.no(LIAR, answers[2]) == "WrongOpening"
    assert play.decide(3) == ["decided 3 UPHELD"]


@vector()
def an_update_of_fewer_chunks(world: World) -> None:
    # A tree of two leaves where the terms have three: a path that ends at its root ends too early.
    play, answers = _of_another_shape(world, bytes(16), bytes([1] * 16))
    for answer in answers:
        assert play.no(LIAR, answer) == "WrongOpening"
    assert play.decide(1) == ["decided 1 UPHELD"]


def _of_another_shape(world: World, *chunks: bytes) -> tuple[Trial, list[Supply]]:
    """P0 committed to a tree over these chunks, each of which is demanded; their true openings."""
    play = Trial(world, TERMS)
    play.start()
    hashes = [leaf_hash(chunk) for chunk in chunks]
    play.commit(0, root=root_of(hashes))
    play.commits(1, 2)
    play.reveals(0, 1, 2)
    play.attempt("m", "m", "m")
    answers = []
    for index, chunk in enumerate(chunks):
        play.do(WATCHER, play.demanding(0, index, bond=5 * index + 5))
        opening = Opening(chunk, tuple(inclusion_path(hashes, index)))
        answers.append(Supply(play.id, index + 1, opening))
    return play, answers


@vector()
def an_answer_extends_the_window(world: World) -> None:
    # The bytes come in the last second; whoever waits for them has a whole move to challenge.
    play = in_court(world)
    first = play.task.deadline
    play.do(WATCHER, play.demanding(0, 1), first - 1)
    told = ["sponsor supplies 1", "window 1.1 in 1700"]
    assert play.do(LIAR, play.supplying(1), first + 1698) == told
    end = play.task.deadline
    assert end == first + 3398
    assert play.no(LIAR, play.settlement("wrong"), end - 2) == "NotYet"
    filed = play.do(WATCHER, play.challenge("wrong", 7), end - 1)
    assert filed == ["auditor files 2: MODEL 7 in 1700"]
    assert play.no(WATCHER, play.challenge("wrong", 7), end) == "WindowClosed"
    assert play.decide(2)[1] == "attempt 1 failed OVERTURNED"


@vector()
def nobody_draws_a_round_out_by_asking_and_answering(world: World) -> None:
    play = in_court(world, "true")
    first = play.task.deadline
    play.do(LIAR, play.demanding(0, 1), first - 2)
    play.do(LIAR, play.demanding(1, 1), first - 1)
    assert play.do(LIAR, play.supplying(1), first + 1)[1] == "window 1.1 in 1700"
    # The window is open for challenges until then, for demands it is over.
    assert play.no(LIAR, play.demanding(2, 0)) == "WindowClosed"
    assert play.no(LIAR, play.challenge("true", 7)) == "NothingWrong"
    assert play.do(LIAR, play.supplying(2), first + 100)[1] == "window 1.1 in 1700"
    assert play.no(LIAR, play.demanding(2, 0)) == "WindowClosed"
    assert play.task.deadline == first + 1800
    assert "settled 1" in play.settle("true")


@vector()
def an_answer_before_the_window_extends_nothing(world: World) -> None:
    play = trial_at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.do(WATCHER, play.demanding(0, 0))
    assert play.do(LIAR, play.supplying(1)) == ["sponsor supplies 1"]
    play.votes("true", "true", "true")
    play.do(WATCHER, play.demanding(0, 1, bond=10))
    assert play.do(LIAR, play.supplying(2)) == ["sponsor supplies 2"]
    assert play.opens(0, 1, 2) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]


@vector()
def a_moot_demand(world: World) -> None:
    play = in_court(world, "true")
    play.do(WATCHER, play.demanding(0, 0))
    play.do(LIAR, play.demanding(0, 1, bond=10))
    assert play.decide(1) == ["decided 1 UPHELD"]
    assert play.no(LIAR, Advance(play.id), play.dispute(2).deadline) == "DisputeOpen"
    assert play.decide(2) == ["decided 2 MOOT"]
    assert play.close() == WITHHELD
    play.attempt("m", "m", "m")
    court = [line for line in play.settle() if "back" in line or "WITHHELD" in line]
    # The owner is slashed once, the second bond returns.
    assert court == [
        "P0 -17 WITHHELD",
        "auditor back 5 earned 8 by 1",
        "sponsor back 10 earned 0 by 2",
    ]


@vector()
def a_demand_answered_after_its_update_was_dropped(world: World) -> None:
    play = in_court(world, "true")
    play.do(WATCHER, play.demanding(0, 0))
    play.do(LIAR, play.demanding(0, 1, bond=10), world.now + 100)
    play.decide(1)
    assert play.do(play.participant(0), play.supplying(2))[0] == "P0 supplies 2"
    assert play.task.current.dropped == 0b001
    play.close()
    play.attempt("m", "m", "m")
    told = play.settle()
    assert "P0 back 0 earned 10 by 2" in told
    assert "P0 -17 WITHHELD" in told
