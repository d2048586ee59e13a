"""The bounds of a task document: what it may say, and the words for whoever violates one.

The document's own come first; then what the contract enforces, too (`terms.Terms.check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheaf.protocol import terms
from sheaf.protocol.errors import InvalidDocument, InvalidModel, Rejected
from sheaf.protocol.layout import check_layout
from sheaf.protocol.optimisers import OptimiserKind
from sheaf.protocol.terms import RuleKind

if TYPE_CHECKING:
    from sheaf.protocol.task import Task

SCHEMA = 1
FINALITIES = 3
RULES = {
    "weighted_mean": RuleKind.WEIGHTED_MEAN,
    "coordinate_median": RuleKind.COORDINATE_MEDIAN,
    "trimmed_mean": RuleKind.TRIMMED_MEAN,
}
ALGORITHMS = {
    "fedavg": OptimiserKind.PLAIN,
    "fedprox": OptimiserKind.PLAIN,
    "fedavgm": OptimiserKind.MOMENTUM,
    "fedadagrad": OptimiserKind.ADAGRAD,
    "fedadam": OptimiserKind.ADAM,
    "fedyogi": OptimiserKind.YOGI,
}
ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
NAME = re.compile(r"[A-Za-z_][\w.]*")
INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
DTYPES = (*INTEGERS, *FLOATS)
MAX_SIZE = 2**31 - 1
MAX_THREADS = 1024
TITLE = "1 to 100 printable characters"
BOUNDS = {
    "coordinates": "1 to 2^33 coordinates",
    "trainable": "at most all coordinates",
    "fraction_bits": "8 to 24",
    "chunk_log2": "chunks of 16 to 4096 bytes",
    "rule": "a known rule",
    "trim": "a ratio [n, d], 2n < d < 65536",
    "optimiser": "a known optimiser",
    "mean_divisor": "k from 1 to 2^24 - 1 in 1 - 1/k; 0 without a server optimiser",
    "square_divisor": "k from 2 to 2^24 - 1 in 1 - 1/k; 0 unless fedadam or fedyogi",
    "rate": "2^-24 to below 2^7 (fedavgm: times k), at 24 bits; 0 without a server optimiser",
    "floor": "2^-14 to below 2^7, at 24 bits; 0 unless fedadagrad, fedadam or fedyogi",
    "rounds": "1 to 65535",
    **dict.fromkeys(
        ("register_s", "open_s", "commit_s", "reveal_s", "hold_s"), "1 to 2^32 - 1 seconds"
    ),
    "verdict_commit_s": "1 to 2^32 - 1 seconds",
    "verdict_reveal_s": "1 to 2^32 - 1 seconds",
    "challenge_s": "1 to 2^32 - 1 seconds",
    "minimum": "1 to goal",
    "goal": "minimum to 256",
    "committee": "1, or 3 to 31",
    "weight_cap": "1 to 65535, and goal x weight_cap below 2^32",
    "visibility": "public",
    "reward_token": "a token's address, not zero",
    "amounts": "0 to 2^96 - 1",
    "participant_stake": "rounds x the largest participant slash, and the nonce slash",
    "aggregator_stake": "rounds x the largest aggregator slash, and the nonce slash",
    "court_bond": "at most the largest aggregator slash",
}
"""What the contract accepts, by the name of the field in the terms."""

Bound = tuple[str, bool, object, str]
"""Of the document: the field, whether it holds, what was found, what is accepted."""


@dataclass(frozen=True)
class Violation:
    """A bound that does not hold: which field, what was found, what is accepted."""

    field: str
    found: str
    accepted: str


def violation(task: Task) -> Violation | None:
    """The first bound that `task` violates, if any. Raises `InvalidDocument` for a layout."""
    try:
        check_layout(task.model.layout)
    except InvalidModel as error:
        raise InvalidDocument(f"task.model.layout: {error.message}") from error
    for field, holds, found, accepted in bounds_of(task):
        if not holds:
            return Violation(field, repr(found), accepted)
    try:
        task.terms().check()
    except Rejected as rejected:
        field = rejected.detail
        return Violation(field, _find(task, field), BOUNDS[field])
    return None


def bounds_of(task: Task) -> Iterator[Bound]:
    """The document's own bounds, in the order in which they are told."""
    yield "schema", task.schema == SCHEMA, task.schema, str(SCHEMA)
    yield "name", _is_title(task.name), task.name, TITLE
    yield from _model_bounds(task)
    yield from _training_bounds(task)
    yield from _data_bounds(task)
    for field, value in vars(task.resources).items():
        yield f"resources.{field}", 0 <= value <= MAX_SIZE, value, "0 to 2^31 - 1"
    yield from _round_bounds(task)
    yield from _amount_bounds(task)
    accepted = "public"  # `committee` needs encrypted updates, which no node offers yet
    yield "visibility", task.visibility == "public", task.visibility, accepted
    licensed = re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", task.license) is not None
    yield "license", licensed, task.license, "an SPDX identifier"


def _model_bounds(task: Task) -> Iterator[Bound]:
    m = task.model
    yield "model.entry", bool(ENTRY.fullmatch(m.entry)), m.entry, "module:function"
    yield "model.bundle", len(m.bundle) == 32, m.bundle.hex(), "a SHA-256 digest"
    yield "model.initial", len(m.initial) == 32, m.initial.hex(), "a tree root of 32 bytes"
    power = m.chunk_bytes > 0 and m.chunk_bytes & (m.chunk_bytes - 1) == 0
    yield "model.chunk_bytes", power, m.chunk_bytes, "a power of two from 16 to 4096"
    own = all(t.frac_bits == m.fraction_bits for t in m.layout if t.kind == "trainable")
    yield "model.layout", own, "another frac_bits", f"fraction_bits ({m.fraction_bits})"


