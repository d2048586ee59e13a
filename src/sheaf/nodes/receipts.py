"""Receipts, checked against the ledger: signature, key, and every field that the ledger has.

What a receipt says of its data's policy, of privacy and of software is its signer's word, and is
shown as that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from sheaf.identity.envelope import MAX_ENVELOPE_BYTES, Envelope
from sheaf.identity.statement import Receipt, Step
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.evidence import Evidence, Report, fail
from sheaf.nodes.steps import NO_ATTEMPT, missing_step, result_step, update_step
from sheaf.nodes.trail import Verdict
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidDocument,
    VerificationFailed,
)
from sheaf.protocol.events import Opened, Revealed, VerdictRevealed
from sheaf.protocol.hashing import ZERO, key_nonce
from sheaf.store.interface import first_sound, get_copy


@dataclass(frozen=True)
class Owed:
    """A step that the ledger has, and the id of the receipt that its actor committed to, zero where
    it gave none."""

    step: Step
    receipt: bytes


@dataclass(frozen=True)
class Signed:
    """A receipt that holds: what it says, and the envelope's bytes."""

    receipt: Receipt
    content: bytes


@dataclass(frozen=True)
class Finding:
    """A step, and its receipt, if it has one that holds; else `wrong` says why it does not, and is
    empty where the actor gave none."""

    owed: Owed
    signed: Signed | None
    wrong: str = ""


def check_receipts(evidence: Evidence, report: Report, round: int | None = None) -> None:
    """Every receipt that the ledger names, or every one of a round; raises `VerificationFailed` for
    the first that does not hold. An actor may give none."""
    given = without = 0
    for found in findings(evidence, round):
        if found.wrong:
            fail(found.wrong)
        given, without = given + (found.signed is not None), without + (found.signed is None)
    which = "receipts" if round is None else f"receipts of round {round}"
    detail = f"{which} signed by keys bound to accounts, saying what the ledger says"
    report.add("receipts", given, detail + (f"; steps without one: {without}" if without else ""))


def findings(evidence: Evidence, round: int | None = None) -> Iterator[Finding]:
    """Every step, of all rounds unless one is named, with its receipt, or with what is wrong with
    that."""
    nonces = _nonces(evidence)
    for each in owed(evidence):
        if round not in (None, each.step.round):
            continue
        try:
            found = each.receipt != ZERO
            signed = _checked(evidence, each, nonces[each.step.account]) if found else None
        except VerificationFailed as error:
            yield Finding(each, None, error.message)
        else:
            yield Finding(each, signed)


def owed(evidence: Evidence) -> Iterator[Owed]:
    """Every revealed step of the task, in the ledger's order of rounds, updates before verdicts."""
    for number, found in sorted(evidence.trail.rounds.items()):
        for _, update in sorted(found.reveals.items()):
            yield Owed(_update(evidence, update), update.receipt)
        for _, verdict in sorted(found.verdicts.items()):
            yield Owed(_verdict(evidence, number, verdict), verdict.receipt)


def _update(evidence: Evidence, e: Revealed) -> Step:
    base = evidence.trail.model_after(e.round - 1, evidence.task.model.initial)
    return update_step(evidence.trail, e.round, e.account, base, e.root, e.samples)


def _verdict(evidence: Evidence, number: int, e: Verdict) -> Step:
    trail = evidence.trail
    base = trail.model_after(number - 1, evidence.task.model.initial)
    where = (number, e.attempt, e.account, (base, trail.state_after(number - 1)))
    if isinstance(e, VerdictRevealed):
        return result_step(trail, *where, e.model_root, e.state_root)
    return missing_step(trail, *where, e.position, e.chunk)


def _nonces(evidence: Evidence) -> dict[bytes, bytes]:
    """What each account opened in this task."""
    opened = (event for step in evidence.steps for event in step.events)
    task = evidence.trail.task
    return {e.account: e.nonce for e in opened if isinstance(e, Opened) and e.task == task}


def _checked(evidence: Evidence, each: Owed, nonce: bytes) -> Signed:
    """The receipt of a step, which holds; the first thing that does not is told with its actor."""
    step, what = each.step, _told(evidence, each.step)
    try:
        content_id = receipt_id(each.receipt)
        content = first_sound(
            evidence.store,
            content_id,
            lambda copy: get_copy(copy, content_id, MAX_ENVELOPE_BYTES),
        )
        envelope = Envelope.decode(content)
        receipt = Receipt.decode(envelope.payload)
    except (BlobMissing, BlobCorrupt, InvalidDocument) as error:
        fail(f"{what}: {error.message}")
    if not envelope.is_signed_by(receipt.public):
        fail(f"{what}: the signature is not that of the key it names, {receipt.public.hex()}")
    for name, found, expected in _fields(receipt.step, step):
        if found != expected:
            fail(f"{what}: {name}: found {found!r:.200}, the ledger says {expected!r:.200}")
    bundle = evidence.task.model.bundle
    if receipt.bundle != bundle:
        fail(f"{what}: bundle: found {receipt.bundle.hex()}, the task pins {bundle.hex()}")
    if key_nonce(receipt.public, receipt.blind) != nonce:
        fail(
            f"{what}: the key {receipt.public.hex()} is not the one that the account bound itself "
            "to by the nonce it opened"
        )
    return Signed(receipt, content)


def _told(evidence: Evidence, step: Step) -> str:
    """Which receipt, for people."""
    place = f"round {step.round}" + (
        f", attempt {step.attempt}" if step.attempt != NO_ATTEMPT else ""
    )
    return f"receipt: {place}: the receipt of {evidence.who(step.account)}"


def _fields(found: Step, expected: Step) -> Iterator[tuple[str, object, object]]:
    """Field by field what a receipt says and what the ledger says, bytes in hex."""
    for each in fields(Step):
        yield each.name, _shown(getattr(found, each.name)), _shown(getattr(expected, each.name))


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
