"""`sheaf provenance` and `sheaf verify-model`: a model's papers, written and checked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from sheaf.apps.cli.about import about_evidence
from sheaf.apps.cli.options import Format, FormatOption, say
from sheaf.apps.cli.tables import aligned, printable
from sheaf.protocol.errors import InvalidDocument, InvalidUsage, VerificationFailed
from sheaf.store.files import at_once, reachable, write_atomically

if TYPE_CHECKING:
    from sheaf.apps.subjects import About
    from sheaf.audit.provenance.checking import Proven


SealingOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Sign the attestation with this ledger key (mode 0600) instead of the sponsor's.",
    ),
]
SignerOption = Annotated[
    str | None,
    typer.Option("--key", metavar="HEX", help="Demand this signer: a public key, or an address."),
]
MOST_HEADER_BYTES = 2**24
"""Of a header's file, which may be a node's answer with all transactions of its block."""
_SIGNER = re.compile(r"0x[0-9a-fA-F]{40}|(?:0x)?[0-9a-fA-F]{64}")


class Paper(StrEnum):
    """What can be written of a run's provenance."""

    ATTESTATION = "attestation"
    HEADER = "header"
    PROV = "prov"
    BOM = "bom"
    CARD = "card"
    EVENTS = "events"


@about_evidence
def provenance(
    about: About,
    out: Annotated[Path, typer.Option("--out", help="The folder; new files only.")] = Path(),
    only: Annotated[
        list[Paper] | None, typer.Option("--only", help="Instead of all; repeatable.")
    ] = None,
    key: SealingOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify a run or a task and write where its model comes from: attestation, PROV, BOM, card,
    events."""
    from sheaf.apps.anchors import signing_key
    from sheaf.apps.sealers import sealer_of
    from sheaf.audit.provenance.papers import papers

    ledger_key = None if key is None else signing_key(key)
    subject, wanted = about.subject(), [paper.value for paper in only or Paper]
    with subject.opened(about.anchor()) as case:
        case.verify()
        sealer = sealer_of(case.evidence, ledger_key)
        with case.ledger.archive() as archive:
            made = papers(case.evidence, archive, wanted, sealer, out=out)
    files = _written(out, made)
    signed = sealer.signatory.plain() if sealer and Paper.ATTESTATION in wanted else None
    plain = {subject.kind: subject.name, "files": files, "signed_by": signed}
    say(format, lambda: "\n".join(files), plain)


def verify_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The model, in safetensors.")],
    attestation: Annotated[
        Path, typer.Option("--attestation", metavar="FILE", help="What came with the model.")
    ],
    header: Annotated[
        Path,
        typer.Option("--header", metavar="FILE", help="The head's header: RLP in hex, or JSON."),
    ],
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="Demand this head, got from elsewhere."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="Demand this task, 0x and 64 hex digits."),
    ] = None,
    key: SignerOption = None,
    stateless: Annotated[
        bool,
        typer.Option("--stateless", help="Do without a proof that the contracts are Sheaf's."),
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Check a model file against a ledger's header, offline; exit 5 where anything differs."""
    from sheaf.apps.anchors import anchor
    from sheaf.apps.reading import content
    from sheaf.audit.provenance.checking import check, read_header
    from sheaf.audit.provenance.sealing import LARGEST_ENVELOPE_BYTES

    wanted = anchor(head, None).head
    statement = content(attestation, LARGEST_ENVELOPE_BYTES)
    block = read_header(_text(header))
    with _opened(file) as model:
        proven = check(model, statement, block, wanted, _signer(key))
    _demand(proven, task, stateless=stateless)
    plain = {
        "file": str(file),
        "verified": True,
        "anchored": proven.anchored,
        "task": proven.task.hex(),
        "round": proven.round,
        "root": proven.root.hex(),
        "head": proven.head.hash.hex(),
        "block": proven.head.number,
        "signed_by": None if proven.signer is None else proven.signer.plain(),
        "checks": [dataclasses.asdict(each) for each in proven.checks],
        "limits": [*proven.limits],
    }
    say(format, lambda: _told(file, proven), plain)


def _signer(key: str | None) -> str | None:
    """The signer that is demanded. Raises `InvalidUsage` for what is none."""
    if key is not None and not _SIGNER.fullmatch(key):
        accepted = "64 hex digits of a public key, or an address: 0x and 40 hex digits"
        raise InvalidUsage(f"--key: found {key!r:.80}, accepted: {accepted}")
    return key


def _demand(proven: Proven, task: str | None, *, stateless: bool) -> None:
    """Raise `VerificationFailed` for another task, and for contracts that nothing shows to be
    Sheaf's, `InvalidUsage` for what is no task's id."""
    from sheaf.apps.strangers import task_of
    from sheaf.audit.provenance.checking import STATELESS

    demanded = task_of(task)
    if task is not None and demanded is None:
        raise InvalidUsage(f"--task: found {task!r:.200}, accepted: 0x and 64 hex digits")
    if demanded not in (None, proven.task):
        raise VerificationFailed(f"task: found 0x{proven.task.hex()}, accepted: {task}")
    # Anybody can deploy a contract that says what a federation says.
    if STATELESS in proven.limits and not stateless:
        raise VerificationFailed(
            "attestation: carries no proof of the head's state, so that nothing shows whose "
            "contract it was; --stateless accepts that"
        )


def _written(out: Path, made: Mapping[str, bytes]) -> Collection[str]:
    """The files' paths, once all of them are written where none of them was."""
    paths = {out / name: content for name, content in made.items()}
    with reachable(out):
        taken = next((path for path in paths if path.exists()), None)
        if taken is not None:
            told = f"{taken}: found a file there already, accepted: a folder without it"
            raise InvalidUsage(told, hint="--out FOLDER")
        out.mkdir(parents=True, exist_ok=True)
    for path, content in paths.items():
        write_atomically(path, content)
    return [str(path) for path in paths]


def _told(file: Path, proven: Proven) -> str:
    anchored = "anchored by its head" if proven.anchored else "not anchored"
    first = f"verified: {printable(str(file))} is the model of round {proven.round}, {anchored}"
    rows: list[list[Any]] = [[c.name, f"{c.count:,}", c.detail] for c in proven.checks]
    limits = "\n".join(f"  - {limit}" for limit in proven.limits)
    return "\n\n".join([first, aligned(rows, frozenset({1})), f"Not shown\n{limits}"])


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A file to be read in any order. Raises `InvalidUsage` where it cannot be, then or later."""
    try:
        with open(path, "rb", opener=at_once) as file:
            if not file.seekable():
                raise InvalidUsage(f"{path}: found a pipe, accepted: a file, read in any order")
            yield file
    except OSError as error:
        raise InvalidUsage(f"{path}: cannot be read: {error.strerror or error}") from error


def _text(path: Path) -> str:
    from sheaf.apps.reading import content

    try:
        return content(path, MOST_HEADER_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"{path}: found no text, accepted: a header") from error
