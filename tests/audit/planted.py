"""Synthetic tasks in which some accounts are one party, and who they are is known.

Thirty honest accounts train on data of their own: half of an update is what all have in common, the
other half nobody shares. Ten of them were funded by one exchange, they join in bursts of their own,
and blocks are shuffled. The planted parties give themselves away, each kind in another way.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sheaf.audit.sybils import Likeness, Sightings, Suspicion

Kind = Literal["noisy copies", "one purse"]
HONEST, SIZE, ROUNDS, COORDINATES = 30, 5, 6, 400
EXCHANGE, NOISE = bytes(19) + b"\xee", 0.02


def account(number: int) -> bytes:
    """An account whose bytes say nothing of its party."""
    return bytes(18) + (number * 7919 % 65_521).to_bytes(2, "big")


@dataclass(frozen=True)
class Planted:
    """What can be seen, and which accounts are one party."""

    sightings: Sightings
    parties: tuple[frozenset[bytes], ...]


def plant(seed: int, kinds: tuple[Kind, ...], noise: float = NOISE) -> Planted:
    """A task with a party of each of `kinds`; copies differ by `noise` of an update's own part."""
    dice, honest = np.random.default_rng(seed), HONEST
    count = honest + SIZE * len(kinds)
    accounts = [account(i) for i in range(1, count + 1)]
    parties = [
        frozenset(accounts[honest + SIZE * i : honest + SIZE * (i + 1)]) for i in range(len(kinds))
    ]
    # Five honest accounts a block on average is a burst, too.
    joined = {each: int(dice.integers(1, honest // 5 + 2)) for each in accounts}
    funders = {each: bytes(19) + bytes([i]) for i, each in enumerate(accounts)}
    funders |= dict.fromkeys(accounts[:10], EXCHANGE)
    for i, (party, kind) in enumerate(zip(parties, kinds, strict=True)):
        if kind == "one purse":
            joined |= dict.fromkeys(party, 100 + i)
            funders |= dict.fromkeys(party, bytes([i + 1]) * 20)
    purses = [party for party, kind in zip(parties, kinds, strict=True) if kind == "one purse"]
    copies = [party for party, kind in zip(parties, kinds, strict=True) if kind != "one purse"]
    orders = [_order(dice, accounts, purses, 10 + number) for number in range(2 * ROUNDS)]
    alike = [_likeness(dice, number, (accounts, copies), noise) for number in range(1, ROUNDS + 1)]
    return Planted(Sightings(tuple(accounts), joined, funders, orders, alike), tuple(parties))


def _order(
    dice: np.random.Generator, accounts: list[bytes], purses: list[frozenset[bytes]], block: int
) -> list[tuple[bytes, int]]:
    """A shuffled block, in which who is paid out of one purse is sent for in one go."""
    alone = [[each] for each in accounts if not any(each in party for party in purses)]
    groups = [*alone, *(sorted(party) for party in purses)]
    shuffled = [groups[i] for i in dice.permutation(len(groups))]
    mixed = (group[i] for group in shuffled for i in dice.permutation(len(group)))
    return [(each, block) for each in mixed]


def _likeness(
    dice: np.random.Generator,
    round: int,
    actors: tuple[list[bytes], list[frozenset[bytes]]],
    noise: float,
) -> Likeness:
    accounts, copies = actors
    common = dice.normal(size=COORDINATES)
    updates = {each: common + dice.normal(size=COORDINATES) for each in accounts}
    for party in copies:
        source = common + dice.normal(size=COORDINATES)
        for each in sorted(party):
            updates[each] = source + noise * dice.normal(size=COORDINATES)
    matrix: NDArray[np.float64] = np.array([updates[each] for each in accounts])
    apart = np.linalg.norm(matrix[:, None] - matrix[None, :], axis=2)
    return Likeness(round, tuple(accounts), apart)


@dataclass(frozen=True)
class Score:
    """Of the pairs that a suspicion puts together, and of those that are together, in pairs."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of what was found that is so; of nothing found, one."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of what is so that was found."""
        return self.right / (self.right + self.missed)

    def __add__(self, other: Score) -> Score:
        sums = (self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)
        return Score(*sums)


def score(found: Suspicion, parties: tuple[frozenset[bytes], ...]) -> Score:
    """Pair by pair."""
    told = {pair for each in found.clusters for pair in combinations(sorted(each.accounts), 2)}
    true = {pair for party in parties for pair in combinations(sorted(party), 2)}
    return Score(len(told & true), len(told - true), len(true - told))
