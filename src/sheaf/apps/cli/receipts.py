"""`sheaf receipts`: what the actors of a run or a task signed, step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.about import about_evidence
from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned, printable
from sheaf.protocol.errors import InvalidDocument, InvalidUsage, VerificationFailed

if TYPE_CHECKING:
    from sheaf.apps.subjects import About
    from sheaf.nodes.evidence import Evidence
    from sheaf.nodes.receipts import Finding

SUFFIX = ".dsse.json"
_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


@about_evidence
def receipts(
    about: About,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Write each to a file in a new folder."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", help="Look at one file instead, with --key."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="HEX", help="The public key that must have signed it."),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run or a task and list what its actors signed; exit 5 where a receipt does not
    hold."""
    if check is not None or key is not None:
        if check is None or about.says_anything or export:
            raise InvalidUsage("--check: found it among others, accepted: --check FILE --key HEX")
        statement = checked(check, key)
        signer = statement["predicate"]["signer"]
        told = f"signed by {signer['publicKey']}"
        told += f", a key of {signer['account']}" if "binding" in signer else ""
        say(format, lambda: f"{check.name}: {told}\n{_plainly(statement)}", statement)
        return
    from sheaf.nodes.receipts import require_all

    evidence, listed = examined(about)
    if export is not None:
        write(evidence, listed, export)
    rows = [_row(evidence, each) for each in listed]
    say(format, lambda: _table(rows), rows)
    require_all(listed)


def examined(about: About) -> tuple[Evidence, list[Finding]]:
    """The evidence, verified, and every step with its receipt. Raises what `verify` raises."""
    from sheaf.nodes.receipts import findings

    with about.subject().opened(about.anchor()) as case:
        case.verify()
        return case.evidence, list(findings(case.evidence))


def write(evidence: Evidence, listed: Sequence[Finding], folder: Path) -> None:
    """Each receipt that holds as a file in `folder`, named after round, attempt, account and, of an
    act, what it is and the beginning of its id.

    Raises `InvalidUsage` where something lies there, `StoreUnavailable` where nothing can be
    written.
    """
    from eth_utils.address import to_checksum_address

    from sheaf.store.files import reachable, write_atomically

    with reachable(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidUsage(f"--export: found something in {folder}, accepted: a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    digits = len(str(evidence.trail.round))
    for each in listed:
        if each.signed is not None:
            step = each.owed.step
            who = to_checksum_address(step.account)
            # In court somebody may do the same twice, and the receipts differ.
            act = f"-{step.act.name}-{each.owed.receipt.hex()[:8]}" if step.act else ""
            name = f"round-{step.round:0{digits}d}-attempt-{step.attempt}-{who}{act}{SUFFIX}"
            write_atomically(folder / name, each.signed.content)


def checked(file: Path, key: str | None) -> dict[str, Any]:
    """The statement in a receipt's file, signed by the public `key` (hex), or by the one it names
    where the account's ledger key signed for that; that a seat's key is its account's is on the
    ledger alone.

    Raises `InvalidUsage` for what is no key or file, and without a key for a seat's receipt;
    `InvalidDocument` for what is no receipt, `VerificationFailed` where another key signed it, or
    another account bound it.
    """
    from sheaf.apps.reading import content
    from sheaf.identity.envelope import MAX_ENVELOPE_BYTES, Envelope
    from sheaf.identity.statement import Receipt
    from sheaf.nodes.attesting import is_bound

    matched = _KEY.fullmatch(key or "0" * 64)
    if matched is None:
        raise InvalidUsage(f"--key: found {key!r:.80}, accepted: 64 hex digits")
    envelope = Envelope.decode(content(file, MAX_ENVELOPE_BYTES, "--check", InvalidDocument))
    receipt = Receipt.decode(envelope.payload)
    if key is None and receipt.binding is None:
        raise InvalidUsage(
            f"--check: found the receipt of a seat in {file.name}, accepted: with --key HEX, its "
            "public key, which the ledger binds to the account"
        )
    public = receipt.public if key is None else bytes.fromhex(matched[1])
    if not envelope.is_signed_by(public):
        raise VerificationFailed(f"{file.name}: not signed by {public.hex()}")
    if receipt.binding is not None and not is_bound(receipt):
        raise VerificationFailed(f"{file.name}: the account it names did not sign for its key")
    return receipt.statement()


def _row(evidence: Evidence, found: Finding) -> dict[str, Any]:
    from sheaf.nodes.receipts import kind_of

    step, given = found.owed.step, found.owed.receipt
    return {
        "round": step.round,
        "attempt": step.attempt,
        "actor": evidence.who(step.account),
        "step": kind_of(step),
        "subject": step.subjects[0].name,
        "root": step.subjects[0].root.hex(),
        "receipt": given.hex() if any(given) else None,
        "valid": None if not any(given) else not found.wrong,
        "withheld": found.withheld,
        "wrong": found.wrong,
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Hashes by their first digits: `--format json` has them whole."""
    head = ["round", "attempt", "actor", "step", "subject", "root", "receipt", "valid"]
    valid = {None: "none given", True: "yes", False: "no"}
    lines = [
        [
            str(row["round"]),
            str(row["attempt"] or "-"),
            row["actor"],
            row["step"],
            row["subject"],
            row["root"][:16],
            (row["receipt"] or "-")[:16],
            "withheld" if row["withheld"] else valid[row["valid"]],
        ]
        for row in rows
    ]
    return aligned([head, *lines], frozenset({0, 1}))


def _plainly(content: Any, name: str = "") -> str:
    """A statement's fields, one a line."""
    if isinstance(content, dict):
        return "\n".join(_plainly(v, f"{name}.{k}".lstrip(".")) for k, v in content.items())
    if isinstance(content, list) and any(isinstance(item, dict) for item in content):
        return "\n".join(_plainly(item, f"{name}[{i}]") for i, item in enumerate(content))
    shown = "-" if content is None else content
    return printable(f"{name}: {shown}")
