"""Countersigning the head of a run or a task that was verified."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from eth_utils.address import to_checksum_address

from sheaf.apps.anchors import countersignatures
from sheaf.apps.subjects import Subject
from sheaf.ledger.client import address_of
from sheaf.nodes.anchoring import FILE, Anchor, Countersignature, Statement, add, read
from sheaf.nodes.hold import held
from sheaf.nodes.verification import NOTHING
from sheaf.protocol.errors import InvalidUsage
from sheaf.store.files import exists, is_folder


@dataclass(frozen=True)
class Countersigned:
    """By which account (an address with its checksum) what was countersigned, and whether that is
    `new`."""

    address: str
    statement: Statement
    new: bool


def countersigned(
    subject: Subject, key: bytes, anchor: Anchor = NOTHING, signatures: Path | None = None
) -> Countersigned:
    """Verify a run or a task up to the anchored head, if there is one, and countersign its head
    with a ledger key. A run's countersignatures are in its folder, a task's in the file
    `signatures`, which may not be there yet.

    Raises what verifying raises, then nothing is signed; `InvalidUsage` before the task's end, and
    for a file with a run, or none with a task.
    """
    folder = subject.folder
    if (folder is None) == (signatures is None):
        found, accepted = (
            ("a task without it", "a file to add the signature to")
            if folder is None
            else ("it for a run", "for a task; a run's are in its folder")
        )
        raise InvalidUsage(f"--signatures: found {found}, accepted: {accepted}")
    with held(folder) if folder is not None else nullcontext():
        # A first look before anything is verified, which may take long.
        _known(folder, signatures)
        with subject.opened(anchor) as case:
            case.verify()
        phase = case.evidence.trail.phase.name
        if not case.evidence.trail.over:
            raise InvalidUsage(
                f"{subject.name}: found a task in {phase}, accepted: one that has ended"
            )
        statement, account = Statement.of(case.evidence), address_of(key)
        # Others may have signed meanwhile, in a task's file.
        path, known = _known(folder, signatures)
        new = not any((e.account, e.statement) == (account, statement) for e in known)
        if new:
            add(path, known, statement, [key])
    return Countersigned(to_checksum_address(account), statement, new)


def _known(folder: Path | None, signatures: Path | None) -> tuple[Path, Sequence[Countersignature]]:
    """The file that a countersignature is added to, and those that are there."""
    if folder is not None:
        return folder / FILE, read(folder)
    assert signatures is not None
    if is_folder(signatures):
        raise InvalidUsage(f"--signatures: found the folder {signatures}, accepted: a file")
    if not is_folder(signatures.absolute().parent):
        raise InvalidUsage(
            f"--signatures: found no folder {signatures.parent}, accepted: a file in one"
        )
    return signatures, countersignatures(signatures) if exists(signatures) else ()
