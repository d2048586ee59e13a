"""Receipts, checked against the ledger: signature, key, and every field that the ledger has.

What a receipt says of its data's policy, of privacy and of software is its signer's word, and is
shown as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from sheaf.identity.envelope import MAX_ENVELOPE_BYTES, Envelope
from sheaf.identity.statement import Receipt, Step
from sheaf.nodes import respecification
from sheaf.nodes.acts import ACTS, Place, act_step
from sheaf.nodes.attesting import is_bound, receipt_id
from sheaf.nodes.evidence import NOWHERE, Evidence, Report, fail
from sheaf.nodes.steps import NO_ATTEMPT, missing_step, result_step, update_step
from sheaf.nodes.trail import Verdict
from sheaf.protocol import actions as a
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    BlobOutOfReach,
    InvalidDocument,
    VerificationFailed,
)
from sheaf.protocol.events import Opened, Revealed, VerdictRevealed
from sheaf.protocol.hashing import ZERO, key_nonce
from sheaf.store.interface import Store, first_sound, get_copy

WITHHELD = "withheld: "
"""What is said first of a receipt whose id is on the ledger and whose bytes are nowhere."""


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
    empty where the actor gave none. One that is `withheld` is named on the ledger, and no store
    that was asked has its bytes."""

    owed: Owed
    signed: Signed | None
    wrong: str = ""
    withheld: bool = False


def check_receipts(evidence: Evidence, report: Report, round: int | None = None) -> None:
    """Every receipt that the ledger names, or every one of a round; raises as `require_all` and
    `findings` do. An actor may give none."""
    listed = list(findings(evidence, round))
    require_all(listed)
    given = sum(found.signed is not None for found in listed)
    without = len(listed) - given
    which = "receipts" if round is None else f"receipts of round {round}"
    detail = f"{which} signed by keys bound to accounts, saying what the ledger says"
    report.add("receipts", given, detail + (f"; steps without one: {without}" if without else ""))


def require_all(listed: Sequence[Finding]) -> None:
    """Raise `VerificationFailed` with every receipt that does not hold: those that are there before
    those that are withheld, so that none of these hides one of those."""
    wrong = sorted((found for found in listed if found.wrong), key=lambda found: found.withheld)
    if wrong:
        told = wrong[0].wrong + _more(wrong[1:])
        raise VerificationFailed(told, others=[found.wrong for found in wrong[1:]])


def _more(wrong: Sequence[Finding]) -> str:
    """How many others there are, of either kind; "" for none."""
    withheld = sum(found.withheld for found in wrong)
    told = [f"{withheld} withheld"] if withheld else []
    told += [f"{len(wrong) - withheld} that do not hold"] if len(wrong) > withheld else []
    return f"; and of other receipts {', '.join(told)}" if told else ""


def note_withheld(evidence: Evidence, report: Report) -> None:
    """Name every receipt whose id is on the ledger and whose bytes no store has as that names them,
    where all of them answer.

    It is no difference: nothing in the results rests on a receipt, and whoever keeps its own back
    must not be able to spoil everybody's verification. Where receipts are asked for, it is one.
    """
    # The store in a run's folder was read whole before.
    whole = evidence.directory != NOWHERE
    for each in owed(evidence):
        if each.receipt == ZERO or (whole and evidence.store.has(receipt_id(each.receipt))):
            continue
        if _is_nowhere(evidence.store, each.receipt):
            report.withheld.append(f"{told(evidence, each)}: {each.receipt.hex()}")


def _is_nowhere(store: Store, receipt: bytes) -> bool:
    """Whether no copy is what the id names; each is small, and is read. Not known, and so not said,
    as long as a store does not answer."""
    try:
        _content(store, receipt)
    except BlobOutOfReach:
        return False
    except (BlobMissing, BlobCorrupt):
        return True
    return False


def _content(store: Store, receipt: bytes) -> bytes:
    """The bytes that a receipt's id names. Raises as `Store.get` does; `BlobCorrupt` for more than
    an envelope may have."""
    content_id = receipt_id(receipt)
    return first_sound(
        store, content_id, lambda copy: get_copy(copy, content_id, MAX_ENVELOPE_BYTES)
    )


def findings(evidence: Evidence, round: int | None = None) -> Iterator[Finding]:
    """Every step, of all rounds unless one is named, with its receipt, or with what is wrong with
    that. Raises `BlobOutOfReach` where a store that may have a receipt does not answer: nobody is
    said to have withheld one then."""
    checker = _Checker(evidence)
    for each in owed(evidence):
        if round not in (None, each.step.round):
            continue
        try:
            signed = checker.checked(each) if each.receipt != ZERO else None
        except BlobOutOfReach as error:
            raise BlobOutOfReach(f"{told(evidence, each)}: {error.message}", error.hint) from error
        except BlobMissing as error:
            yield Finding(each, None, f"{told(evidence, each)}: {WITHHELD}{error.message}", True)
        except VerificationFailed as error:
            yield Finding(each, None, error.message)
        else:
            yield Finding(each, signed)


