"""Aggregation rules against Flower's and ByzFL's on the same updates, one thread.

A *read* is one pass over all updates by NumPy: their int32 sums, wrapping around, which take as
long as memory needs to deliver the entries (NumPy's default sum, in int64, takes four times that).

Limits hold against what each peer's own server hands to its functions (flwr: float32 arrays; byzfl:
float32 tensors). Beside it, peers get the very int32 arrays that Sheaf combines; but for flwr's
weighted mean, which on those overflows in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Curve, Figure, Measured, Row, Work, fastest
from benchmarks.peers import Combine, Peer, byzfl, flower
from sheaf.learning.rules import Rule, coordinate_median, trimmed_mean, weighted_mean
from sheaf.protocol.columns import trim

SIZES = MappingProxyType({10: 1_000_000, 100: 300_000})
"""Coordinates by the number of updates: more than caches hold."""
REACH = 2**20
TRIM = (1, 10)
TURNS = 7
READS = 5.0
LIMITS: Mapping[str, float] = MappingProxyType({"coordinate_median": 1 / 10, "trimmed_mean": 1 / 4})
GROWTH = (4, 8, 16, 32, 64, 128)
GROWTH_COORDINATES = 100_000
CHECKED = slice(0, 10_000)

Vector = NDArray[np.int32]


@dataclass(frozen=True)
class Line:
    """A row to be: the time of one work by that of another."""

    what: str
    work: str
    by: str
    unit: str
    at_most: float | None = None


def measure(quick: bool) -> Measured:
    peers = [flower(), byzfl()]
    rows: list[Row] = []
    for count, coordinates in SIZES.items():
        rows += _rows(*_round(count, coordinates // 10 if quick else coordinates), peers)
    return Measured(rows, [_growth(peers[0])])


def _rules() -> tuple[Rule, ...]:
    return weighted_mean(), coordinate_median(), trimmed_mean(*TRIM)


def _round(count: int, coordinates: int) -> tuple[list[Vector], list[int]]:
    generator = np.random.default_rng(count)
    updates = [generator.integers(-REACH, REACH, coordinates, dtype=np.int32) for _ in range(count)]
    return updates, generator.integers(1, 2**12, count).tolist()


def _rows(updates: list[Vector], weights: list[int], peers: Sequence[Peer]) -> list[Row]:
    dropped = trim(len(updates), *TRIM)
    works: dict[str, Work] = {"read": lambda: [update.sum(dtype=np.int32) for update in updates]}
    lines: list[Line] = []
    for rule in _rules():
        works[rule.name] = partial(rule.aggregate, updates, weights)
        limit = READS if rule.name == "weighted_mean" else None
        lines.append(Line("", rule.name, "read", "reads", limit))
        for peer in peers:
            theirs: Combine | None = getattr(peer, rule.name)
            if theirs is None:
                continue
            _check_equal(rule, theirs, updates, weights, dropped)
            own = f"{peer.name}'s on {peer.form}"
            works[f"{rule.name} {own}"] = partial(theirs, peer.own(updates), weights, dropped)
            lines.append(Line(own, rule.name, f"{rule.name} {own}", "", LIMITS.get(rule.name)))
            if limit is None:
                same = f"{peer.name}'s on int32"
                works[f"{rule.name} {same}"] = partial(theirs, updates, weights, dropped)
                lines.append(Line(same, rule.name, f"{rule.name} {same}", ""))
    found = fastest(works, TURNS)
    return [
        Row(
            f"{line.work}, {len(updates)} updates" + (f", by {line.what}" if line.what else ""),
            found[line.work] / found[line.by],
            line.unit or "of its time",
            line.at_most,
        )
        for line in lines
    ]


def _check_equal(
    rule: Rule, theirs: Combine, updates: list[Vector], weights: list[int], dropped: int
) -> None:
    """Both compute the same thing: ours is theirs, rounded to an integer."""
    few = [update[CHECKED] for update in updates]
    exact = theirs([update.astype(np.float64) for update in few], weights, dropped)
    apart = np.abs(rule.aggregate(few, weights) - exact).max()
    if apart > 0.5 + 1e-6:
        raise SystemExit(f"{rule.name}: found a difference of {apart}, accepted: 0.5")


def _growth(peer: Peer) -> Figure:
    """Time by the number of updates, ours and a peer's."""
    times: dict[str, list[float]] = {}
    for count in GROWTH:
        updates, weights = _round(count, GROWTH_COORDINATES)
        works: dict[str, Work] = {}
        for rule in _rules():
            words = rule.name.replace("_", " ")
            theirs = partial(getattr(peer, rule.name), peer.own(updates), weights)
            works[words] = partial(rule.aggregate, updates, weights)
            works[f"{words}, {peer.name}"] = partial(theirs, trim(count, *TRIM))
        for name, taken in fastest(works, TURNS).items():
            times.setdefault(name, []).append(taken)
    curves = [Curve(name, GROWTH, found) for name, found in times.items()]
    title = f"{GROWTH_COORDINATES:,} coordinates, one thread"
    return Figure("rules", "updates", "time (s)", {title: curves})
