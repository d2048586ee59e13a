"""Anchoring: which of several consistent histories a reader means (docs/protocol, "What a replay
shows").

Whoever holds every key of a run can make another history that verifies as well. So a reader holds
something against it that came from elsewhere: the head's hash, or the addresses of parties that
must have countersigned the head at the end of the task. A countersignature says "this is the head
of the history I saw", and nothing about right or wrong. It is EIP-712 typed data, so that a wallet
can make one, too; the domain binds it to the chain and the federation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eth_utils.address import to_canonical_address, to_checksum_address

from sheaf.ledger.client import address_of
from sheaf.ledger.typed import sign_typed, signer_of, typed_digest
from sheaf.nodes.evidence import HISTORY, Evidence, Report, fail
from sheaf.nodes.summary import json_text, write_json
from sheaf.protocol.hashing import Deployment
from sheaf.store.files import beginning, exists, is_file, reachable

FILE = "countersignatures.json"
_LIST = "countersignatures"
LARGEST_BYTES = 2**24
"""Of a file of countersignatures: some 30,000."""
_TYPE = "Countersignature(bytes32 task,uint256 block,bytes32 head)"


@dataclass(frozen=True)
class Statement:
    """That block number `block`, of hash `head`, was the head when a task had ended."""

    chain_id: int
    federation: bytes
    task: bytes
    block: int
    head: bytes

    @classmethod
    def of(cls, evidence: Evidence) -> Statement:
        """What there is to countersign in a verified run."""
        book, place = evidence.book, evidence.place
        task = evidence.trail.task
        return cls(book.chain_id, book.federation, task, place.blocks, place.head)

    def digest(self) -> bytes:
        """What is signed: EIP-712's 32 bytes."""
        at = Deployment(self.chain_id, self.federation)
        return typed_digest(at, _TYPE, self.task, self.block, self.head)


