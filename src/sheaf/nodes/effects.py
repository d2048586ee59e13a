"""Effects a node asks for, and the local events that answer them.

A node never acts: it returns effects, the runner journals each before it happens and its answer
after. Ledger events and answers are all that a node's state is folded from.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sheaf.identity.keys import BoundKey
from sheaf.identity.statement import Step
from sheaf.protocol.actions import Action, Roots
from sheaf.protocol.hashing import ZERO, word
from sheaf.protocol.opening import Opening


@dataclass(frozen=True)
class Secrets:
    """A node's key. Nonces and salts are derived from it: to open what it committed to, a node
    needs its key, the ledger, and of its journal what it trained and voted for."""

    key: bytes

    def derive(self, purpose: str, task: bytes, *numbers: int) -> bytes:
        """32 pseudorandom bytes (HMAC-SHA256) for one purpose in one task."""
        message = purpose.encode() + task + b"".join(word(n) for n in numbers)
        return hmac.new(self.key, message, hashlib.sha256).digest()

    def signing_key(self, task: bytes) -> BoundKey:
        """The key that receipts of one task are signed with; its nonce is the seat's."""
        return BoundKey(self.derive("signing-key", task), self.derive("blind", task))

    def __repr__(self) -> str:
        return "Secrets(...)"


@dataclass(frozen=True)
class Send:
    """Send an action to the ledger. Answered by `Sent` or `Refused`."""

    action: Action


@dataclass(frozen=True)
class Inspect:
    """Check document, code bundle, data and machine before staking. Answered by `Inspected`."""


@dataclass(frozen=True)
class Train:
    """Train on the model of tree root `base`. Answered by `Trained` or `TrainingFailed`."""

    round: int
    base: bytes


@dataclass(frozen=True)
class Attest:
    """Sign a receipt for a step, and keep it to oneself. Answered by `Attested`."""

    step: Step


@dataclass(frozen=True)
class ShowReceipt:
    """Put a receipt into the shared store. Answered by `ReceiptShown`."""

    round: int
    receipt: bytes


@dataclass(frozen=True)
class PublishUpdate:
    """Put an update's bytes into the shared store. Answered by `Published`."""

    round: int
    root: bytes


@dataclass(frozen=True)
class Collect:
    """Fetch and decode the revealed updates, `wanted` as (position, tree root), and keep a copy of
    each where the node `keeps` them. Answered by `Collected`."""

    round: int
    attempt: int
    wanted: tuple[tuple[int, bytes], ...]
    keeps: bool = False


@dataclass(frozen=True)
class Aggregate:
    """Combine counted updates (position, tree root, samples) into a new model on `base` and the
    optimiser's `state` (tree roots; a state of zero is the one a task starts with). Answered by
    `Aggregated` or `ChunkMissing`."""

    round: int
    attempt: int
    base: bytes
    counted: tuple[tuple[int, bytes, int], ...]
    state: bytes = ZERO


@dataclass(frozen=True)
class PublishModel:
    """Put the bytes of an aggregated model and, if there is one, of the optimiser's state into the
    shared store. Answered by `Published`."""

    round: int
    root: bytes
    state: bytes = ZERO


@dataclass(frozen=True)
class Evaluate:
    """Run the sponsor's evaluation hook on a model. Answered by `Evaluated`."""

    round: int
    model: bytes


@dataclass(frozen=True)
class Accuse:
    """Find where the claimed `roots` differ from the node's `own` (those of model and state), and
    what proves it; of dispute `number`, a descent, in the chunk that was served, of any (0) in the
    claimed bytes. Answered by `Accused`, `ClaimMissing` or `ChunkMissing`."""

    round: int
    attempt: int
    number: int
    roots: Roots
    own: tuple[bytes, bytes]


@dataclass(frozen=True)
class Choose:
    """Find the first of the hashes that a descent's step posted which the tree of the node's `own`
    root does not have. Answered by `Chosen`."""

    round: int
    number: int
    own: bytes


