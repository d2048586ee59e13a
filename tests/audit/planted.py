"""Synthetic tasks in which some accounts are one party, and who they are is known.

Thirty honest accounts train on data of their own: half of an update is what all have in common, the
other half nobody shares. Ten of them were funded by one exchange, which paid others their coin, and
through wallets that one bank filled; they join in bursts of their own, and blocks are shuffled. The
planted parties give themselves away, each kind in another way, or hide what it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sheaf.audit.sybils import Likeness, Sightings, Suspicion

HONEST, SIZE, ROUNDS, COORDINATES = 30, 5, 6, 400
EXCHANGE, BANK, NOISE = bytes(19) + b"\xee", bytes(19) + b"\xbb", 0.02

Kind = Literal[
    "noisy copies",
    "one purse",
    "a burst",
    "a burst, by wallets",
    "a burst, coin alone",
    "a burst among others",
    "a burst, coin alone, by wallets",
    "a burst, no purse",
    "one block, no purse",
    "own times",
    "acting apart",
]


@dataclass(frozen=True)
class Habit:
    """How a party that trains on data of its own goes about it: `joins` in one block, in a burst of
    one block each, after all others or among them, or at any time; who gives each the stake token
    and the coin, how many hops back (0: somebody apart); and whether one sender acts for all."""

    joins: Literal["block", "burst", "among", "any"] = "block"
    token: int = 1
    coin: int = 0
    together: bool = True


HABITS: dict[Kind, Habit] = {
    "one purse": Habit(),
    "a burst": Habit("burst"),
    "a burst, by wallets": Habit("burst", token=2),
    "a burst, coin alone": Habit("burst", token=0, coin=1),
    "a burst, coin alone, by wallets": Habit("burst", token=0, coin=2),
    "a burst among others": Habit("among", coin=1),
    "a burst, no purse": Habit("burst", token=0),
    "one block, no purse": Habit(token=0),
    "own times": Habit("any"),
    "acting apart": Habit("burst", token=1, coin=1, together=False),
}
Trails = dict[bytes, tuple[bytes, ...]]


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
    last = honest // 5 + 1
    joined = {each: int(dice.integers(1, last + 1)) for each in accounts}
    funders, payers = _honest_trails(accounts)
    purses, copies = list[frozenset[bytes]](), list[frozenset[bytes]]()
    for i, (party, kind) in enumerate(zip(parties, kinds, strict=True)):
        if kind not in HABITS:
            copies.append(party)
            continue
        habit, purse = HABITS[kind], bytes([i + 1]) * 20
        begin = {"block": 100 + i, "burst": 100 + 20 * i, "among": 1 + i}.get(habit.joins)
        for number, each in enumerate(sorted(party)):
            if begin is not None:
                joined[each] = begin + number * (habit.joins != "block")
            for trails, hops in ((funders, habit.token), (payers, habit.coin)):
                wallets = (bytes([i + 1, number + 1]) * 10,) * (hops > 1)
                trails[each] = (*wallets, purse) if hops else trails[each]
        purses += [party] * habit.together
    orders = [_order(dice, accounts, purses, 10 + number) for number in range(2 * ROUNDS)]
    alike = [_likeness(dice, number, (accounts, copies), noise) for number in range(1, ROUNDS + 1)]
    seen = Sightings(tuple(accounts), joined, funders, orders, alike, payers)
    return Planted(seen, tuple(parties))


def _honest_trails(accounts: list[bytes]) -> tuple[Trails, Trails]:
    """Stake token and coin: mostly from somebody that nobody else knows. The exchange gave ten the
    token and ten, of whom three are the same, the coin; eight had wallets filled by one bank."""
    funders: Trails = {each: (bytes(18) + bytes([7, i]),) for i, each in enumerate(accounts)}
    payers: Trails = {each: (bytes(18) + bytes([8, i]),) for i, each in enumerate(accounts)}
    funders |= dict.fromkeys(accounts[:10], (EXCHANGE,))
    payers |= dict.fromkeys(accounts[7:17], (EXCHANGE,))
    funders |= {each: (*funders[each], BANK) for each in accounts[15:23]}
    return funders, payers


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
