"""The task document: all that a task is, content-addressed, refused if any bound is violated.

The document's SHA-256 is on chain; its bytes are in the store under the CIDv1 of the same digest.
`Task.terms` derives what the contract stores, so whoever holds the document can check the chain.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from sheaf.protocol import documents, draws, terms
from sheaf.protocol.bounds import ALGORITHMS, RULES, Violation, violation
from sheaf.protocol.content import ContentId, document_id
from sheaf.protocol.documents import Amount, Options
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.layout import Tensor
from sheaf.protocol.optimisers import NO_CONSTANTS, Constants
from sheaf.protocol.terms import Visibility


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
    """How a participant trains and the server steps. `proximal` is FedProx's mu as an exact ratio,
    0/1 for others; options are integers, booleans, text or ratios; `seed` schedules all training
    seeds; of `server`, what the algorithm has no use for is zero."""

    name: str
    proximal: tuple[int, int]
    loss: str
    optimizer: str
    options: Options
    epochs: int
    batch_size: int
    seed: int
    threads: int
    server: Constants = NO_CONSTANTS


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
    court_bond: Amount
    slashes: Slashes


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
        return violation(self)

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
        server = (int(ALGORITHMS[self.algorithm.name]), *astuple(self.algorithm.server))
        durations = [getattr(s, name) for name in terms.Schedule.__dataclass_fields__]
        cohort = (self.cohort.minimum, self.cohort.goal, self.committee.seats)
        amounts = (e.round_reward, e.committee_fee, e.participant_stake, e.aggregator_stake)
        c = e.slashes
        slashes = (c.nonce, c.commit, c.reveal, c.withheld, c.silent, c.overturned)
        return terms.Terms(
            terms.Model(*shape, *server),
            terms.Schedule(*durations),
            terms.Cohort(*cohort, self.cohort.weight_cap, int(Visibility[self.visibility.upper()])),
            terms.Economics(e.reward_token, *amounts, e.court_bond, *slashes),
        )
