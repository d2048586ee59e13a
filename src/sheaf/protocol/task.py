"""The task document: all that a task is, content-addressed, refused if any bound is violated.

The document's SHA-256 is on chain; its bytes are in the store under the CIDv1 of the same digest.
`Task.terms` derives what the contract stores, so whoever holds the document can check the chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sheaf.protocol import documents, draws, terms
from sheaf.protocol.content import ContentId, document_id
from sheaf.protocol.documents import Amount, Options
from sheaf.protocol.errors import InvalidDocument, InvalidModel, Rejected
from sheaf.protocol.layout import Tensor, check_layout
from sheaf.protocol.terms import RuleKind, Visibility

SCHEMA = 1
FINALITIES = 3
RULES = {
    "weighted_mean": RuleKind.WEIGHTED_MEAN,
    "coordinate_median": RuleKind.COORDINATE_MEDIAN,
    "trimmed_mean": RuleKind.TRIMMED_MEAN,
}
ALGORITHMS = ("fedavg", "fedprox")
ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
NAME = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class ModelDefinition:
    """What is learned. `entry` names a factory in the operator-installed bundle whose SHA-256 is
    `bundle`; `initial` is the tree root of the initial weights."""

    entry: str
    bundle: bytes
    layout: tuple[Tensor, ...]
    fraction_bits: int
    chunk_bytes: int
    initial: bytes

    @property
    def coordinates(self) -> int:
        """Coordinates of the flat vector."""
        return sum(t.size for t in self.layout)

    @property
    def trainable(self) -> int:
        """Leading coordinates that are trained."""
        return sum(t.size for t in self.layout if t.kind == "trainable")


@dataclass(frozen=True)
class Algorithm:
    """How a participant trains. `proximal` is FedProx's mu as an exact ratio, 0/1 for FedAvg;
    options are integers, booleans, text or ratios; `seed` schedules all training seeds."""

    name: str
    proximal: tuple[int, int]
    loss: str
    optimizer: str
    options: Options
    epochs: int
    batch_size: int
    seed: int
    threads: int


@dataclass(frozen=True)
class Feature:
    """One input or label a data hook returns: shape per sample."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class DataRequirements:
    """What a participant's data must be, or it declines."""

    features: tuple[Feature, ...]
    minimum_samples: int


@dataclass(frozen=True)
class Resources:
    """What a participant's machine must have, or it declines (RAM in MiB, bandwidth in kbit/s)."""

    cpu_cores: int
    gpus: int
    ram_mib: int
    bandwidth_kbps: int


@dataclass(frozen=True)
class Evaluation:
    """The sponsor's hook that returns held-out data ("" for none) and the metrics it reports."""

    entry: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """Rounds, phase durations and the chain's finality, in seconds."""

    rounds: int
    register_s: int
    open_s: int
    commit_s: int
    reveal_s: int
    hold_s: int
    verdict_commit_s: int
    verdict_reveal_s: int
    challenge_s: int
    finality_s: int


@dataclass(frozen=True)
class CohortSize:
    """Smallest and desired cohort, and the cap on the samples one participant may claim."""

    minimum: int
    goal: int
    weight_cap: int


@dataclass(frozen=True)
class Committee:
    """Seats per attempt, and the printed odds: with `adversary` (a ratio) of a `pool` of
    aggregators and of the cohort in one hand, a quorum is captured with at most `capture_ppb`
    parts per billion a draw."""

    seats: int
    pool: int
    adversary: tuple[int, int]
    capture_ppb: int


@dataclass(frozen=True)
class RuleChoice:
    """How updates become one; `trim` is the trimmed mean's ratio per side, 0/1 otherwise."""

    name: str
    trim: tuple[int, int]


@dataclass(frozen=True)
class Slashes:
    """What is lost, in the stake token's unit."""

    nonce: Amount
    commit: Amount
    reveal: Amount
    withheld: Amount
    silent: Amount
    overturned: Amount


@dataclass(frozen=True)
class Economics:
    """Money: reward and fee per round in `reward_token`, the rest in the stake token."""

    reward_token: bytes
    round_reward: Amount
    committee_fee: Amount
    participant_stake: Amount
    aggregator_stake: Amount
    demand_bond: Amount
    slashes: Slashes


@dataclass(frozen=True)
class Violation:
    """A bound that does not hold: which field, what was found, what is accepted."""

    field: str
    found: str
    accepted: str


