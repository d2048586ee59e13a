"""What must not be told, in every form in which it could be, and a search for it in bytes."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sheaf.nodes.accounts import Account

LEAST_DIGITS = 6
"""Of a number's text: fewer are anywhere by chance."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")


def bytes_forms(secret: bytes) -> Iterator[bytes]:
    """How bytes may stand in a file: as they are, hex, base64 at any place of a longer text,
    decimal either way round."""
    yield secret
    yield secret.hex().encode()
    yield secret[::-1].hex().encode()
    for shift, cut in enumerate((0, 2, 3)):
        # The digits at the ends belong to neighbours, too.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(shift) + secret).rstrip(b"=")[cut:-1]
    yield str(int.from_bytes(secret, "big")).encode()
    yield str(int.from_bytes(secret, "little")).encode()
    yield ", ".join(map(str, secret[:8])).encode()
    yield ",".join(map(str, secret[:8])).encode()


def text_forms(secret: str) -> Iterator[bytes]:
    """How a word may stand in a file."""
    yield secret.encode()
    yield from bytes_forms(secret.encode())


def number_forms(value: float) -> Iterator[bytes]:
    """How a number may stand in a text: as short as it can be told, or rounded."""
    short, exact = str(np.float32(value)), (repr(float(value)), float(value).hex())
    for text in (short, *exact, f"{value:.6f}", f"{value:.8g}"):
        if len(re.sub(r"[^0-9]", "", text).strip("0")) >= LEAST_DIGITS:
            yield text.encode()


def row_forms(row: NDArray[np.float32]) -> Iterator[bytes]:
    """How a row of data may stand in a file: each of its numbers, and all of it as bytes."""
    for value in row:
        yield from number_forms(float(value))
    for kind in ("<f4", ">f4", "<f8", ">f8"):
        yield from bytes_forms(row.astype(kind).tobytes())
    yield from bytes_forms(b"".join(struct.pack("<i", round(float(v) * 2**16)) for v in row))


def secrets_of(account: Account, task: bytes) -> Iterator[tuple[str, bytes]]:
    """What an account must keep to itself: what signs, and what nonces and salts come from."""
    yield f"{account.name}'s ledger key", account.key
    yield f"{account.name}'s secret", account.secrets.key
    yield f"{account.name}'s signing key", account.secrets.signing_key(task).seed


@dataclass
class Search:
    """Forms by what they are of; one pattern finds all of them, whatever the case of letters."""

    forms: dict[bytes, str] = field(default_factory=dict)

    def add(self, what: str, forms: Iterable[bytes]) -> None:
        """Look for something."""
        for form in forms:
            assert len(form) >= LEAST_DIGITS, (what, form)
            self.forms.setdefault(form.lower(), what)

    def found(self, contents: Mapping[str, bytes]) -> list[str]:
        """What is in which of the contents, and the beginning of how it stands there."""
        starts: dict[bytes, list[bytes]] = {}
        for form in self.forms:
            starts.setdefault(form[:LEAST_DIGITS], []).append(form)
        hits = []
        for name, whole in contents.items():
            for content in (part.lower() for part in unpacked(whole)):
                places = range(len(content) - LEAST_DIGITS + 1)
                begun = starts.keys() & {content[i : i + LEAST_DIGITS] for i in places}
                forms = (form for start in begun for form in starts[start] if form in content)
                hits += [f"{name}: {self.forms[form]} as {form[:24]!r}" for form in forms]
        return hits


def unpacked(content: bytes, depth: int = 2) -> Iterator[bytes]:
    """A content, and what is in it as base64: envelopes hold statements, and these a document."""
    yield content
    packed = _BASE64.findall(content) if depth else []
    for text in packed:
        yield from unpacked(base64.b64decode(text[: len(text) // 4 * 4]), depth - 1)


def files_under(folder: Path, *without: str) -> dict[str, bytes]:
    """All files below a folder by their relative names, but for those that begin so."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part in name for part in without):
            found[name] = path.read_bytes()
    return found
