"""Accounts that may be one party: what they have in common, and how surprising that is.

Each thing in common counts in bits: minus the logarithm of the chance that two accounts with
nothing to do with each other would have it in common. What most accounts have in common (one
deployer that funds them all, one block that they all joined in, one order in which a single process
sends for them) has a chance near one and so counts for nothing. A pair is suspicious once its bits
exceed what chance is expected to give one pair in `EXPECTED` such tasks; pairs that hang together
are a cluster. The bits add up as if the signals were independent, which they are not quite: this is
a reason to ask, not a proof.

- `updates`: the distance of two updates by the median distance of the round, r. In `DIMENSIONS`
  directions that matter, two of unrelated data come that close with chance r**DIMENSIONS; the
  median over the rounds that both revealed in counts. Similar data make similar updates as well.
- `timing`: how often the two acted next to each other in one block, against a shuffled order.
- `joined`: how close in blocks the two registered: the chance is the share of all others that
  registered as close to either, so a burst counts where most keep apart.
- `funded`: one account gave both their first stake token or native coin, itself or by one other
  account: the chance is the share of others that have so rare a giver in common with either.

Fung, Yoon, Beschastnikh, "The Limitations of Federated Learning in Sybil Settings", RAID 2020,
tell sybils by updates that are too much alike. What beats this: clusters that train on data of
their own and hide one more trail (apart funds beyond two hops, joining at times of their own, or
acting apart: two signals are seldom enough); and more than two thirds of all updates from one hand,
which move the median itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import comb, log2

import numpy as np
from eth_utils.address import to_checksum_address
from numpy.typing import NDArray

EXPECTED = 0.05
"""How many pairs of unrelated accounts may be expected above the threshold, in all of a task."""
DIMENSIONS = 5
"""Directions in which updates are taken to differ: few, since data that are alike differ in few."""
SIGNAL_BITS, EQUAL_BITS = 10.0, 20.0
"""The most that one signal counts for; `EQUAL_BITS` for updates, which alone can be enough."""
NOTICED_BITS = 8.0
"""Neighbourhoods of fewer bits than that are not looked at: some always come about by chance."""
IN_ORDER = 0.9
"""The share of neighbours in the order they registered in above which order says nothing."""

Pair = tuple[bytes, bytes]
Order = Sequence[tuple[bytes, int]]
"""Accounts that did one kind of thing in one round, in the ledger's order, each with its block."""


@dataclass(frozen=True)
class Likeness:
    """A round's updates: whose they are, and how far each two lie apart, shape (n, n) in float64,
    in any unit."""

    round: int
    accounts: tuple[bytes, ...]
    distances: NDArray[np.float64]


@dataclass(frozen=True)
class Sightings:
    """What is known of some accounts: the block each joined in; who first gave each the stake token
    (`funders`) and native coin (`payers`), and who that one, nearest first; the rounds; and what
    was not looked at, in words."""

    accounts: tuple[bytes, ...]
    joined: Mapping[bytes, int]
    funders: Mapping[bytes, Sequence[bytes]]
    orders: Sequence[Order] = ()
    likenesses: Sequence[Likeness] = ()
    payers: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)
    unseen: Sequence[str] = ()


@dataclass(frozen=True)
class Reason:
    """One signal of a pair or a cluster: its bits (the most of a cluster's pairs), in words."""

    signal: str
    bits: float
    words: str


@dataclass(frozen=True)
class Cluster:
    """Accounts that may be one party; `bits` is the mean over the pairs that tie them together."""

    accounts: tuple[bytes, ...]
    bits: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Suspicion:
    """The clusters, most surprising first; how many bits made a pair suspicious; what was looked at
    and says nothing here, since most have it in common; and what was not looked at at all."""

    clusters: tuple[Cluster, ...]
    threshold: float
    common: tuple[str, ...]
    unseen: tuple[str, ...] = ()