@dataclass(frozen=True)
class Task:
    """A whole task. Build it, `check()` it, publish `encode()` under `cid`."""

    schema: int
    name: str
    model: ModelDefinition
    algorithm: Algorithm
    data: DataRequirements
    resources: Resources
    evaluation: Evaluation
    schedule: Schedule
    cohort: CohortSize
    committee: Committee
    rule: RuleChoice
    economics: Economics
    visibility: str
    license: str

    def encode(self) -> bytes:
        """Canonical dag-cbor."""
        return documents.encode(self)

    @property
    def cid(self) -> ContentId:
        """CIDv1 (dag-cbor, SHA-256) of the document."""
        return document_id(self.encode())

    @classmethod
    def decode(cls, data: bytes) -> Task:
        """The checked task behind `data`; `InvalidDocument` names what is wrong."""
        task = documents.decode(cls, data)
        task.check()
        return task

    def check(self) -> None:
        """Raise `InvalidDocument` for the first bound that is violated."""
        wrong = self.violation()
        if wrong:
            raise InvalidDocument(
                f"task.{wrong.field}: found {wrong.found}; accepted: {wrong.accepted}"
            )

    def violation(self) -> Violation | None:
        """The first bound that is violated, if one is."""
        try:
            check_layout(self.model.layout)
        except InvalidModel as error:
            raise InvalidDocument(f"task.model.layout: {error.message}") from error
        for field, holds, found, accepted in self._bounds():
            if not holds:
                return Violation(field, repr(found), accepted)
        try:
            self.terms().check()
        except Rejected as rejected:
            field = rejected.detail
            return Violation(field, _find(self, field), BOUNDS[field])
        return None

    def capture_ppb(self) -> int:
        """The capture odds these sizes and this adversary give, rounded up to 1e-9."""
        c = self.committee
        return draws.capture_ppb(c.seats, c.pool, c.adversary, self.cohort.goal)

    def terms(self) -> terms.Terms:
        """What the contract stores of this task."""
        m, s, e = self.model, self.schedule, self.economics
        trim = self.rule.trim if self.rule.name == "trimmed_mean" else (0, 0)
        rule = int(RULES[self.rule.name])
        chunk = m.chunk_bytes.bit_length() - 1
        shape = (m.coordinates, m.trainable, m.fraction_bits, chunk, rule, *trim)
        durations = [getattr(s, name) for name in terms.Schedule.__dataclass_fields__]
        cohort = (self.cohort.minimum, self.cohort.goal, self.committee.seats)
        amounts = (e.round_reward, e.committee_fee, e.participant_stake, e.aggregator_stake)
        c = e.slashes
        slashes = (c.nonce, c.commit, c.reveal, c.withheld, c.silent, c.overturned)
        return terms.Terms(
            terms.Model(*shape, 0, 0, 0, 0, 0),
            terms.Schedule(*durations),
            terms.Cohort(*cohort, self.cohort.weight_cap, int(Visibility[self.visibility.upper()])),
            terms.Economics(e.reward_token, *amounts, e.demand_bond, *slashes),
        )

    def _bounds(self) -> Iterator[tuple[str, bool, object, str]]:
        yield "schema", self.schema == SCHEMA, self.schema, str(SCHEMA)
        yield "name", 1 <= len(self.name) <= 100, self.name, "1 to 100 characters"
        yield from self._model_bounds()
        yield from self._training_bounds()
        r = self.resources
        for field in Resources.__dataclass_fields__:
            value = getattr(r, field)
            yield f"resources.{field}", value >= 0, value, "an integer of at least 0"
        yield from self._round_bounds()
        accepted = "public"  # `committee` needs encrypted updates, which no node offers yet
        yield "visibility", self.visibility == "public", self.visibility, accepted
        licensed = re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", self.license) is not None
        yield "license", licensed, self.license, "an SPDX identifier"

    def _model_bounds(self) -> Iterator[tuple[str, bool, object, str]]:
        m = self.model
        yield "model.entry", bool(ENTRY.fullmatch(m.entry)), m.entry, "module:function"
        yield "model.bundle", len(m.bundle) == 32, m.bundle.hex(), "a SHA-256 digest"
        yield "model.initial", len(m.initial) == 32, m.initial.hex(), "a tree root of 32 bytes"
        power = m.chunk_bytes > 0 and m.chunk_bytes & (m.chunk_bytes - 1) == 0
        yield "model.chunk_bytes", power, m.chunk_bytes, "a power of two from 16 to 4096"
        own = all(t.frac_bits == m.fraction_bits for t in m.layout if t.kind == "trainable")
        yield "model.layout", own, "another frac_bits", f"fraction_bits ({m.fraction_bits})"

    def _training_bounds(self) -> Iterator[tuple[str, bool, object, str]]:
        a, d = self.algorithm, self.data
        yield "algorithm.name", a.name in ALGORITHMS, a.name, ", ".join(ALGORITHMS)
        plain = a.name == "fedprox" or a.proximal == (0, 1)
        ratio = a.proximal[0] >= 0 and a.proximal[1] >= 1
        accepted = "a ratio [n, d]; [0, 1] unless fedprox"
        yield "algorithm.proximal", plain and ratio, a.proximal, accepted
        for field in ("loss", "optimizer"):
            value = getattr(a, field)
            yield f"algorithm.{field}", bool(NAME.fullmatch(value)), value, "a name"
        for field in ("epochs", "batch_size", "threads"):
            value = getattr(a, field)
            yield f"algorithm.{field}", 1 <= value < 2**31, value, "1 to 2^31 - 1"
        yield "algorithm.seed", 0 <= a.seed < 2**63, a.seed, "0 to 2^63 - 1"
        count = len(d.features)
        yield "data.features", count in (0, 2), count, "none, or two: the features, the labels"
        least, cap = d.minimum_samples, self.cohort.weight_cap
        yield "data.minimum_samples", 1 <= least <= cap, least, f"1 to weight_cap ({cap})"
        entry = self.evaluation.entry
        named = not entry or ENTRY.fullmatch(entry) is not None
        yield "evaluation.entry", named, entry, 'module:function, or ""'

    def _round_bounds(self) -> Iterator[tuple[str, bool, object, str]]:
        s, c = self.schedule, self.committee
        yield "schedule.finality_s", s.finality_s >= 0, s.finality_s, "at least 0"
        least = FINALITIES * s.finality_s
        for field in ("reveal_s", "challenge_s"):
            value = getattr(s, field)
            accepted = f"at least three times finality_s ({least})"
            yield f"schedule.{field}", value >= least, value, accepted
        yield "rule.name", self.rule.name in RULES, self.rule.name, ", ".join(RULES)
        plain = self.rule.name == "trimmed_mean" or self.rule.trim == (0, 1)
        yield "rule.trim", plain, self.rule.trim, "[0, 1] unless trimmed_mean"
        # Sizes come before the odds, whose cost grows with them.
        seated = c.seats == 1 or 3 <= c.seats <= terms.MAX_COMMITTEE
        yield "committee.seats", seated, c.seats, BOUNDS["committee"]
        fits = c.seats <= c.pool <= terms.MAX_SEATS
        yield "committee.pool", fits, c.pool, f"the committee's seats to {terms.MAX_SEATS}"
        goal = self.cohort.goal
        yield "cohort.goal", 1 <= goal <= terms.MAX_COHORT, goal, BOUNDS["goal"]
        num, den = c.adversary
        yield "committee.adversary", 0 <= num < den, c.adversary, "a share [n, d] below one"
        expected = self.capture_ppb()
        yield "committee.capture_ppb", c.capture_ppb == expected, c.capture_ppb, str(expected)
        token = self.economics.reward_token
        yield "economics.reward_token", len(token) == 20, token.hex(), "an address of 20 bytes"


