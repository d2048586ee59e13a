"""Errors, typed. The tree:

SheafError                     exit 1   something Sheaf itself reports
├── Rejected                   exit 1   the protocol forbids an action (contract: a custom error)
├── InvalidConfiguration       exit 3   sheaf.toml, flags, environment
├── InvalidDocument            exit 3   a task document that is malformed or out of bounds
├── InvalidModel               exit 3   a model that does not fit its layout
├── InvalidData                exit 3   what a data hook returned cannot be trained on
│   └── NotFinite              exit 3   NaN or infinity where a number must be
├── BlobMissing                exit 4   the store does not hold a content id
│   └── BlobOutOfReach         exit 4   no store that answers has it, and one does not answer
├── BlobCorrupt                exit 4   the store holds other bytes than the id says
├── StoreUnavailable           exit 4   a store that cannot be read or written
├── TaskEnded                  exit 3   a task was over before it made what it was for
├── LedgerUnavailable          exit 4   no ledger where one was expected
├── LedgerCorrupt              exit 4   a ledger file that contradicts itself
├── RunHeld                    exit 4   another process is at work on a run
├── InvalidUsage               exit 2   a command that cannot be carried out as asked
├── RunNotFound                exit 2   no such run directory
├── VerificationFailed         exit 5   a recomputed value differs from the recorded one
└── Interrupted                exit 130 a person stopped it

A message says what was found, what is accepted, and where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class SheafError(Exception):
    """Base of all errors: `code` for machines, the message for people, an optional `hint`."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Reason(StrEnum):
    """Why an action is forbidden. Each value is the contract's custom error of the same name."""

    UNKNOWN_TASK = "UnknownTask"
    TASK_EXISTS = "TaskExists"
    INVALID_TERMS = "InvalidTerms"
    UNDERFUNDED = "Underfunded"
    AMOUNT_TOO_LARGE = "AmountTooLarge"
    WRONG_PHASE = "WrongPhase"
    NOT_YET = "NotYet"
    REGISTRATION_CLOSED = "RegistrationClosed"
    OPENING_CLOSED = "OpeningClosed"
    COMMIT_CLOSED = "CommitClosed"
    REVEAL_CLOSED = "RevealClosed"
    HOLD_CLOSED = "HoldClosed"
    VERDICT_COMMIT_CLOSED = "VerdictCommitClosed"
    VERDICT_REVEAL_CLOSED = "VerdictRevealClosed"
    UNKNOWN_ROLE = "UnknownRole"
    ALREADY_REGISTERED = "AlreadyRegistered"
    ROLE_FULL = "RoleFull"
    STAKE_TOO_LOW = "StakeTooLow"
    NOT_REGISTERED = "NotRegistered"
    ALREADY_OPENED = "AlreadyOpened"
    NONCE_MISMATCH = "NonceMismatch"
    ZERO_COMMITMENT = "ZeroCommitment"
    NOT_IN_COHORT = "NotInCohort"
    ALREADY_COMMITTED = "AlreadyCommitted"
    NOT_COMMITTED = "NotCommitted"
    ALREADY_REVEALED = "AlreadyRevealed"
    SAMPLES_OUT_OF_RANGE = "SamplesOutOfRange"
    COMMITMENT_MISMATCH = "CommitmentMismatch"
    WRONG_ROOTS = "WrongRoots"
    NOT_IN_COMMITTEE = "NotInCommittee"
    SEAT_EMPTY = "SeatEmpty"
    ALREADY_HELD = "AlreadyHeld"
    NOT_REVEALED = "NotRevealed"
    NO_BITMAP = "NoBitmap"
    NOT_COUNTED = "NotCounted"
    CHUNK_OUT_OF_RANGE = "ChunkOutOfRange"
    NOT_DUPLICATE = "NotDuplicate"
    ALREADY_DUPLICATE = "AlreadyDuplicate"
    WRONG_CLAIM = "WrongClaim"
    EMPTY_PAGE = "EmptyPage"
    NOT_SPONSOR = "NotSponsor"
    UNKNOWN_ROUND = "UnknownRound"
    REPORT_TOO_LONG = "ReportTooLong"
    NOT_ADMITTED = "NotAdmitted"
    WINDOW_CLOSED = "WindowClosed"
    ALREADY_DEMANDED = "AlreadyDemanded"
    BOND_TOO_LOW = "BondTooLow"
    DOCKET_FULL = "DocketFull"
    UNKNOWN_MATTER = "UnknownMatter"
    COORDINATE_OUT_OF_RANGE = "CoordinateOutOfRange"
    WRONG_OPENING = "WrongOpening"
    WRONG_COLUMN = "WrongColumn"
    WRONG_NODES = "WrongNodes"
    NOTHING_WRONG = "NothingWrong"
    UNKNOWN_DISPUTE = "UnknownDispute"
    DISPUTE_CLOSED = "DisputeClosed"
    DISPUTE_OPEN = "DisputeOpen"
    NOT_CHALLENGER = "NotChallenger"
    WRONG_TURN = "WrongTurn"
    MOVE_CLOSED = "MoveClosed"
    NOTHING_TO_CLAIM = "NothingToClaim"
    NOTHING_TO_WITHDRAW = "NothingToWithdraw"