@dataclass(frozen=True)
class Countersignature:
    """A statement, and an account's 65-byte signature (r, s, v) under it."""

    account: bytes
    statement: Statement
    signature: bytes

    @classmethod
    def make(cls, statement: Statement, key: bytes) -> Countersignature:
        """Sign with a 32-byte ledger key."""
        return cls(address_of(key), statement, sign_typed(statement.digest(), key))

    @cached_property
    def holds(self) -> bool:
        """Whether the account made the signature, in the one form that there is of it."""
        return signer_of(self.statement.digest(), self.signature) == self.account

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        s = self.statement
        return {
            "address": to_checksum_address(self.account),
            "chain_id": s.chain_id,
            "federation": to_checksum_address(s.federation),
            "task": s.task.hex(),
            "block": s.block,
            "head": s.head.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def parse(cls, plain: Any) -> Countersignature:
        """The inverse of `plain`. Raises `ValueError` for anything that `plain` does not make."""
        try:
            statement = Statement(
                plain["chain_id"],
                bytes(to_canonical_address(plain["federation"])),
                bytes.fromhex(plain["task"]),
                plain["block"],
                bytes.fromhex(plain["head"]),
            )
            account = bytes(to_canonical_address(plain["address"]))
            made = cls(account, statement, bytes.fromhex(plain["signature"]))
            numbers = (statement.chain_id, statement.block)
            sound = all(type(n) is int and 0 <= n < 2**256 for n in numbers)
            sound = sound and len(statement.task) == len(statement.head) == 32
            if not sound or made.plain() != plain:
                raise ValueError("not as it is written")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error
        return made


def countersign(directory: Path, statement: Statement, keys: Iterable[bytes]) -> None:
    """Add the countersignatures of these keys to a run's; each account's is there once.

    Raises `VerificationFailed` where those that are there already cannot be read.
    """
    add(directory / FILE, read(directory), statement, keys)


def add(
    path: Path,
    known: Sequence[Countersignature],
    statement: Statement,
    keys: Iterable[bytes],
) -> None:
    """Write a file of those that are `known` and the countersignatures of these keys."""
    made = [*known, *(Countersignature.make(statement, key) for key in keys)]
    entries = {(each.account, each.statement): each.plain() for each in made}
    write_json(path, {_LIST: [*entries.values()]})


def read(directory: Path) -> list[Countersignature]:
    """A run's countersignatures, none where there is no file; those of other heads, too.

    Raises `VerificationFailed` for anything else than well-formed, sound and different ones,
    `StoreUnavailable` where they cannot be read.
    """
    path = directory / FILE
    if not exists(path):
        return []
    if not is_file(path):
        fail(f"countersignatures: {path.name} is no file")
    with reachable(path):
        text = beginning(path, LARGEST_BYTES + 1)
    if text is None or len(text) > LARGEST_BYTES:
        fail(f"countersignatures: {path.name} has more than {LARGEST_BYTES:,} bytes")
    found = parsed(text, path.name)
    if text != json_text({_LIST: [each.plain() for each in found]}).encode():
        fail(f"countersignatures: {path.name} is not as Sheaf writes it")
    return found


def parsed(text: bytes, name: str) -> list[Countersignature]:
    """The countersignatures in a file's text, which may be of any layout; `name` is for messages.

    Raises `VerificationFailed` for anything else than well-formed, sound and different ones.
    """
    try:
        found = [Countersignature.parse(each) for each in json.loads(text)[_LIST]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        fail(f"countersignatures: {name} cannot be read: {error}")
    seen: set[tuple[bytes, Statement]] = set()
    for number, each in enumerate(found, start=1):
        what = f"number {number}, of {to_checksum_address(each.account)},"
        if not each.holds:
            fail(f"countersignatures: {what} is not that account's signature of what it says")
        if (each.account, each.statement) in seen:
            fail(f"countersignatures: {what} is there twice")
        seen.add((each.account, each.statement))
    return found


@dataclass(frozen=True)
class Anchor:
    """What a reader holds against a history: the head's hash, the accounts that must have
    countersigned it. Either may be left out; with neither, nothing is anchored. The signatures are
    those `made`, or with None those in the run's folder. `options` name the files of both."""

    head: bytes | None = None
    keys: Sequence[bytes] = ()
    made: Sequence[Countersignature] | None = None
    options: Sequence[str] = ()

    def last(self, task: bytes) -> bytes | None:
        """The hash of the block to end in: the head that was asked for, or else the last one of
        the task that all of the accounts countersigned; None where there is neither."""
        if self.head is not None or not self.keys:
            return self.head
        signed: dict[Statement, set[bytes]] = {}
        for each in self.made or ():
            if each.statement.task == task:
                signed.setdefault(each.statement, set()).add(each.account)
        by_all = [statement for statement, by in signed.items() if by.issuperset(self.keys)]
        return max(by_all, key=lambda statement: statement.block).head if by_all else None

    def check(self, evidence: Evidence, report: Report) -> None:
        """Check countersignatures, and that this is the history that the reader means."""
        statement = Statement.of(evidence)
        made = read(evidence.directory) if self.made is None else self.made
        signers = [each.account for each in made if each.statement == statement]
        others = len(made) - len(signers)
        detail = "parties countersigned this head"
        if report.whole or self.made is not None:
            report.add(_LIST, len(signers), detail + (f", {others} another one" if others else ""))
        if self.head is not None and self.head != statement.head:
            fail(f"head: found {statement.head.hex()}, but {self.head.hex()} was asked for")
        if self.keys and not evidence.trail.over:
            fail("countersignatures: the task has not ended, so nobody can have signed its end")
        for account in self.keys:
            if account not in signers:
                fail(_unsigned(evidence, account, made))
        report.anchors, report.asked = self._told(), (*report.asked, *self.options)
        if report.anchors:
            report.shown(HISTORY)

    def _told(self) -> tuple[str, ...]:
        told = ["the head hash"] if self.head is not None else []
        if self.keys:
            told.append(f"{len(self.keys)} countersignature{'s' if len(self.keys) > 1 else ''}")
        return tuple(told)


def _unsigned(evidence: Evidence, account: bytes, made: Sequence[Countersignature]) -> str:
    """Who did not countersign this head, and what they signed instead."""
    head, who = evidence.place.head.hex(), evidence.who(account)
    other = [each.statement for each in made if each.account == account]
    instead = f", but block {other[-1].block} of hash {other[-1].head.hex()}" if other else ""
    return f"countersignatures: {who} has not countersigned the head {head}{instead}"
