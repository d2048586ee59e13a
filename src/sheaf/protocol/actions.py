"""What anyone can do, one frozen dataclass per contract function of the same name and arguments.

An action is exactly one transaction. `Withdraw` is a function of the vault, all others of the
federation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sheaf.protocol.opening import Opening
from sheaf.protocol.terms import Terms


@dataclass(frozen=True)
class Publish:
    """The sponsor publishes and funds a task; roots are tree roots of the initial model, state."""

    terms: Terms
    document: bytes
    model_root: bytes
    state_root: bytes
    deposit: int


@dataclass(frozen=True)
class Register:
    """Take a seat (`role` 1 participant, 2 aggregator) with a stake and a hidden nonce."""

    task: bytes
    role: int
    nonce_hash: bytes
    stake: int


@dataclass(frozen=True)
class Open:
    """Open the nonce the seat was registered with."""

    task: bytes
    nonce: bytes


@dataclass(frozen=True)
class Advance:
    """Close the phase whose deadline has passed. Anyone may."""

    task: bytes


@dataclass(frozen=True)
class Commit:
    """A drawn participant commits to its update."""

    task: bytes
    commitment: bytes


@dataclass(frozen=True)
class Reveal:
    """Open the commitment: the update's tree root, its samples, a receipt id, the salt."""

    task: bytes
    root: bytes
    samples: int
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class Hold:
    """A drawn member says which revealed updates it holds and can decode (bit = position)."""

    task: bytes
    bitmap: int


@dataclass(frozen=True)
class CommitVerdict:
    """A member commits to a verdict or to `Missing`."""

    task: bytes
    commitment: bytes


@dataclass(frozen=True)
class RevealVerdict:
    """Open a verdict over the counted set; roots are tree roots (zero: none)."""

    task: bytes
    weights_root: bytes
    model_root: bytes
    state_root: bytes
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class RevealMissing:
    """Open a `Missing`: it locks the demand's bond from the member's stake."""

    task: bytes
    position: int
    chunk: int
    receipt: bytes
    salt: bytes


@dataclass(frozen=True)
class Duplicate:
    """Point out two counted updates of equal root; the later commitment loses its pay."""

    task: bytes
    earlier: int
    later: int


@dataclass(frozen=True)
class Settle:
    """Move the round's money, `steps` steps of two sweeps over the cohort and one over the
    disputes; the roots are the claim's headers, checked on the first page of a claimed round."""

    task: bytes
    steps: int
    weights_root: bytes
    model_root: bytes
    state_root: bytes


@dataclass(frozen=True)
class Report:
    """The sponsor reports metrics of a round's model (dag-cbor map of integers)."""

    task: bytes
    round: int
    metrics: bytes


@dataclass(frozen=True)
class Claim:
    """After the task's end: pay out the stake and earnings of a seat."""

    task: bytes


@dataclass(frozen=True)
class Withdraw:
    """Take out all that is withdrawable of a token."""

    token: bytes


@dataclass(frozen=True)
class Roots:
    """Tree roots, zero for none: the claimed model and optimiser state, and those before."""

    model: bytes
    state: bytes
    old_model: bytes
    old_state: bytes


@dataclass(frozen=True)
class Challenge:
    """Say that the claim is wrong at one coordinate of the model (`matter` 1) or of the optimiser's
    state (2), and show why: what was there, what is claimed, and `column`, the entries of the
    counted updates at the coordinate, int32 little-endian in cohort order.

    `openings`, in order: of the model the old and the claimed one, and where the server's optimiser
    moves the coordinate the old state; of the state the old and the claimed one. `number` is 0 for
    a new dispute, for which up to `bond` stake tokens are pulled, or that of the sender's descent
    whose chunk was served, which needs no further bond.
    """

    task: bytes
    number: int
    matter: int
    coordinate: int
    roots: Roots
    openings: tuple[Opening, ...]
    column: bytes
    bond: int


@dataclass(frozen=True)
class Refute:
    """Open the entry of a filed column, resupplied, that its participant did not commit to."""

    task: bytes
    number: int
    position: int
    column: bytes
    opening: Opening


@dataclass(frozen=True)
class Descend:
    """Say that bytes of the claimed model (`matter` 1) or state (2) are not served: whoever stands
    by the claim must lead down to a chunk that the sender chooses. Of `roots` the claimed ones are
    read."""

    task: bytes
    matter: int
    roots: Roots
    bond: int


@dataclass(frozen=True)
class Unfold:
    """Post the hashes six levels below a descent's node, or fewer above the leaves. Anyone may."""

    task: bytes
    number: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class Pick:
    """Choose where a descent goes on: one of the hashes posted last, resupplied."""

    task: bytes
    number: int
    child: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class Demand:
    """Say that a chunk of the counted update at a cohort position is not served."""

    task: bytes
    position: int
    chunk: int
    bond: int


@dataclass(frozen=True)
class Supply:
    """Post the chunk that is due: with its path to the update's root for a demand, with none at the
    end of a descent. Anyone may."""

    task: bytes
    number: int
    opening: Opening


@dataclass(frozen=True)
class Decide:
    """Decide a dispute on which the side that had to move was silent. Anyone may."""

    task: bytes
    number: int


Action = (
    Publish
    | Register
    | Open
    | Advance
    | Commit
    | Reveal
    | Hold
    | CommitVerdict
    | RevealVerdict
    | RevealMissing
    | Duplicate
    | Settle
    | Report
    | Claim
    | Withdraw
    | Challenge
    | Refute
    | Descend
    | Unfold
    | Pick
    | Demand
    | Supply
    | Decide
)
