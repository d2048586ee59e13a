"""Descents: a claim whose bytes are not served is asked for from the root down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheaf.protocol.actions import Action, Refute
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import leaf_hash, node_hash
from sheaf.protocol.opening import Opening
from sheaf.protocol.state import Matter
from tests.play import TERMS, altered, changed, digest
from tests.trial import LIAR, WATCHER, Trial, in_court, trial_at_hold
from tests.vectors.moments import adam
from tests.vectors.table import vector
from tests.worlds import STAKE, World

ENDLESS = 2**256 - 1
OVERTURNED = ["decided 1 UPHELD", "attempt 1 failed OVERTURNED", "HOLD 1.2 in 1400"]


def grown(world: World, leaves: int) -> Trial:
    """A claim of so many chunks, the last one short, that is wrong in its first and last entry."""
    count = 4 * leaves - 1
    terms = changed(TERMS, coordinates=count, trainable=count)
    play = Trial(world, terms, document=f"{leaves} leaves")
    assert terms.model.leaves == leaves
    play.models["true"] = [14 + 101 * j for j in range(count)]
    play.claim("wrong", **{"c0": 0, f"c{count - 1}": 0})
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.attempt("wrong", "wrong", "wrong")
    return play


@vector()
def a_descent_to_a_wrong_entry(world: World) -> None:
    play = in_court(world)
    told = ["auditor asks 1: MODEL 2/0 in 1700"]
    assert play.do(WATCHER, play.descent("wrong")) == told
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5}
    told = ["A1.0 unfolds 1 into 3 in 1700"]
    assert play.do(play.member(0), play.unfolding(1, "wrong")) == told
    assert play.do(WATCHER, play.picking(1, 1)) == ["auditor asks 1: MODEL 0/1 in 1700"]
    assert play.do(LIAR, play.supplying(1, "wrong")) == ["sponsor supplies 1 in 1700"]
    # The challenge goes on under its number and its bond.
    filed = play.do(WATCHER, play.challenge("wrong", 7, number=1, bond=0))
    assert filed == ["auditor files 1: MODEL 7 in 1700"]
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5}
    for position in range(3):
        assert play.no(LIAR, play.refutation(1, position)) == "NothingWrong"
    assert play.decide(1) == OVERTURNED


@vector()
def a_root_without_a_preimage(world: World) -> None:
    # Nobody can answer for what is not a tree: silence overturns.
    play = trial_at_hold(world)
    play.attempt("no such model", "no such model", "no such model")
    play.do(WATCHER, play.descent("no such model"))
    for hashes in ((), (ZERO,) * 3, tuple(play.leaves(Matter.MODEL, "true"))):
        unfolded = replace(play.unfolding(1, "true"), hashes=hashes)
        assert play.no(play.member(0), unfolded) == "WrongNodes"
    assert play.decide(1) == OVERTURNED
    play.attempt("true", "true", "true")
    assert "settled 1" in play.settle("true")


def claiming(world: World, hashes: tuple[bytes, ...], document: str) -> Trial:
    """A claim of the tree over three hashes, unfolded down to the last of them."""
    play = Trial(world, TERMS, document=document)
    play.start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.holds(0b111, 0b111, 0b111)
    root = node_hash(node_hash(hashes[0], hashes[1]), hashes[2])
    for slot in range(3):
        ballot = altered(play.ballot(slot, "claim"), model_root=root)
        play.ballots[slot] = ballot
        play.do(play.member(slot), play.sealed(play.member(slot), ballot))
    play.close()
    play.opens(0, 1, 2)
    roots = replace(play.roots("claim"), model=root)
    play.do(WATCHER, replace(play.descent("claim"), roots=roots))
    play.do(LIAR, replace(play.unfolding(1, "initial"), hashes=hashes))
    play.do(WATCHER, play.picking(1, 2))
    return play


@vector()
def leaves_without_a_preimage(world: World) -> None:
    # A tree over hashes of nothing is unfolded down to where a chunk is due.
    hashes = tuple(digest("hollow", i) for i in range(3))
    play = claiming(world, hashes, "hollow")
    for chunk in (bytes(8), hashes[2][:8], b""):
        supply = replace(play.supplying(1, "initial"), opening=Opening(chunk, ()))
        assert play.no(LIAR, supply) == "WrongOpening"
    assert play.decide(1) == OVERTURNED


@vector()
def leaves_of_another_length(world: World) -> None:
    # Ten coordinates leave eight bytes for the last chunk: no challenge could open twelve.
    chunks = (bytes(16), bytes(16), bytes(12))
    hashes = tuple(leaf_hash(chunk) for chunk in chunks)
    play = claiming(world, hashes, "longer")
    supply = replace(play.supplying(1, "initial"), opening=Opening(chunks[2], ()))
    assert play.no(LIAR, supply) == "WrongOpening"
    assert play.decide(1) == OVERTURNED


@vector()
def descents_through_ragged_trees(world: World) -> None:
    # Per tree: its height; what is below the root, and below the last node of that; and so on.
    for leaves, height, steps in (
        (1, 0, ()),
        (2, 1, ((2, 0, 1),)),
        (3, 2, ((3, 0, 2),)),
        (64, 6, ((64, 0, 63),)),
        (65, 7, ((33, 1, 32), (1, 0, 64))),
        (130, 8, ((33, 2, 32), (2, 0, 129))),
        (4097, 13, ((33, 7, 32), (1, 1, 2048), (1, 0, 4096))),
    ):
        play = grown(world, leaves)
        told = play.do(WATCHER, play.descent("wrong"))
        assert told == [f"auditor asks 1: MODEL {height}/0 in 1700"]
        for hashes, level, index in steps:
            told = play.do(LIAR, play.unfolding(1, "wrong"))
            assert told == [f"sponsor unfolds 1 into {hashes} in 1700"]
            told = play.do(WATCHER, play.picking(1, hashes - 1))
            assert told == [f"auditor asks 1: MODEL {level}/{index} in 1700"]
        play.do(LIAR, play.supplying(1, "wrong"))
        # The last chunk has three entries.
        last = 4 * leaves - 2
        outside = replace(play.challenge("wrong", last, number=1), coordinate=last + 1)
        assert play.no(WATCHER, outside) == "CoordinateOutOfRange"
        assert play.no(WATCHER, play.challenge("wrong", last - 1, number=1)) == "NothingWrong"
        assert "files 1" in play.do(WATCHER, play.challenge("wrong", last, number=1))[0]
        assert play.decide(1) == OVERTURNED


@vector()
def a_descent_to_the_left_edge(world: World) -> None:
    play = grown(world, 130)
    play.do(WATCHER, play.descent("wrong"))
    play.do(LIAR, play.unfolding(1, "wrong"))
    assert play.do(WATCHER, play.picking(1, 0)) == ["auditor asks 1: MODEL 2/0 in 1700"]
    assert play.do(LIAR, play.unfolding(1, "wrong")) == ["sponsor unfolds 1 into 4 in 1700"]
    assert play.do(WATCHER, play.picking(1, 0)) == ["auditor asks 1: MODEL 0/0 in 1700"]
    play.do(LIAR, play.supplying(1, "wrong"))
    assert "files 1" in play.do(WATCHER, play.challenge("wrong", 0, number=1))[0]


@vector()
def a_descent_to_a_state(world: World) -> None:
    # Ten elements of 16 bytes in chunks of 16: ten leaves, one element each.
    play = adam(world, "off")
    opened = play.do(WATCHER, play.descent("off", Matter.STATE))
    assert opened == ["auditor asks 1: STATE 4/0 in 1700"]
    play.do(LIAR, play.unfolding(1, "off"))
    assert play.do(WATCHER, play.picking(1, 9)) == ["auditor asks 1: STATE 0/9 in 1700"]
    play.do(LIAR, play.supplying(1, "off"))
    # It goes on about what it was about.
    assert play.no(WATCHER, play.challenge("off", 9, number=1)) == "UnknownMatter"
    other = play.challenge("off", 8, Matter.STATE, number=1)
    assert play.no(WATCHER, other) == "CoordinateOutOfRange"
    assert play.do(WATCHER, play.challenge("off", 9, Matter.STATE, number=1))
    assert play.decide(1) == OVERTURNED


@vector()
def a_served_claim_that_is_right(world: World) -> None:
    play = in_court(world, "true")
    play.do(WATCHER, play.descent("true"))
    play.do(play.member(0), play.unfolding(1, "true"))
    play.do(WATCHER, play.picking(1, 2))
    play.do(LIAR, play.supplying(1, "true"))
    for coordinate in (8, 9):
        assert play.no(WATCHER, play.challenge("true", coordinate, number=1)) == "NothingWrong"
    assert play.no(LIAR, play.settlement("true"), play.task.deadline + 1) == "DisputeOpen"
    assert play.decide(1) == ["decided 1 DISMISSED"]
    # Half the bond is whose answer was the last; it is 5, so 3 burn.
    told = play.settle("true")
    assert told[3:5] == ["auditor -5 DISMISSED", "sponsor back 0 earned 2 by 1"]
    assert play.places(STAKE) == {"stakes": 1600, "burned": 3, "withdrawable": 2}


@vector()
def a_challenger_that_does_not_choose(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.descent("wrong"))
    play.do(play.member(1), play.unfolding(1, "wrong"))
    late = play.dispute(1).deadline
    assert play.no(WATCHER, play.picking(1, 1), late) == "MoveClosed"
    assert play.do(LIAR, play.decision(1)) == ["decided 1 DISMISSED"]
    told = play.settle("wrong")
    assert told[3:5] == ["auditor -5 DISMISSED", "A1.1 back 0 earned 2 by 1"]


@vector()
def silence_below_the_root(world: World) -> None:
    play = in_court(world, "true", "hashes")
    play.do(WATCHER, play.descent("true"))
    late = play.dispute(1).deadline
    assert play.no(LIAR, play.unfolding(1, "true"), late) == "MoveClosed"
    assert play.do(WATCHER, play.decision(1)) == OVERTURNED
    play = in_court(world, "true", "chunk")
    play.do(WATCHER, play.descent("true"))
    play.do(LIAR, play.unfolding(1, "true"))
    play.do(WATCHER, play.picking(1, 0))
    late = play.dispute(1).deadline
    assert play.no(LIAR, play.supplying(1, "true"), late) == "MoveClosed"
    assert play.do(WATCHER, play.decision(1)) == OVERTURNED


@vector()
def every_move_of_a_descent_in_its_last_second(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.descent("wrong"), play.task.deadline - 1)
    assert play.no(WATCHER, play.descent("wrong")) == "WindowClosed"
    play.do(LIAR, play.unfolding(1, "wrong"), play.dispute(1).deadline - 1)
    play.do(WATCHER, play.picking(1, 1), play.dispute(1).deadline - 1)
    play.do(LIAR, play.supplying(1, "wrong"), play.dispute(1).deadline - 1)
    last = play.dispute(1).deadline - 1
    filed = play.do(WATCHER, play.challenge("wrong", 7, number=1), last)
    assert filed == ["auditor files 1: MODEL 7 in 1700"]
    assert play.no(LIAR, play.settlement("wrong")) == "DisputeOpen"
    # Whoever can refute has a move from here.
    assert play.no(WATCHER, play.decision(1), last + 1699) == "NotYet"
    assert play.do(WATCHER, play.decision(1), last + 1700) == OVERTURNED


@vector()
def a_served_challenge_that_comes_too_late(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.descent("wrong"))
    play.do(LIAR, play.unfolding(1, "wrong"))
    play.do(WATCHER, play.picking(1, 1))
    play.do(LIAR, play.supplying(1, "wrong"))
    late = play.dispute(1).deadline
    assert play.no(WATCHER, play.challenge("wrong", 7, number=1), late) == "MoveClosed"
    assert play.decide(1) == ["decided 1 DISMISSED"]
    assert play.no(WATCHER, play.challenge("wrong", 7, number=1)) == "DisputeClosed"
    assert play.no(LIAR, play.supplying(1, "wrong")) == "DisputeClosed"
    assert play.no(WATCHER, play.picking(1, 1)) == "DisputeClosed"


@vector()
def descents_that_nobody_may_open(world: World) -> None:
    play = in_court(world)
    right, other = play.descent("wrong"), digest("other")
    for changes, told in (
        ({"task": other}, "UnknownTask"),
        ({"matter": 0}, "UnknownMatter"),
        ({"matter": Matter.STATE}, "UnknownMatter"),
        ({"matter": Matter.UPDATE}, "UnknownMatter"),
        ({"matter": ENDLESS}, "UnknownMatter"),
        ({"roots": replace(right.roots, model=other)}, "WrongClaim"),
        ({"roots": play.roots("true")}, "WrongClaim"),
        ({"bond": 4}, "BondTooLow"),
        ({"bond": 0}, "BondTooLow"),
    ):
        assert play.no(WATCHER, replace(right, **changes)) == told, changes
    # The roots before are not read.
    before = replace(right, roots=replace(right.roots, old_model=other, old_state=other), bond=6)
    assert play.do(WATCHER, before) == ["auditor asks 1: MODEL 2/0 in 1700"]
    assert play.places(STAKE) == {"stakes": 1600, "bonds": 5, "withdrawable": 1}


@vector()
def hashes_that_are_not_below_the_node(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.descent("wrong"))
    right = play.unfolding(1, "wrong")
    first, second, third = right.hashes
    for hashes in (
        (),
        (first,),
        (first, second),
        (first, second, third, third),
        (second, first, third),
        (first, second, ZERO),
        (play.model_root("wrong"),),
    ):
        assert play.no(LIAR, replace(right, hashes=hashes)) == "WrongNodes", hashes
    for changes, told in (
        ({"task": digest("other")}, "UnknownTask"),
        ({"number": 0}, "UnknownDispute"),
        ({"number": 2}, "UnknownDispute"),
        ({"number": ENDLESS}, "UnknownDispute"),
    ):
        assert play.no(LIAR, replace(right, **changes)) == told, changes
    play.do(LIAR, right)
    choice = play.picking(1, 1)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"task": digest("other")}, "UnknownTask"),
        ({"number": 0}, "UnknownDispute"),
        ({"number": ENDLESS}, "UnknownDispute"),
        ({"child": 3}, "WrongNodes"),
        ({"child": ENDLESS}, "WrongNodes"),
        ({"hashes": ()}, "WrongNodes"),
        ({"hashes": (first, second)}, "WrongNodes"),
        ({"hashes": (first, third, second)}, "WrongNodes"),
    )
    for what, told in wrong:
        assert play.no(WATCHER, replace(choice, **what)) == told, what
    assert play.no(LIAR, choice) == "NotChallenger"
    assert play.do(WATCHER, choice)


@vector()
def moves_out_of_turn(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.descent("wrong"))
    unfold = play.unfolding(1, "wrong")
    refute = Refute(play.id, 1, 0, play.column(7), play.entry(Matter.UPDATE, 0, 7))
    file = play.challenge("wrong", 7, number=1)
    supply = replace(play.supplying(1, "wrong"), number=1)

    def assert_turns(*allowed: str) -> None:
        moves: dict[str, Action] = {
            "unfold": unfold,
            "refute": refute,
            "file": file,
            "supply": supply,
        }
        for name, move in moves.items():
            if name not in allowed:
                assert play.no(WATCHER, move) == "WrongTurn", (name, allowed)
        assert play.no(WATCHER, play.decision(1)) == "NotYet"

    assert_turns("unfold")
    play.do(LIAR, unfold)
    pick = play.picking(1, 1)
    assert_turns()
    play.do(WATCHER, pick)
    assert play.no(WATCHER, pick) == "WrongTurn"
    supply = play.supplying(1, "wrong")
    assert_turns("supply")
    chunk = supply.opening.chunk
    for wrong in (
        Opening(chunk, (ZERO,)),
        Opening(chunk[:-4], ()),
        Opening(chunk + bytes(4), ()),
        play.chunk(Matter.MODEL, "wrong", 1),
        replace(play.chunk(Matter.MODEL, "wrong", 0), path=()),
        replace(play.chunk(Matter.MODEL, "true", 1), path=()),
    ):
        assert play.no(LIAR, replace(supply, opening=wrong)) == "WrongOpening"
    play.do(LIAR, supply)
    assert play.no(WATCHER, pick) == "WrongTurn"
    assert play.no(LIAR, file) == "NotChallenger"
    assert_turns("file")
    play.do(WATCHER, file)
    assert play.no(WATCHER, pick) == "WrongTurn"
    assert play.no(WATCHER, file) == "WrongTurn"
    assert_turns("refute", "file")


@vector()
def a_descent_closed_by_anothers_success(world: World) -> None:
    play = in_court(world)
    play.do(WATCHER, play.challenge("wrong", 7))
    play.do(LIAR, play.descent("wrong"))
    unfold = play.unfolding(2, "wrong")
    play.decide(1)
    assert play.no(LIAR, unfold) == "DisputeClosed"
    play.attempt("wrong", "wrong", "wrong")
    assert play.no(LIAR, unfold) == "DisputeClosed"
    play.do(WATCHER, play.challenge("wrong", 7))
    assert play.no(LIAR, replace(unfold, number=3)) == "WrongTurn"