class Rejected(SheafError):
    """An action the protocol forbids; state is unchanged. `detail` names the field, if one."""

    code = "rejected"

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}({detail})" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class InvalidConfiguration(SheafError):
    """A setting that cannot be used."""

    code = "configuration"
    exit_code = 3


class InvalidDocument(SheafError):
    """A task document that is malformed or out of bounds."""

    code = "document"
    exit_code = 3


class InvalidModel(SheafError):
    """A model that does not fit its layout."""

    code = "model"
    exit_code = 3


class InvalidData(SheafError):
    """What a data hook returned cannot be used."""

    code = "data"
    exit_code = 3


class NotFinite(InvalidData):
    """NaN or infinity where a number must be."""

    code = "not_finite"


class TaskEnded(SheafError):
    """A task was over before it made what it was for: too few seats, aborted rounds."""

    code = "task_ended"
    exit_code = 3


class BlobMissing(SheafError):
    """The store does not hold a content id."""

    code = "blob_missing"
    exit_code = 4


class BlobOutOfReach(BlobMissing):
    """No store that answers has what a content id names, and one does not answer."""

    code = "blob_out_of_reach"


class BlobCorrupt(SheafError):
    """The store holds other bytes than the content id says."""

    code = "blob_corrupt"
    exit_code = 4


class LedgerUnavailable(SheafError):
    """No ledger where one was expected, or one of another format."""

    code = "ledger_unavailable"
    exit_code = 4


class LedgerCorrupt(SheafError):
    """A ledger file that contradicts itself."""

    code = "ledger_corrupt"
    exit_code = 4


class RunNotFound(SheafError):
    """No such run."""

    code = "run_not_found"
    exit_code = 2


class RunHeld(SheafError):
    """Another process is at work on a run."""

    code = "run_held"
    exit_code = 4


class VerificationFailed(SheafError):
    """A recomputed value differs from the recorded one. `others` are further differences, a line
    each, where more than the message's are known at once, as of receipts."""

    code = "verification_failed"
    exit_code = 5

    def __init__(self, message: str, hint: str = "", others: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.others = tuple(others)


class StoreUnavailable(SheafError):
    """A store that cannot be read or written: no such place, no permission, no space."""

    code = "store_unavailable"
    exit_code = 4


class InvalidUsage(SheafError):
    """A command that cannot be carried out as asked."""

    code = "usage"
    exit_code = 2


class Interrupted(SheafError):
    """Stopped by a person."""

    code = "interrupted"
    exit_code = 130
