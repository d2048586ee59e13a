"""What somebody brings to a run or a task from elsewhere: the head's hash, a file of addresses that
must have countersigned it, the countersignatures themselves, or a key file to countersign with."""

from __future__ import annotations

import os
import re
from pathlib import Path

from eth_utils.address import is_checksum_address, to_canonical_address

from sheaf.apps.reading import content
from sheaf.ledger.keys import parse_key
from sheaf.nodes.anchoring import FILE, LARGEST_BYTES, Anchor, Countersignature, parsed
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage
from sheaf.store.files import is_folder

_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_ADDRESS = re.compile(r"0x(?:[0-9a-f]{40}|[0-9A-F]{40})")

MOST_ADDRESSES_BYTES = 2**20
"""Of a file of addresses: some 24,000."""
MOST_KEY_CHARACTERS = 2**12
"""Of a key's file, which holds 64 and what stands around them."""


def anchor(head: str | None, keys: Path | None, signatures: Path | None = None) -> Anchor:
    """What to hold against a history: a head's hash in hex, a file of addresses, and where their
    countersignatures are, if not in a run's folder; each may be None.

    Raises `InvalidUsage` for a hash that is none, and for signatures that nobody is to have made;
    and what `addresses` and `countersignatures` raise.
    """
    wanted = None
    if head is not None:
        matched = _HASH.fullmatch(head)
        if matched is None:
            raise InvalidUsage(f"--head: found {head!r:.80}, accepted: 64 hex digits")
        wanted = bytes.fromhex(matched[1])
    if signatures is not None and keys is None:
        raise InvalidUsage("--signatures: found it without --keys, accepted: with it")
    made = None if signatures is None else countersignatures(signatures)
    files = (("--keys", keys), ("--signatures", signatures))
    options = [word for name, path in files if path is not None for word in (name, str(path))]
    return Anchor(wanted, () if keys is None else addresses(keys), made, options)


def countersignatures(path: Path) -> list[Countersignature]:
    """Those in a file, or in a run's folder. Raises `InvalidUsage` where it cannot be read,
    `VerificationFailed` for anything that is none, or is not that of its account."""
    path = path / FILE if is_folder(path) else path
    return parsed(content(path, LARGEST_BYTES, "--signatures"), str(path))


def addresses(path: Path) -> tuple[bytes, ...]:
    """The 20-byte addresses in a file: one a line, `#` begins a comment.

    Raises `InvalidConfiguration`, naming the line, for anything else, for an address that is there
    twice, and for a file without any, which would demand nothing.
    """
    lines: dict[bytes, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        if not (_ADDRESS.fullmatch(written) or is_checksum_address(written)):
            accepted = "an address: 0x and 40 hex digits, whose capitals are its checksum"
            # Who mistakes a key's file for this one has its key told to nobody.
            found = "64 hex digits" if _HASH.fullmatch(written) else f"{written!r:.80}"
            raise InvalidConfiguration(f"{path}:{number}: found {found}, accepted: {accepted}")
        address = bytes(to_canonical_address(written))
        if address in lines:
            where = f"the address of line {lines[address]} again"
            raise InvalidConfiguration(f"{path}:{number}: found {where}, accepted: each once")
        lines[address] = number
    if not lines:
        raise InvalidConfiguration(f"{path}: found no address, accepted: at least one")
    return tuple(lines)


def signing_key(path: Path) -> bytes:
    """The 32-byte ledger key in a file that is its owner's alone, as 64 hex digits.

    Raises `InvalidConfiguration`, which never shows what the file holds, and `InvalidUsage` where
    it cannot be read.
    """
    if _HASH.fullmatch(path.name):
        raise InvalidUsage("--key: found 64 hex digits, accepted: a file that holds them")
    return parse_key(_private(path), str(path))


def _lines(path: Path) -> list[str]:
    try:
        return content(path, MOST_ADDRESSES_BYTES).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidConfiguration(f"{path}: found no text") from error


def _private(path: Path) -> str:
    # Not as a file alone: a key may come through a pipe of its owner's.
    try:
        with path.open(encoding="utf-8") as file:
            # Windows keeps no such bits; there the file's list of access rights is the owner's own.
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if os.name != "nt" and mode & 0o077:
                raise InvalidConfiguration(
                    f"{path}: found mode {mode:04o}, accepted: 0600; whoever reads it can sign",
                    hint=f"chmod 600 {path}",
                )
            found = file.read(MOST_KEY_CHARACTERS + 1)
    except OSError as error:
        raise InvalidUsage(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidConfiguration(f"{path}: found no text") from error
    if len(found) > MOST_KEY_CHARACTERS:
        raise InvalidConfiguration(
            f"{path}: found more than {MOST_KEY_CHARACTERS:,} characters, accepted: 64 hex digits"
        )
    return found