def _training_bounds(task: Task) -> Iterator[Bound]:
    a = task.algorithm
    yield "algorithm.name", a.name in ALGORITHMS, a.name, ", ".join(ALGORITHMS)
    plain = a.name == "fedprox" or a.proximal == (0, 1)
    ratio = a.proximal[0] >= 0 and a.proximal[1] >= 1
    accepted = "a ratio [n, d]; [0, 1] unless fedprox"
    yield "algorithm.proximal", plain and ratio, a.proximal, accepted
    for field in ("loss", "optimizer"):
        value = getattr(a, field)
        yield f"algorithm.{field}", bool(NAME.fullmatch(value)), value, "a name"
    for field in ("epochs", "batch_size"):
        value = getattr(a, field)
        yield f"algorithm.{field}", 1 <= value <= MAX_SIZE, value, "1 to 2^31 - 1"
    accepted = f"1 to {MAX_THREADS}"
    yield "algorithm.threads", 1 <= a.threads <= MAX_THREADS, a.threads, accepted
    yield "algorithm.seed", 0 <= a.seed < 2**63, a.seed, "0 to 2^63 - 1"


def _data_bounds(task: Task) -> Iterator[Bound]:
    d, e = task.data, task.evaluation
    count = len(d.features)
    yield "data.features", count in (0, 2), count, "none, or two: the features, the labels"
    for place, feature in enumerate(d.features):
        where = f"data.features[{place}]"
        yield f"{where}.name", _is_title(feature.name), feature.name, TITLE
        yield f"{where}.dtype", feature.dtype in DTYPES, feature.dtype, ", ".join(DTYPES)
        sized = all(1 <= size <= MAX_SIZE for size in feature.shape)
        yield f"{where}.shape", sized, feature.shape, "sizes from 1 to 2^31 - 1"
    least, cap = d.minimum_samples, task.cohort.weight_cap
    yield "data.minimum_samples", 1 <= least <= cap, least, f"1 to weight_cap ({cap})"
    named = not e.entry or ENTRY.fullmatch(e.entry) is not None
    yield "evaluation.entry", named, e.entry, 'module:function, or ""'
    named = all(map(NAME.fullmatch, e.metrics)) and len(set(e.metrics)) == len(e.metrics)
    yield "evaluation.metrics", named, e.metrics, "names, each once"


def _round_bounds(task: Task) -> Iterator[Bound]:
    s, c = task.schedule, task.committee
    yield "schedule.finality_s", s.finality_s >= 0, s.finality_s, "at least 0"
    least = FINALITIES * s.finality_s
    for field in ("reveal_s", "challenge_s"):
        value = getattr(s, field)
        accepted = f"at least three times finality_s ({least})"
        yield f"schedule.{field}", value >= least, value, accepted
    yield "rule.name", task.rule.name in RULES, task.rule.name, ", ".join(RULES)
    plain = task.rule.name == "trimmed_mean" or task.rule.trim == (0, 1)
    yield "rule.trim", plain, task.rule.trim, "[0, 1] unless trimmed_mean"
    # Sizes come before the odds, whose cost grows with them.
    seated = c.seats == 1 or 3 <= c.seats <= terms.MAX_COMMITTEE
    yield "committee.seats", seated, c.seats, BOUNDS["committee"]
    fits = c.seats <= c.pool <= terms.MAX_SEATS
    yield "committee.pool", fits, c.pool, f"the committee's seats to {terms.MAX_SEATS}"
    goal = task.cohort.goal
    yield "cohort.goal", 1 <= goal <= terms.MAX_COHORT, goal, BOUNDS["goal"]
    num, den = c.adversary
    yield "committee.adversary", 0 <= num < den, c.adversary, "a share [n, d] below one"
    expected = task.capture_ppb()
    yield "committee.capture_ppb", c.capture_ppb == expected, c.capture_ppb, str(expected)
    token = task.economics.reward_token
    yield "economics.reward_token", len(token) == 20, token.hex(), "an address of 20 bytes"


def _amount_bounds(task: Task) -> Iterator[Bound]:
    """The contract refuses all of these as `amounts`; a person is told which it is."""
    e = task.economics
    names = ("round_reward", "committee_fee", "participant_stake", "aggregator_stake")
    amounts = {name: getattr(e, name) for name in (*names, "court_bond")}
    amounts |= {f"slashes.{name}": value for name, value in vars(e.slashes).items()}
    for name, value in amounts.items():
        yield f"economics.{name}", 0 <= value <= terms.MAX_AMOUNT, value, "0 to 2^96 - 1"
    escrow = task.schedule.rounds * (e.round_reward + e.committee_fee)
    accepted = "rounds x (reward + fee) of at most 2^96 - 1"
    yield "economics.escrow", escrow <= terms.MAX_AMOUNT, escrow, accepted


def _is_title(text: str) -> bool:
    return 1 <= len(text) <= 100 and text.isprintable()


def _find(task: Task, field: str) -> str:
    """The offending value, for the message."""
    parts = (task.model, task.schedule, task.cohort, task.economics, task.rule)
    for part in (*parts, task.algorithm.server):
        if field in part.__dataclass_fields__:
            value = getattr(part, field)
            return value.hex() if isinstance(value, bytes) else str(value)
    return {"committee": str(task.committee.seats)}.get(field, "a value out of bounds")