@dataclass(frozen=True)
class Compare:
    """Compare a filed column with the updates at these cohort positions. Answered by `Compared`."""

    round: int
    number: int
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Produce:
    """Fetch what a dispute asks for, of the array under a tree root: the hashes below node `at` at
    `level`, at level 0 the chunk; and serve the array to everybody. Answered by `Produced`."""

    round: int
    number: int
    level: int
    at: int
    root: bytes


Effect = (
    Send
    | Inspect
    | Train
    | Attest
    | ShowReceipt
    | PublishUpdate
    | Collect
    | Aggregate
    | PublishModel
    | Evaluate
    | Accuse
    | Choose
    | Compare
    | Produce
)


@dataclass(frozen=True)
class Sent:
    """An action was included in a block."""

    action: Action


@dataclass(frozen=True)
class Refused:
    """The ledger rejected an action; `reason` is the protocol's."""

    action: Action
    reason: str


@dataclass(frozen=True)
class Inspected:
    """What an inspection found: an empty `objection` means that the node takes part."""

    objection: str


@dataclass(frozen=True)
class Trained:
    """A finished update: its tree root, and the samples behind it."""

    round: int
    root: bytes
    samples: int


@dataclass(frozen=True)
class TrainingFailed:
    """Training raised; the participant misses the round by the rules."""

    round: int
    error: str


@dataclass(frozen=True)
class Attested:
    """The receipt of a step: the SHA-256 of its bytes, zero where none is given. Of an update,
    `attempt` is zero."""

    round: int
    attempt: int
    receipt: bytes


@dataclass(frozen=True)
class ReceiptShown:
    """A receipt lies in the shared store."""

    receipt: bytes


@dataclass(frozen=True)
class Published:
    """Bytes of this tree root lie in the shared store."""

    root: bytes


@dataclass(frozen=True)
class Collected:
    """The revealed updates a member holds and can decode (bit = position)."""

    round: int
    attempt: int
    bitmap: int


@dataclass(frozen=True)
class Aggregated:
    """The result of an aggregation: the new model's tree root, how many coordinates lay at an end
    of the range, or stood still though some update moved (numbers.md), and the tree root of the
    optimiser's new state, zero where there is none."""

    round: int
    attempt: int
    root: bytes
    saturated: int
    stalled: int
    state: bytes = ZERO


@dataclass(frozen=True)
class ChunkMissing:
    """A chunk of a counted update that nobody served."""

    round: int
    attempt: int
    position: int
    chunk: int


@dataclass(frozen=True)
class Evaluated:
    """Metrics of a round's model, as the bytes to report."""

    round: int
    metrics: bytes


@dataclass(frozen=True)
class Accused:
    """Where a claim is wrong: `matter` and coordinate, with the openings and the column that a
    challenge is filed with."""

    round: int
    attempt: int
    number: int
    matter: int
    coordinate: int
    openings: tuple[Opening, ...]
    column: bytes


@dataclass(frozen=True)
class ClaimMissing:
    """The claimed bytes of a `matter` are not to be had."""

    round: int
    attempt: int
    matter: int


@dataclass(frozen=True)
class Chosen:
    """The first wrong one of the hashes that a descent's step posted."""

    round: int
    number: int
    hashes: tuple[bytes, ...]
    child: int


@dataclass(frozen=True)
class Compared:
    """What a comparison found: the first position whose entry is not what was committed to, with
    the opening that shows it, or None; and which of the counted entries it did not test."""

    round: int
    number: int
    position: int | None
    opening: Opening | None
    untested: tuple[int, ...] = ()


@dataclass(frozen=True)
class Produced:
    """What a dispute asked for at this place: hashes, or a chunk with its path; both are empty
    where it is not to be had."""

    round: int
    number: int
    level: int
    at: int
    hashes: tuple[bytes, ...]
    opening: Opening | None


LocalEvent = (
    Sent
    | Refused
    | Inspected
    | Trained
    | TrainingFailed
    | Attested
    | ReceiptShown
    | Published
    | Collected
    | Aggregated
    | ChunkMissing
    | Evaluated
    | Accused
    | ClaimMissing
    | Chosen
    | Compared
    | Produced
)
