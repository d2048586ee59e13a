"""Terms: what the contract must know of a task, all integers, with every bound it enforces.

The contract never sees the task document, only its digest. Nodes derive the terms from the document
(`task.Task.terms`) and decline when the published terms differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from sheaf.protocol.arithmetic import ELEMENT_BYTES, weights_fit
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.layout import FRAC_BITS_MAX, FRAC_BITS_MIN
from sheaf.protocol.optimisers import Constants, Optimiser, OptimiserKind

MAX_COORDINATES = 2**33
MAX_COHORT = 256
MAX_COMMITTEE = 31
MAX_SEATS = 2**24 - 1
MAX_AMOUNT = 2**96 - 1


class RuleKind(IntEnum):
    """How updates become one."""

    WEIGHTED_MEAN = 0
    COORDINATE_MEDIAN = 1
    TRIMMED_MEAN = 2


class Visibility(IntEnum):
    """Who may read updates."""

    PUBLIC = 0
    COMMITTEE = 1


@dataclass(frozen=True)
class Model:
    """Shape of what is learned and how it is combined.

    `coordinates` int32 values, the first `trainable` of them trained; chunks of `2**chunk_log2`
    bytes; `trim_*` is the trimmed mean's exact ratio. The constants of the server's optimiser stand
    here because the court computes its step (`optimisers.Optimiser`); all are zero for the plain
    one.
    """

    coordinates: int
    trainable: int
    fraction_bits: int
    chunk_log2: int
    rule: int
    trim_numerator: int
    trim_denominator: int
    optimiser: int
    mean_divisor: int
    square_divisor: int
    rate: int
    floor: int

    @property
    def leaves(self) -> int:
        """Chunks of a model or an update."""
        return -(-self.coordinates * ELEMENT_BYTES >> self.chunk_log2)

    @property
    def server(self) -> Optimiser:
        """The server's optimiser."""
        constants = Constants(self.mean_divisor, self.square_divisor, self.rate, self.floor)
        return Optimiser(self.optimiser, self.fraction_bits, constants)

    @property
    def state_leaves(self) -> int:
        """Chunks of the optimiser's state."""
        return -(-self.trainable * self.server.element_bytes >> self.chunk_log2)

    @property
    def initial_state(self) -> bytes:
        """Tree root of the optimiser's state before the first round; zero where none is kept."""
        return self.server.initial_root(self.trainable, 1 << self.chunk_log2)


@dataclass(frozen=True)
class Schedule:
    """Durations of the phases in seconds; a phase's deadline counts from its start."""

    rounds: int
    register_s: int
    open_s: int
    commit_s: int
    reveal_s: int
    hold_s: int
    verdict_commit_s: int
    verdict_reveal_s: int
    challenge_s: int


@dataclass(frozen=True)
class Cohort:
    """Who takes part: cohort sizes, seats of a committee, the cap on a participant's weight."""

    minimum: int
    goal: int
    committee: int
    weight_cap: int
    visibility: int


@dataclass(frozen=True)
class Economics:
    """Money, in the token's own unit. Reward and fee are per round, in `reward_token`; stakes,
    bonds and slashes are in the deployment's stake token."""

    reward_token: bytes
    round_reward: int
    committee_fee: int
    participant_stake: int
    aggregator_stake: int
    court_bond: int
    slash_nonce: int
    slash_commit: int
    slash_reveal: int
    slash_withheld: int
    slash_silent: int
    slash_overturned: int

    @property
    def participant_round_stake(self) -> int:
        """The most a participant can lose in one round."""
        return max(self.slash_commit, self.slash_reveal, self.slash_withheld)

    @property
    def aggregator_round_stake(self) -> int:
        """The most an aggregator can lose in one round."""
        return max(self.slash_silent, self.slash_overturned)


@dataclass(frozen=True)
class Terms:
    """All that the contract stores of a task at publication."""

    model: Model
    schedule: Schedule
    cohort: Cohort
    economics: Economics

    @property
    def escrow(self) -> int:
        """What the sponsor must fund: every round's reward and fee."""
        return self.schedule.rounds * (self.economics.round_reward + self.economics.committee_fee)

    def check(self) -> None:
        """Raise `Rejected(INVALID_TERMS, field)` for the first field out of bounds."""
        for field, holds in self._bounds():
            if not holds:
                raise Rejected(Reason.INVALID_TERMS, field)

    def _bounds(self) -> Iterator[tuple[str, bool]]:
        yield from self._model_bounds()
        s = self.schedule
        yield "rounds", 1 <= s.rounds < 2**16
        for name in ("register_s", "open_s", "commit_s", "reveal_s", "hold_s"):
            yield name, 1 <= getattr(s, name) < 2**32
        for name in ("verdict_commit_s", "verdict_reveal_s"):
            yield name, 1 <= getattr(s, name) < 2**32
        yield "challenge_s", 1 <= s.challenge_s < 2**32
        c = self.cohort
        yield "minimum", 1 <= c.minimum <= c.goal
        yield "goal", c.goal <= MAX_COHORT
        yield "committee", c.committee == 1 or 3 <= c.committee <= MAX_COMMITTEE
        yield "weight_cap", weights_fit(c.goal, c.weight_cap)
        yield "visibility", 0 <= c.visibility <= max(Visibility)
        yield from self._economic_bounds()

    def _model_bounds(self) -> Iterator[tuple[str, bool]]:
        m = self.model
        yield "coordinates", 1 <= m.coordinates <= MAX_COORDINATES
        least = int(m.optimiser != OptimiserKind.PLAIN)
        yield "trainable", least <= m.trainable <= m.coordinates
        yield "fraction_bits", FRAC_BITS_MIN <= m.fraction_bits <= FRAC_BITS_MAX
        yield "chunk_log2", 4 <= m.chunk_log2 <= 12
        yield "rule", 0 <= m.rule <= max(RuleKind)
        if m.rule == RuleKind.TRIMMED_MEAN:
            in_range = m.trim_numerator >= 0 and 1 <= m.trim_denominator < 2**16
            yield "trim", in_range and 2 * m.trim_numerator < m.trim_denominator
        else:
            yield "trim", m.trim_numerator == m.trim_denominator == 0
        yield from m.server.bounds()

    def _economic_bounds(self) -> Iterator[tuple[str, bool]]:
        e, rounds = self.economics, self.schedule.rounds
        yield "reward_token", e.reward_token != bytes(20)
        amounts = (e.round_reward, e.committee_fee, e.participant_stake, e.aggregator_stake)
        slashes = (e.court_bond, e.slash_nonce, e.slash_commit, e.slash_reveal)
        court = (e.slash_withheld, e.slash_silent, e.slash_overturned)
        in_range = all(0 <= a <= MAX_AMOUNT for a in amounts + slashes + court)
        yield "amounts", in_range and self.escrow <= MAX_AMOUNT
        least = max(rounds * e.participant_round_stake, e.slash_nonce)
        yield "participant_stake", e.participant_stake >= least
        least = max(rounds * e.aggregator_round_stake, e.slash_nonce)
        yield "aggregator_stake", e.aggregator_stake >= least
        yield "court_bond", e.court_bond <= e.aggregator_round_stake
