"""What happened in court: events like those of `events`, emitted by the same contract.

`number` is the dispute's in its round, from 1; `deadline` is when the next move is late, in ledger
time (seconds).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Challenged:
    """A column was filed against the claimed model (`matter` 1) or state (2)."""

    task: bytes
    account: bytes
    round: int
    number: int
    matter: int
    coordinate: int
    column: bytes
    deadline: int


@dataclass(frozen=True)
class Refuted:
    """The entry at a cohort position was not what its participant committed to."""

    task: bytes
    account: bytes
    round: int
    number: int
    position: int


@dataclass(frozen=True)
class Descended:
    """A challenger asks for what is below a node of the claimed model (`matter` 1) or state (2): at
    level 0 for the chunk itself."""

    task: bytes
    account: bytes
    round: int
    number: int
    matter: int
    level: int
    index: int
    node: bytes
    deadline: int


@dataclass(frozen=True)
class Unfolded:
    """Somebody posted the hashes below a descent's node."""

    task: bytes
    account: bytes
    round: int
    number: int
    hashes: tuple[bytes, ...]
    deadline: int


@dataclass(frozen=True)
class Demanded:
    """A chunk of a counted update is due: `matter` 3, or 4 for a member's `Missing`; `bonds` is how
    many of the task's bonds are locked."""

    task: bytes
    account: bytes
    round: int
    number: int
    matter: int
    position: int
    chunk: int
    bonds: int
    deadline: int


@dataclass(frozen=True)
class Supplied:
    """Somebody posted the chunk that was due; `deadline` is 0 where that ends the dispute."""

    task: bytes
    account: bytes
    round: int
    number: int
    chunk: bytes
    deadline: int


@dataclass(frozen=True)
class Decided:
    """The side that had to move was silent; `standing` is 5 for the opener, 6 against it, 7 without
    effect."""

    task: bytes
    round: int
    number: int
    standing: int


@dataclass(frozen=True)
class WindowExtended:
    """An answer moved the end of the challenge window."""

    task: bytes
    round: int
    attempt: int
    deadline: int


@dataclass(frozen=True)
class CourtPaid:
    """At settlement: an opener's bond that returned, and what an account earned in court, in the
    stake token. `number` is the dispute's."""

    task: bytes
    account: bytes
    round: int
    number: int
    returned: int
    earned: int
