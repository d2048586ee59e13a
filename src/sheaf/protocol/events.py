"""What happened, one frozen dataclass per contract event of the same name and arguments.

The whole trail of a task can be rebuilt from these alone. `task` (or `token`) and `account`, where
present, are the indexed arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sheaf.protocol.court_events import (
    Challenged,
    CourtPaid,
    Decided,
    Demanded,
    Descended,
    Refuted,
    Supplied,
    Unfolded,
    WindowExtended,
)
from sheaf.protocol.terms import Terms


class Phase(IntEnum):
    """Where a task stands; from COMMIT to ABORTED it is inside a round."""

    NONE = 0
    REGISTER = 1
    OPEN = 2
    COMMIT = 3
    REVEAL = 4
    HOLD = 5
    VERDICT_COMMIT = 6
    VERDICT_REVEAL = 7
    CHALLENGE = 8
    ABORTED = 9
    DONE = 10
    ENDED = 11


class Cause(IntEnum):
    """Why an attempt failed, a round or task was aborted, or a seat slashed."""

    TOO_FEW_COMMITS = 1
    TOO_FEW_COUNTED = 2
    NO_QUORUM = 3
    POOL_EXHAUSTED = 4
    TOO_FEW_SEATS = 5
    TWO_ABORTS = 6
    NO_COMMIT = 7
    NO_REVEAL = 8
    SILENT = 9
    NO_NONCE = 10
    WITHHELD = 11
    OVERTURNED = 12
    DISMISSED = 13


@dataclass(frozen=True)
class TaskPublished:
    """A task exists; roots are headers of the initial model and optimiser state."""

    task: bytes
    sponsor: bytes
    document: bytes
    terms: Terms
    model_root: bytes
    state_root: bytes
    deposit: int


@dataclass(frozen=True)
class Registered:
    """A seat was taken."""

    task: bytes
    account: bytes
    role: int
    nonce_hash: bytes
    stake: int


@dataclass(frozen=True)
class Opened:
    """A seat opened its nonce and got its index."""

    task: bytes
    account: bytes
    role: int
    index: int
    nonce: bytes


@dataclass(frozen=True)
class PhaseStarted:
    """A phase began; `deadline` is ledger time in seconds."""

    task: bytes
    round: int
    attempt: int
    phase: int
    deadline: int


@dataclass(frozen=True)
class CohortDrawn:
    """A round's cohort: the first `size` positions of the permutation under this seed."""

    task: bytes
    round: int
    seed: bytes
    size: int


@dataclass(frozen=True)
class Committed:
    """A participant committed; the order of these events is the order of the commitments."""

    task: bytes
    account: bytes
    round: int
    position: int
    commitment: bytes


@dataclass(frozen=True)
class Revealed:
    """A participant opened its commitment."""

    task: bytes
    account: bytes
    round: int
    position: int
    root: bytes
    samples: int
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class CommitteeDrawn:
    """A round's committees: attempt a takes positions (a-1)c to ac-1 under this key."""

    task: bytes
    round: int
    key: bytes


@dataclass(frozen=True)
class Held:
    """A member's bitmap."""

    task: bytes
    account: bytes
    round: int
    attempt: int
    slot: int
    bitmap: int


@dataclass(frozen=True)
class Counted:
    """The counted set was fixed."""

    task: bytes
    round: int
    attempt: int
    bitmap: int


@dataclass(frozen=True)
class AttemptFailed:
    """An attempt ended without a claim."""

    task: bytes
    round: int
    attempt: int
    cause: int


@dataclass(frozen=True)
class VerdictCommitted:
    """A member committed to a verdict."""

    task: bytes
    account: bytes
    round: int
    attempt: int
    slot: int
    commitment: bytes


@dataclass(frozen=True)
class VerdictRevealed:
    """A member opened a verdict; roots are tree roots as posted."""

    task: bytes
    account: bytes
    round: int
    attempt: int
    slot: int
    weights_root: bytes
    model_root: bytes
    state_root: bytes
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class MissingRevealed:
    """A member opened a `Missing`; the `Demanded` that it is follows."""

    task: bytes
    account: bytes
    round: int
    attempt: int
    slot: int
    position: int
    chunk: int
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class Claimed:
    """A quorum of equal verdicts."""

    task: bytes
    round: int
    attempt: int
    claim: bytes


@dataclass(frozen=True)
class RoundAborted:
    """A round ended without a claim."""

    task: bytes
    round: int
    cause: int


@dataclass(frozen=True)
class DuplicateFound:
    """Two counted updates are equal; the later one is not paid."""

    task: bytes
    round: int
    earlier: int
    later: int


@dataclass(frozen=True)
class Slashed:
    """A seat lost `amount` of its stake."""

    task: bytes
    account: bytes
    round: int
    amount: int
    cause: int


@dataclass(frozen=True)
class Paid:
    """A participant's reward (reward token) and its share of slashes (stake token)."""

    task: bytes
    account: bytes
    round: int
    reward: int
    bonus: int


@dataclass(frozen=True)
class FeePaid:
    """A member's share of the committee fee."""

    task: bytes
    account: bytes
    round: int
    amount: int


@dataclass(frozen=True)
class RoundSettled:
    """A round's claim became the task's model; roots are headers."""

    task: bytes
    round: int
    model_root: bytes
    state_root: bytes


@dataclass(frozen=True)
class Reported:
    """Metrics the sponsor reports of a round's model; round 0 is the initial model."""

    task: bytes
    round: int
    metrics: bytes


@dataclass(frozen=True)
class TaskEnded:
    """The task is over: `phase` DONE or ENDED, what went back to the sponsor, why it ended."""

    task: bytes
    phase: int
    refund: int
    cause: int


@dataclass(frozen=True)
class SeatClaimed:
    """A seat's stake and earnings left the task; `Withdrawn` follows for each token paid."""

    task: bytes
    account: bytes
    stake: int
    credit: int


@dataclass(frozen=True)
class Withdrawn:
    """Tokens left the vault."""

    token: bytes
    account: bytes
    amount: int


EVENTS: dict[str, type[object]] = {
    kind.__name__: kind
    for kind in (
        TaskPublished,
        Registered,
        Opened,
        PhaseStarted,
        CohortDrawn,
        Committed,
        Revealed,
        CommitteeDrawn,
        Held,
        Counted,
        AttemptFailed,
        VerdictCommitted,
        VerdictRevealed,
        MissingRevealed,
        Claimed,
        RoundAborted,
        DuplicateFound,
        Slashed,
        Paid,
        FeePaid,
        RoundSettled,
        Reported,
        TaskEnded,
        SeatClaimed,
        Withdrawn,
        Challenged,
        Refuted,
        Descended,
        Unfolded,
        Demanded,
        Supplied,
        Decided,
        WindowExtended,
        CourtPaid,
    )
}
