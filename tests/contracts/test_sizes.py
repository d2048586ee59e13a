"""What a move in court costs does not depend on the model's size, but for the hashes of a path.

Trees are synthetic: one chunk is there, and of the others only the hashes along its path, none of
whose bytes is zero, since a zero costs less.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import pytest

from sheaf.protocol import merkle
from sheaf.protocol.actions import (
    Action,
    Challenge,
    Decide,
    Demand,
    Descend,
    Refute,
    Roots,
    Supply,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.opening import Opening
from sheaf.protocol.terms import Terms
from tests.conformance.chain import FEDERATION, Chain, deployed
from tests.contracts.small import to_the_window
from tests.play import TERMS, changed, digest
from tests.worlds import DEPLOYMENT, START, account

CHUNK_BYTES, PER_CHUNK = 4096, 1024
LEVELS = (0, 10, 17)
"""Of trees over one chunk, a thousand, and a hundred and thirty thousand of them: a thousand, a
million and a hundred and thirty million coordinates."""

HASH_GAS = 16 * 32
"""Of a hash as call data, none of whose bytes is zero."""

HASHED_GAS = 1_150
"""Of the same, hashed with what is below it."""

COUNTED_GAS = 120
"""Of finding out that a tree is a level higher."""

NOISE_GAS = 100
"""Bytes of a coordinate's or chunk's number, and of other numbers, that are zero here and not
there."""


def nonzero(name: str, count: int) -> bytes:
    return bytes(random.Random(name).choices(range(1, 256), k=count))


class Tree:
    """A whole tree of so many levels over one known chunk, which is one in the middle."""

    def __init__(self, name: str, levels: int) -> None:
        self.chunk = nonzero(name, CHUNK_BYTES)
        self.path = [nonzero(f"{name} {level}", 32) for level in range(levels)]
        self.index = (1 << levels) // 2
        node, place = merkle.leaf_hash(self.chunk), self.index
        for sibling in self.path:
            pair = (sibling, node) if place & 1 else (node, sibling)
            node, place = merkle.node_hash(*pair), place >> 1
        self.root = node

    @property
    def opening(self) -> Opening:
        return Opening(self.chunk, tuple(self.path))


@dataclass
class Case:
    """A claim over trees of so many levels, and what moves in its window cost."""

    chain: Chain
    task: bytes
    now: int

    def gas(self, label: str, action: Action) -> int:
        """Of an action that succeeds."""
        self.now += 1
        calldata = FEDERATION.encode(action)
        receipt = self.chain.transact(label, DEPLOYMENT.address, calldata, self.now)
        return receipt.require().gas_used


def terms_of(levels: int) -> Terms:
    coordinates = PER_CHUNK << levels
    one = {"minimum": 1, "goal": 1, "committee": 1}
    return changed(TERMS, coordinates=coordinates, trainable=coordinates, chunk_log2=12, **one)


@cache
def costs(levels: int) -> dict[str, int]:
    """Gas of each move, in the same order on every chain."""
    terms, document = terms_of(levels), "sized"
    old, update, new = (Tree(name, levels) for name in ("old", "update", "new"))
    case = Case(deployed(0).copy(), DEPLOYMENT.task_id(account("sponsor"), digest(document)), START)
    roots = old.root, update.root, new.root
    for seconds, label, action in to_the_window(DEPLOYMENT, terms, document, *roots):
        case.now += seconds
        case.gas(label, action)
    task, claimed = case.task, Roots(new.root, ZERO, old.root, ZERO)
    coordinate, column = old.index * PER_CHUNK, nonzero("column", 4)
    opened = old.opening, new.opening
    found = {
        "challenge": case.gas(
            "auditor", Challenge(task, 0, 1, coordinate, claimed, opened, column, 5)
        ),
        "refute": case.gas("sponsor", Refute(task, 1, 0, column, update.opening)),
        "demand": case.gas("auditor", Demand(task, 0, update.index, 5)),
        "supply": case.gas("sponsor", Supply(task, 2, update.opening)),
        "descend": case.gas("auditor", Descend(task, 1, claimed, 5)),
    }
    case.now += terms.schedule.challenge_s
    found["decide"] = case.gas("sponsor", Decide(task, 3))
    return found


OPENINGS = {"challenge": 2, "refute": 1, "supply": 1}


@pytest.mark.parametrize("move", OPENINGS)
def test_an_opening_grows_by_the_hashes_of_its_path_and_by_nothing_else(move: str) -> None:
    small, middle, large = (costs(levels)[move] for levels in LEVELS)
    first, second = (middle - small) / LEVELS[1], (large - middle) / (LEVELS[2] - LEVELS[1])
    for step in (first, second):
        assert HASH_GAS <= step / OPENINGS[move] <= HASHED_GAS
    # Each level costs the same, however many there are.
    assert abs(second - first) <= NOISE_GAS / LEVELS[1]


@pytest.mark.parametrize("move", ["demand", "decide"])
def test_what_opens_nothing_costs_the_same_for_every_size(move: str) -> None:
    small, _, large = (costs(levels)[move] for levels in LEVELS)
    assert abs(large - small) <= NOISE_GAS


def test_a_descent_counts_the_levels_that_it_goes_down_from() -> None:
    _, middle, large = (costs(levels)["descend"] for levels in LEVELS)
    assert 0 < large - middle <= COUNTED_GAS * (LEVELS[2] - LEVELS[1])