def suspect(seen: Sightings) -> Suspicion:
    """Look for clusters."""
    count = len(seen.accounts)
    threshold = log2(max(1, comb(count, 2)) / EXPECTED)
    reasons: dict[Pair, list[Reason]] = defaultdict(list)
    common: list[str] = []
    signals = (
        _joined(seen),
        _funded(seen),
        _adjacent(seen),
        _alike(seen.likenesses),
    )
    for found, told in signals:
        common += told
        for pair, reason in found.items():
            reasons[pair].append(reason)
    totals = {pair: sum(r.bits for r in each) for pair, each in reasons.items()}
    tied = [pair for pair, bits in totals.items() if bits > threshold]
    clusters = [_cluster(group, tied, totals, reasons) for group in _components(tied)]
    clusters.sort(key=lambda each: (-each.bits, each.accounts))
    return Suspicion(tuple(clusters), threshold, tuple(common), tuple(seen.unseen))


Signal = tuple[Mapping[Pair, Reason], Sequence[str]]
"""Reasons by pair, and what says nothing."""


def _ranked(apart: NDArray[np.float64]) -> Iterator[tuple[int, int, float, int]]:
    """Pairs that are closer than chance makes most: their places in `apart`, shape (n, n), their
    bits, and how many others are as close to the one of the two that has more of them. An account's
    rank among all others is uniform where it has nothing to do with them, whatever their spread."""
    count = len(apart)
    others = [np.sort(np.delete(row, i)) for i, row in enumerate(apart)]
    ranks = np.array(
        [np.searchsorted(*each, side="right") for each in zip(others, apart, strict=True)]
    )
    for i, j in combinations(range(count), 2):
        near = int(max(ranks[i, j], ranks[j, i]))
        if 2 * near < count - 1:
            yield i, j, min(SIGNAL_BITS, -log2(near / (count - 1))), near


def _joined(seen: Sightings) -> Signal:
    """Accounts that registered close together."""
    known = sorted(account for account in seen.accounts if account in seen.joined)
    blocks = np.array([seen.joined[account] for account in known], dtype=np.float64)
    found: dict[Pair, Reason] = {}
    for i, j, bits, near in _ranked(np.abs(blocks[:, None] - blocks)):
        first, last = sorted((int(blocks[i]), int(blocks[j])))
        where = f"block {first}" if first == last else f"blocks {first} and {last}"
        words = f"joined in {where}, as close as {near} of {len(known) - 1} others"
        found[known[i], known[j]] = Reason("joined", bits, words)
    return found, [
        f"joined in block {block}: {size} of {len(known)}, which says nothing"
        for block, size in Counter(seen.joined[account] for account in known).items()
        if size > 1 and 2 * size > len(known)
    ]


def _funded(seen: Sightings) -> Signal:
    """Accounts with a giver in common that few have; who gives is one of its own takers."""
    groups: dict[tuple[str, bytes], set[bytes]] = defaultdict(set)
    for what, trails in (("stake token", seen.funders), ("native coin", seen.payers)):
        for account in seen.accounts:
            for giver in trails.get(account, ()):
                groups[what, giver] |= {account, giver} & {*seen.accounts}
    known = sorted(set[bytes]().union(*groups.values()))
    place = {account: i for i, account in enumerate(known)}
    apart = np.full((len(known), len(known)), np.inf)
    said: dict[Pair, str] = {}
    common = []
    for (what, giver), group in sorted(groups.items(), key=lambda each: (len(each[1]), each[0])):
        told = f"first funded ({what}, at most two hops) by {to_checksum_address(giver)}"
        if len(group) > 1 and 2 * len(group) > len(known):
            common.append(f"{told}: {len(group)} of {len(known)}, which says nothing")
            continue
        for one, other in combinations(sorted(group), 2):
            if (one, other) not in said:  # the rarest giver counts
                said[one, other] = f"{told}, as {len(group)} of {len(known)} were"
                apart[place[one], place[other]] = apart[place[other], place[one]] = len(group)
    return {
        (known[i], known[j]): Reason("funded", bits, said[known[i], known[j]])
        for i, j, bits, _ in _ranked(apart)
    }, common


