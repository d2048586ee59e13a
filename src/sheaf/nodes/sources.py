"""Several ledgers of one task: how far they go, which of them can be read, whether they agree.

They must be one chain to the last block. Where they are not, a majority counts for nothing, and
whoever differs is named with what it said. One that cannot be read to the end, or answers nonsense,
says nothing about the chain: it is named, and left out only where whoever verifies said how many of
the others are enough, since agreement is what several were named for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eth_utils.address import to_checksum_address

from sheaf.ledger.federation import AddressBook, token_unit
from sheaf.nodes.evidence import Report, Told, fail
from sheaf.nodes.ledgers import Ledger, ignore, named
from sheaf.nodes.rereading import Ground
from sheaf.nodes.verification import check_code
from sheaf.protocol.errors import InvalidUsage, LedgerUnavailable

T = TypeVar("T")

LEFT_OUT = "what {name} says of this chain: {why}; it was left out"


@dataclass(frozen=True)
class Read:
    """A ledger that was read to the end, and what the others are held against."""

    ledger: Ledger
    ground: Ground
    book: AddressBook
    units: Sequence[dict[str, object]]
    contracts: Sequence[bytes]

    @classmethod
    def of(
        cls, ledger: Ledger, ground: Ground, book: AddressBook, contracts: Sequence[bytes]
    ) -> Read:
        """Asks the tokens for their units; `contracts` are those whose logs were looked for."""
        with named(ledger.name):
            units = _units(ground, book)
        return cls(ledger, ground, book, units, contracts)


class Sources:
    """Ledgers, of which at least `enough` must be read to the end (None: all).

    Raises `InvalidUsage` where there are not as many.
    """

    def __init__(self, ledgers: Sequence[Ledger], enough: int | None) -> None:
        if enough is not None and not 1 <= enough <= len(ledgers):
            count = len(ledgers)
            raise InvalidUsage(
                f"--enough: found {enough}, accepted: 1 to {count}, of {count} ledgers"
            )
        self._left, self._enough = list(ledgers), enough or len(ledgers)
        self._count, self._lost = len(ledgers), list[str]()
        self._behind = ""

    def last(self, head: bytes | None) -> int:
        """The block to go to: the one of the hash `head` or, with None, the last that all have.

        Raises `VerificationFailed` for one that lags, or does not have that block.
        """
        heights = self._of_each(lambda each: each.height())
        if head is not None:
            return self._anchored(heights, head)
        furthest = max(heights, key=lambda name: heights[name])
        behind = [each for each in self._left if heights[each.name] < heights[furthest]]
        for each in behind:
            if heights[furthest] - heights[each.name] > each.lag_blocks:
                fail(
                    f"{each.name}: ledger: lags: its last final block is {heights[each.name]}, "
                    f"{furthest} has {heights[furthest]}"
                )
        told = [f"{each.name} ends in block {heights[each.name]}" for each in behind]
        self._behind = f"; {', '.join(told)}, {furthest} in {heights[furthest]}" if told else ""
        return min(heights.values())

    def first(self, read: Callable[[Ledger], T]) -> T:
        """What `read` makes of the first ledger that it can read to the end."""
        while True:
            ledger = self._left[0]
            try:
                return read(ledger)
            except LedgerUnavailable as error:
                self._lose(ledger, error)

    def compare(self, first: Read, report: Report, told: Told) -> None:
        """Check the others by themselves and hold them against the first, and report all of it.
        `told` is told of their blocks."""
        for other in self._left[1:]:
            try:
                limits = _compare(first, other, told)
            except LedgerUnavailable as error:
                self._lose(other, error)
                continue
            more = [f"{each} ({other.name})" for each in limits if each not in report.limits]
            report.limits = (*report.limits, *more)
        if self._count > 1:
            names = ", ".join(each.name for each in self._left)
            whole = f"of {self._count} ledgers" if self._lost else "ledgers"
            detail = f"{whole} are one chain, with the same receipts and logs: {names}"
            report.add("sources", len(self._left), detail + self._behind)
        report.limits = (*report.limits, *self._lost)

    def _of_each(self, ask: Callable[[Ledger], T]) -> dict[str, T]:
        found = {}
        for each in tuple(self._left):
            try:
                found[each.name] = ask(each)
            except LedgerUnavailable as error:
                self._lose(each, error)
        return found

    def _anchored(self, heights: dict[str, int], head: bytes) -> int:
        numbers = self._of_each(lambda each: each.number_of(head))
        for name, number in numbers.items():
            if number is None:
                fail(
                    f"{name}: head: found no block {head.hex()}, which was asked for; its last "
                    f"final block is {heights[name]}"
                )
        # A hash binds its number, and each ledger proved the hash.
        (number,) = {number for number in numbers.values() if number is not None}
        return number

    def _lose(self, ledger: Ledger, error: LedgerUnavailable) -> None:
        """Go on without a ledger. Raises the error where too few are left."""
        self._left.remove(ledger)
        if len(self._left) < self._enough:
            if self._left and not error.hint:
                error.hint = f"--enough {len(self._left)} goes on without it"
            raise error
        self._lost.append(LEFT_OUT.format(name=ledger.name, why=error.message))


def _compare(first: Read, other: Ledger, told: Told) -> Sequence[str]:
    """Check another ledger by itself, then hold it against the first one; what of its code nobody
    proved."""

    def named_told(what: str, done: int, of: int) -> None:
        told(f"{other.name}: {what}", done, of)

    ground, spare = first.ground, Report("", limits=())
    last = ground.head.number
    found = other.read(last, lambda here: ignore, lambda: first.contracts, named_told)
    with named(other.name):
        if found.chain_id != ground.chain_id:
            fail(f"ledger: found chain {found.chain_id}, {first.ledger.name} is {ground.chain_id}")
        if found.head.hash != ground.head.hash:
            _fail_fork(first.ledger, other, found, ground)
        check_code(found, first.book, spare)
        units = zip(_tokens(first.book), _units(found, first.book), first.units, strict=True)
        for token, unit, expected in units:
            if unit != expected:
                fail(
                    f"code: token {to_checksum_address(token)}: found {unit}, "
                    f"{first.ledger.name} has {expected}"
                )
    return spare.limits


def _tokens(book: AddressBook) -> tuple[bytes, bytes]:
    return book.stake_token, book.reward_token


def _units(ground: Ground, book: AddressBook) -> list[dict[str, object]]:
    return [token_unit(ground.read, token) for token in _tokens(book)]


def _fail_fork(first: Ledger, other: Ledger, found: Ground, ground: Ground) -> None:
    """Name the first block in which two chains differ that hold each by itself, as far as both
    still say so: that they differ is known."""
    low, high = 0, ground.head.number
    hashes = found.head.hash, ground.head.hash
    try:
        while low < high:
            middle = (low + high) // 2
            each = other.hash_of(middle), first.hash_of(middle)
            if each[0] == each[1]:
                low = middle + 1
            else:
                high, hashes = middle, each
    except LedgerUnavailable:
        pass  # `high` is where they were seen to differ
    fail(
        f"ledger: block {high}: found {hashes[0].hex()}, {first.name} has {hashes[1].hex()}; each "
        "chain holds by itself, and --head says which is meant"
    )