def owed(evidence: Evidence) -> Iterator[Owed]:
    """Every revealed step of the task, in the ledger's order of rounds, updates before verdicts;
    then every act, in the ledger's order."""
    for number, found in sorted(evidence.trail.rounds.items()):
        for _, update in sorted(found.reveals.items()):
            yield Owed(_update(evidence, update), update.receipt)
        for _, verdict in sorted(found.verdicts.items()):
            yield Owed(_verdict(evidence, number, verdict), verdict.receipt)
    yield from acts(evidence)


def acts(evidence: Evidence) -> Iterator[Owed]:
    """Every act of the task that the ledger did not refuse, in its order."""
    for step in evidence.steps:
        place = _place(evidence, step)
        if place is not None and step.action is not None:
            initial = evidence.task.model.initial
            named = act_step(evidence.trail, place, step.sender, step.action, initial)
            yield Owed(named, step.receipt)


def _place(evidence: Evidence, step: respecification.Step) -> Place | None:
    """Where an act of the task belongs, by the event that it caused; None for all else."""
    task, action = evidence.trail.task, step.action
    if not isinstance(action, ACTS):
        return None
    event = next((e for e in step.events if getattr(e, "task", None) == task), None)
    if event is None:
        return None
    if isinstance(action, a.Publish | a.Report | a.Duplicate):
        return Place(getattr(event, "round", 0), NO_ATTEMPT)
    round, number = getattr(event, "round", 0), getattr(event, "number", 0)
    return Place(round, evidence.trail.rounds[round].disputes[number].attempt)


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


@dataclass
class _Checker:
    """Holds receipts against one task's evidence; `nonces` are what each account opened in it."""

    evidence: Evidence
    nonces: Mapping[bytes, bytes] = field(init=False)

    def __post_init__(self) -> None:
        task = self.evidence.trail.task
        opened = (event for step in self.evidence.steps for event in step.events)
        mine = (e for e in opened if isinstance(e, Opened) and e.task == task)
        self.nonces = {e.account: e.nonce for e in mine}

    def checked(self, each: Owed) -> Signed:
        """The receipt of a step, which holds. Raises `VerificationFailed`, which tells the first
        thing that does not with its actor, and `BlobMissing` where the bytes are not to be had."""
        what = told(self.evidence, each)
        try:
            content = _content(self.evidence.store, each.receipt)
            envelope = Envelope.decode(content)
            receipt = Receipt.decode(envelope.payload)
        except (BlobCorrupt, InvalidDocument) as error:
            fail(f"{what}: {error.message}")
        if not envelope.is_signed_by(receipt.public):
            fail(f"{what}: the signature is not that of the key it names, {receipt.public.hex()}")
        for name, found, expected in _fields(receipt.step, each.step):
            if found != expected:
                fail(f"{what}: {name}: found {found!r:.200}, the ledger says {expected!r:.200}")
        bundle = self.evidence.task.model.bundle
        if receipt.bundle != bundle:
            fail(f"{what}: bundle: found {receipt.bundle.hex()}, the task pins {bundle.hex()}")
        wrong = self._unbound(receipt)
        if wrong:
            fail(f"{what}: the key {receipt.public.hex()} is not the one that the account {wrong}")
        return Signed(receipt, content)

    def _unbound(self, receipt: Receipt) -> str:
        """How the account bound itself to another key, or to none; "" where it is this one."""
        if receipt.binding is not None:
            return "" if is_bound(receipt) else "bound itself to by its ledger key's signature"
        nonce, blind = self.nonces.get(receipt.step.account), receipt.blind
        bound = blind is not None and key_nonce(receipt.public, blind) == nonce
        return "" if bound else "bound itself to by the nonce it opened"


def kind_of(step: Step) -> str:
    """What a step is, in a word: an act by the ledger's name for it."""
    if step.act is not None:
        return step.act.name
    return "update" if step.samples is not None else "verdict"


def told(evidence: Evidence, each: Owed) -> str:
    """Which receipt, for people."""
    step = each.step
    place = f"round {step.round}"
    place += f", attempt {step.attempt}" if step.attempt != NO_ATTEMPT else ""
    what = f" for its {step.act.name}" if step.act is not None else ""
    return f"receipt: {place}: the receipt of {evidence.who(step.account)}{what}"


def _fields(found: Step, expected: Step) -> Iterator[tuple[str, object, object]]:
    """Field by field what a receipt says and what the ledger says, bytes in hex."""
    for each in fields(Step):
        yield each.name, _shown(getattr(found, each.name)), _shown(getattr(expected, each.name))


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