def _adjacent(seen: Sightings) -> Signal:
    """Accounts that act next to each other: the chance is that of so many neighbourhoods or more
    in shuffled blocks."""
    times: Counter[Pair] = Counter()
    chances: dict[Pair, list[float]] = defaultdict(list)
    for order in seen.orders:
        sizes = Counter(block for _, block in order)
        blocks = dict(order)
        for pair in combinations(sorted(blocks), 2):
            one, other = (blocks[account] for account in pair)
            chances[pair].append(2 / sizes[one] if one == other else 0.0)
        for (before, block), (after, next_block) in pairwise(order):
            if block == next_block and before != after:
                times[min(before, after), max(before, after)] += 1
    bits = {pair: min(SIGNAL_BITS, _tail_bits(chances[pair], k)) for pair, k in times.items()}
    strong = {pair: each for pair, each in bits.items() if each >= NOTICED_BITS}
    have = {account for pair in strong for account in pair}
    acting = {account for order in seen.orders for account, _ in order}
    if strong and (_in_one_order(seen) or 2 * len(have) > len(acting)):
        told = f"acted next to the same accounts: {len(have)} of {len(acting)}"
        return {}, [f"{told}, all in one order, as if sent by one process, which says nothing"]
    return {
        pair: Reason("timing", each, f"next to each other {times[pair]} of {len(chances[pair])}")
        for pair, each in strong.items()
    }, []


def _in_one_order(seen: Sightings) -> bool:
    """Whether nearly all neighbours follow each other as they registered: then one process sends
    for everybody, one account after the other."""
    rank = {account: index for index, account in enumerate(seen.accounts)}
    neighbours = [pair for order in seen.orders for pair in pairwise(order)]
    together = [(a, b) for (a, one), (b, other) in neighbours if one == other]
    ascending = sum(rank[a] < rank[b] for a, b in together)
    return ascending > IN_ORDER * len(together)


def _tail_bits(chances: Sequence[float], times: int) -> float:
    """Bits of `times` neighbourhoods or more: binomial, at the mean chance of those that could."""
    possible = [min(chance, 1.0) for chance in chances if chance]
    p, n = sum(possible) / len(possible), len(possible)
    tail = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(times, n + 1))
    return -log2(min(1.0, tail)) if tail > 0 else EQUAL_BITS


def _alike(likenesses: Sequence[Likeness]) -> Signal:
    """Accounts whose updates are closer than most."""
    ratios: dict[Pair, list[float]] = defaultdict(list)
    for each in likenesses:
        upper = each.distances[np.triu_indices(len(each.accounts), 1)]
        median = float(np.median(upper)) if upper.size else 0.0
        if not median:
            continue
        for i, j in combinations(range(len(each.accounts)), 2):
            one, other = sorted((each.accounts[i], each.accounts[j]))
            ratios[one, other].append(float(each.distances[i, j]) / median)
    found = {}
    for pair, each_round in ratios.items():
        ratio = float(np.median(each_round))
        bits = EQUAL_BITS if not ratio else min(EQUAL_BITS, -DIMENSIONS * log2(ratio))
        if bits >= 1:
            rounds = f"{len(each_round)} round{'' if len(each_round) == 1 else 's'}"
            equal = sum(r == 0 for r in each_round)
            told = f"updates equal in {equal} of {rounds}" if equal else ""
            near = f"updates {ratio:.2g} of the median distance apart over {rounds}"
            found[pair] = Reason("updates", bits, told or near)
    return found, []


def _components(tied: Sequence[Pair]) -> Iterator[tuple[bytes, ...]]:
    """Accounts that hang together."""
    home: dict[bytes, set[bytes]] = {}
    for one, other in tied:
        joined = home.get(one, {one}) | home.get(other, {other})
        home.update(dict.fromkeys(joined, joined))
    yield from sorted({tuple(sorted(group)) for group in home.values()})


def _cluster(
    group: tuple[bytes, ...],
    tied: Sequence[Pair],
    totals: Mapping[Pair, float],
    reasons: Mapping[Pair, Sequence[Reason]],
) -> Cluster:
    inside = [pair for pair in tied if pair[0] in group]
    best: dict[str, Reason] = {}
    for reason in (r for pair in inside for r in reasons[pair]):
        if reason.signal not in best or best[reason.signal].bits < reason.bits:
            best[reason.signal] = reason
    bits = sum(totals[pair] for pair in inside) / len(inside)
    return Cluster(group, bits, tuple(sorted(best.values(), key=lambda r: -r.bits)))