BOUNDS = {
    "coordinates": "1 to 2^33 coordinates",
    "trainable": "at most all coordinates",
    "fraction_bits": "8 to 24",
    "chunk_log2": "chunks of 16 to 4096 bytes",
    "rule": "a known rule",
    "trim": "a ratio [n, d], 2n < d < 65536",
    "optimiser": "no server optimiser",
    "rounds": "1 to 65535",
    **dict.fromkeys(
        ("register_s", "open_s", "commit_s", "reveal_s", "hold_s"), "1 to 2^32 - 1 seconds"
    ),
    "verdict_commit_s": "1 to 2^32 - 1 seconds",
    "verdict_reveal_s": "1 to 2^32 - 1 seconds",
    "challenge_s": "0 to 2^32 - 1 seconds",
    "minimum": "1 to goal",
    "goal": "minimum to 256",
    "committee": "1, or 3 to 31",
    "weight_cap": "1 to 65535, and goal x weight_cap below 2^32",
    "visibility": "public",
    "reward_token": "a token's address, not zero",
    "amounts": "integers from 0 to 2^96 - 1, and rounds x (reward + fee) as well",
    "participant_stake": "rounds x the largest participant slash, and the nonce slash",
    "aggregator_stake": "rounds x the largest aggregator slash, and the nonce slash",
    "demand_bond": "at most the largest aggregator slash",
}


def _find(task: Task, field: str) -> str:
    """The offending value, for the message."""
    for part in (task.model, task.schedule, task.cohort, task.economics, task.rule):
        if field in part.__dataclass_fields__:
            value = getattr(part, field)
            return value.hex() if isinstance(value, bytes) else str(value)
    return {"committee": str(task.committee.seats)}.get(field, "a value out of bounds")
